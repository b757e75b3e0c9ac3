// Measures whether an adapter helps (`src/companions/holdback/` in the Rust crate).

import { SMALLEST, f32, floats, integers, range, read, write } from "./documents.js";
import * as constant from "./generated/companions.js";
import { fields, mistyped, savable, sized, whole } from "./shared.js";

const [own, keep] = fields("holdback");

/** The adapter is applied from a lead of so many standard errors, and no longer below the second. */
const OPEN = f32(constant.OPEN);
const CLOSE = f32(constant.CLOSE);
/** The factor by which means forget, once their window is full. */
const KEEP = f32(1 - f32(1 / constant.WINDOW));

/** A weighted mean and what its standard error needs: sums of w, w v, w^2, w^2 v and w^2 v^2. */
class Mean {
  constructor(count = 0, sums = new Float32Array(5)) {
    this._count = count;
    this._sums = sums;
  }

  add(value) {
    this._count = Math.min(this._count + 1, 4294967295);
    const w = f32(Math.min(this._count, constant.WINDOW) / constant.WINDOW);
    const keep = this._count > constant.WINDOW ? KEEP : 1;
    const [sums, ww, keep2] = [this._sums, f32(w * w), f32(keep * keep)];
    sums[0] = f32(keep * sums[0]) + w;
    sums[1] = f32(keep * sums[1]) + f32(w * value);
    sums[2] = f32(keep2 * sums[2]) + ww;
    sums[3] = f32(keep2 * sums[3]) + f32(ww * value);
    sums[4] = f32(keep2 * sums[4]) + f32(f32(ww * value) * value);
  }

  get mean() {
    return this._sums[0] > 0 ? f32(this._sums[1] / this._sums[0]) : 0;
  }

  /** Squared standard error of the mean. */
  get error() {
    const [w, , ww, wwv, wwvv] = this._sums;
    const { mean } = this;
    const sum = f32(f32(wwvv - f32(f32(2 * mean) * wwv)) + f32(f32(mean * mean) * ww));
    // Equal values have a spread of zero, so it has a minimum.
    return f32(f32(Math.max(sum, f32(f32(constant.LEAST_SPREAD) * ww)) / w) / w);
  }
}

/** A ranking, each place of it read once. */
const ranked = (what, results) => {
  if (!Array.isArray(results) && !ArrayBuffer.isView(results)) mistyped(what, "an array of results", results);
  const all = [];
  for (let i = 0; i in results; i++) all.push(results[i]);
  return all;
};

const identity = (id) => id;

export class Holdback {
  constructor() {
    keep(this, {
      _since: 0,
      _serving: 0,
      _applied: 0,
      _events: 0,
      _shown: 0,
      _coin: 1,
      // The places of the last merged list that each ranking has filled.
      _teams: [[], []],
      _means: [new Mean(), new Mean(), new Mean()],
    });
  }

  get isApplied() {
    return own(this)._applied === 1;
  }

  isDue() {
    const values = own(this);
    return isTurn(values, values._applied ? share(values) : 1);
  }

  interleave(base, adapted, room, key = identity) {
    const values = own(this);
    [base, adapted] = [ranked("base", base), ranked("adapted", adapted)];
    whole("room", room, 1, constant.MAX_SHOWN);
    if (typeof key !== "function") mistyped("key", "a function, which tells results apart", key);
    const [shown, keys, teams] = [[], [], [[], []]];
    // An array of one or none, because a result may be any value, undefined included.
    const next = (ranking) => {
      const place = ranking.findIndex((id) => !keys.includes(key(id)));
      return place < 0 ? [] : [ranking[place]];
    };
    let coin = values._coin;
    while (shown.length < room) {
      const [other, picked] = [next(base), next(adapted)];
      if (!picked.length) break;
      let [id] = picked;
      // As in src/companions/holdback/: an answer takes a place of its own, though both would.
      if (other.length && (key(id) !== key(other[0]) || teams[0].length !== teams[1].length)) {
        coin = tossed(coin);
        const team = turnOf(teams, coin);
        teams[team].push(shown.length);
        if (!team) [id] = other;
      }
      shown.push(id);
      keys.push(key(id));
    }
    Object.assign(values, { _coin: coin, _teams: teams, _shown: shown.length });
    return shown;
  }

  recordClicks(clicks) {
    const values = own(this);
    const { _shown, _teams, _means } = values;
    clicks = Float32Array.from(sized("clicks on the last merged list", clicks, _shown));
    if (!_shown) return;
    for (const click of clicks) range("clicks", click, 0, 1);
    const sums = _teams.map((team) => team.reduce((sum, place) => f32(sum + clicks[place]), 0));
    sums.forEach((sum, team) => _means[team].add(sum));
    _means[2].add(f32(sums[1] - sums[0]));
    countOne(values);
  }

  next() {
    const values = own(this);
    const isRare = isTurn(values, values._applied ? share(values) : 2);
    values._serving = isRare === this.isApplied ? 0 : 1;
    return values._serving ? "adapted" : "base";
  }

  record(quality) {
    const values = own(this);
    values._means[values._serving].add(f32(range("quality", quality, 0, 1)));
    countOne(values);
  }

  report() {
    const values = own(this);
    const [base, adapted] = values._means.map(({ mean }) => mean);
    return { applied: this.isApplied, adapted, base, lead: leadOf(values), events: values._events };
  }

  toString() {
    own(this);
    const { applied, adapted, base, lead, events } = this.report();
    const change = f32(100 * f32(f32(adapted / base) - 1));
    // Halves go away from zero.
    const percent = Math.sign(change) * Math.round(Math.abs(change));
    const signed = isFinite(percent) ? `${percent < 0 ? "" : "+"}${percent} % ` : "";
    // With fewer events a lead of zero only says that there were too few.
    const isKnown = lead !== 0 || events >= 2 * constant.LEAST_EVENTS;
    const found =
      events && !adapted && !base
        ? // Not that nothing was clicked: places on which both agree belong to neither.
          `nothing ${own(this)._means[2]._count ? "clicked yet where the lists differ" : "liked yet"}`
        : isKnown
          ? `${signed}${signed && "is "}no clear lead`
          : "too few events yet";
    const what = applied ? `applied: ${signed}better than without` : `not applied: ${found}`;
    return `${what}, ${events} event${events === 1 ? "" : "s"}`;
  }

  toJson() {
    const { _since, _serving, _applied, _events, _coin, _shown, _teams, _means } = own(this);
    const state = [_since, _serving, _applied, _events, _coin, _shown];
    const teams = new Uint32Array(constant.HOLDBACK_TEAMS);
    _teams.forEach((team, i) =>
      team.forEach((place) => (teams[2 * i + (place >> 5)] |= 1 << (place & 31))),
    );
    const means = new Uint32Array(constant.HOLDBACK_MEANS);
    _means.forEach(({ _count, _sums }, i) => {
      means[6 * i] = _count;
      means.set(new Uint32Array(_sums.buffer), 6 * i + 1);
    });
    return write("micro-lora-holdback", Object.fromEntries(constant.HOLDBACK.map((name, i) => [name, state[i]])), {
      teams,
      means,
    });
  }

  static fromJson(json) {
    const [state, teams, means] = read(json, "micro-lora-holdback", constant.HOLDBACK, ["teams", "means"], () => [
      constant.HOLDBACK_TEAMS,
      constant.HOLDBACK_MEANS,
    ]);
    whole("serving", state.serving, 0, 1);
    whole("applied", state.applied, 0, 1);
    whole("coin", state.coin, 1);
    whole("shown", state.shown, 0, constant.MAX_SHOWN);
    const made = new this();
    const values = own(made);
    [values._since, values._serving, values._applied] = [state.since, state.serving, state.applied];
    [values._events, values._coin, values._shown] = [state.events, state.coin, state.shown];
    const words = integers(teams);
    values._teams = [0, 1].map((team) =>
      Array.from({ length: constant.MAX_SHOWN }, (_, place) => place).filter(
        (place) => (words[2 * team + (place >> 5)] >>> (place & 31)) & 1,
      ),
    );
    values._means = [0, 1, 2].map((i) => {
      const sums = floats(means).slice(6 * i + 1, 6 * i + 6);
      const count = integers(means)[6 * i];
      sums.forEach((sum, j) =>
        range("means", sum, j % 2 || j === 4 ? -constant.SUM_MAX : count ? SMALLEST : 0, constant.SUM_MAX),
      );
      return new Mean(count, sums);
    });
    return made;
  }
}
savable(Holdback);

const isTurn = (values, every) => {
  values._since++;
  const isNow = values._since >= every;
  if (isNow) values._since = 0;
  return isNow;
};

const share = (values) => {
  const lead = leadOf(values);
  return (constant.SHARES.find(([from]) => lead >= from) ?? constant.SHARES[2])[1];
};

const tossed = (coin) => {
  coin ^= coin << 13;
  coin ^= coin >>> 17;
  coin ^= coin << 5;
  return coin >>> 0;
};

/** The ranking with fewer places goes next; the coin decides between equals. */
const turnOf = (teams, coin) => {
  const [base, adapted] = teams.map((team) => team.length);
  if (base !== adapted) return base < adapted ? 0 : 1;
  return (coin >>> 16) & 1;
};

const countOne = (values) => {
  values._events = Math.min(values._events + 1, 4294967295);
  values._applied = leadOf(values) >= (values._applied ? CLOSE : OPEN) ? 1 : 0;
};

const leadOf = ({ _means: [base, adapted, credit] }) => {
  if (Math.min(base._count, adapted._count) < constant.LEAST_EVENTS) return 0;
  if (credit._count >= constant.LEAST_EVENTS) return f32(credit.mean / f32(Math.sqrt(credit.error)));
  return f32(f32(adapted.mean - base.mean) / f32(Math.sqrt(f32(base.error + adapted.error))));
};
