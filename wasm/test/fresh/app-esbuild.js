// esbuild leaves `new URL(.., import.meta.url)` alone, so the program says which file it wants.
import init, * as lora from "micro-lora";
import url from "micro-lora/micro_lora_simd.wasm";
import { learnOneClick } from "./click.js";

try {
  await init(new URL(url, import.meta.url));
  globalThis.outcome = learnOneClick(lora);
} catch (error) {
  globalThis.outcome = { error: String(error?.stack ?? error) };
}
