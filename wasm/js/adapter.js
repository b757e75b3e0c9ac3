// What the entry `micro-lora` is made of.

import { count, floats, idle, invoke, number, put, release, room, sized, take, wasm, whole, within } from "./engine.js";
import { MicroLoraConfigWasm as Settings, disposable } from "./config.js";
import { fail } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as call from "./generated/calls.js";
import * as word from "./generated/header.js";
import { check } from "./refusal.js";
import { read, write } from "./state.js";

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

/** Gives back the memory of adapters that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

/** Has the engine do something that needs no arrays but those of the adapter. */
export const ask = (what, lora, value = 0) =>
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
export const live = (lora) => {
  idle();
  return lora._at || fail("FREED", "adapter: expected one in use, got one that was freed");
};

/** An adapter's header, as integers and as floats: `word` says what is where. */
export const header = (lora) => {
  const at = live(lora);
  return [new Uint32Array(wasm.memory.buffer, at, word.HEADER_WORDS), floats(at, word.HEADER_WORDS)];
};

/** How long the arrays of an adapter are: lora_A, lora_B, what is pending for them, the bias, the sum of inputs, what is
 * pending for the bias. */
const lengths = ([inFeatures, outFeatures, rank]) => {
  const [a, b] = [rank * inFeatures, rank * outFeatures];
  return [a, b, a, b, outFeatures, inFeatures, outFeatures];
};

/** Those arrays. */
export const arrays = (lora) => {
  let at = live(lora) + 4 * word.HEADER_WORDS;
  return lengths(lora._sizes).map((length) => floats((at += 4 * length) - 4 * length, length));
};

export const loaded = () =>
  wasm || fail("NOT_LOADED", "engine: expected init() to have been awaited, got a call before");

/** Gives an object a block for a config, has `fill` write to it, and the engine check what it wrote. */
const make = (lora, config, what, fill) => {
  if (!(config instanceof MicroLoraConfigWasm)) {
    fail("TYPE", `config: expected a MicroLoraConfigWasm, got ${typeof config}`);
  }
  loaded();
  idle();
  const sizes = [config.inFeatures, config.outFeatures, config._rank];
  whole("inFeatures", sizes[0], 1, limit.MAX_FEATURES);
  whole("outFeatures", sizes[1], 1, limit.MAX_FEATURES);
  whole("rank", sizes[2], 1, limit.MAX_RANK);
  // And a row that the engine needs.
  const before = 4 * lengths(sizes).reduce((sum, length) => sum + length, word.HEADER_WORDS + sizes[1]);
  const block = take(before + 4 * (sizes[0] + sizes[1]));
  const [at] = block;
  floats(at, before / 4 + sizes[0] + sizes[1]).fill(0);
  lora._block = block;
  lora._at = at;
  lora._sizes = sizes;
  lora._x = lora._y = [];
  lora._input = at + before;
  registry?.register(lora, block, lora);
  try {
    const [words, numbers] = header(lora);
    words.set(sizes);
    numbers[word.ALPHA] = config.alpha;
    words[word.FLAGS] = config.useRslora ? limit.RSLORA : 0;
    numbers[word.CAP] = config.cap;
    words[word.SEED] = whole("seed", config.seed);
    words[word.MODEL_ID] = whole("modelId", config.modelId);
    words[word.STEP] = whole("step", config.step, 0, limit.MAX_STEP);
    numbers[word.DECAY] = config.decay;
    numbers[word.STRENGTH] = 1;
    numbers[word.BASELINE] = limit.FIRST_BASELINE;
    fill?.(lora);
    for (const [place, what, min, max] of word.SCALARS) within(what, numbers[place], min, max);
    within("pending weight", numbers[word.PENDING_WEIGHT], words[word.PENDING] && 2 ** -126, words[word.PENDING] && limit.WEIGHT_LIMIT);
    ask(what, lora);
  } catch (error) {
    lora.free();
    throw error;
  }
  return lora;
};

/** An adapter of a class with weights that `fill` writes. */
export const filled = (Class, config, fill) => make(Object.create(Class.prototype), config, call.TAKE_UP, fill);

export class MicroLoraWasm {
  constructor(config) {
    make(this, config, call.RESET);
    // The engine counts its reset as a change, which a fresh adapter has not seen.
    header(this)[0][word.GENERATION] = 0;
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
    ask(call.RESIDUAL, this);
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
    return ask(call.APPLY, this);
  }

  adaptChoice(input, candidates, chosen, options) {
    live(this);
    const { quality = 1, temperature = limit.CHOICE_TEMPERATURE } = options ?? {};
    const what = "candidates";
    const vectors = flat(what, candidates, this._sizes[1]);
    whole("chosen", chosen);
    return learn(this, call.CHOICE, input, what, vectors, "", [], options, quality, temperature, chosen);
  }

  applyUpdates(learningRate = 0.01) {
    return ask(call.UPDATE, this, learningRate);
  }

  pendingUpdates() {
    return header(this)[0][word.PENDING];
  }

  get generation() {
    return header(this)[0][word.GENERATION];
  }

  reset() {
    ask(call.RESET, this);
  }

  getConfig() {
    const [words, numbers] = header(this);
    const config = new MicroLoraConfigWasm();
    [config.inFeatures, config.outFeatures, config.rank] = words;
    config.alpha = numbers[word.ALPHA];
    config.useRslora = (words[word.FLAGS] & limit.RSLORA) > 0;
    config.cap = numbers[word.CAP];
    config.seed = words[word.SEED];
    config.modelId = words[word.MODEL_ID];
    config.step = words[word.STEP];
    config.decay = numbers[word.DECAY];
    return config;
  }

  toJson() {
    return write(...header(this), arrays(this));
  }

  /** For `JSON.stringify`: the same text. */
  toJSON() {
    return JSON.parse(this.toJson());
  }

  static fromJson(json, modelId = 0) {
    loaded();
    const [settings, fill] = read(json, modelId, this._legacy);
    const config = Object.assign(new MicroLoraConfigWasm(), settings);
    return filled(this, config, (lora) => fill(...header(lora), arrays(lora)));
  }
}
disposable(MicroLoraWasm.prototype, function () {
  if (this._at) {
    idle();
    registry?.unregister(this);
    release(this._block);
    this._at = 0;
  }
});
