// The requests of `micro-lora/learn` to its engine, through `../src/recall.rs`: those of a memory, and for predictions.

import { ERROR_MISSING } from "./generated/adapter.js";
import * as call from "./generated/calls-recall.js";
import { MicroLoraWasm } from "./index.js";
import { ours } from "./ours.js";
import { asking, check, fail, loaded, room, sized, whole } from "./shared.js";
import { finite } from "./vectors.js";

/** Words of a request before its arrays. */
export const REQUEST = 12;

export const NONE = [];

/** The engine's numbers for what it asks for. */
const WHAT = ["document", "query"];

/** The engine, if it is the one with the memory of lists. */
export const engine = () =>
  loaded().recall
    ? loaded()
    : fail(
        "NOT_LOADED",
        "engine",
        "the one of micro-lora/learn",
        "the smaller one: import micro-lora/learn before init(), or give init() its learn_simd.wasm",
      );

/** The block of an adapter of the same engine. */
const blockOf = (lora) =>
  ours(lora) instanceof MicroLoraWasm
    ? lora.block()
    : fail("TYPE", "lora", "an adapter of the micro-lora that micro-lora/learn imports", "one of another copy");

class Predictions {
  toString() {
    const [trust, trustError, strength, strengthError] = Object.values(this).map((value) => value.toFixed(2));
    return (
      `choices follow the frozen order at ${trust} ± ${trustError} (1: fully, 0: not at all) and what was learned at ` +
      `${strength} ± ${strengthError} (1: as strongly as it was learned, 0: not at all)`
    );
  }
}

export const predictions = (lora) => {
  const [block] = blockOf(lora);
  const { memory, recall } = engine();
  const at = room(4 * REQUEST);
  if (!check(recall(call.PREDICTIONS, 0, block, at))) return undefined;
  const [trust, trustError, strength, strengthError] = new Float32Array(memory.buffer, at + 32, 4);
  return Object.assign(new Predictions(), { trust, trustError, strength, strengthError });
};

/** What answers the engine when it asks for a vector. An error is put into `failed`, and nothing is asked for after it. */
const finding = (vectors, heap, failed) => (kind, id, to, n) => {
  if (failed.problem) return 2;
  try {
    const what = `vector of ${WHAT[kind]} ${id}`;
    let vector = vectors(id, WHAT[kind]);
    if (vector == null) {
      failed.gone ??= what;
      return 1;
    }
    if (vector.then) {
      // If it rejects, nobody else sees it: that would end a Node process.
      Promise.resolve(vector).catch(() => {});
      fail("TYPE", "vectors", "to return the vector itself", "a promise: load the vectors first");
    }
    vector = sized(what, vector, n);
    if (!(vector instanceof Float32Array)) vector = new Float32Array(vector);
    // `every` takes longer, and one click asks for a hundred vectors.
    let zero = 0;
    for (let i = 0; i < n; i++) zero += 0 * vector[i];
    if (zero !== 0) finite(what, vector);
    heap.set(vector, to / 4);
    return 0;
  } catch (error) {
    failed.problem = [error];
    return 2;
  }
};

/**
 * Calls the engine for a memory, of which these are the fields. Gives its answer, and the request as words and as floats,
 * over which the engine writes results. All other arguments were read before: the only code of the caller that runs here
 * is the function that finds vectors.
 */
export const request = (values, what, lora, query, arrays = NONE, which = 0, queryId, numbers = NONE) => {
  const [width, out] = values._sizes;
  blockOf(lora);
  const { inFeatures, outFeatures, modelId } = lora.getConfig();
  for (const [name, got, expected] of [
    ["inFeatures", inFeatures, width],
    ["outFeatures", outFeatures, out],
  ]) {
    if (got !== expected) fail("LENGTH", name, `${expected} values`, got);
  }
  if (modelId !== values._model) {
    fail("MISMATCH", "modelId", `${values._model}, as the memory was made for`, modelId);
  }
  if (queryId !== undefined) whole("queryId", queryId);
  if (query) lora.inputView.set(query);
  const lengths = [0, 1, 2, 3, 4].map((i) => arrays[i]?.length ?? (i < 4 ? 0 : -1));
  const size = arrays.reduce((sum, array) => sum + (array?.length ?? 0), REQUEST);
  const at = room(4 * size);
  const { memory: { buffer }, recall } = engine();
  const words = new Uint32Array(buffer, at, size);
  const floats = new Float32Array(buffer, at, size);
  words.set([...lengths, which, queryId === undefined ? 0 : 1, queryId]);
  floats.set(numbers, 8);
  let end = REQUEST;
  for (const array of arrays) {
    if (!array) continue;
    (array instanceof Uint32Array ? words : floats).set(array, end);
    end += array.length;
  }
  // Asked for after all code of the caller's: a freed adapter has none.
  const own = lora.block();
  const blocks = [own, values._block].map(([from, to]) => new Uint8Array(buffer, from, to - from));
  const before = values._asks || what === call.RELEARN ? blocks.map((block) => block.slice()) : NONE;
  const failed = {};
  const answer = finding(values._vectors, new Float32Array(buffer), failed);
  const result = asking(answer, () => recall(what, values._at, own[0], at));
  if (failed.problem) {
    before.forEach((bytes, i) => blocks[i].set(bytes));
    throw failed.problem[0];
  }
  if (what === call.LEARN && result === -ERROR_MISSING) fail("MISSING", failed.gone, "a vector", "none");
  return [check(result), words, floats];
};
