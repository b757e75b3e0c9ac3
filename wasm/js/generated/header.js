// Written by `cargo xtask layout` from the Rust crates: change those instead.

// Where in an adapter's header which word of 32 bits is.

export const IN_FEATURES = 0;
export const OUT_FEATURES = 1;
export const RANK = 2;
export const ALPHA = 3;
export const FLAGS = 4;
export const CAP = 5;
export const SEED = 6;
export const MODEL_ID = 7;
export const STEP = 8;
export const DECAY = 9;
export const SCALING = 10;
export const STRENGTH = 11;
export const PENDING_WEIGHT = 12;
export const PENDING = 13;
export const V_A = 14;
export const V_C = 15;
export const C = 16;
export const UPDATES = 17;
export const SAMPLES = 18;
export const RATED = 19;
export const CAPPED = 20;
export const GENERATION = 21;
export const MEAN_QUALITY = 22;
export const BASELINE = 23;
export const DUAL_FLAGS = 40;
export const LISTS = 41;

/** Words of a header. */
export const HEADER_WORDS = 65;

/** How many integers a state of version 1 has, and how many sections. Version 2 has all. */
export const INTEGERS_1 = 13;
export const SECTIONS_1 = 5;

/** Where the integers of a state are, in the order in which it has them. */
export const INTEGERS = {
  in_features: 0,
  out_features: 1,
  rank: 2,
  model_id: 7,
  seed: 6,
  step: 8,
  use_rslora: 4,
  pending: 13,
  updates: 17,
  samples: 18,
  rated: 19,
  capped: 20,
  generation: 21,
  dual_flags: 40,
  lists: 41,
};

/** The floats of its first section, in their order: where, what a message calls it, from, to. */
export const SCALARS = [
  [3, "alpha", 1e-6, 1e6],
  [5, "cap", 1e-6, 1e6],
  [9, "decay", 0, 0.5],
  [11, "strength", 0, 100],
  [12, "pending weight", 0, 16777216],
  [14, "v_a", 0, 3.4028235e38],
  [15, "v_c", 0, 3.4028235e38],
  [16, "c", 0, 1],
  [22, "mean_quality", 0, 1],
  [23, "baseline", 0, 1],
];

/** Where the floats of its section `dual` are, in their order. */
export const DUAL_WORDS = [42, 43, 44, 45, 46, 47, 48, 56, 57, 58, 59, 49, 50, 51, 52, 53, 54, 55];

/** Its sections, in their order. */
export const SECTIONS = ["scalars", "lora_a", "lora_b", "grad_a", "grad_c", "dual", "bias", "input_sum", "grad_bias"];
