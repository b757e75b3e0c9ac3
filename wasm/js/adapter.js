// The methods that adapters of `micro-lora` share with those of `micro-lora/lite`; `index.js` adds the others.

import { bufferOf, flat, lengthOf, number, sized, whole } from "./arrays.js";
import { MicroLoraConfigWasm as Settings, disposable, readInto, settingsOf, write as writeConfig } from "./config.js";
import { floats, idle, invoke, release, room, take, used, wasm, within } from "./engine.js";
import { fail, known, mistyped } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as call from "./generated/calls.js";
import * as word from "./generated/header.js";
import { readLegacy } from "./legacy.js";
import { fields } from "./own.js";
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

const [own, keep] = fields("adapter");

/** Frees the memory of adapters that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

/** Calls the engine with no arrays but the adapter's own. */
export const ask = (what, lora, value = 0) =>
  check(invoke(what, live(lora)._at, room(0), 0, 0, -1, 0, value, 0, 0));

/** Copies an input into an adapter's block, `behind` bytes after the place of its input. */
const give = (lora, input, behind = 0) => {
  const { _sizes } = live(lora);
  input = sized("input", input, _sizes[0]);
  // Only now: a getter of the input may have freed the adapter.
  floats(live(lora)._input + behind, _sizes[0]).set(input);
};

/** The array, or a copy if it is a view of the engine's memory, which growth of that memory empties. */
const apart = (array) => (bufferOf(array) === wasm.memory.buffer ? new Float32Array(array) : array);

/**
 * Learns from one event of a kind. What is passed besides the input stands one after the other: `vectors`, `extra`, which
 * are typed arrays, and the base if there is one.
 */
export const learn = (lora, kind, input, vectors, extra, options, value = 0, temperature = 0, chosen = 0) => {
  const { base, weight = 1 } = options;
  number("weight", weight);
  number("temperature", temperature);
  const passed = [vectors, extra, base == null ? NONE : sized("base", base, live(lora)._sizes[1])];
  give(lora, input);
  // A getter of another array may have had the memory grow, which empties views of it: the engine then refuses the length.
  const arrays = passed.map(apart);
  const lengths = passed.map(lengthOf);
  let at = room(4 * lengths.reduce((sum, length) => sum + length));
  const first = at;
  arrays.forEach((array, i) => {
    if (lengths[i]) floats(at, lengths[i]).set(array);
    at += 4 * lengths[i];
  });
  if (base == null) lengths[2] = -1;
  return check(invoke(kind, live(lora)._at, first, ...lengths, weight, value, temperature, chosen));
};

/** Stands for an array that an event does not have. */
export const NONE = new Float32Array();

/** The options that every event takes. */
export const SAMPLE = ["base", "weight"];

/** What an adapter keeps: where its block is (`_at`) and its input (`_input`), its sizes, views of its vectors. */
export const live = (lora) => {
  idle();
  const values = own(lora);
  return values._at ? values : fail("FREED", "adapter", "one in use", "a freed one");
};

/** An adapter's header, as integers and as floats: `word` says what is where. */
export const header = (lora) => {
  const { _at: at } = live(lora);
  return [new Uint32Array(wasm.memory.buffer, at, word.HEADER_WORDS), floats(at, word.HEADER_WORDS)];
};

/** Lengths of an adapter's arrays: lora_A, lora_B, pending sums of both, bias, sum of inputs, pending sum of the bias. */
const lengths = ([inFeatures, outFeatures, rank]) => {
  const [a, b] = [rank * inFeatures, rank * outFeatures];
  return [a, b, a, b, outFeatures, inFeatures, outFeatures];
};

/** These arrays, as views of the engine's memory. */
export const arrays = (lora) => {
  const { _at, _sizes } = live(lora);
  let at = _at + 4 * word.HEADER_WORDS;
  return lengths(_sizes).map((length) => floats((at += 4 * length) - 4 * length, length));
};

export const loaded = () =>
  wasm || fail("NOT_LOADED", "engine", "an awaited init()", "none");

/**
 * Gives an object a block for a config, has `fill` write to it, and the engine check what it wrote. `matrices`: lora_A and
 * lora_B as a caller gave them, for `fill`.
 */
const make = (lora, config, what, fill, matrices) => {
  const settings = settingsOf(config, MicroLoraConfigWasm);
  const sizes = [settings.inFeatures, settings.outFeatures, settings.rank];
  loaded();
  matrices = matrices?.map((values, i) => new Float32Array(sized(["loraA", "loraB"][i], values, lengths(sizes)[i])));
  idle();
  // One more row is the engine's scratch.
  const before = 4 * lengths(sizes).reduce((sum, length) => sum + length, word.HEADER_WORDS + sizes[1]);
  const dirty = used;
  const block = take(before + 4 * (sizes[0] + sizes[1]));
  const [at, end] = block;
  // What was never used is zero. The system gives it out page by page as it is touched, which takes longer than all else.
  floats(at, (Math.min(end, dirty) - at) / 4).fill(0);
  keep(lora, { _block: block, _at: at, _sizes: sizes, _x: NONE, _y: NONE, _input: at + before });
  registry?.register(lora, block, lora);
  try {
    const [words, numbers] = header(lora);
    writeConfig([words, numbers], settings);
    numbers[word.STRENGTH] = 1;
    numbers[word.BASELINE] = limit.FIRST_BASELINE;
    fill?.(lora, matrices);
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
export const filled = (Class, config, fill, matrices) =>
  make(Object.create(Class.prototype), config, call.TAKE_UP, fill, matrices);

export class MicroLoraWasm {
  constructor(config) {
    make(this, config, call.RESET);
  }

  apply(input) {
    give(this, input);
    this.run();
    return new Float32Array(this.outputView);
  }

  applyResidual(input) {
    const [inFeatures, outFeatures] = live(this)._sizes;
    // The input goes where the output will be, so that the engine copies nothing.
    give(this, input, inFeatures === outFeatures ? 4 * inFeatures : 0);
    ask(call.RESIDUAL, this);
    return new Float32Array(this.outputView);
  }

  applyInto(input, output) {
    const [inFeatures, outFeatures] = live(this)._sizes;
    // Both are read before one is written: to read them may run code that applies this adapter.
    input = sized("input", input, inFeatures);
    if (sized("output", output, outFeatures) !== output || !(output instanceof Float32Array)) {
      mistyped("output", "a Float32Array", output);
    }
    give(this, input);
    const guard = this.run();
    output.set(this.outputView);
    return guard;
  }

  get inputView() {
    const values = live(this);
    // Growth of the memory empties the old view.
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
    number("quality", quality);
    whole("chosen", chosen);
    const vectors = flat("candidates", candidates, _sizes[1]);
    return learn(this, call.CHOICE, input, vectors, NONE, options, quality, temperature, chosen);
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

  static fromJson(json, modelId = 0) {
    loaded();
    const [settings, fill] = read(json, modelId, readLegacy);
    const config = Object.assign(new MicroLoraConfigWasm(), settings);
    return filled(this, config, (lora) => fill(...header(lora), arrays(lora)));
  }
}
disposable(MicroLoraWasm.prototype, function () {
  const values = own(this);
  if (values._at) {
    idle();
    registry?.unregister(this);
    release(values._block);
    values._at = 0;
  }
});
