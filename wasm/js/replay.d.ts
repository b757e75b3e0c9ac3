// Lists that adapters of the scaled step learn from again.

import type { MicroLoraWasm, SkippedZeroLearningRate } from "./index.js";
import type { Receipt, SampleOptions, Vectors } from "./lite.js";
import type { Bytes } from "./peft.js";

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
