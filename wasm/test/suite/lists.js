// What the tests of the dual step and of its memory share: `tests/web_dual_vectors.rs` has the same.
import { Random, bits, config, lora, readText } from "./setup.js";

export const WIDTH = 8;
export const golden = JSON.parse(await readText("dual.json"));
export const hex = (values) => [...bits(values)].map((word) => word.toString(16).padStart(8, "0")).join("");
export const clicks = (n, event) =>
  Array.from({ length: n }, (_, i) => (i === event % n ? 1 : 0.25 * (i % 2)));
/** The document or the query of an id, in the first embedding model or the second. */
export const vector = (kind, id, model) => new Random(1000 * model + 100 * kind + id).row(WIDTH);
export const vectors = (model) => (id, kind) =>
  model > 1 && kind === "document" && id < 3 ? null : vector(kind === "query" ? 1 : 0, id, model);
export const make = (settings) =>
  new lora.MicroLoraWasm(config({ inFeatures: WIDTH, outFeatures: WIDTH, ...settings }));
