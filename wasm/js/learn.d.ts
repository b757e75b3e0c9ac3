// What stands beside an adapter: lists that are remembered, whether it helps, trying where only a number is known, and
// the way back. All but `Holdback` is for adapters of `micro-lora`: those of `micro-lora/lite` can do less.

import type { MicroLoraWasm, SkippedZeroLearningRate } from "./index.js";
import type { Bytes } from "./peft.js";
import type { Floats, Receipt, SampleOptions, Vectors } from "./lite.js";

/** How vectors are remembered: as they came, as int8 with a scale each, or by an id from which they are found again. */
export type Stored = "f32" | "int8" | "id";

/**
 * Finds a vector that a {@link Memory} keeps by id: `outFeatures` values of a document, `inFeatures` of a query. Nothing
 * (`undefined` or `null`) says that it is gone: lists with it are remembered no longer, and what they taught stays. The
 * same id must have the same values for ever; a list whose vectors have changed counts as gone.
 *
 * It answers at once, so vectors have to be in memory. It calls nothing of this package that has an engine: that throws
 * `BUSY`. Whatever it throws, the call passes on; the adapter and the memory are then bit for bit what they were.
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
  /** Keeps the scores by which the page ranked the documents. Always so where `inFeatures` and `outFeatures` differ. */
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
  /** The scores by which the page ranked the documents, one each, of the size of cosines, in place of `document . base`. */
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
 * import { Memory } from "micro-lora/learn";
 *
 * await init();
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384;
 * config.rank = 4;
 * const lora = new MicroLoraWasm(config);
 * const memory = new Memory(384, 384, { documents: "id", vectors: (id) => embeddings[id] });
 *
 * const { number } = memory.learn(lora, query, [17, 4, 250], 2); // results 17, 4, 250; the third was clicked
 * const why = memory.why(lora, query, [embeddings[250]]);        // which clicks moved result 250
 * memory.forget(lora, number);                                   // take that click back
 */
export class Memory {
  /**
   * At 384 values, for 256 lists of ten, it takes 156 KB with documents by id, 110 KB for 600 lists with queries by id as
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
   * Learns a list at once and remembers it; when the memory is full, the oldest one is remembered no longer, and what it
   * taught stays. Pending events of the adapter are served first. An adapter whose step was not chosen becomes one of the
   * dual step.
   *
   * @param documents ids or vectors, as the memory keeps them: 2 to `list`
   * @param clicks one weight for each document, 0 to 1e6 (1 for a click and 0 for none, say); or the index of the one
   * that was clicked or, with `quality` 0, turned down
   * @throws {MicroLoraError} `LENGTH`, `NOT_FINITE`, `COUNT`, `OUT_OF_RANGE` (also for vectors far from the length of the
   * first list's), `MISSING`, `MISMATCH`, `OVERFLOW`, `TYPE`, `UNSUPPORTED` for an adapter of another step, `FREED`; and
   * what `vectors` throws
   *
   * @example
   * memory.learn(lora, query, shown, [0, 0, 1, 0, 1]);     // clicks
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
   * Learns everything that is remembered again in another embedding, after the frozen model was replaced: documents have
   * to be kept by id, and queries have to be found by their `queryId`. The adapter starts afresh. Its `modelId` is the
   * memory's from then on.
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
   * const memory = Memory.fromJson(saved, { vectors: (id) => embeddings[id] });
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

/** How a list was learned from, and how to learn. */
export interface ReplayOptions extends SampleOptions {
  /** 0.1 unless given. */
  temperature?: number;
  /** 0.01 unless given. */
  learningRate?: number;
}

/**
 * The last lists of results with their clicks, for adapters of the scaled step (`config.step = 2`), so that every click is
 * learned from more than once: half as many teach as much. For the dual step there is {@link Memory}. Vectors are kept as int8. The same bits as the Rust crate's `Replay`, and the same saved text.
 *
 * @example
 * import { Replay } from "micro-lora/learn";
 *
 * config.step = 2;
 * const ring = new Replay(384, 384);
 * ring.learn(lora, query, shown, [0, 0, 1, 0, 1]); // instead of adaptListwise and applyUpdates
 */
export class Replay {
  /**
   * In memory it takes about `capacity * (inFeatures + list * outFeatures)` bytes: 270,000 for the defaults at 384
   * features. Its text is a third longer when it is full.
   *
   * @param list the most results of a list, 2 to 64, default 10; a base takes the place of one
   * @param capacity lists remembered, 1 to 65536, default 64
   * @param modelId names the frozen model, as the adapter's config does, 0 by default there and here; another's adapters
   * and texts are refused
   * @throws {MicroLoraError} `COUNT`, `MEMORY`
   */
  constructor(inFeatures: number, outFeatures: number, list?: number, capacity?: number, modelId?: number);

  /** Lists remembered. */
  get length(): number;

  /**
   * Learns from a list at once: an event, an update, eight rehearsals, and the list is remembered. One that says nothing
   * is skipped, as the receipt says; so is every one at a learning rate of 0.
   *
   * Arguments are checked before anything is done. After an `OVERFLOW` of the update the event is pending.
   *
   * @throws {MicroLoraError} as `adaptListwise`, `applyUpdates` and {@link push}; `TYPE` for an adapter of
   * `micro-lora/lite`, `UNSUPPORTED` for one of the dual step, `LENGTH` for one of other sizes, `MISMATCH` for one of another model
   */
  learn(
    lora: MicroLoraWasm,
    input: ArrayLike<number>,
    candidates: Vectors,
    weights: ArrayLike<number>,
    options?: ReplayOptions,
  ): Receipt | SkippedZeroLearningRate;

  /**
   * Takes a step on each of the next remembered lists, in turn, and says how many it took. No event may be pending. A
   * list of so large values that its step would overflow is passed over.
   *
   * @param learningRate 0 to 1000, default 0.01
   * @param times how many lists, default 1; at most 65535 are taken
   * @throws {MicroLoraError} `COUNT`, `OUT_OF_RANGE`, `LENGTH` for an adapter of other sizes, `MISMATCH` for one of
   * another model, `UNSUPPORTED` for one of the dual step, `TYPE` for one of `micro-lora/lite`, `FREED`
   *
   * @example
   * ring.rehearse(lora, 0.01, 8); // while the user reads
   */
  rehearse(lora: MicroLoraWasm, learningRate?: number, times?: number): number;

  /**
   * Remembers a list, in the place of the oldest one when the ring is full.
   *
   * @throws {MicroLoraError} `LENGTH`, `COUNT`, `NOT_FINITE`, `OUT_OF_RANGE`, `TYPE`, and `BASE_REQUIRED` where
   * `inFeatures` and `outFeatures` differ and no base is given
   */
  push(
    input: ArrayLike<number>,
    candidates: Vectors,
    weights: ArrayLike<number>,
    options?: ReplayOptions,
  ): void;

  /** Forgets every list. */
  clear(): void;

  /** Saves the ring, a text of its own beside the adapter's. */
  toJson(): string;
  /** The same text in bytes, for IndexedDB, files and the network. */
  save(): Bytes;
  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

  /**
   * Loads a saved ring of the same sizes and model. All of it is checked before anything is changed.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `TYPE`
   */
  loadJson(json: string): void;

  /**
   * A saved ring, of the sizes that it was saved with.
   *
   * @param modelId must be the one that the ring was made with. Default 0.
   * @throws {MicroLoraError} those of {@link loadJson}, and `MEMORY`
   */
  static fromJson(json: string, modelId?: number): Replay;
  /** What `save()` gave, as {@link fromJson} takes it. */
  static load(bytes: ArrayBuffer | ArrayBufferView, modelId?: number): Replay;
}

/** What a {@link Holdback} has found. */
export interface HoldbackReport {
  /** Whether the adapter is to be applied where nothing is compared. */
  applied: boolean;
  /** Mean quality with the adapter, or clicks on its own results per merged list. */
  adapted: number;
  /** The same without it. */
  base: number;
  /** The adapter's lead in standard errors. */
  lead: number;
  /** Events compared. */
  events: number;
}

/**
 * Compares with and without the adapter as long as it is used, and says whether to apply it: an adapter that learned
 * nonsense does no harm.
 *
 * @example
 * import { Holdback } from "micro-lora/learn";
 *
 * const holdback = new Holdback();
 * const corrected = lora.applyResidual(query);
 * let shown = search(corrected);
 * const isCompared = holdback.isDue();
 * if (isCompared) shown = holdback.interleave(search(query), search(corrected), 10);
 * // ... and when the user has clicked:
 * if (isCompared) holdback.recordClicks(shown.map((id) => (clicked.has(id) ? 1 : 0)));
 * console.log(`${holdback}`); // applied: +12 % better than without, 340 events
 */
export class Holdback {
  constructor();

  /** Whether the adapter is to be applied where nothing is compared. */
  get isApplied(): boolean;

  /** Whether the next list is to be compared, by {@link interleave}. If not, show the adapter's. Ask once per list. */
  isDue(): boolean;

  /**
   * Merges two rankings of the same results, best first, each taking its turn by the toss of a coin.
   *
   * @param room how many to show at most, 1 to 64
   * @param key what tells results apart, where they are objects: the same one from two searches is two objects.
   * Without it they are compared as they are, as ids can be
   * @throws {MicroLoraError} `COUNT`, `TYPE`; and what `key` throws: nothing is changed then
   *
   * @example
   * const shown = holdback.interleave(search(query), search(corrected), 10, (result) => result.id);
   */
  interleave<Result>(
    base: readonly Result[],
    adapted: readonly Result[],
    room: number,
    key?: (result: Result) => unknown,
  ): Result[];

  /**
   * What was clicked in the last merged list: 1 for a click, 0 for none, one per result shown. Once for each list: told
   * twice, it counts as two. Of an empty list, or before there was one, nothing is counted.
   *
   * @throws {MicroLoraError} `LENGTH` for as many as the last merged list has not, `OUT_OF_RANGE`, `TYPE`
   */
  recordClicks(clicks: ArrayLike<number>): void;

  /** What to serve the next event with, where only one answer is shown. */
  next(): "base" | "adapted";

  /**
   * How good the user found what the last {@link next} served, 0 to 1. Once for each answer: told twice, it counts as
   * two. Before any {@link next} it is the frozen model's.
   *
   * @throws {MicroLoraError} `OUT_OF_RANGE`, `TYPE`
   */
  record(quality: number): void;

  /** What was found so far. */
  report(): HoldbackReport;

  /** The same as a sentence. */
  toString(): string;

  /** Saves the comparison. */
  toJson(): string;
  /** The same text in bytes, for IndexedDB, files and the network. */
  save(): Bytes;
  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

  /**
   * As it was when it was saved.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `TYPE`
   */
  static fromJson(json: string): Holdback;
  /** What `save()` gave, as {@link fromJson} takes it. */
  static load(bytes: ArrayBuffer | ArrayBufferView): Holdback;
}

/**
 * Learning where nothing is observed but a number: how good an output was. Outputs are tried in pairs, `y + eps` and then
 * `y - eps`, in up to 16 directions in which better is likely to lie; it takes some 500 pairs. In all 384 dimensions of an
 * embedding it teaches nothing. The same bits as the Rust crate's `Explore`.
 *
 * @example
 * import { Explore, principalDirections } from "micro-lora/learn";
 *
 * const directions = principalDirections(documents, 16);
 * const explore = new Explore(0.3, 1);
 * const y = lora.applyResidual(input);
 * const eps = explore.draw(directions);
 * const plus = await rate(y.map((value, i) => value + eps[i])); // what the user thinks of it
 * const minus = await rate(y.map((value, i) => value - eps[i]));
 * explore.adapt(lora, input, eps, plus, minus);
 * lora.applyUpdates();
 *
 * @example
 * localStorage.setItem("explore", JSON.stringify(explore)); // its three numbers are all of it
 * Object.assign(explore, JSON.parse(localStorage.getItem("explore"))); // numbers that it cannot have are refused later
 */
export class Explore {
  /**
   * @param radius the length of `eps`, 1e-6 to 1e6: large enough for a difference in quality to show, small enough for
   * the user not to mind. 0.3 for outputs of unit norm, say.
   * @param seed the same one tries the same things on every machine
   * @throws {MicroLoraError} `OUT_OF_RANGE`, `COUNT`
   */
  constructor(radius: number, seed: number);

  /** The length of `eps`. */
  radius: number;
  /** Running mean square of the differences in quality; 0 before the first. */
  spread: number;
  /** What is drawn next depends on it. */
  random: number;

  /**
   * Draws what to try next: a vector of length {@link radius} in the space of the directions.
   *
   * @param directions 1 to 16 vectors of `outFeatures` values, near unit norm
   * @throws {MicroLoraError} `OUT_OF_RANGE`, `COUNT`, `LENGTH`, `TYPE`, `NOT_FINITE`, `OVERFLOW`, `ZERO_NORM` for
   * directions that cancel
   */
  draw(directions: readonly ArrayLike<number>[]): Floats;

  /**
   * Adds one pair to the pending gradients.
   *
   * @param eps what {@link draw} gave; it is not changed
   * @param plus the quality of `y + eps`, in any unit
   * @param minus that of `y - eps`
   * @throws {MicroLoraError} `NOT_FINITE`, `OVERFLOW` if the square of their difference is infinite, `ZERO_NORM`, and those
   * of `adaptGradient`; `TYPE` for an adapter of `micro-lora/lite`
   */
  adapt(
    lora: MicroLoraWasm,
    input: ArrayLike<number>,
    eps: ArrayLike<number>,
    plus: number,
    minus: number,
    options?: SampleOptions,
  ): Receipt;
}

/**
 * The directions in which example vectors differ most, to {@link Explore} in: their first principal components, of unit
 * norm and at right angles. Fewer than asked for if the examples span fewer. The mean of the examples is taken off first,
 * as it is for principal components: what all of them share is no direction in which one is better than another.
 *
 * @param examples 2 vectors or more, of `outFeatures` values: the documents or the outputs that you have; 100 or more are
 * best. It takes 60 passes over them for each direction.
 * @param most how many directions, 1 to 16
 * @throws {MicroLoraError} `COUNT`, `LENGTH`, `TYPE`, `NOT_FINITE`, `OVERFLOW`
 *
 * @example
 * const directions = principalDirections(documents.slice(0, 500), 16);
 */
export function principalDirections(examples: readonly ArrayLike<number>[], most: number): Floats[];

/**
 * Pulls an adapter's weights towards ones that were kept, by a share of the way: 0 changes nothing, 1 puts them back.
 * Events that are pending stay, and so do the counters.
 *
 * @param loraA weights of the same sizes, as `loraA` gives them
 * @param loraB the same, as `loraB`
 * @param share 0 to 1
 * @throws {MicroLoraError} `LENGTH`, `OUT_OF_RANGE`, `NOT_FINITE`, `OVERFLOW`, `FREED`; `UNSUPPORTED` for an adapter of
 * the dual step, `TYPE` for one of `micro-lora/lite`. The adapter is then what it was.
 *
 * @example
 * const { loraA, loraB } = lora; // in the evening
 * pullTowards(lora, loraA, loraB, 0.1); // the next evening: what only one day taught fades
 */
export function pullTowards(
  lora: MicroLoraWasm,
  loraA: ArrayLike<number>,
  loraB: ArrayLike<number>,
  share: number,
): void;
