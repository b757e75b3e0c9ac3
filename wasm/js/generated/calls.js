// Written by `cargo xtask layout` from the Rust crates: change those instead.

// What the engine of `micro-lora` can do.

export const APPLY = 0;
export const RESIDUAL = 1;
export const UPDATE = 2;
export const RESET = 3;
export const TAKE_UP = 4;
export const STRENGTH = 5;
export const DISCARD = 6;
export const CHOICE = 7;
export const QUALITY = 8;
export const GRADIENT = 9;
export const LISTWISE = 10;
export const TARGET = 11;
export const ATTRACT_REPEL = 12;
export const REHEARSE = 13;
