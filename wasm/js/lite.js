// The entry `micro-lora/lite`: an adapter that applies, learns from choices and is saved, in few bytes. Its engine
// (`../src/lite.rs`) returns a number for an error and nothing else. So arguments are checked here before the call, and
// searched for values that are not finite after an error.

import { flat, number as numeric, sized, whole } from "./arrays.js";
import { MicroLoraConfigWasm, disposable, readInto, settingsOf, write as writeConfig } from "./config.js";
import { floats, grow, heapBase, invoke, wasm, within } from "./engine.js";
import { fail, known, mistyped } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as call from "./generated/calls-lite.js";
import * as word from "./generated/header.js";
import { classOf, fields } from "./own.js";
import { ARRAYS, read, write } from "./state.js";

export { init as default, engineUrl, initSync, isSimd } from "./engine.js";
export { MicroLoraConfigWasm };

const [own, keep] = fields("adapter");

/** The end of the memory that adapters have used. A call's arrays stand behind it during the call. */
let top;

/** Addresses of freed blocks, by size: the adapters of one program are of few sizes. */
const free = {};

/** Makes sure that there are so many bytes behind `top`, and gives it. */
const room = (bytes) => {
  top ??= heapBase();
  const missing = top + bytes - wasm.memory.buffer.byteLength;
  if (missing > 0) grow(bytes, missing);
  return top;
};

const release = ([at, bytes]) => (free[bytes] ??= []).push(at);

/** Frees the memory of adapters that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

/** Indices of `_parts`, the parts of an adapter's block. */
const HEADER = 0;
const LORA_A = 1;
const INPUT = 9;
const OUTPUT = 10;

const part = (lora, i) => floats(...(own(lora)._parts ?? fail("FREED", "adapter", "one in use", "a freed one"))[i]);

/** An adapter's header, as integers and as floats: `word` says what is where. */
const header = (lora) => {
  const numbers = part(lora, HEADER);
  return [new Uint32Array(numbers.buffer, numbers.byteOffset, word.HEADER_WORDS), numbers];
};

/** lora_A, lora_B, what is pending for them or summed up, the bias, the sum of inputs, what is pending for the bias. */
const arrays = (lora) => ARRAYS.map((_, i) => part(lora, i + 1));

/** Calls the engine. After an error it says which of the `given` arrays is not finite, or what was too large. */
const ask = (lora, what, given = {}, ...numbers) => {
  const result = invoke(what, part(lora, HEADER).byteOffset, top, ...numbers);
  if (result >= 0) return result;
  for (const name of Object.keys(given)) {
    const index = given[name].findIndex((value) => !isFinite(value));
    if (index >= 0) fail("NOT_FINITE", name, "finite values", `${given[name][index]} at index ${index}`);
  }
  if (result === -limit.ERROR_OUT_OF_RANGE) {
    fail(
      "OUT_OF_RANGE",
      "list",
      "lengths 0.001 to 1000, 1/16 to 16 times the first, weight * learningRate up to 0.16",
      "others",
    );
  }
  return result === -limit.ERROR_PENDING_FULL
    ? fail("PENDING_FULL", "pending events", `a total weight below ${limit.WEIGHT_LIMIT}`, "more: call applyUpdates")
    : fail("OVERFLOW", "result", "finite values", "an overflow");
};

/** A number within limits. The engine would take null for 0: a thumb down, or no step at all. */
const number = (what, value, min, max) => within(what, Math.fround(numeric(what, value)), min, max);

const put = (lora, i, what, values) => {
  values = sized(what, values, part(lora, i).length);
  // Only now: a getter of an array may have freed the adapter.
  part(lora, i).set(values);
};

/** The seeded start, as in `src/kernel/rng.rs`. */
const mix = (z) => {
  z = Math.imul(z ^ (z >>> 16), limit.SEED_FACTOR_1);
  z = Math.imul(z ^ (z >>> 13), limit.SEED_FACTOR_2);
  return z ^ (z >>> 16);
};

/** Starts an adapter whose settings are in its header. */
const start = (lora) => {
  const [words, numbers] = header(lora);
  const generation = words[word.GENERATION];
  if (words[word.DUAL_FLAGS] & limit.CHOSEN) words[word.STEP] = limit.DEFAULT_STEP;
  numbers.fill(0, word.SCALING);
  arrays(lora).forEach((array) => array.fill(0));
  numbers[word.STRENGTH] = 1;
  numbers[word.BASELINE] = limit.FIRST_BASELINE;
  words[word.GENERATION] = generation;
  const bound = Math.fround(Math.sqrt(Math.fround(3 / words[word.IN_FEATURES])));
  const seed = mix(words[word.SEED]);
  const a = part(lora, LORA_A);
  for (let i = 0; i < a.length; i++) {
    a[i] = ((mix(seed + Math.imul(i + 1, limit.SEED_STRIDE)) >>> 8) / 8388608 - 1) * bound;
  }
};

/** Checks the norms of the weights and has the engine take them up. */
const takeUp = (lora) => {
  const [words, numbers] = header(lora);
  const scaling = Math.fround(numbers[word.ALPHA] / (words[word.FLAGS] & limit.RSLORA ? Math.fround(Math.sqrt(words[word.RANK])) : words[word.RANK]));
  numbers[word.SCALING] = scaling;
  const pending = limit.GRADIENT_LIMIT * numbers[word.PENDING_WEIGHT];
  const [a, b] = [limit.NORM_LIMIT, limit.NORM_LIMIT / scaling];
  const most = words[word.DUAL_FLAGS] & limit.DUAL ? [2, b, limit.SUM_LIMIT, b] : [a, b, pending, pending];
  most.push(a, limit.SUM_LIMIT, a);
  arrays(lora).forEach((array, i) => {
    const norm = Math.sqrt(array.reduce((sum, value) => sum + value * value, 0));
    within(word.SECTIONS[ARRAYS[i]], norm, 0, limit.NORM_TOLERANCE * most[i]);
  });
  ask(lora, call.TAKE_UP);
};

/** Gives an object a block for a config, has `fill` write the rest, and the engine check it. */
const make = (lora, config, fill) => {
  const settings = settingsOf(config, MicroLoraConfigWasm);
  const { inFeatures: x, outFeatures: y, rank } = settings;
  if (!wasm) fail("NOT_LOADED", "engine", "an awaited init()", "none");
  // There are no more orthonormal rows than an input has values.
  whole("rank", rank, 1, Math.min(limit.MAX_RANK, x));
  const [a, b] = [rank * x, rank * y];
  // Before the input and the output there is a row of scratch.
  const lengths = [word.HEADER_WORDS, a, b, a, b, y, x, y, y, x, y];
  const bytes = 4 * lengths.reduce((sum, length) => sum + length);
  let at = free[bytes]?.pop();
  if (!at) {
    at = room(bytes);
    top += bytes;
  }
  const block = [at, bytes];
  floats(at, bytes / 4).fill(0);
  keep(lora, { _block: block, _parts: lengths.map((length) => [at, length, (at += 4 * length)]) });
  registry?.register(lora, block, lora);
  try {
    const [words, numbers] = header(lora);
    writeConfig([words, numbers], settings, limit.DUAL_STEP);
    fill(lora);
    if (whole("step", words[word.STEP], limit.SCALED_STEP) === limit.SCALED_STEP) {
      // The first list converts the weights to the dual step. Pending sums of the scaled step are dropped.
      words[word.STEP] = limit.DEFAULT_STEP;
      words[word.DUAL_FLAGS] &= limit.BIAS;
      words[word.PENDING] = numbers[word.PENDING_WEIGHT] = 0;
      arrays(lora).slice(2, 4).forEach((array) => array.fill(0));
    }
    for (const [place, what, min, max] of word.SCALARS) within(what, numbers[place], min, max);
    within("pending weight", numbers[word.PENDING_WEIGHT], words[word.PENDING] && 2 ** -126, words[word.PENDING] && limit.WEIGHT_LIMIT);
    takeUp(lora);
  } catch (error) {
    lora.free();
    throw error;
  }
  return lora;
};

export class MicroLoraWasm {
  constructor(config) {
    make(this, config, start);
    // The engine counts its start as a change, which a fresh adapter has not seen.
    header(this)[0][word.GENERATION] = 0;
  }

  apply(input) {
    put(this, INPUT, "input", input);
    this.run();
    return this.outputView.slice();
  }

  applyResidual(input) {
    const [x, y] = [INPUT, OUTPUT].map((i) => part(this, i).length);
    if (x !== y) fail("SQUARE_REQUIRED", "residual", "inFeatures equal to outFeatures", `${x} and ${y}`);
    // The input goes where the output will be.
    put(this, OUTPUT, "input", input);
    ask(this, call.RESIDUAL, { input: this.outputView });
    return this.outputView.slice();
  }

  applyInto(input, output) {
    // Both are read before one is written: to read them may run code that applies this adapter.
    input = sized("input", input, part(this, INPUT).length);
    if (sized("output", output, this.outputView.length) !== output || !(output instanceof Float32Array)) {
      mistyped("output", "a Float32Array", output);
    }
    put(this, INPUT, "input", input);
    const guard = this.run();
    output.set(this.outputView);
    return guard;
  }

  get inputView() {
    return part(this, INPUT);
  }

  get outputView() {
    return part(this, OUTPUT);
  }

  run() {
    return ask(this, call.APPLY, { input: part(this, INPUT) });
  }

  adaptChoice(input, candidates, chosen, options) {
    let { base, weight = 1, quality = 1, temperature = limit.CHOICE_TEMPERATURE } = known(options, [
      "base",
      "weight",
      "quality",
      "temperature",
    ]);
    if (weight !== 0) number("weight", weight, limit.MIN_WEIGHT, limit.MAX_WEIGHT);
    number("quality", quality, 0, 1);
    number("temperature", temperature, limit.MIN_TEMPERATURE, limit.MAX_TEMPERATURE);
    const [x, length] = [INPUT, OUTPUT].map((i) => part(this, i).length);
    input = sized("input", input, x);
    if (base == null && length !== x) {
      fail("BASE_REQUIRED", "base", `${length} values, because inFeatures is ${x} and outFeatures ${length}`, "none");
    }
    // Copies, since growth of the memory, by a getter or for room, empties views of it.
    base = new Float32Array(sized("base", base ?? input, length));
    candidates = new Float32Array(flat("candidates", candidates, length));
    const n = candidates.length;
    whole("chosen", chosen, 0, n / length - 1);
    put(this, INPUT, "input", input);
    const rows = floats(room(4 * (n + length)), n + length);
    rows.set(base);
    rows.set(candidates, length);
    const given = { input: part(this, INPUT), base, candidates };
    return ask(this, call.CHOICE, given, length, n, weight, quality, temperature, chosen);
  }

  applyUpdates(learningRate = 0.01) {
    return ask(this, call.UPDATE, {}, 0, 0, 0, number("learningRate", learningRate, 0, limit.MAX_LEARNING_RATE));
  }

  pendingUpdates() {
    return header(this)[0][word.PENDING];
  }

  get generation() {
    return header(this)[0][word.GENERATION];
  }

  reset() {
    start(this);
    takeUp(this);
  }

  getConfig() {
    return readInto(new MicroLoraConfigWasm(), header(this));
  }

  toJson() {
    return write(...header(this), arrays(this));
  }

  static fromJson(json, modelId = 0) {
    const [settings, fill] = read(json, modelId);
    const config = Object.assign(new MicroLoraConfigWasm(), settings);
    return make(Object.create(classOf(this, MicroLoraWasm).prototype), config, (lora) => fill(...header(lora), arrays(lora)));
  }
}
disposable(MicroLoraWasm.prototype, function () {
  const values = own(this);
  if (values._parts) {
    registry?.unregister(this);
    release(values._block);
    values._parts = undefined;
  }
});
