// Where the engine of `micro-lora/learn` is. Bundlers find a file by this very form of words, one for each.
export default (hasSimd) =>
  hasSimd() ? new URL("learn_simd.wasm", import.meta.url) : new URL("learn.wasm", import.meta.url);
