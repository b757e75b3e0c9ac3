// The package twice: with simd128, and without. Each is a copy of its own, with an engine and a memory of its own.
import { cpSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const installed = new URL("../node_modules/micro-lora/", import.meta.url);
const copied = new URL("../baseline/", import.meta.url);

const ENTRIES = [
  ["learn", "learn"],
  ["lora", "index"],
  ["lite", "lite"],
  ["peft", "peft"],
];

async function load(root, files) {
  const library = {};
  // `learn` before any is loaded: it has the others use its larger engine.
  for (const [name, entry] of ENTRIES) library[name] = await import(new URL(`inline/${entry}.js`, root));
  const [learn, lite] = files.map((file) => readFileSync(new URL(file, root)));
  await library.lora.default(learn);
  await library.lite.default(lite);
  return library;
}

export async function builds() {
  rmSync(copied, { recursive: true, force: true });
  cpSync(fileURLToPath(installed), fileURLToPath(copied), { recursive: true });
  const [simd, baseline] = [await load(installed, []), await load(copied, ["learn.wasm", "lite.wasm"])];
  if (!simd.lora.isSimd() || baseline.lora.isSimd())
    throw new Error("expected one build with simd128 and one without");
  return { simd, baseline };
}
