// The entry `micro-lora/learn`: what stands beside an adapter. Every operation is that of the Rust crate, rounded to 32
// bits where it rounds: the same bits, and the same saved texts.

export { Explore, principalDirections } from "./explore.js";
export { Holdback } from "./holdback.js";
export { Memory } from "./memory.js";
export { pullTowards } from "./pull.js";
export { predictions } from "./recall.js";
export { Replay } from "./replay.js";
