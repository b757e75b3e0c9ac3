// The entry `micro-lora/lite`.

import { hasSimd, initFrom } from "./engine.js";

export { initSync, isSimd } from "./engine.js";
export { MicroLoraConfigWasm, MicroLoraWasm } from "./adapter.js";

/** Bundlers find a file by this very form of words, one for each. */
export const engineUrl = () =>
  hasSimd() ? new URL("lite_simd.wasm", import.meta.url) : new URL("lite.wasm", import.meta.url);

export default (source) => initFrom(source ?? engineUrl());
