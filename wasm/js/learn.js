// The entry `micro-lora/learn`: what stands beside an adapter. Every operation is that of the Rust crate, rounded to 32
// bits where it rounds: the same bits, and the same saved texts.

import { count, sized, whole } from "./engine.js";
import { fail } from "./fail.js";
import { ours } from "./ours.js";
import { crc32, decode, encode } from "./state.js";

const f32 = Math.fround;

const range = (what, value, min, max) =>
  value >= min && value <= max
    ? value
    : fail("OUT_OF_RANGE", `${what}: expected ${min} to ${max}, got ${value}`);

const rateOf = (learningRate) => f32(range("learning_rate", learningRate, 0, 1000));

const length = (what, got, expected) => {
  if (got !== expected) fail("LENGTH", `${what}: expected ${expected} values, got ${got}`);
};

/** A document of `docs/state-format.md`: integers, and texts as arrays of 32-bit words or of bytes. */
const write = (format, integers, texts) => {
  const names = Object.keys(integers);
  const state = { format, version: 1, ...integers };
  const sum = [Uint32Array.of(1, ...names.map((name) => integers[name])), ...Object.values(texts)];
  state.crc32 = crc32(sum);
  for (const name in texts) state[name] = encode(texts[name]);
  return JSON.stringify(state);
};

/** Its integers, and its texts as bytes; `lengths` says how many words each has. */
const read = (json, format, names, lengths) => {
  if (typeof json !== "string") fail("TYPE", `json: expected a string, got ${typeof json}`);
  let state;
  try {
    state = JSON.parse(json);
  } catch ({ message }) {
    fail("SYNTAX", `state: expected JSON, got ${message}`);
  }
  if (state?.format !== format) fail("FORMAT", `format: expected "${format}", got ${state?.format}`);
  if (state.version !== 1) fail("MISMATCH", `version: expected 1, got ${state.version}`);
  for (const name of [...names, "crc32"]) {
    if (state[name] !== state[name] >>> 0) {
      fail("SYNTAX", `${name}: expected a whole number of 32 bits, got ${state[name]}`);
    }
  }
  const words = lengths(state);
  const known = [...names, ...Object.keys(words), "format", "version", "crc32"];
  const strange = Object.keys(state).find((name) => !known.includes(name));
  if (strange) fail("SYNTAX", `state: expected the fields of version 1, got ${strange}`);
  const texts = Object.keys(words).map(
    (name) => new Uint8Array(decode(name, state[name], words[name]).buffer),
  );
  const crc = crc32([Uint32Array.of(1, ...names.map((name) => state[name])), ...texts]);
  if (crc !== state.crc32) {
    fail("CHECKSUM", `state: expected the checksum ${state.crc32}, got ${crc}: it has been damaged`);
  }
  return [state, ...texts];
};

const floats = (bytes) => new Float32Array(bytes.buffer);
const integers = (bytes) => new Uint32Array(bytes.buffer);

/** How many remembered lists every new one is followed by. */
const REHEARSALS = 8;
/** And how many are rehearsed at most at a time. */
const MOST_REHEARSALS = 65535;
/** `ZeroLearningRate` among the receipts. */
const ZERO_LEARNING_RATE = 7;
const CODE_MAX = 127;
const SMALLEST = 2 ** -126;

const RING = ["model_id", "in_features", "out_features", "list", "capacity", "len", "next", "turn"];

const ringLengths = ({ len, list, in_features, out_features }) => ({
  entries: 4 * len,
  scales: len * list,
  weights: len * list,
  inputs: Math.ceil((len * in_features) / 4),
  candidates: Math.ceil((len * list * out_features) / 4),
});

/** Writes the codes of a vector and gives their scale. */
const pack = (codes, vector) => {
  let largest = 0;
  for (let i = 0; i < codes.length; i++) largest = Math.max(largest, Math.abs(f32(vector[i])));
  const scale = f32(largest / CODE_MAX);
  // So small that its scale underflows: a zero.
  const inverse = scale >= SMALLEST ? f32(1 / scale) : 0;
  for (let i = 0; i < codes.length; i++) {
    const value = f32(f32(vector[i]) * inverse);
    // Halves go away from zero.
    codes[i] = Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  }
  return scale;
};

export class Replay {
  constructor(inFeatures, outFeatures, list = 10, capacity = 64, modelId = 0) {
    this._width = whole("inFeatures", inFeatures, 1, 1048576);
    this._out = whole("outFeatures", outFeatures, 1, 1048576);
    this._list = whole("list", list, 2, 64);
    this._capacity = whole("capacity", capacity, 1, 65536);
    this._model = whole("modelId", modelId);
    // Room to a whole word, since words are what is saved.
    const codes = (n) => new Int8Array(4 * Math.ceil(n / 4));
    try {
      this._entries = new Uint32Array(4 * capacity);
      this._scales = new Float32Array(capacity * list);
      this._weights = new Float32Array(capacity * list);
      this._inputs = codes(capacity * inFeatures);
      this._candidates = codes(capacity * list * outFeatures);
    } catch {
      const bytes = capacity * (16 + 8 * list + inFeatures + list * outFeatures);
      fail("MEMORY", `memory: expected ${bytes} bytes for the ring, got none`);
    }
    this.clear();
  }

  get length() {
    return this._len;
  }

  clear() {
    this._len = this._next = this._turn = 0;
  }

  learn(lora, input, candidates, weights, options = {}) {
    this._fit(lora);
    this._check(input, candidates, weights, options);
    const rate = rateOf(options.learningRate ?? 0.01);
    // Before there is an event, which would be left pending.
    if (rate === 0) return ZERO_LEARNING_RATE;
    const outcome = lora.adaptListwise(input, candidates, weights, options);
    if (outcome) return outcome;
    lora.applyUpdates(rate);
    this.rehearse(lora, rate, REHEARSALS);
    this.push(input, candidates, weights, options);
    return outcome;
  }

  rehearse(lora, learningRate = 0.01, times = 1) {
    // All before the turn goes on.
    this._fit(lora);
    rateOf(learningRate);
    const pending = lora.pendingUpdates();
    if (pending) fail("COUNT", `pending: expected 0 events, got ${pending}: call applyUpdates`);
    let taken = 0;
    for (let left = Math.min(whole("times", times), MOST_REHEARSALS); left > 0 && this._len; left--) {
      const place = this._turn % this._len;
      this._turn = place + 1;
      const [, temperature, rows, hasBase] = this._entries.subarray(4 * place);
      const all = this._rows(place, rows + hasBase);
      const input = this._row(this._inputs, place, this._width, floatOf(this._entries[4 * place]));
      const weights = this._weights.slice(place * this._list, place * this._list + rows);
      const options = { temperature: floatOf(temperature), learningRate };
      if (hasBase) options.base = all[rows];
      if (lora.rehearse(input, all.slice(0, rows), weights, options) === 0) taken++;
    }
    return taken;
  }

  push(input, candidates, weights, options = {}) {
    const [rows, base, temperature] = this._check(input, candidates, weights, options);
    const [width, out, place] = [this._width, this._out, this._next];
    const vectors = [...rows, ...(base ? [base] : [])];
    const scale = pack(this._inputs.subarray(place * width, (place + 1) * width), input);
    const first = place * this._list;
    vectors.forEach((vector, i) => {
      const codes = this._candidates.subarray((first + i) * out, (first + i + 1) * out);
      this._scales[first + i] = pack(codes, vector);
    });
    this._weights.set(weights, first);
    this._entries.set([wordOf(scale), wordOf(temperature), rows.length, base ? 1 : 0], 4 * place);
    this._len = Math.min(this._len + 1, this._capacity);
    this._next = (place + 1) % this._capacity;
  }

  toJson() {
    const { _len: len, _list: list, _width: width, _out: out } = this;
    const rows = len * list;
    const state = [this._model, width, out, list, this._capacity, len, this._next, this._turn];
    // What fills the last word must be zero, whatever lies there.
    const codes = (from, n) => {
      const filled = new Int8Array(4 * Math.ceil(n / 4));
      filled.set(from.subarray(0, n));
      return filled;
    };
    return write("micro-lora-replay", Object.fromEntries(RING.map((name, i) => [name, state[i]])), {
      entries: this._entries.subarray(0, 4 * len),
      scales: this._scales.subarray(0, rows),
      weights: this._weights.subarray(0, rows),
      inputs: codes(this._inputs, len * width),
      candidates: codes(this._candidates, rows * out),
    });
  }

  loadJson(json) {
    const own = [this._model, this._width, this._out, this._list, this._capacity];
    const [state, ...texts] = read(json, "micro-lora-replay", RING, (state) => {
      own.forEach((expected, i) => {
        const name = RING[i];
        if (state[name] !== expected) fail("MISMATCH", `${name}: expected ${expected}, got ${state[name]}`);
      });
      whole("len", state.len, 0, this._capacity);
      return ringLengths(state);
    });
    const { in_features, out_features, list, capacity, len, next, turn } = state;
    whole("next", next, len < capacity ? len : 0, len < capacity ? len : capacity - 1);
    whole("turn", turn, 0, len);
    const [entries, scales, weights, inputs, candidates] = texts;
    const words = integers(entries);
    for (let i = 0; i < words.length; i += 4) {
      range("entries", floatOf(words[i]), 0, 3.4028234e38 / CODE_MAX);
      range("entries", floatOf(words[i + 1]), f32(0.001), 1000);
      whole("entries", words[i + 3], 0, 1);
      whole("entries", words[i + 2], 2, list - words[i + 3]);
    }
    for (const scale of floats(scales)) range("scales", scale, 0, 3.4028234e38 / CODE_MAX);
    for (const weight of floats(weights)) range("weights", weight, 0, 1e6);
    for (const [what, codes, n] of [
      ["inputs", inputs, len * in_features],
      ["candidates", candidates, len * list * out_features],
    ]) {
      new Int8Array(codes.buffer).forEach((code, i) => {
        range(what, code, i < n ? -CODE_MAX : 0, i < n ? CODE_MAX : 0);
      });
    }
    this._entries.set(words);
    this._scales.set(floats(scales));
    this._weights.set(floats(weights));
    this._inputs.set(new Int8Array(inputs.buffer));
    this._candidates.set(new Int8Array(candidates.buffer));
    [this._len, this._next, this._turn] = [len, next, turn];
  }

  /** Refuses what is no adapter of this ring's sizes. */
  _fit(lora) {
    const { inFeatures, outFeatures } = ours(lora).getConfig();
    length("inFeatures", inFeatures, this._width);
    length("outFeatures", outFeatures, this._out);
  }

  /** The candidates as rows, the base and the temperature, if all of it is what this ring can remember. */
  _check(input, candidates, weights, options) {
    if (typeof options !== "object" || !options) fail("TYPE", `options: expected an object, got ${options}`);
    const { base, temperature = 0.1 } = options;
    sized("input", input, this._width);
    if (base) sized("base", base, this._out);
    const n = whole("candidates", count("weights", weights), 2, this._list - (base ? 1 : 0));
    const rows = this._split(candidates, n);
    range("temperature", f32(temperature), f32(0.001), 1000);
    for (let i = 0; i < n; i++) range("weights", f32(weights[i]), 0, 1e6);
    for (const vector of [input, ...rows, ...(base ? [base] : [])]) {
      for (let i = 0; i < vector.length; i++) {
        if (!isFinite(f32(vector[i]))) {
          fail("NOT_FINITE", `list: expected finite values, got ${vector[i]} at index ${i}`);
        }
      }
    }
    return [rows, base, temperature];
  }

  /** `n` candidates as rows, whichever way they were given. */
  _split(candidates, n) {
    const got = count("candidates", candidates);
    if (typeof candidates[0] === "object") {
      length("candidates", got, n);
      return Array.from(candidates, (row) => sized("candidates", row, this._out));
    }
    length("candidates", got, n * this._out);
    return Array.from({ length: n }, (_, i) =>
      Array.prototype.slice.call(candidates, i * this._out, (i + 1) * this._out),
    );
  }

  _row(codes, at, width, scale) {
    return Float32Array.from(codes.subarray(at * width, (at + 1) * width), (code) => code * scale);
  }

  _rows(place, n) {
    const first = place * this._list;
    return Array.from({ length: n }, (_, i) =>
      this._row(this._candidates, first + i, this._out, this._scales[first + i]),
    );
  }
}

const number = new Float32Array(1);
const word = new Uint32Array(number.buffer);
const floatOf = (bits) => {
  word[0] = bits;
  return number[0];
};
const wordOf = (value) => {
  number[0] = value;
  return word[0];
};

/** Standard errors of lead from which the adapter is applied, and below which it no longer is. */
const OPEN = f32(2.8);
const CLOSE = f32(2.3);
/** Comparisons before anything is concluded. */
const LEAST = 20;
/** The events over which means run. */
const WINDOW = 400;
const KEEP = f32(1 - f32(1 / WINDOW));
/** While the adapter is applied, one event in so many is compared: from so many standard errors on. */
const SHARES = [
  [6, 8],
  [4, 4],
  [0, 2],
];

/** A weighted mean and what its standard error needs: sums of w, w v, w^2, w^2 v and w^2 v^2. */
class Mean {
  constructor(count = 0, sums = new Float32Array(5)) {
    this._count = count;
    this._sums = sums;
  }

  add(value) {
    this._count = Math.min(this._count + 1, 4294967295);
    const w = f32(Math.min(this._count, WINDOW) / WINDOW);
    const keep = this._count > WINDOW ? KEEP : 1;
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
    // Equal values have no spread to go by: a thousandth is taken for it.
    return f32(f32(Math.max(sum, f32(f32(1e-6) * ww)) / w) / w);
  }
}

const ranked = (what, results) => {
  if (typeof results?.find !== "function") {
    fail("TYPE", `${what}: expected an array of results, got ${results === null ? results : typeof results}`);
  }
};

const HOLDBACK = ["since", "serving", "applied", "events", "coin", "shown"];

export class Holdback {
  constructor() {
    this._since = this._serving = this._applied = this._events = this._shown = 0;
    this._coin = 1;
    // Which places of the last merged list each has filled.
    this._teams = [[], []];
    this._means = [new Mean(), new Mean(), new Mean()];
  }

  get isApplied() {
    return this._applied === 1;
  }

  isDue() {
    return this._isTurn(this._applied ? this._share() : 1);
  }

  interleave(base, adapted, room) {
    ranked("base", base);
    ranked("adapted", adapted);
    whole("room", room, 1, 64);
    const shown = [];
    const next = (ranking) => ranking.find((id) => !shown.includes(id));
    this._teams = [[], []];
    while (shown.length < room) {
      const both = [next(base), next(adapted)];
      let [id = both[1], other] = both;
      if (id === undefined) break;
      if (other !== undefined && id !== other) {
        const team = this._toss();
        this._teams[team].push(shown.length);
        id = both[team];
      }
      shown.push(id);
    }
    this._shown = shown.length;
    return shown;
  }

  recordClicks(clicks) {
    sized("clicks", clicks, this._shown);
    for (let i = 0; i < clicks.length; i++) range("clicks", clicks[i], 0, 1);
    const sums = this._teams.map((team) => team.reduce((sum, place) => f32(sum + f32(clicks[place])), 0));
    sums.forEach((sum, team) => this._means[team].add(sum));
    this._means[2].add(f32(sums[1] - sums[0]));
    this._count();
  }

  next() {
    const isRare = this._isTurn(this._applied ? this._share() : 2);
    this._serving = isRare === this.isApplied ? 0 : 1;
    return this._serving ? "adapted" : "base";
  }

  record(quality) {
    this._means[this._serving].add(f32(range("quality", quality, 0, 1)));
    this._count();
  }

  report() {
    const [base, adapted] = this._means.map(({ mean }) => mean);
    return { applied: this.isApplied, adapted, base, lead: this._lead(), events: this._events };
  }

  toString() {
    const { applied, adapted, base, lead, events } = this.report();
    const percent = Math.round(f32(100 * f32(f32(adapted / base) - 1)));
    const signed = `${percent < 0 ? "" : "+"}${percent} %`;
    const better = isFinite(percent) ? `${signed} better than without` : "better than without";
    const found = isFinite(percent) && lead !== 0 ? `${signed} is no clear lead` : "too few events yet";
    return `${applied ? `applied: ${better}` : `not applied: ${found}`}, ${events} events`;
  }

  toJson() {
    const state = [this._since, this._serving, this._applied, this._events, this._coin, this._shown];
    const teams = new Uint32Array(4);
    this._teams.forEach((team, i) =>
      team.forEach((place) => (teams[2 * i + (place >> 5)] |= 1 << (place & 31))),
    );
    const means = new Uint32Array(18);
    this._means.forEach(({ _count, _sums }, i) => {
      means[6 * i] = _count;
      means.set(new Uint32Array(_sums.buffer), 6 * i + 1);
    });
    return write("micro-lora-holdback", Object.fromEntries(HOLDBACK.map((name, i) => [name, state[i]])), {
      teams,
      means,
    });
  }

  static fromJson(json) {
    const [state, teams, means] = read(json, "micro-lora-holdback", HOLDBACK, () => ({
      teams: 4,
      means: 18,
    }));
    whole("serving", state.serving, 0, 1);
    whole("applied", state.applied, 0, 1);
    whole("coin", state.coin, 1);
    whole("shown", state.shown, 0, 64);
    const made = new Holdback();
    [made._since, made._serving, made._applied] = [state.since, state.serving, state.applied];
    [made._events, made._coin, made._shown] = [state.events, state.coin, state.shown];
    const words = integers(teams);
    made._teams = [0, 1].map((team) =>
      Array.from({ length: 64 }, (_, place) => place).filter(
        (place) => (words[2 * team + (place >> 5)] >>> (place & 31)) & 1,
      ),
    );
    made._means = [0, 1, 2].map((i) => {
      const sums = floats(means).slice(6 * i + 1, 6 * i + 6);
      const count = integers(means)[6 * i];
      sums.forEach((sum, j) =>
        range("means", sum, j % 2 ? -1e9 : j === 4 ? -1e9 : count ? SMALLEST : 0, 1e9),
      );
      return new Mean(count, sums);
    });
    return made;
  }

  _isTurn(every) {
    this._since++;
    const isTurn = this._since >= every;
    if (isTurn) this._since = 0;
    return isTurn;
  }

  _share() {
    const lead = this._lead();
    return (SHARES.find(([from]) => lead >= from) ?? SHARES[2])[1];
  }

  /** Who has filled fewer places goes next, and of equals the one that the coin says. */
  _toss() {
    let coin = this._coin;
    coin ^= coin << 13;
    coin ^= coin >>> 17;
    coin ^= coin << 5;
    this._coin = coin >>> 0;
    const [base, adapted] = this._teams.map((team) => team.length);
    if (base !== adapted) return base < adapted ? 0 : 1;
    return (this._coin >>> 16) & 1;
  }

  _count() {
    this._events = Math.min(this._events + 1, 4294967295);
    this._applied = this._lead() >= (this._applied ? CLOSE : OPEN) ? 1 : 0;
  }

  _lead() {
    const [base, adapted, credit] = this._means;
    if (Math.min(base._count, adapted._count) < LEAST) return 0;
    if (credit._count >= LEAST) return f32(credit.mean / f32(Math.sqrt(credit.error)));
    return f32(f32(adapted.mean - base.mean) / f32(Math.sqrt(f32(base.error + adapted.error))));
  }
}
