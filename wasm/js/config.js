// The settings of an adapter, and what every class has.

import * as limit from "./generated/adapter.js";

/** Adds what programs written for wasm-bindgen's classes call. */
export const disposable = (prototype, free) => {
  prototype.free = free;
  if (Symbol.dispose) prototype[Symbol.dispose] = free;
};

export class MicroLoraConfigWasm {
  constructor() {
    this._rank = 2;
    this.alpha = limit.DEFAULT_ALPHA;
    this.inFeatures = this.outFeatures = 768;
    this.useRslora = false;
    this.cap = limit.DEFAULT_CAP;
    this.step = limit.DEFAULT_STEP;
    this.seed = this.modelId = this.decay = 0;
  }

  get rank() {
    return this._rank;
  }

  set rank(rank) {
    // Not a number is 1, as it was in the system whose API this is.
    this._rank = Math.min(Math.max(Math.trunc(rank) || 1, 1), limit.MAX_RANK);
  }
}
disposable(MicroLoraConfigWasm.prototype, () => {});
