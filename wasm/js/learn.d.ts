// What stands beside an adapter: lists learned again, and whether it helps. `Replay` is for adapters of `micro-lora`:
// those of `micro-lora/lite` cannot learn from lists.

import type { MicroLoraWasm, SkippedZeroLearningRate } from "./index.js";
import type { Receipt, SampleOptions, Vectors } from "./lite.js";

/** How a list was learned from, and how to learn. */
export interface ReplayOptions extends SampleOptions {
  /** 0.1 unless given. */
  temperature?: number;
  /** 0.01 unless given. */
  learningRate?: number;
}

/**
 * The last lists of results with their clicks, so that every click is learned from more than once: half as many teach
 * as much. Vectors are kept as int8. The same bits as the Rust crate's `Replay`, and the same saved text.
 *
 * @example
 * import { Replay } from "micro-lora/learn";
 *
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
   * @param modelId names the frozen model, as the adapter's config does; another's texts are not loaded
   * @throws {MicroLoraError} `COUNT`, `MEMORY`
   */
  constructor(inFeatures: number, outFeatures: number, list?: number, capacity?: number, modelId?: number);

  /** Lists remembered. */
  get length(): number;

  /**
   * Learns from a list at once: an event, an update, eight rehearsals, and the list is remembered. One that says nothing
   * is skipped, as the receipt says; so is every one at a learning rate of 0.
   *
   * Arguments are checked before anything is done. After an `OVERFLOW` the adapter may have learned from the event.
   *
   * @throws {MicroLoraError} as `adaptListwise`, `applyUpdates` and {@link push}; `TYPE` for an adapter of
   * `micro-lora/lite`
   */
  learn(
    lora: MicroLoraWasm,
    input: ArrayLike<number>,
    candidates: Vectors,
    weights: ArrayLike<number>,
    options?: ReplayOptions,
  ): Receipt | SkippedZeroLearningRate;

  /**
   * Takes a step on each of the next remembered lists, in turn, and says how many it took. No event may be pending.
   *
   * @param learningRate 0 to 1000, default 0.01
   * @param times how many lists, default 1; at most 65535 are taken
   * @throws {MicroLoraError} `COUNT`, `OUT_OF_RANGE`, `LENGTH` for an adapter of other sizes, `TYPE` for one of
   * `micro-lora/lite`, `OVERFLOW`, `BASE_REQUIRED`, `FREED`
   *
   * @example
   * ring.rehearse(lora, 0.01, 8); // while the user reads
   */
  rehearse(lora: MicroLoraWasm, learningRate?: number, times?: number): number;

  /**
   * Remembers a list, in the place of the oldest one when the ring is full.
   *
   * @throws {MicroLoraError} `LENGTH`, `COUNT`, `NOT_FINITE`, `OUT_OF_RANGE`, `TYPE`
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

  /**
   * Loads a saved ring of the same sizes and model. All of it is checked before anything is changed.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `TYPE`
   */
  loadJson(json: string): void;
}

/** What a {@link Holdback} has found. */
export interface HoldbackReport {
  /** Whether the adapter is to be applied where nothing is compared. */
  applied: boolean;
  /** Mean quality with the adapter, or clicks on its results per merged list. */
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
   * @throws {MicroLoraError} `COUNT`, `TYPE`
   */
  interleave<Id>(base: readonly Id[], adapted: readonly Id[], room: number): Id[];

  /**
   * What was clicked in the last merged list: 1 for a click, 0 for none, one per result shown.
   *
   * @throws {MicroLoraError} `LENGTH`, `OUT_OF_RANGE`, `TYPE`
   */
  recordClicks(clicks: ArrayLike<number>): void;

  /** What to serve the next event with, where only one answer is shown. */
  next(): "base" | "adapted";

  /**
   * How good the user found what the last {@link next} served, 0 to 1.
   *
   * @throws {MicroLoraError} `OUT_OF_RANGE`
   */
  record(quality: number): void;

  /** What was found so far. */
  report(): HoldbackReport;

  /** The same as a sentence. */
  toString(): string;

  /** Saves the comparison. */
  toJson(): string;

  /**
   * As it was when it was saved.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `TYPE`
   */
  static fromJson(json: string): Holdback;
}
