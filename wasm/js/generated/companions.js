// Written by `cargo xtask layout` from the Rust crates: change those instead.

// The companions of an adapter: ring, holdback, explorer.

export const RING = ["model_id", "in_features", "out_features", "list", "capacity", "len", "next", "turn"];
export const RING_ENTRY = 4;
export const REHEARSALS = 8;
export const MAX_REHEARSALS = 65535;
export const MAX_CAPACITY = 65536;
export const CODE_MAX = 127;
export const SCALE_MAX = 2.6793887e36;
export const MEMORY = ["model_id", "in_features", "out_features", "list", "kinds", "capacity", "len", "turn", "last"];
export const LIST_WORDS = 15;
export const MEAN_WORDS = 6;
export const HOLDBACK = ["since", "serving", "applied", "events", "coin", "shown"];
export const HOLDBACK_TEAMS = 4;
export const HOLDBACK_MEANS = 18;
export const OPEN = 3.4;
export const CLOSE = 2.9;
export const LEAST_EVENTS = 20;
export const SHARES = [[6, 8], [4, 4], [0, 2]];
export const MAX_SHOWN = 64;
export const WINDOW = 400;
export const LEAST_SPREAD = 1e-6;
export const SUM_MAX = 1e9;
export const MAX_DIRECTIONS = 16;
export const MIN_RADIUS = 1e-6;
export const MAX_RADIUS = 1e6;
export const SPREAD_RATE = 0.05;
export const CLIP = 3;
export const ITERATIONS = 60;
export const LEAST_VARIANCE = 1e-5;
export const LEAST_SQUARE = 1e-6;
