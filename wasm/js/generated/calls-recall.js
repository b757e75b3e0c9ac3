// Written by `cargo xtask layout` from the Rust crates: change those instead.

// What the engine of `micro-lora/learn` can do besides.

export const LEARN = 0;
export const WHY = 1;
export const FORGET = 2;
export const FORGET_DOCUMENT = 3;
export const SETTLE = 4;
export const RELEARN = 5;
export const TAKE_UP = 6;
export const PREDICTIONS = 7;
