// The ring of remembered lists (`src/companions/replay/` in the Rust crate).

import { SMALLEST, f32, floats, integers, length, range, read, write } from "./documents.js";
import { number, sized, whole, within } from "./engine.js";
import { fail } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as constant from "./generated/companions.js";
import { ours } from "./ours.js";
import { finite, flat } from "./vectors.js";

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);
const floatOf = (bits) => {
  word[0] = bits;
  return float[0];
};
const wordOf = (value) => {
  float[0] = value;
  return word[0];
};

/** An array of numbers that has to be of this length, as floats of 32 bits. */
const copied = (what, values, length) => finite(what, new Float32Array(sized(what, values, length)));

const rateOf = (learningRate) => f32(range("learning_rate", learningRate, 0, limit.MAX_LEARNING_RATE));

/** The largest scale of codes. */
const SCALE_MAX = f32(constant.SCALE_MAX);

const ringLengths = ({ len, list, in_features, out_features }) => ({
  entries: constant.RING_ENTRY * len,
  scales: len * list,
  weights: len * list,
  inputs: Math.ceil((len * in_features) / 4),
  candidates: Math.ceil((len * list * out_features) / 4),
});

/** Writes the codes of a vector and gives their scale. */
const pack = (codes, vector) => {
  let largest = 0;
  for (let i = 0; i < codes.length; i++) largest = Math.max(largest, Math.abs(vector[i]));
  const scale = f32(largest / constant.CODE_MAX);
  // So small that its scale underflows: a zero.
  const inverse = scale >= SMALLEST ? f32(1 / scale) : 0;
  for (let i = 0; i < codes.length; i++) {
    const value = f32(vector[i] * inverse);
    // Halves go away from zero.
    codes[i] = Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  }
  return scale;
};

/** The vectors of some codes from a row on, one after the other, each with its scale. */
const unpack = (codes, row, width, scales) => {
  const all = new Float32Array(codes.subarray(row * width, (row + scales.length) * width));
  // `Float32Array.from` with a function takes ten times as long.
  for (let i = 0, at = 0; i < scales.length; i++) {
    for (let end = at + width; at < end; at++) all[at] *= scales[i];
  }
  return all;
};

export class Replay {
  constructor(inFeatures, outFeatures, list = 10, capacity = 64, modelId = 0) {
    this._width = whole("inFeatures", inFeatures, 1, limit.MAX_FEATURES);
    this._out = whole("outFeatures", outFeatures, 1, limit.MAX_FEATURES);
    this._list = whole("list", list, limit.MIN_CANDIDATES, limit.MAX_CANDIDATES);
    this._capacity = whole("capacity", capacity, 1, constant.MAX_CAPACITY);
    this._model = whole("modelId", modelId);
    // Room to a whole word, since words are what is saved.
    const codes = (n) => new Int8Array(4 * Math.ceil(n / 4));
    try {
      this._entries = new Uint32Array(constant.RING_ENTRY * capacity);
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

  learn(lora, input, candidates, weights, options) {
    this._fit(lora);
    const list = this._check(input, candidates, weights, options);
    const { learningRate = 0.01 } = options ?? {};
    const rate = rateOf(learningRate);
    // Before there is an event, which would be left pending.
    if (rate === 0) return limit.ZERO_LEARNING_RATE;
    const outcome = lora.adaptListwise(input, candidates, weights, options);
    if (outcome) return outcome;
    lora.applyUpdates(rate);
    this.rehearse(lora, rate, constant.REHEARSALS);
    this._keep(list);
    return outcome;
  }

  rehearse(lora, learningRate = 0.01, times = 1) {
    // All before the turn goes on.
    this._fit(lora);
    rateOf(learningRate);
    const pending = lora.pendingUpdates();
    if (pending) fail("COUNT", `pending: expected 0 events, got ${pending}: call applyUpdates`);
    let taken = 0;
    for (let left = Math.min(whole("times", times), constant.MAX_REHEARSALS); left > 0 && this._len; left--) {
      const place = this._turn % this._len;
      this._turn = place + 1;
      const [, temperature, rows, hasBase] = this._entries.subarray(constant.RING_ENTRY * place);
      const first = place * this._list;
      const scale = floatOf(this._entries[constant.RING_ENTRY * place]);
      const input = unpack(this._inputs, place, this._width, [scale]);
      const scales = this._scales.subarray(first, first + rows + hasBase);
      const all = unpack(this._candidates, first, this._out, scales);
      const weights = this._weights.slice(first, first + rows);
      const options = { temperature: floatOf(temperature), learningRate };
      if (hasBase) options.base = all.subarray(rows * this._out);
      try {
        if (lora.rehearse(input, all.subarray(0, rows * this._out), weights, options) === 0) taken++;
      } catch (error) {
        // Not the caller's fault, and none that would pass: every turn would end here.
        if (error.code !== "OVERFLOW") throw error;
      }
    }
    return taken;
  }

  push(input, candidates, weights, options) {
    this._keep(this._check(input, candidates, weights, options));
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
    return write("micro-lora-replay", Object.fromEntries(constant.RING.map((name, i) => [name, state[i]])), {
      entries: this._entries.subarray(0, constant.RING_ENTRY * len),
      scales: this._scales.subarray(0, rows),
      weights: this._weights.subarray(0, rows),
      inputs: codes(this._inputs, len * width),
      candidates: codes(this._candidates, rows * out),
    });
  }

  toJSON() {
    return JSON.parse(this.toJson());
  }

  loadJson(json) {
    const own = [this._model, this._width, this._out, this._list, this._capacity];
    const [state, ...texts] = read(json, "micro-lora-replay", constant.RING, (state) => {
      own.forEach((expected, i) => {
        const name = constant.RING[i];
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
    for (let i = 0; i < words.length; i += constant.RING_ENTRY) {
      range("entries", floatOf(words[i]), 0, SCALE_MAX);
      within("entries", floatOf(words[i + 1]), limit.MIN_TEMPERATURE, limit.MAX_TEMPERATURE);
      whole("entries", words[i + 3], 0, 1);
      whole("entries", words[i + 2], limit.MIN_CANDIDATES, list - words[i + 3]);
    }
    for (const scale of floats(scales)) range("scales", scale, 0, SCALE_MAX);
    for (const weight of floats(weights)) range("weights", weight, 0, limit.MAX_WEIGHT);
    for (const [what, codes, n] of [
      ["inputs", inputs, len * in_features],
      ["candidates", candidates, len * list * out_features],
    ]) {
      new Int8Array(codes.buffer).forEach((code, i) => {
        range(what, code, i < n ? -constant.CODE_MAX : 0, i < n ? constant.CODE_MAX : 0);
      });
    }
    this._entries.set(words);
    this._scales.set(floats(scales));
    this._weights.set(floats(weights));
    this._inputs.set(new Int8Array(inputs.buffer));
    this._candidates.set(new Int8Array(candidates.buffer));
    [this._len, this._next, this._turn] = [len, next, turn];
  }

  /** Refuses what is no adapter of this ring's sizes, and for its model. */
  _fit(lora) {
    const { inFeatures, outFeatures, modelId, step } = ours(lora).getConfig();
    length("inFeatures", inFeatures, this._width);
    length("outFeatures", outFeatures, this._out);
    if (modelId !== this._model) {
      fail("MISMATCH", `modelId: expected ${this._model}, as the ring was made for, got ${modelId}`);
    }
    if (step > limit.SCALED_STEP) fail("UNSUPPORTED", `step: expected 0 to 2, which a ring is for, got ${step}`);
  }

  /**
   * A copy of a list, if it is what this ring can remember: input, candidates and base, weights, temperature. What is
   * wrong is said as an adapter says it.
   */
  _check(input, candidates, weights, options) {
    if (typeof (options ?? {}) !== "object")
      fail("TYPE", `options: expected an object, got ${typeof options}`);
    const { base, temperature = limit.LIST_TEMPERATURE } = options ?? {};
    input = copied("input", input, this._width);
    const bases = base == null ? [] : [copied("base", base, this._out)];
    within("temperature", f32(number("temperature", temperature)), limit.MIN_TEMPERATURE, limit.MAX_TEMPERATURE);
    const all = flat("candidates", candidates, this._out, this._list - bases.length);
    const n = all.length / this._out;
    weights = copied("weights", weights, n);
    weights.forEach((weight) => range("weights", weight, 0, limit.MAX_WEIGHT));
    const rows = Array.from({ length: n }, (_, i) => all.subarray(i * this._out, (i + 1) * this._out));
    return [[input, ...rows, ...bases], weights, temperature];
  }

  /** Remembers a list that has been checked. */
  _keep([[input, ...vectors], weights, temperature]) {
    const [width, out, place] = [this._width, this._out, this._next];
    const scale = pack(this._inputs.subarray(place * width, (place + 1) * width), input);
    const first = place * this._list;
    vectors.forEach((vector, i) => {
      const codes = this._candidates.subarray((first + i) * out, (first + i + 1) * out);
      this._scales[first + i] = pack(codes, vector);
    });
    this._weights.set(weights, first);
    const n = weights.length;
    this._entries.set([wordOf(scale), wordOf(temperature), n, vectors.length - n], constant.RING_ENTRY * place);
    this._len = Math.min(this._len + 1, this._capacity);
    this._next = (place + 1) % this._capacity;
  }
}
