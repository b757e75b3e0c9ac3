// Where the engine of `micro-lora/lite` is. Bundlers find a file by this very form of words, one for each.
export default (hasSimd) =>
  hasSimd() ? new URL("lite_simd.wasm", import.meta.url) : new URL("lite.wasm", import.meta.url);
