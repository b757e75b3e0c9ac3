// The class `Memory` over the Rust crate's memory of lists (`src/companions/memory/`), through `../src/recall.rs`.

import place from "place";

import { floats as floatsOf, integers as integersOf, read, write } from "./documents.js";
import { DUAL_STEP, LIST_TEMPERATURE, MAX_CANDIDATES, MAX_FEATURES, MIN_CANDIDATES } from "./generated/adapter.js";
import * as call from "./generated/calls-recall.js";
import { LIST_WORDS, MAX_CAPACITY, MEAN_WORDS, MEMORY } from "./generated/companions.js";
import { ours } from "./ours.js";
import { NONE, REQUEST, engine, request } from "./recall.js";
import {
  check,
  count,
  fail,
  fields,
  idle,
  known,
  mistyped,
  number,
  release,
  savable,
  sized,
  take,
  use,
  whole,
} from "./shared.js";
import { finite, stacked } from "./vectors.js";

use(place);

const [own, keep] = fields("memory");

const KINDS = ["f32", "int8", "id"];
const BY_ID = 2;
const SCORES = 16;

const kindOf = (what, kind) => {
  const code = KINDS.indexOf(kind);
  return code < 0 ? mistyped(what, '"f32", "int8" or "id"', kind) : code;
};

/** Words of a memory's header: the saved integers in their order, with the place of the oldest list among them. */
const HEADER = 9;
const CAPACITY = 4;
const LEN = 5;
const OLDEST = 6;
const TURN = 7;
const LAST = 8;

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

/** Frees the blocks of memories that are garbage collected. */
const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(release) : undefined;

const checkVectors = (vectors) =>
  typeof vectors === "function"
    ? vectors
    : mistyped("vectors", "a function, which finds what is kept by id", vectors);

const BECAUSE = ' (the memory was made with documents: "id")';

/** The ids of one list, `most` at the most. */
const idsOf = (ids, most) => {
  const n = count("ids", ids);
  if (n < MIN_CANDIDATES || n > most) {
    fail("COUNT", "ids", `${MIN_CANDIDATES} to ${most}${BECAUSE}`, n);
  }
  const all = new Uint32Array(n);
  for (let i = 0; i < n; i++) all[i] = whole(`ids[${i}]`, ids[i], 0, 4294967295, BECAUSE);
  return all;
};

/** Refuses ids where vectors belong: whole numbers, and not as many as two vectors or more have. */
const refuseIds = (documents, out, most) => {
  const n = count("documents", documents);
  if (n % out === 0 && n >= MIN_CANDIDATES * out) return;
  if (n && Array.prototype.every.call(documents, (id) => Number.isInteger(id) && id >= 0)) {
    const expected = `${MIN_CANDIDATES} to ${most} vectors of ${out} values`;
    fail("COUNT", "documents", expected, `${n} numbers: for ids make the Memory with documents: "id"`);
  }
};

/** The config of an adapter; refused if its step is not for a memory. */
const configOf = (lora) => {
  const config = ours(lora).getConfig();
  const { step, rank, inFeatures } = config;
  if (!(step >= DUAL_STEP)) {
    fail("UNSUPPORTED", "step", "3 (dual) or 4 (auto), which a Memory is for", `${step}: set config.step = 3`);
  }
  // There are no more orthonormal rows than an input has values.
  if (rank > inFeatures) fail("COUNT", "rank", `1 to ${inFeatures} (inFeatures), for a Memory`, rank);
  return config;
};

/** Refuses a memory that cannot find all of its documents by id. */
const checkIds = (memory, noScores) => {
  const kinds = live(memory)._sizes[3];
  const kind = KINDS[(kinds >> 2) & 3];
  if (kind !== "id") fail("UNSUPPORTED", "documents", 'a memory made with documents: "id"', `"${kind}"`);
  if (noScores && kinds & SCORES) fail("UNSUPPORTED", "scores", "a memory made with scores: false", "true");
};

const OPTIONS = ["list", "capacity", "queries", "documents", "scores", "modelId", "vectors"];
const CLICKS = ["base", "weight", "quality", "temperature", "learningRate", "scores", "queryId"];

/** A copy as floats: of an array of integers the engine would take the bits. */
const floats = (what, values, length) => new Float32Array(sized(what, values, length));

/** A copy of a query, made before the engine's memory is looked at. */
const queryOf = (query, memory) => finite("query", floats("query", query, live(memory)._sizes[0]));

export class Memory {
  constructor(inFeatures, outFeatures, options) {
    idle();
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
      fail("COUNT", "scores", "true, because inFeatures and outFeatures differ", "false");
    }
    whole("modelId", modelId);
    const asks = queries === "id" || documents === "id";
    if (asks) checkVectors(vectors);
    engine();
    const scratch = (list + 1) * outFeatures + inFeatures;
    const mean = HEADER + scratch + listWords(sizes) * capacity;
    const words = mean + MEAN_WORDS + outFeatures;
    const block = take(4 * words);
    registry?.register(this, block, this);
    const values = { _block: block, _at: block[0], _all: words, _sizes: sizes, _scratch: scratch, _mean: mean };
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
    ours(lora);
    options = known(options, CLICKS);
    const { base, weight = 1, quality = 1, temperature = LIST_TEMPERATURE, learningRate = 0.01 } = options;
    const { scores, queryId } = options;
    const [, out, list, kinds] = live(this)._sizes;
    const byId = ((kinds >> 2) & 3) === BY_ID;
    const single = typeof clicks === "number";
    if (!byId) refuseIds(documents, out, list);
    const rows = byId ? idsOf(documents, list) : stacked("documents", documents, out, list);
    const n = byId ? rows.length : rows.length / out;
    const numbers = Object.entries({ weight, quality, temperature, learningRate }).map(([what, value]) => number(what, value));
    const arrays = [
      byId ? NONE : rows,
      byId ? rows : NONE,
      single ? NONE : floats("clicks", clicks, n),
      scores == null ? NONE : floats("scores", scores, n),
      base == null ? undefined : floats("base", base, out),
    ];
    const which = single ? whole("chosen", clicks, 0, n - 1) : 0;
    query = queryOf(query, this);
    configOf(lora);
    const [outcome, words, results] = request(live(this), call.LEARN, lora, query, arrays, which, queryId, numbers);
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
    ours(lora);
    const rows = stacked("documents", documents, out, MAX_CANDIDATES, 1);
    query = queryOf(query, this);
    const [n, len] = [rows.length / out, this.length];
    const arrays = [rows, new Uint32Array(len), NONE, new Float32Array((len + 1) * n)];
    const [, words, floats] = request(live(this), call.WHY, lora, query, arrays);
    const at = REQUEST + rows.length;
    const shares = (i) => floats.slice(at + len + i * n, at + len + (i + 1) * n);
    const lists = Array.from({ length: len }, (_, i) => ({ number: words[at + i], shares: shares(i) }));
    return { lists, rest: shares(len) };
  }

  forget(lora, number) {
    const [done] = request(live(this), call.FORGET, ours(lora), undefined, NONE, whole("number", number));
    return ["forgotten", "not remembered", "left behind"][done];
  }

  forgetDocument(lora, id) {
    checkIds(this);
    const [forgotten, [leftBehind]] = request(live(this), call.FORGET_DOCUMENT, ours(lora), undefined, NONE, whole("id", id));
    return { forgotten, leftBehind };
  }

  settle(lora, visits) {
    const all = 9 * wordsOf(this)[LEN];
    return request(live(this), call.SETTLE, ours(lora), undefined, NONE, whole("visits", visits === undefined ? all : visits))[0];
  }

  relearn(lora, vectors) {
    checkIds(this, true);
    const values = own(this);
    const { _vectors, _model } = values;
    values._vectors = checkVectors(vectors === undefined ? _vectors : vectors);
    try {
      values._model = configOf(lora).modelId;
      return request(live(this), call.RELEARN, lora)[0];
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
    const { _sizes, _scratch, _mean, _model } = own(this);
    const width = listWords(_sizes);
    const lists = new Uint32Array(width * words[LEN]);
    for (let i = 0; i < words[LEN]; i++) {
      const from = HEADER + _scratch + width * ((words[OLDEST] + i) % words[CAPACITY]);
      lists.set(words.subarray(from, from + width), width * i);
    }
    const header = [_model, ...words.subarray(0, OLDEST), words[TURN], words[LAST]];
    const integers = Object.fromEntries(MEMORY.map((name, i) => [name, header[i]]));
    const mean = words.subarray(_mean);
    return mean[0] ? write("micro-lora-memory", integers, { lists, mean }, 2) : write("micro-lora-memory", integers, { lists });
  }

  static fromJson(json, options) {
    const { vectors, modelId = 0 } = known(options, ["vectors", "modelId"]);
    whole("modelId", modelId);
    const lengths = (state) => {
      if (state.model_id !== modelId) {
        fail("MISMATCH", "modelId", modelId, state.model_id);
      }
      const { kinds } = state;
      whole("kinds", kinds, 0, 31);
      if (!KINDS[kinds & 3] || !KINDS[(kinds >> 2) & 3]) fail("COUNT", "kinds", "those of docs/state-format.md", kinds);
      whole("list", state.list, MIN_CANDIDATES, MAX_CANDIDATES);
      whole("len", state.len, 0, whole("capacity", state.capacity, 1, MAX_CAPACITY));
      whole("out_features", state.out_features, 1, MAX_FEATURES);
      return [state.len * listWords(MEMORY.slice(1, 5).map((name) => state[name])), MEAN_WORDS + state.out_features];
    };
    const [state, lists, mean] = read(json, "micro-lora-memory", MEMORY, ["lists"], lengths, ["mean"]);
    const { in_features, out_features, list, kinds, capacity, len, turn, last } = state;
    const [queries, documents] = [KINDS[kinds & 3], KINDS[(kinds >> 2) & 3]];
    const scores = kinds >= SCORES;
    const memory = new this(in_features, out_features, { list, capacity, queries, documents, scores, modelId, vectors });
    const words = wordsOf(memory);
    words.set([len, 0, turn, last], LEN);
    words.set(integersOf(lists), HEADER + own(memory)._scratch);
    try {
      if (mean) {
        // But for the first word, a count.
        finite("mean", floatsOf(mean).slice().fill(0, 0, 1));
        words.set(integersOf(mean), own(memory)._mean);
      }
      check(engine().recall(call.TAKE_UP, own(memory)._at, 0, 0));
    } catch (error) {
      memory.free();
      throw error;
    }
    return memory;
  }

  free() {
    const values = own(this);
    if (values._at) {
      idle();
      registry?.unregister(this);
      release(values._block);
      values._at = 0;
    }
  }
}
savable(Memory);

/** A memory's fields; refused after `free`. */
const live = (memory) => {
  idle();
  const values = own(memory);
  return values._at ? values : fail("FREED", "memory", "one in use", "a freed one");
};

/** A view of its block, made for each use, because growth of the engine's memory empties views. */
const wordsOf = (memory) => {
  const { _at, _all } = live(memory);
  return new Uint32Array(engine().memory.buffer, _at, _all);
};
