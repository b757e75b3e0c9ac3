// What stands beside an adapter: lists learned again, whether it helps, trying where only a number is known, and the way
// back. All but `Holdback` is for adapters of `micro-lora`: those of `micro-lora/lite` can do less.

import type { MicroLoraWasm, SkippedZeroLearningRate } from "./index.js";
import type { Floats, Receipt, SampleOptions, Vectors } from "./lite.js";

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
   * `micro-lora/lite`, `LENGTH` for one of other sizes, `MISMATCH` for one of another model
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
   * another model, `TYPE` for one of `micro-lora/lite`, `BASE_REQUIRED`, `FREED`
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
  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

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
   * @throws {MicroLoraError} `COUNT`, `TYPE`
   */
  interleave<Id>(base: readonly Id[], adapted: readonly Id[], room: number): Id[];

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
  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

  /**
   * As it was when it was saved.
   *
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `TYPE`
   */
  static fromJson(json: string): Holdback;
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
 * @throws {MicroLoraError} `LENGTH`, `OUT_OF_RANGE`, `NOT_FINITE`, `OVERFLOW`, `FREED`; `TYPE` for an adapter of
 * `micro-lora/lite`. The adapter is then what it was.
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
