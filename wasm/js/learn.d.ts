// What goes with an adapter. All but `Holdback` is for adapters of `micro-lora`: those of `micro-lora/lite` lack what it calls.

export { Explore, principalDirections } from "./explore.js";
export { Holdback } from "./holdback.js";
export type { HoldbackReport } from "./holdback.js";
export { Memory } from "./memory.js";
export type { ClicksOptions, FindVector, MemoryOptions, MemoryReceipt, Stored, Why } from "./memory.js";
export { predictions } from "./recall.js";
export type { Predictions } from "./recall.js";
export { pullTowards } from "./pull.js";
export { Replay } from "./replay.js";
export type { ReplayOptions } from "./replay.js";
