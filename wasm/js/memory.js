// A memory of lists. The engine of `micro-lora/learn` has it from the Rust crate (`src/companions/memory/`);
// `../src/recall.rs` is the other side of what is here.

import place from "place";

import { read, write } from "./documents.js";
import { number, sized, whole } from "./engine.js";
import { fail, known, mistyped, shown } from "./fail.js";
import { DUAL_STEP, LIST_TEMPERATURE, MAX_CANDIDATES, MAX_FEATURES, MIN_CANDIDATES } from "./generated/adapter.js";
import * as call from "./generated/calls-recall.js";
import { LIST_WORDS, MAX_CAPACITY, MEMORY } from "./generated/companions.js";
import { MicroLoraWasm, engine } from "./index.js";
import { ours } from "./ours.js";
import { keep, own } from "./own.js";
import { savable } from "./state.js";
import { finite, flat } from "./vectors.js";

engine.use(place);

const KINDS = ["f32", "int8", "id"];
const BY_ID = 2;
const SCORES = 16;

const kindOf = (what, kind) => {
  const code = KINDS.indexOf(kind);
  return code < 0 ? fail("TYPE", `${what}: expected "f32", "int8" or "id", got ${shown(kind)}`) : code;
};

/** Words of a memory's header, which has what is saved in that order, but for the place of the oldest list. */
const HEADER = 9;
const CAPACITY = 4;
const LEN = 5;
const OLDEST = 6;
const TURN = 7;
const LAST = 8;

/** Words of a request before its arrays. */
const REQUEST = 12;

/** Words of one list. */
const listWords = ([width, out, list, kinds]) => {
  const [query, document] = [kinds & 3, (kinds >> 2) & 3];
  return (
    LIST_WORDS +
    list +
    Math.ceil(list / 4) +
    (document === BY_ID ? list : 0) +
    (kinds & SCORES ? list : 0) +
    [width, Math.ceil(width / 4), 0][query] +
    [list * out, list + list * Math.ceil(out / 4), 0][document]
  );
};

/** Gives back the memory of those that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry((block) => engine.release(block)) : undefined;

const NONE = [];

/** Which of the vectors it keeps by id a memory asks for. */
const WHAT = ["document", "query"];

const checkVectors = (vectors) =>
  typeof vectors === "function"
    ? vectors
    : mistyped("vectors", "a function, which finds what is kept by id", vectors);

/** Ids, or vectors one after the other. */
const idsOf = (ids) => Uint32Array.from(Array.from(ids, (id, i) => whole(`ids[${i}]`, id)));

const OPTIONS = ["list", "capacity", "queries", "documents", "scores", "modelId", "vectors"];
const CLICKS = ["base", "weight", "quality", "temperature", "learningRate", "scores", "queryId"];

/** Of whatever type they are: integers would be passed by their bits. */
const floats = (what, values, length) => Float32Array.from(sized(what, values, length));

export class Memory {
  constructor(inFeatures, outFeatures, options) {
    engine.idle();
    const {
      list = 10,
      capacity = 256,
      queries = "int8",
      documents = "int8",
      scores = inFeatures !== outFeatures,
      modelId = 0,
      vectors,
    } = known(options, OPTIONS);
    const kinds = kindOf("queries", queries) | (kindOf("documents", documents) << 2) | (scores ? SCORES : 0);
    const sizes = [
      whole("inFeatures", inFeatures, 1, MAX_FEATURES),
      whole("outFeatures", outFeatures, 1, MAX_FEATURES),
      whole("list", list, MIN_CANDIDATES, MAX_CANDIDATES),
      kinds,
      whole("capacity", capacity, 1, MAX_CAPACITY),
    ];
    if (typeof scores !== "boolean") mistyped("scores", "true or false", scores);
    if (!scores && inFeatures !== outFeatures) {
      fail("COUNT", "scores: expected true, because inFeatures and outFeatures differ, got false");
    }
    whole("modelId", modelId);
    const asks = queries === "id" || documents === "id";
    if (asks) checkVectors(vectors);
    if (!engine.exports().recall) {
      fail(
        "NOT_LOADED",
        "engine: expected the one of micro-lora/learn, got the smaller one: import micro-lora/learn before init(), or give init() its learn_simd.wasm",
      );
    }
    const scratch = (list + 1) * outFeatures + inFeatures;
    const words = HEADER + scratch + listWords(sizes) * capacity;
    const block = engine.take(4 * words);
    registry?.register(this, block, this);
    const values = { _block: block, _at: block[0], _all: words, _sizes: sizes, _scratch: scratch };
    keep(this, { ...values, _model: modelId, _asks: asks, _vectors: asks ? vectors : undefined });
    const all = wordsOf(this);
    all.fill(0);
    all.set(sizes);
  }

  get length() {
    return wordsOf(this)[LEN];
  }

  get capacity() {
    return live(this)._sizes[CAPACITY];
  }

  learn(lora, query, documents, clicks, options) {
    options = known(options, CLICKS);
    const { base, weight = 1, quality = 1, temperature = LIST_TEMPERATURE, learningRate = 0.01 } = options;
    const { scores, queryId } = options;
    const [, out, list, kinds] = live(this)._sizes;
    const byId = ((kinds >> 2) & 3) === BY_ID;
    const single = typeof clicks === "number";
    const rows = byId ? idsOf(documents) : flat("documents", documents, out, list);
    const n = byId ? whole("ids", rows.length, MIN_CANDIDATES, list) : rows.length / out;
    const numbers = Object.entries({ weight, quality, temperature, learningRate }).map(([what, value]) => number(what, value));
    const arrays = [
      byId ? NONE : rows,
      byId ? rows : NONE,
      single ? NONE : floats("clicks", clicks, n),
      scores == null ? NONE : floats("scores", scores, n),
      base == null ? undefined : floats("base", base, out),
    ];
    const which = single ? whole("chosen", clicks, 0, n - 1) : 0;
    if (!(lora?.getConfig?.().step >= DUAL_STEP)) {
      ours(lora);
      fail("UNSUPPORTED", `step: expected 3 or 4, which learn lists to remember, got ${lora.getConfig().step}`);
    }
    const [outcome, words, results] = request(this, call.LEARN, lora, query, arrays, which, queryId, numbers);
    return {
      outcome,
      number: outcome ? undefined : wordsOf(this)[LAST],
      moved: outcome ? 0 : results[8],
      visits: outcome ? 0 : words[0],
      leftBehind: outcome ? 0 : words[1],
      generation: lora.generation,
    };
  }

  why(lora, query, documents) {
    const out = live(this)._sizes[1];
    const rows = flat("documents", documents, out, MAX_CANDIDATES, 1);
    const [n, len] = [rows.length / out, this.length];
    const arrays = [rows, new Uint32Array(len), NONE, new Float32Array((len + 1) * n)];
    const [, words, floats] = request(this, call.WHY, lora, query, arrays);
    const at = REQUEST + rows.length;
    const shares = (i) => floats.slice(at + len + i * n, at + len + (i + 1) * n);
    const lists = Array.from({ length: len }, (_, i) => ({ number: words[at + i], shares: shares(i) }));
    return { lists, rest: shares(len) };
  }

  forget(lora, number) {
    const [done] = request(this, call.FORGET, lora, undefined, NONE, whole("number", number));
    return ["forgotten", "not remembered", "left behind"][done];
  }

  forgetDocument(lora, id) {
    const [forgotten, [leftBehind]] = request(this, call.FORGET_DOCUMENT, lora, undefined, NONE, whole("id", id));
    return { forgotten, leftBehind };
  }

  settle(lora, visits = 9 * this.length) {
    return request(this, call.SETTLE, lora, undefined, NONE, whole("visits", visits))[0];
  }

  relearn(lora, vectors) {
    const values = live(this);
    const { _vectors, _model } = values;
    values._vectors = checkVectors(vectors === undefined ? _vectors : vectors);
    try {
      values._model = ours(lora).getConfig().modelId;
      return request(this, call.RELEARN, lora)[0];
    } catch (error) {
      Object.assign(values, { _vectors, _model });
      throw error;
    }
  }

  clear() {
    const words = wordsOf(this);
    words[LEN] = words[OLDEST] = words[TURN] = 0;
    words.fill(0, HEADER);
  }

  toJson() {
    const words = wordsOf(this);
    const { _sizes, _scratch, _model } = own(this);
    const width = listWords(_sizes);
    const lists = new Uint32Array(width * words[LEN]);
    for (let i = 0; i < words[LEN]; i++) {
      const from = HEADER + _scratch + width * ((words[OLDEST] + i) % words[CAPACITY]);
      lists.set(words.subarray(from, from + width), width * i);
    }
    const header = [_model, ...words.subarray(0, OLDEST), words[TURN], words[LAST]];
    const integers = Object.fromEntries(MEMORY.map((name, i) => [name, header[i]]));
    return write("micro-lora-memory", integers, { lists });
  }

  toJSON() {
    return JSON.parse(this.toJson());
  }

  static fromJson(json, options) {
    const { vectors, modelId = 0 } = known(options, ["vectors", "modelId"]);
    whole("modelId", modelId);
    const [state, lists] = read(json, "micro-lora-memory", MEMORY, (state) => {
      if (state.model_id !== modelId) {
        fail("MISMATCH", `model_id: expected ${shown(modelId)}, got ${state.model_id}`);
      }
      whole("kinds", state.kinds, 0, 31);
      whole("list", state.list, MIN_CANDIDATES, MAX_CANDIDATES);
      whole("len", state.len, 0, whole("capacity", state.capacity, 1, MAX_CAPACITY));
      return { lists: state.len * listWords(MEMORY.slice(1, 5).map((name) => state[name])) };
    });
    const { in_features, out_features, list, kinds, capacity, len, turn, last } = state;
    const [queries, documents] = [KINDS[kinds & 3], KINDS[(kinds >> 2) & 3]];
    const scores = kinds >= SCORES;
    const memory = new this(in_features, out_features, { list, capacity, queries, documents, scores, modelId, vectors });
    const words = wordsOf(memory);
    words.set([len, 0, turn, last], LEN);
    words.set(new Uint32Array(lists.buffer), HEADER + own(memory)._scratch);
    try {
      engine.check(engine.exports().recall(call.TAKE_UP, own(memory)._at, 0, 0));
    } catch (error) {
      memory.free();
      throw error;
    }
    return memory;
  }

  free() {
    const values = own(this);
    if (values?._at) {
      engine.idle();
      registry?.unregister(this);
      engine.release(values._block);
      values._at = 0;
    }
  }
}
savable(Memory);

/** What a memory keeps, while it is in use. */
const live = (memory) => {
  engine.idle();
  const values = own(memory);
  return values?._at ? values : fail("FREED", "memory: expected one in use, got one that was freed");
};

/** The words of its block: taken anew each time, for growth of the memory empties arrays. */
const wordsOf = (memory) => {
  const { _at, _all } = live(memory);
  return new Uint32Array(engine.exports().memory.buffer, _at, _all);
};

/**
 * Has the engine do something. Gives what it answers and the words and floats of the request, over which it has
 * written.
 */
const request = (memory, what, lora, query, arrays = NONE, which = 0, queryId, numbers = NONE) => {
  const values = live(memory);
  const [width, out] = values._sizes;
  if (!(ours(lora) instanceof MicroLoraWasm)) {
    fail("TYPE", "lora: expected an adapter of the micro-lora that micro-lora/learn imports, got one of another copy");
  }
  const { inFeatures, outFeatures, modelId } = lora.getConfig();
  for (const [name, got, expected] of [
    ["inFeatures", inFeatures, width],
    ["outFeatures", outFeatures, out],
  ]) {
    if (got !== expected) fail("LENGTH", `${name}: expected ${expected} values, got ${got}`);
  }
  if (modelId !== values._model) {
    fail("MISMATCH", `modelId: expected ${values._model}, as the memory was made for, got ${modelId}`);
  }
  if (queryId !== undefined) whole("queryId", queryId);
  // All of them before there is room, which may empty views of the memory.
  const passed = arrays.map((array) => (array instanceof Uint32Array ? array : array && new Float32Array(array)));
  if (query !== undefined) lora.inputView.set(finite("query", new Float32Array(sized("query", query, width))));
  const lengths = [0, 1, 2, 3, 4].map((i) => passed[i]?.length ?? (i < 4 ? 0 : -1));
  const size = passed.reduce((sum, array) => sum + (array?.length ?? 0), REQUEST);
  const at = engine.room(4 * size);
  const { memory: { buffer }, recall } = engine.exports();
  const words = new Uint32Array(buffer, at, size);
  const floats = new Float32Array(buffer, at, size);
  words.set([...lengths, which, queryId === undefined ? 0 : 1, queryId]);
  floats.set(numbers, 8);
  let end = REQUEST;
  for (const array of passed) {
    if (!array) continue;
    (array instanceof Uint32Array ? words : floats).set(array, end);
    end += array.length;
  }
  const [block] = lora.block();
  const blocks = [lora.block(), values._block].map(([from, to]) => new Uint8Array(buffer, from, to - from));
  const before = values._asks || what === call.RELEARN ? blocks.map((block) => block.slice()) : NONE;
  const heap = new Float32Array(buffer);
  let problem;
  const answer = (kind, id, to, n) => {
    if (problem) return 2;
    try {
      let vector = values._vectors(id, WHAT[kind]);
      if (vector == null) return 1;
      // A hundred vectors are asked for while a user waits: the slow way is for those that need it.
      if (vector.length !== n || !(vector instanceof Float32Array)) {
        vector = new Float32Array(sized(`vector of ${WHAT[kind]} ${id}`, vector, n));
      }
      let zero = 0;
      for (let i = 0; i < n; i++) zero += 0 * vector[i];
      if (zero !== 0) finite(`vector of ${WHAT[kind]} ${id}`, vector);
      heap.set(vector, to / 4);
      return 0;
    } catch (error) {
      problem = [error];
      return 2;
    }
  };
  const result = engine.asking(answer, () => recall(what, values._at, block, at));
  if (problem) {
    before.forEach((bytes, i) => blocks[i].set(bytes));
    throw problem[0];
  }
  return [engine.check(result), words, floats];
};
