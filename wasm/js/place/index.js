// Where the engine of `micro-lora` is. Bundlers find a file by this very form of words, one for each.
export default (hasSimd) =>
  hasSimd() ? new URL("micro_lora_simd.wasm", import.meta.url) : new URL("micro_lora.wasm", import.meta.url);
