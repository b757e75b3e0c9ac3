// What the entry `micro-lora` is made of.

import { count, floats, idle, invoke, number, put, release, room, sized, take, wasm, whole, within } from "./engine.js";
import { MicroLoraConfigWasm as Settings, disposable, readInto, sizesOf, write as writeConfig } from "./config.js";
import { fail, known, mistyped } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as call from "./generated/calls.js";
import * as word from "./generated/header.js";
import { readLegacy } from "./legacy.js";
import { keep, own } from "./own.js";
import { check } from "./refusal.js";
import { read, write } from "./state.js";

export class MicroLoraConfigWasm extends Settings {
  toJSON() {
    return { ...this };
  }

  memoryBytes() {
    return 4 * this.rank * (this.inFeatures + this.outFeatures);
  }

  computeScaling() {
    return this.alpha / (this.useRslora ? Math.sqrt(this.rank) : this.rank);
  }
}

/** Gives back the memory of adapters that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

/** Has the engine do something that needs no arrays but those of the adapter. */
export const ask = (what, lora, value = 0) =>
  check(invoke(what, live(lora)._at, room(0), 0, 0, -1, 0, value, 0, 0));

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
  const { _sizes, _input } = live(lora);
  put("input", input, _sizes[0], _input + behind);
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
  const { base, weight = 1 } = options;
  number("weight", weight);
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
  return check(invoke(kind, live(lora)._at, at, n, m, k, weight, value, temperature, chosen));
};

/** What every event may say. */
export const SAMPLE = ["base", "weight"];

/** What `slice` does, in less time. */
const copied = (view) => {
  const copy = new Float32Array(view.length);
  copy.set(view);
  return copy;
};

/** What an adapter keeps: where its block is (`_at`) and its input (`_input`), its sizes, views of its vectors. */
export const live = (lora) => {
  idle();
  const values = own(lora);
  return values?._at ? values : fail("FREED", "adapter: expected one in use, got one that was freed");
};

/** An adapter's header, as integers and as floats: `word` says what is where. */
export const header = (lora) => {
  const { _at: at } = live(lora);
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
  const { _at, _sizes } = live(lora);
  let at = _at + 4 * word.HEADER_WORDS;
  return lengths(_sizes).map((length) => floats((at += 4 * length) - 4 * length, length));
};

export const loaded = () =>
  wasm || fail("NOT_LOADED", "engine: expected init() to have been awaited, got a call before");

/** Gives an object a block for a config, has `fill` write to it, and the engine check what it wrote. */
const make = (lora, config, what, fill) => {
  const sizes = sizesOf(config, MicroLoraConfigWasm);
  loaded();
  idle();
  // And a row that the engine needs.
  const before = 4 * lengths(sizes).reduce((sum, length) => sum + length, word.HEADER_WORDS + sizes[1]);
  const block = take(before + 4 * (sizes[0] + sizes[1]));
  const [at] = block;
  floats(at, before / 4 + sizes[0] + sizes[1]).fill(0);
  keep(lora, { _block: block, _at: at, _sizes: sizes, _x: [], _y: [], _input: at + before });
  registry?.register(lora, block, lora);
  try {
    const [words, numbers] = header(lora);
    words.set(sizes);
    writeConfig([words, numbers], config);
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
    const [inFeatures, outFeatures] = live(this)._sizes;
    // In place, where the output will be: there is nothing to be copied then.
    give(this, input, inFeatures === outFeatures ? 4 * inFeatures : 0);
    ask(call.RESIDUAL, this);
    return copied(this.outputView);
  }

  applyInto(input, output) {
    give(this, input);
    if (!(output instanceof Float32Array)) mistyped("output", "a Float32Array", output);
    sized("output", output, live(this)._sizes[1]);
    const guard = this.run();
    output.set(this.outputView);
    return guard;
  }

  get inputView() {
    const values = live(this);
    // Growth of the memory has emptied the old one.
    return values._x.length ? values._x : (values._x = floats(values._input, values._sizes[0]));
  }

  get outputView() {
    const values = live(this);
    const { _y, _input, _sizes } = values;
    return _y.length ? _y : (values._y = floats(_input + 4 * _sizes[0], _sizes[1]));
  }

  run() {
    return ask(call.APPLY, this);
  }

  adaptChoice(input, candidates, chosen, options) {
    const { _sizes } = live(this);
    options = known(options, [...SAMPLE, "quality", "temperature"]);
    const { quality = 1, temperature = limit.CHOICE_TEMPERATURE } = options;
    const what = "candidates";
    const vectors = flat(what, candidates, _sizes[1]);
    number("quality", quality);
    whole("chosen", chosen);
    return learn(this, call.CHOICE, input, what, vectors, "", [], options, quality, temperature, chosen);
  }

  applyUpdates(learningRate = 0.01) {
    return ask(call.UPDATE, this, number("learningRate", learningRate));
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
    return readInto(new MicroLoraConfigWasm(), header(this));
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
    const [settings, fill] = read(json, modelId, readLegacy);
    const config = Object.assign(new MicroLoraConfigWasm(), settings);
    return filled(this, config, (lora) => fill(...header(lora), arrays(lora)));
  }
}
disposable(MicroLoraWasm.prototype, function () {
  const values = own(this);
  if (values?._at) {
    idle();
    registry?.unregister(this);
    release(values._block);
    values._at = 0;
  }
});
