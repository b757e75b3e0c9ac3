// Lists that are remembered, with which they are explained and taken back.

import type { MicroLoraWasm, SkippedZeroLearningRate } from "./index.js";
import type { Floats, Receipt, SampleOptions, Vectors } from "./lite.js";
import type { Bytes } from "./peft.js";

/** How vectors are remembered: as they came, as int8 with a scale each, or by an id from which they are found again. */
export type Stored = "f32" | "int8" | "id";

/**
 * Finds a vector that a {@link Memory} keeps by id: `outFeatures` values of a document, `inFeatures` of a query.
 *
 * Look at `kind`: ids of documents and of queries are apart. {@link Memory.relearn} also asks for every query, by its
 * `queryId` (else by the list's number), whatever `queries` is. TypeScript accepts a function of `id` alone, too. Such
 * a function returns a document where a query is asked for, and `relearn` learns wrong queries without an error.
 *
 * Nothing (`undefined` or `null`) says that the vector is gone, deleted for ever: lists with it are remembered no longer,
 * what they taught stays, and they can no longer be forgotten. The same id must have the same values for ever; a list
 * whose vectors have changed counts as gone.
 *
 * Where a vector only cannot be read now, throw: whatever it throws, the call passes on; the adapter and the memory are
 * then bit for bit what they were.
 *
 * It answers at once, so vectors have to be in memory. It calls nothing of this package that has an engine: that throws
 * `BUSY`.
 *
 * @example
 * const vectors: FindVector = (id, kind) => (kind === "document" ? embeddings[id] : queries[id]);
 */
export type FindVector = (id: number, kind: "document" | "query") => ArrayLike<number> | null | undefined;

/** What a {@link Memory} keeps. */
export interface MemoryOptions {
  /** The most documents of a list, 2 to 64. Default 10. */
  list?: number;
  /** Lists remembered, 1 to 65536. Default 256. */
  capacity?: number;
  /** How queries are kept. Default `"int8"`. */
  queries?: Stored;
  /** How documents are kept. Default `"int8"`; `"id"` takes 40 bytes for ten of them where `"int8"` takes 3,880. */
  documents?: Stored;
  /**
   * Keeps the scores by which the page ranked the documents. Always so where `inFeatures` and `outFeatures` differ. Such a
   * memory cannot {@link Memory.relearn}, since the scores are of the old model.
   */
  scores?: boolean;
  /** Names the frozen model, as the adapter's config does. Default 0; adapters and texts of another are refused. */
  modelId?: number;
  /** Needed where something is kept by id. */
  vectors?: FindVector;
}

/** How a list is to be learned. */
export interface ClicksOptions extends SampleOptions {
  /** Where `clicks` is the index of one document: 1 for a click, 0 for a thumb down; 0.5 says nothing. Default 1. */
  quality?: number;
  /** 0.001 to 1000. Default 0.1. */
  temperature?: number;
  /** The list counts as much as `learningRate / 0.01` says; no more than 16 times as a whole. Default 0.01. */
  learningRate?: number;
  /**
   * The scores by which the page ranked the documents, one each, in place of `document . base`. On the scale of cosines:
   * divide BM25, say, by one number, so that it lies in 0 to 1. Needs a memory with `scores: true`.
   */
  scores?: ArrayLike<number>;
  /** The number by which `vectors` finds the query again. Default: the list's number. */
  queryId?: number;
}

/** What learning a list did. */
export interface MemoryReceipt {
  /** 0: learned and remembered. Else why there was nothing to learn: then it is not remembered. */
  outcome: Receipt | SkippedZeroLearningRate;
  /** The list's number, from 1, for {@link Memory.forget}. */
  number: number | undefined;
  /** How far the bias has moved by the first visit. */
  moved: number;
  /** Remembered lists that were visited after it. */
  visits: number;
  /** Lists that are remembered no longer because a vector has changed or is gone. What they taught stays. */
  leftBehind: number;
  /** The adapter's generation. */
  generation: number;
}

/** Which remembered lists moved each document. */
export interface Why {
  /** The lists, the oldest first, and by how much each has changed `document . y`, one number for each document. */
  lists: { number: number; shares: Floats }[];
  /** What no remembered list accounts for. */
  rest: Floats;
}

/**
 * The last lists of results that an adapter has learned from by the dual step, with their clicks: it learns each of them
 * at once, visits nine of the others again, says which of them moved a result, and takes one back. The same bits as the
 * Rust crate's `Memory`, and the same saved text.
 *
 * Its engine is a larger one: import `micro-lora/learn` before `init()` is called.
 *
 * A memory that keeps queries is to be treated as the queries themselves.
 *
 * @example
 * import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
 * import { type FindVector, Memory } from "micro-lora/learn";
 *
 * await init();
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384;
 * config.rank = 4;
 * const lora = new MicroLoraWasm(config);
 * const vectors: FindVector = (id, kind) => (kind === "document" ? embeddings[id] : undefined);
 * const memory = new Memory(384, 384, { documents: "id", vectors });
 *
 * const { number } = memory.learn(lora, query, [17, 4, 250], 2); // results 17, 4, 250; the third was clicked
 * const why = memory.why(lora, query, [embeddings[250]]);        // which clicks moved result 250
 * if (number !== undefined) memory.forget(lora, number);         // take that click back; a skipped list has no number
 */
export class Memory {
  /**
   * At 384 values, for 256 lists of ten, it takes 157 KB with documents by id, 111 KB for 600 lists with queries by id as
   * well, and 1.1 MB with all of it as int8.
   *
   * @throws {MicroLoraError} `COUNT`, `TYPE`, `MEMORY`, `NOT_LOADED` (also where the smaller engine was loaded)
   */
  constructor(inFeatures: number, outFeatures: number, options?: MemoryOptions);

  /** Lists remembered. */
  get length(): number;
  /** The most lists that are remembered. */
  get capacity(): number;

  /**
   * Learns a list at once and remembers it, a list without a click, too: its documents were worse than what is shown
   * usually. Pass no lists that nobody looked at. When the memory is full, the oldest one is remembered no longer, and what
   * it taught stays. Pending events of the adapter are served first. An adapter whose step was not chosen becomes one of the
   * dual step.
   *
   * @param documents ids or vectors, as the memory keeps them: 2 to `list`
   * @param clicks one weight for each document, 0 to 1e6 (1 for a click and 0 for none, say; all 0 where none was clicked,
   * which is skipped with outcome 3 before any other list), numbers, not booleans; or the index of the one that was
   * clicked or, with `quality` 0, turned down
   * @throws {MicroLoraError} `LENGTH`, `NOT_FINITE`, `COUNT`, `OUT_OF_RANGE` (also for vectors far from the length of the
   * first list's), `MISSING`, `MISMATCH`, `OVERFLOW`, `TYPE`, `UNSUPPORTED` for an adapter of another step, `FREED`; and
   * what `vectors` throws
   *
   * @example
   * memory.learn(lora, query, shown, [0, 0, 1, 0, 1]);     // clicks
   * memory.learn(lora, query, shown, shown.map((id) => (clicked.has(id) ? 1 : 0))); // the same of a set of ids
   * memory.learn(lora, query, shown, [0, 0, 0, 0, 0]);     // looked at, and none was clicked
   * memory.learn(lora, query, shown, 3, { quality: 0 });   // a thumb down on the fourth
   */
  learn(
    lora: MicroLoraWasm,
    query: ArrayLike<number>,
    documents: Vectors,
    clicks: ArrayLike<number> | number,
    options?: ClicksOptions,
  ): MemoryReceipt;

  /**
   * Which remembered lists moved each document for this query, and by how much, before the strength and the output guard.
   * Shares and rest together are the correction, `document . delta`.
   *
   * @param documents 1 to 64 vectors, also where documents are kept by id
   */
  why(lora: MicroLoraWasm, query: ArrayLike<number>, documents: Vectors): Why;

  /**
   * Takes one list back: its part goes out of the adapter, to rounding. The others have adapted to it: {@link settle}
   * brings them to rest.
   *
   * `"left behind"`: a vector of it has changed or is gone, so the list is remembered no longer and its part stays.
   */
  forget(lora: MicroLoraWasm, number: number): "forgotten" | "not remembered" | "left behind";

  /** Takes back every list in which a document was shown, where documents are kept by id. */
  forgetDocument(lora: MicroLoraWasm, id: number): { forgotten: number; leftBehind: number };

  /**
   * Visits remembered lists in a cycle, and says how many visits were made: after something was forgotten.
   *
   * @param visits default nine for each list
   */
  settle(lora: MicroLoraWasm, visits?: number): number;

  /**
   * Learns everything that is remembered again in another embedding, after the frozen model was replaced. Documents have to
   * be kept by id, without scores. `vectors` is also asked for every query, by its `queryId` (else by the list's number),
   * with the kind `"query"`: it must not answer with a document. The adapter starts afresh. Its `modelId` is the memory's
   * from then on.
   *
   * Lists of which a vector is not found are dropped. If none is left, `MISSING` is thrown, and nothing changes.
   *
   * @param vectors finds the new vectors, and takes the place of the one before
   * @returns how many lists were learned again
   */
  relearn(lora: MicroLoraWasm, vectors?: FindVector): number;

  /** Remembers nothing any more, at once. What was taught stays in the adapter: `reset()` that as well, or forget each. */
  clear(): void;

  /** Saves the memory, a text of its own beside the adapter's: save both at the same time. */
  toJson(): string;
  /** The same text in bytes, for IndexedDB, files and the network. */
  save(): Bytes;
  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

  /**
   * A saved memory. It goes with the adapter that was saved at the same time: with another, forgetting a list takes out
   * what is not in it.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `NOT_FINITE`,
   * `TYPE`, `NOT_LOADED`, `MEMORY`
   *
   * @example
   * const memory = Memory.fromJson(saved, { vectors: (id, kind) => (kind === "document" ? embeddings[id] : undefined) });
   */
  static fromJson(json: string, options?: Pick<MemoryOptions, "vectors" | "modelId">): Memory;
  /** What `save()` gave, as {@link fromJson} takes it. */
  static load(
    bytes: ArrayBuffer | ArrayBufferView,
    options?: Pick<MemoryOptions, "vectors" | "modelId">,
  ): Memory;

  /** Gives its memory back; every later use throws `FREED`. Garbage collection does so, too. */
  free(): void;
}
