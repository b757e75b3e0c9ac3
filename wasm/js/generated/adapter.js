// Written by `cargo xtask layout` from the Rust crates: change those instead.

// What adapters accept and are made of.

export const MAX_FEATURES = 1048576;
export const MAX_RANK = 4;
export const MIN_CANDIDATES = 2;
export const MAX_CANDIDATES = 64;
export const MIN_WEIGHT = 1e-6;
export const MAX_WEIGHT = 1e6;
export const MIN_TEMPERATURE = 1e-3;
export const MAX_TEMPERATURE = 1e3;
export const LIST_TEMPERATURE = 0.1;
export const CHOICE_TEMPERATURE = 0.08;
export const MAX_LEARNING_RATE = 1e3;
export const MAX_STRENGTH = 100;
export const NORM_LIMIT = 1e8;
export const GRADIENT_LIMIT = 1e11;
export const WEIGHT_LIMIT = 16777216;
export const SUM_LIMIT = 1e18;
export const NORM_TOLERANCE = 1.01;
export const DEFAULT_ALPHA = 4;
export const DEFAULT_CAP = 2;
export const SCALED_STEP = 2;
export const DUAL_STEP = 3;
export const DEFAULT_STEP = 4;
export const MAX_STEP = 4;
export const FIRST_BASELINE = 0.5;
export const RSLORA = 1;
export const DUAL = 1;
export const CHOSEN = 2;
export const BIAS = 4;
export const MAX_DUAL_FLAGS = 7;
export const SEED_STRIDE = 2654435769;
export const SEED_FACTOR_1 = 2246822507;
export const SEED_FACTOR_2 = 3266489909;
export const ERROR_OUT_OF_RANGE = 3;
export const ERROR_MISSING = 18;
export const ERROR_PENDING_FULL = 9;
export const ZERO_LEARNING_RATE = 7;
