// What the entry `micro-lora` is made of.

import { count, floats, invoke, number, put, release, room, sized, take, wasm, whole, within } from "./engine.js";
import { MicroLoraConfigWasm as Settings, disposable } from "./config.js";
import { fail } from "./fail.js";
import { check } from "./refusal.js";
import { SCALARS, read, write } from "./state.js";

export class MicroLoraConfigWasm extends Settings {
  /** Without what is the class's own, so that `Object.assign` makes a config of it again. */
  toJSON() {
    return { ...this, rank: this._rank, _rank: undefined };
  }

  memoryBytes() {
    return 4 * this._rank * (this.inFeatures + this.outFeatures);
  }

  computeScaling() {
    return this.alpha / (this.useRslora ? Math.sqrt(this._rank) : this._rank);
  }
}

/** The engine's numbers of what it can do. */
export const APPLY = 0;
export const RESIDUAL = 1;
export const UPDATE = 2;
export const RESET = 3;
export const TAKE_UP = 4;
export const CHOICE = 7;

/** Gives back the memory of adapters that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

/** Has the engine do something that needs no arrays but those of the adapter. */
export const call = (what, lora, value = 0) =>
  check(invoke(what, live(lora), room(0), 0, 0, -1, 0, number("number", value), 0, 0));

/** Vectors one after the other, whichever way they were given. */
export const flat = (what, vectors, width) => {
  const n = count(what, vectors);
  if (typeof vectors[0] !== "object") return vectors;
  const all = new Float32Array(n * width);
  for (let i = 0; i < n; i++) all.set(sized(`${what}[${i}]`, vectors[i], width), i * width);
  return all;
};

/** Copies an input to an adapter, which has to be one, or to so many bytes behind. */
const give = (lora, input, behind = 0) => {
  live(lora);
  put("input", input, lora._sizes[0], lora._input + behind);
};

/**
 * Learns from one event of a kind. What is passed besides the input stands one after the other: `vectors`, `extra`, and
 * the base if there is one.
 */
export const learn = (
  lora,
  kind,
  input,
  what,
  vectors,
  extraName,
  extra,
  options,
  value = 0,
  temperature = 0,
  chosen = 0,
) => {
  // A bare number would be taken for no options: a thumb down for a click.
  options ??= {};
  const { base, weight = 1 } = options;
  if (typeof options !== "object") fail("TYPE", `options: expected an object, got ${typeof options}`);
  number("weight", weight);
  number("value", value);
  number("temperature", temperature);
  give(lora, input);
  const n = count(what, vectors);
  const m = count(extraName, extra);
  const k = base == null ? -1 : count("base", base);
  const ours = [vectors, extra, base].map((array) =>
    // Making room could empty a view of the memory.
    array?.buffer === wasm.memory.buffer ? array.slice() : array,
  );
  const at = room(4 * (n + m + (k > 0 ? k : 0)));
  put(what, ours[0], n, at);
  put(extraName, ours[1], m, at + 4 * n);
  if (k > 0) put("base", ours[2], k, at + 4 * (n + m));
  return check(invoke(kind, lora._at, at, n, m, k, weight, value, temperature, chosen));
};

/** What `slice` does, in less time. */
const copied = (view) => {
  const copy = new Float32Array(view.length);
  copy.set(view);
  return copy;
};

/** The address of an adapter's block. */
export const live = (lora) =>
  lora._at || fail("FREED", "adapter: expected one in use, got one that was freed");

/** An adapter's header, as integers and as floats: `HEADER` in `state.js` says what is where. */
export const header = (lora) => {
  const at = live(lora);
  return [new Uint32Array(wasm.memory.buffer, at, 40), floats(at, 40)];
};

/** lora_A, lora_B and the gradients pending for them. */
export const matrices = (lora) => {
  const [inFeatures, outFeatures, rank] = lora._sizes;
  let at = live(lora) + 160;
  return [inFeatures, outFeatures, inFeatures, outFeatures].map((features) => {
    const matrix = floats(at, rank * features);
    at += 4 * rank * features;
    return matrix;
  });
};

const loaded = () =>
  wasm || fail("NOT_LOADED", "engine: expected init() to have been awaited, got a call before");

/** Gives an object a block for a config, has `fill` write to it, and the engine check what it wrote. */
const make = (lora, config, what, fill) => {
  if (!(config instanceof MicroLoraConfigWasm)) {
    fail("TYPE", `config: expected a MicroLoraConfigWasm, got ${typeof config}`);
  }
  loaded();
  const sizes = [config.inFeatures, config.outFeatures, config._rank];
  whole("inFeatures", sizes[0], 1, 1048576);
  whole("outFeatures", sizes[1], 1, 1048576);
  whole("rank", sizes[2], 1, 4);
  const before = 160 + 4 * (2 * sizes[2] * (sizes[0] + sizes[1]) + sizes[1]);
  const block = take(before + 4 * (sizes[0] + sizes[1]));
  const [at] = block;
  // The engine writes to the rest before it reads it.
  floats(at, 40).fill(0);
  floats(at + before, sizes[0] + sizes[1]).fill(0);
  lora._block = block;
  lora._at = at;
  lora._sizes = sizes;
  lora._x = lora._y = [];
  lora._input = at + before;
  registry?.register(lora, block, lora);
  try {
    const [words, numbers] = header(lora);
    words.set(sizes);
    numbers[3] = config.alpha;
    words[4] = config.useRslora ? 1 : 0;
    numbers[5] = config.cap;
    words[6] = whole("seed", config.seed);
    words[7] = whole("modelId", config.modelId);
    words[8] = whole("step", config.step, 0, 2);
    numbers[9] = config.decay;
    numbers[11] = 1;
    numbers[23] = 0.5;
    fill?.(lora);
    for (const [place, what, min, max] of SCALARS) within(what, numbers[place], min, max);
    within("pending weight", numbers[12], words[13] && 2 ** -126, words[13] && 2 ** 24);
    call(what, lora);
  } catch (error) {
    lora.free();
    throw error;
  }
  return lora;
};

/** An adapter of a class with weights that `fill` writes. */
export const filled = (Class, config, fill) => make(Object.create(Class.prototype), config, TAKE_UP, fill);

export class MicroLoraWasm {
  constructor(config) {
    make(this, config, RESET);
    // The engine counts its reset as a change, which a fresh adapter has not seen.
    header(this)[0][21] = 0;
  }

  apply(input) {
    give(this, input);
    this.run();
    return copied(this.outputView);
  }

  applyResidual(input) {
    live(this);
    const [inFeatures, outFeatures] = this._sizes;
    // In place, where the output will be: there is nothing to be copied then.
    give(this, input, inFeatures === outFeatures ? 4 * inFeatures : 0);
    call(RESIDUAL, this);
    return copied(this.outputView);
  }

  applyInto(input, output) {
    give(this, input);
    if (!(output instanceof Float32Array)) fail("TYPE", `output: expected a Float32Array, got ${typeof output}`);
    sized("output", output, this._sizes[1]);
    const guard = this.run();
    output.set(this.outputView);
    return guard;
  }

  get inputView() {
    live(this);
    // Growth of the memory has emptied the old one.
    return this._x.length ? this._x : (this._x = floats(this._input, this._sizes[0]));
  }

  get outputView() {
    live(this);
    return this._y.length ? this._y : (this._y = floats(this._input + 4 * this._sizes[0], this._sizes[1]));
  }

  run() {
    return call(APPLY, this);
  }

  adaptChoice(input, candidates, chosen, options) {
    live(this);
    const { quality = 1, temperature = 0.08 } = options ?? {};
    const what = "candidates";
    const vectors = flat(what, candidates, this._sizes[1]);
    whole("chosen", chosen);
    return learn(this, CHOICE, input, what, vectors, "", [], options, quality, temperature, chosen);
  }

  applyUpdates(learningRate = 0.01) {
    return call(UPDATE, this, learningRate);
  }

  pendingUpdates() {
    return header(this)[0][13];
  }

  get generation() {
    return header(this)[0][21];
  }

  reset() {
    call(RESET, this);
  }

  getConfig() {
    const [words, numbers] = header(this);
    const config = new MicroLoraConfigWasm();
    [config.inFeatures, config.outFeatures, config.rank] = words;
    config.alpha = numbers[3];
    config.useRslora = words[4] % 2 > 0;
    config.cap = numbers[5];
    config.seed = words[6];
    config.modelId = words[7];
    config.step = words[8];
    config.decay = numbers[9];
    return config;
  }

  toJson() {
    return write(...header(this), matrices(this));
  }

  /** For `JSON.stringify`: the same text. */
  toJSON() {
    return JSON.parse(this.toJson());
  }

  static fromJson(json, modelId = 0) {
    loaded();
    const [settings, fill] = read(json, modelId, this._legacy);
    const config = Object.assign(new MicroLoraConfigWasm(), settings);
    return filled(this, config, (lora) => fill(...header(lora), matrices(lora)));
  }
}
disposable(MicroLoraWasm.prototype, function () {
  if (this._at) {
    registry?.unregister(this);
    release(this._block);
    this._at = 0;
  }
});
