// The settings of an adapter, and what every class has.

/** Adds what programs written for wasm-bindgen's classes call. */
export const disposable = (prototype, free) => {
  prototype.free = free;
  if (Symbol.dispose) prototype[Symbol.dispose] = free;
};

export class MicroLoraConfigWasm {
  constructor() {
    this._rank = 2;
    this.alpha = 4;
    this.inFeatures = this.outFeatures = 768;
    this.useRslora = false;
    this.cap = this.step = 2;
    this.seed = this.modelId = this.decay = 0;
  }

  get rank() {
    return this._rank;
  }

  set rank(rank) {
    // Not a number is 1, as it was in the system whose API this is.
    this._rank = Math.min(Math.max(Math.trunc(rank) || 1, 1), 4);
  }
}
disposable(MicroLoraConfigWasm.prototype, () => {});
