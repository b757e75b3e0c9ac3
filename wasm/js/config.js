// The settings of an adapter, and `free` for classes.

import { number, whole } from "./arrays.js";
import { known, mistyped } from "./fail.js";
import * as limit from "./generated/adapter.js";
import * as word from "./generated/header.js";

/** Adds `free` and `Symbol.dispose`, which classes made by wasm-bindgen have. */
export const disposable = (prototype, free) => {
  prototype.free = free;
  if (Symbol.dispose) prototype[Symbol.dispose] = free;
};

/** Makes a property that clamps what is assigned to it. It is the object's own property, so copies of the object have it. */
export const clamped = (name, adjust) => {
  const value = Symbol();
  const property = {
    enumerable: true,
    get() {
      return this[value];
    },
    set(given) {
      this[value] = adjust(number(name, given));
    },
  };
  return (object, first) => {
    Object.defineProperty(object, name, property);
    object[name] = first;
  };
};

// NaN becomes 1, as in `@ruvector/ruvllm-wasm`.
const rankOf = clamped("rank", (rank) => Math.min(Math.max(Math.trunc(rank) || 1, 1), limit.MAX_RANK));

export class MicroLoraConfigWasm {
  constructor() {
    rankOf(this, 2);
    this.alpha = limit.DEFAULT_ALPHA;
    this.inFeatures = this.outFeatures = 768;
    this.useRslora = false;
    this.cap = limit.DEFAULT_CAP;
    this.step = limit.DEFAULT_STEP;
    this.seed = this.modelId = this.decay = 0;
  }
}
disposable(MicroLoraConfigWasm.prototype, () => {});

/** The places of settings in a header. */
const FLOATS = Object.entries({ alpha: word.ALPHA, cap: word.CAP, decay: word.DECAY });
const INTEGERS = Object.entries({ seed: word.SEED, modelId: word.MODEL_ID, step: word.STEP });

let names;

/** A config's settings, each read once: to read one may run the caller's code. Sizes are checked. */
export const settingsOf = (config, Class) => {
  if (!(config instanceof Class)) mistyped("config", "a MicroLoraConfigWasm", config);
  known(config, (names ??= Object.keys(new Class())), "config");
  const settings = { ...config };
  whole("inFeatures", settings.inFeatures, 1, limit.MAX_FEATURES);
  whole("outFeatures", settings.outFeatures, 1, limit.MAX_FEATURES);
  return settings;
};

const STEPS = LITE ? " (3: dual, 4: auto)" : " (0, 2: scaled, 1: SGD, 3: dual, 4: auto)";

/** Writes settings to a header. The engine checks their ranges. */
export const write = ([words, numbers], config, leastStep = 0) => {
  words.set([config.inFeatures, config.outFeatures, config.rank]);
  for (const [name, place] of FLOATS) numbers[place] = number(name, config[name]);
  whole("step", config.step, leastStep, limit.MAX_STEP, STEPS);
  for (const [name, place] of INTEGERS) words[place] = whole(name, config[name]);
  if (typeof config.useRslora !== "boolean") mistyped("useRslora", "true or false", config.useRslora);
  words[word.FLAGS] = config.useRslora ? limit.RSLORA : 0;
};

/** Reads a header into a config. */
export const readInto = (config, [words, numbers]) => {
  [config.inFeatures, config.outFeatures, config.rank] = words;
  for (const [name, place] of FLOATS) config[name] = numbers[place];
  for (const [name, place] of INTEGERS) config[name] = words[place];
  config.useRslora = (words[word.FLAGS] & limit.RSLORA) > 0;
  return config;
};
