// The address of the engine of `micro-lora/learn`. Bundlers recognise a file by exactly this expression.
export default (hasSimd) =>
  hasSimd() ? new URL("learn_simd.wasm", import.meta.url) : new URL("learn.wasm", import.meta.url);
