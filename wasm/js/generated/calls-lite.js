// Written by `cargo xtask layout` from the Rust crates: change those instead.

// What the engine of `micro-lora/lite` can do.

export const APPLY = 0;
export const UPDATE = 1;
export const TAKE_UP = 2;
export const CHOICE = 3;
export const RESIDUAL = 4;
