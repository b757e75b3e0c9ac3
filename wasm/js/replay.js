// The ring of remembered lists (`src/companions/replay/` in the Rust crate).

import { SMALLEST, f32, floats, integers, length, range, read, write } from "./documents.js";
import * as limit from "./generated/adapter.js";
import * as constant from "./generated/companions.js";
import { ours } from "./ours.js";
import { fail, fields, known, number, savable, sized, whole, within } from "./shared.js";
import { finite, stacked } from "./vectors.js";

const [own, keep] = fields("ring");

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

const rateOf = (learningRate) => f32(range("learningRate", learningRate, 0, limit.MAX_LEARNING_RATE));

/** The largest scale of codes. */
const SCALE_MAX = f32(constant.SCALE_MAX);

/** The texts of a ring's document, and how many words each has. */
const TEXTS = ["entries", "scales", "weights", "inputs", "candidates"];
const lengthsOf = ({ len, list, in_features, out_features }) => [
  constant.RING_ENTRY * len,
  len * list,
  len * list,
  Math.ceil((len * in_features) / 4),
  Math.ceil((len * list * out_features) / 4),
];

/** Writes a vector as int8 codes and gives their scale. */
const pack = (codes, vector) => {
  let largest = 0;
  for (let i = 0; i < codes.length; i++) largest = Math.max(largest, Math.abs(vector[i]));
  const scale = f32(largest / constant.CODE_MAX);
  // So small that its scale underflows: a zero.
  const inverse = scale >= SMALLEST ? f32(1 / scale) : 0;
  for (let i = 0; i < codes.length; i++) {
    const value = f32(vector[i] * inverse);
    // Rounds halves away from zero, as Rust does.
    codes[i] = Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
  }
  return scale;
};

/** Decodes `scales.length` rows of codes, beginning with `row`, each with its scale. */
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
    const values = keep(this, {});
    values._width = whole("inFeatures", inFeatures, 1, limit.MAX_FEATURES);
    values._out = whole("outFeatures", outFeatures, 1, limit.MAX_FEATURES);
    values._list = whole("list", list, limit.MIN_CANDIDATES, limit.MAX_CANDIDATES);
    values._capacity = whole("capacity", capacity, 1, constant.MAX_CAPACITY);
    values._model = whole("modelId", modelId);
    // A multiple of four bytes, because whole words are saved.
    const codes = (n) => new Int8Array(4 * Math.ceil(n / 4));
    try {
      values._entries = new Uint32Array(constant.RING_ENTRY * capacity);
      values._scales = new Float32Array(capacity * list);
      values._weights = new Float32Array(capacity * list);
      values._inputs = codes(capacity * inFeatures);
      values._candidates = codes(capacity * list * outFeatures);
    } catch {
      const bytes = capacity * (16 + 8 * list + inFeatures + list * outFeatures);
      fail("MEMORY", "memory", `${bytes} bytes for the ring`, "none");
    }
    this.clear();
  }

  get length() {
    return own(this)._len;
  }

  clear() {
    Object.assign(own(this), { _len: 0, _next: 0, _turn: 0 });
  }

  learn(lora, input, candidates, weights, options) {
    fit(own(this), lora);
    const [list, { learningRate = 0.01, weight }] = checked(own(this), input, candidates, weights, options);
    const rate = rateOf(learningRate);
    // Checked before the event is learned, which would stay pending.
    if (rate === 0) return limit.ZERO_LEARNING_RATE;
    // The copies: reading the caller's arrays again could give other values.
    const [x, rows, w, temperature, base] = list;
    const outcome = lora.adaptListwise(x, rows, w, { base, weight, temperature });
    if (outcome) return outcome;
    lora.applyUpdates(rate);
    this.rehearse(lora, rate, constant.REHEARSALS);
    remember(own(this), list);
    return outcome;
  }

  rehearse(lora, learningRate = 0.01, times = 1) {
    const values = own(this);
    // Everything is checked before the turn is moved on.
    fit(values, lora);
    rateOf(learningRate);
    const pending = lora.pendingUpdates();
    if (pending) fail("COUNT", "pending", "0 events", `${pending}: call applyUpdates`);
    let taken = 0;
    for (let left = Math.min(whole("times", times), constant.MAX_REHEARSALS); left > 0 && values._len; left--) {
      const place = values._turn % values._len;
      values._turn = place + 1;
      const [, temperature, rows, hasBase] = values._entries.subarray(constant.RING_ENTRY * place);
      const first = place * values._list;
      const scale = floatOf(values._entries[constant.RING_ENTRY * place]);
      const input = unpack(values._inputs, place, values._width, [scale]);
      const scales = values._scales.subarray(first, first + rows + hasBase);
      const all = unpack(values._candidates, first, values._out, scales);
      const weights = values._weights.slice(first, first + rows);
      const options = { temperature: floatOf(temperature), learningRate };
      if (hasBase) options.base = all.subarray(rows * values._out);
      try {
        if (lora.rehearse(input, all.subarray(0, rows * values._out), weights, options) === 0) taken++;
      } catch (error) {
        // Not the caller's fault, and permanent: every later call would fail here, too.
        if (!["OVERFLOW", "BASE_REQUIRED"].includes(error?.code)) throw error;
      }
    }
    return taken;
  }

  push(input, candidates, weights, options) {
    const [list] = checked(own(this), input, candidates, weights, options);
    remember(own(this), list);
  }

  toJson() {
    const values = own(this);
    const { _len: len, _list: list, _width: width, _out: out } = values;
    const rows = len * list;
    const state = [values._model, width, out, list, values._capacity, len, values._next, values._turn];
    // The bytes that fill the last word must be zero.
    const codes = (from, n) => {
      const filled = new Int8Array(4 * Math.ceil(n / 4));
      filled.set(from.subarray(0, n));
      return filled;
    };
    return write("micro-lora-replay", Object.fromEntries(constant.RING.map((name, i) => [name, state[i]])), {
      entries: values._entries.subarray(0, constant.RING_ENTRY * len),
      scales: values._scales.subarray(0, rows),
      weights: values._weights.subarray(0, rows),
      inputs: codes(values._inputs, len * width),
      candidates: codes(values._candidates, rows * out),
    });
  }

  loadJson(json) {
    const values = own(this);
    const sizes = [values._model, values._width, values._out, values._list, values._capacity];
    take(values, parsed(json, sizes));
  }

  static fromJson(json, modelId = 0) {
    const [state, ...texts] = parsed(json, [whole("modelId", modelId)]);
    const { in_features, out_features, list, capacity } = state;
    const ring = new this(in_features, out_features, list, capacity, modelId);
    take(own(ring), [state, ...texts]);
    return ring;
  }
}
savable(Replay);

/** Parses a text and checks all of it. `sizes`: the first integers that it must have. */
const parsed = (json, sizes) => {
  const [state, ...texts] = read(json, "micro-lora-replay", constant.RING, TEXTS, (state) => {
    sizes.forEach((expected, i) => {
      const name = constant.RING[i];
      if (state[name] !== expected) fail("MISMATCH", i ? name : "modelId", expected, state[name]);
    });
    whole("in_features", state.in_features, 1, limit.MAX_FEATURES);
    whole("out_features", state.out_features, 1, limit.MAX_FEATURES);
    whole("list", state.list, limit.MIN_CANDIDATES, limit.MAX_CANDIDATES);
    whole("len", state.len, 0, whole("capacity", state.capacity, 1, constant.MAX_CAPACITY));
    return lengthsOf(state);
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
  return [state, ...texts];
};

/** Puts a checked document into a ring. */
const take = (values, [{ len, next, turn }, entries, scales, weights, inputs, candidates]) => {
  values._entries.set(integers(entries));
  values._scales.set(floats(scales));
  values._weights.set(floats(weights));
  values._inputs.set(new Int8Array(inputs.buffer));
  values._candidates.set(new Int8Array(candidates.buffer));
  Object.assign(values, { _len: len, _next: next, _turn: turn });
};

/** Refuses an adapter of other sizes, of another model or of the dual step. */
const fit = (values, lora) => {
  const { inFeatures, outFeatures, modelId, step } = ours(lora).getConfig();
  length("inFeatures", inFeatures, values._width);
  length("outFeatures", outFeatures, values._out);
  if (modelId !== values._model) {
    fail("MISMATCH", "modelId", `${values._model}, as the ring was made for`, modelId);
  }
  if (step > limit.SCALED_STEP) {
    fail("UNSUPPORTED", "step", "0 to 2, which a Replay is for", `${step}: set config.step = 2, or use a Memory`);
  }
};

/** A copy of a list, if a ring of these sizes can remember it. It is refused in an adapter's words. */
const checked = (values, input, candidates, weights, options) => {
  const { _width: width, _out: out, _list: most } = values;
  options = { ...known(options, ["base", "weight", "temperature", "learningRate"]) };
  const { base, temperature = limit.LIST_TEMPERATURE } = options;
  input = copied("input", input, width);
  const bases = base == null ? [] : [copied("base", base, out)];
  if (base == null && width !== out) {
    fail("BASE_REQUIRED", "base", `${out} values, because inFeatures is ${width} and outFeatures ${out}`, "none");
  }
  within("temperature", f32(number("temperature", temperature)), limit.MIN_TEMPERATURE, limit.MAX_TEMPERATURE);
  const rows = stacked("candidates", candidates, out, most - bases.length);
  weights = copied("weights", weights, rows.length / out);
  weights.forEach((weight) => range("weights", weight, 0, limit.MAX_WEIGHT));
  return [[input, rows, weights, temperature, bases[0]], options];
};

/** Remembers a list that has been checked. */
const remember = (values, [input, rows, weights, temperature, base]) => {
  const [width, out, place] = [values._width, values._out, values._next];
  const scale = pack(values._inputs.subarray(place * width, (place + 1) * width), input);
  const n = weights.length;
  const first = place * values._list;
  for (let i = 0; i < n + (base ? 1 : 0); i++) {
    const codes = values._candidates.subarray((first + i) * out, (first + i + 1) * out);
    values._scales[first + i] = pack(codes, i < n ? rows.subarray(i * out, (i + 1) * out) : base);
  }
  values._weights.set(weights, first);
  const entry = [wordOf(scale), wordOf(temperature), n, base ? 1 : 0];
  values._entries.set(entry, constant.RING_ENTRY * place);
  values._len = Math.min(values._len + 1, values._capacity);
  values._next = (place + 1) % values._capacity;
};
