// Whether an adapter helps.

import type { Bytes } from "./peft.js";

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
   * What was clicked in the last merged list: 1 for a click, 0 for none, one per result shown. Call it once per list: every
   * call counts. Of an empty list, or before there was one, nothing is counted.
   *
   * @throws {MicroLoraError} `LENGTH` for as many as the last merged list has not, `OUT_OF_RANGE`, `TYPE`
   */
  recordClicks(clicks: ArrayLike<number>): void;

  /** What to serve the next event with, where only one answer is shown. */
  next(): "base" | "adapted";

  /**
   * How good the user found what the last {@link next} served, 0 to 1. Call it once per answer: every
   * call counts. Before any {@link next} it is the frozen model's.
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
