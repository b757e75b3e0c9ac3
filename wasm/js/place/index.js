// The address of the engine of `micro-lora`. Bundlers recognise a file by exactly this expression.
export default (hasSimd) =>
  hasSimd() ? new URL("micro_lora_simd.wasm", import.meta.url) : new URL("micro_lora.wasm", import.meta.url);
