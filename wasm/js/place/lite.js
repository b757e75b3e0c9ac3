// The address of the engine of `micro-lora/lite`. Bundlers recognise a file by exactly this expression.
export default (hasSimd) =>
  hasSimd() ? new URL("lite_simd.wasm", import.meta.url) : new URL("lite.wasm", import.meta.url);
