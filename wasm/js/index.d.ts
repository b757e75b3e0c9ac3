import { MicroLoraConfigWasm as Settings, MicroLoraWasm as Lite } from "./lite.js";
import type { Floats, Receipt, SampleOptions, Vectors } from "./lite.js";

export { default, engineUrl, initSync, isSimd } from "./lite.js";
export type {
  Applied,
  ChoiceOptions,
  Floats,
  InitSource,
  MicroLoraError,
  MicroLoraErrorCode,
  Receipt,
  SampleOptions,
  SkippedAllChosen,
  SkippedNeutralQuality,
  SkippedNothingChosen,
  SkippedZeroGradient,
  SkippedZeroWeight,
  Vectors,
} from "./lite.js";

/** Nothing done: the learning rate is 0. */
export type SkippedZeroLearningRate = 7;

/**
 * The settings of an adapter, and what follows from them.
 *
 * @example
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384; // the length of your embeddings
 * const lora = new MicroLoraWasm(config);
 */
export class MicroLoraConfigWasm extends Settings {
  constructor();
  /** Bytes of the weights: four for each parameter. */
  memoryBytes(): number;
  /** What the correction is scaled by: `alpha / rank`, or `alpha / sqrt(rank)` with `useRslora`. */
  computeScaling(): number;
  /**
   * For `JSON.stringify`: the settings by their names. `Object.assign` makes a config of them again; a `cap` of
   * Infinity has to be set anew, for JSON has none.
   */
  toJSON(): object;
}

/**
 * How good an output was, and nothing else. It does not say in which direction to go: the weakest signal there is.
 *
 * @example
 * const feedback = new AdaptFeedbackWasm(0.8);
 * lora.adapt(input, feedback);
 */
export class AdaptFeedbackWasm {
  /** @param quality 0 to 1; other numbers are clamped */
  constructor(quality: number);
  /** 0 to 1; other numbers are clamped. */
  quality: number;
  /** How much the event counts: 0.01, the default, is once, 0.02 twice. 0, or 1e-8 to 1e4. */
  learningRate: number;
  /** Does nothing: feedback holds no memory of the engine's. Kept for programs that call it. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * What an adapter has seen: a snapshot.
 */
export class MicroLoraStatsWasm {
  private constructor();
  /** Feedback events, skipped ones included. */
  readonly samplesSeen: number;
  /** Mean quality of the events that carried one, 0 to 1; 0 while there is none. */
  readonly avgQuality: number;
  /** Bytes of the weights: four for each parameter. */
  readonly memoryBytes: number;
  /** `rank * (inFeatures + outFeatures)`. */
  readonly paramCount: number;
  /** Events that carried a quality. */
  readonly rated: number;
  /** Events in which the output guard shortened the correction. */
  readonly capped: number;
  /** Updates since the start or the last reset. */
  readonly updates: number;
  /** The step by which the adapter learns: 3 dual, 2 scaled, 4 not chosen yet; `step` of the config has all. */
  readonly step: number;
  /** `{"samples_seen":..,"avg_quality":..,"memory_bytes":..,"param_count":..}` */
  toJson(): string;
  /** Does nothing: statistics hold no memory of the engine's. Kept for programs that call it. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * A low-rank correction that is added to a vector, and learned here and now.
 *
 * @example
 * import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
 *
 * await init();
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384;
 * const lora = new MicroLoraWasm(config);
 *
 * const corrected = lora.applyResidual(query);        // rank results by dot product with this
 * lora.adaptListwise(query, shown, [0, 0, 1, 0, 1]);  // which of the shown ones were clicked
 * lora.applyUpdates(0.01);
 * localStorage.setItem("lora", lora.toJson());
 */
export class MicroLoraWasm extends Lite {
  /** As in `micro-lora/lite`; a config of that entry is refused. */
  constructor(config: MicroLoraConfigWasm);

  /**
   * As in `micro-lora/lite`. Also takes what `toJson()` of `@ruvector/ruvllm-wasm` has written: weights and scaling are
   * taken over, without an output guard (`cap` Infinity), as it had none, and its counters; its pending gradients are
   * not.
   */
  static fromJson(json: string, modelId?: number): MicroLoraWasm;

  /**
   * The same document as {@link toJson}, in bytes: for IndexedDB, files and the network. An adapter itself cannot be
   * cloned, sent to a worker or stored: that throws `TYPE`.
   *
   * @example
   * store.put(lora.save(), "lora"); // later: MicroLoraWasm.load(bytes)
   */
  save(): ReturnType<typeof Uint8Array.of>;

  /**
   * What {@link save} gave, with the checks of {@link fromJson}.
   *
   * @throws {MicroLoraError} those of {@link fromJson}
   */
  static load(bytes: ArrayBuffer | ArrayBufferView, modelId?: number): MicroLoraWasm;

  /** The settings, as a config of your own. */
  getConfig(): MicroLoraConfigWasm;

  /** For `JSON.stringify`, which so gives what {@link toJson} gives. */
  toJSON(): object;

  /**
   * {@link apply} for n vectors, one after the other or as an array of vectors: n times `outFeatures` values, with the
   * bits of n single calls.
   *
   * @throws {MicroLoraError} those of {@link apply}
   *
   * @example
   * const deltas = lora.applyBatch(states);
   */
  applyBatch(inputs: Vectors): Floats;

  /**
   * Learns from a quality alone, for adapters with `inFeatures` equal to `outFeatures`. The weakest signal there is: it
   * can do harm. Use another kind of feedback wherever you can.
   *
   * @throws {MicroLoraError} those of {@link adaptChoice}, and `SQUARE_REQUIRED`
   *
   * @example
   * lora.adapt(input, new AdaptFeedbackWasm(0.8));
   */
  adapt(input: ArrayLike<number>, feedback: AdaptFeedbackWasm): Receipt;

  /**
   * Learns from the gradient of your own loss with respect to the output: exactly, as `torch.autograd` would.
   *
   * @throws {MicroLoraError} those of {@link adaptChoice}
   *
   * @example
   * const gradOutput = y.map((value, i) => value - target[i]); // of |y - target|^2 / 2
   * lora.adaptGradient(hidden, gradOutput);
   */
  adaptGradient(input: ArrayLike<number>, gradOutput: ArrayLike<number>, options?: SampleOptions): Receipt;

  /**
   * Learns which of a list of 2 to 64 were chosen, all at once: the best signal that clicks give.
   *
   * @param weights one for each candidate, 0 to 1e6: 1 for a click and 0 for none, say; numbers, not booleans
   * @throws {MicroLoraError} those of {@link adaptChoice}
   *
   * @example
   * lora.adaptListwise(query, results, [0, 1, 0, 0, 1]);
   * lora.adaptListwise(query, results, ids.map((id) => (id === clicked ? 1 : 0)));
   */
  adaptListwise(
    input: ArrayLike<number>,
    candidates: Vectors,
    weights: ArrayLike<number>,
    options?: SampleOptions & { temperature?: number },
  ): Receipt;

  /**
   * Takes a step on a list that was learned from before: a shorter one, that counts as nothing in {@link stats}. No
   * event may be pending. For the scaled step alone: `Replay` of `micro-lora/learn` remembers lists and calls this, and
   * `Memory` is what the dual step has.
   *
   * @param options `learningRate` as of {@link applyUpdates}, 0.01 unless given
   * @throws {MicroLoraError} those of {@link adaptListwise} and {@link applyUpdates}, and `UNSUPPORTED`
   *
   * @example
   * lora.rehearse(oldQuery, oldResults, [0, 1, 0, 0, 1]);
   */
  rehearse(
    input: ArrayLike<number>,
    candidates: Vectors,
    weights: ArrayLike<number>,
    options?: SampleOptions & { temperature?: number; learningRate?: number },
  ): Receipt | SkippedZeroLearningRate;

  /**
   * Pulls the output towards a vector (`weight` above 0) or away from it (below): the gradient of
   * `-weight * cos(y, target)`. Pulling alone, event after event, draws all outputs to the mean of the targets: use
   * weights of both signs, or {@link adaptAttractRepel}.
   *
   * @param weight default 1
   * @throws {MicroLoraError} those of {@link adaptChoice}, and `ZERO_NORM`
   *
   * @example
   * lora.adaptTarget(query, liked, 1);
   * lora.adaptTarget(query, disliked, -0.5);
   */
  adaptTarget(
    input: ArrayLike<number>,
    target: ArrayLike<number>,
    weight?: number,
    options?: Pick<SampleOptions, "base">,
  ): Receipt;

  /**
   * Pulls the output towards one vector and away from 1 to 64 others in one event.
   *
   * @throws {MicroLoraError} those of {@link adaptChoice}, and `ZERO_NORM`
   *
   * @example
   * lora.adaptAttractRepel(query, opened, skipped);
   */
  adaptAttractRepel(
    input: ArrayLike<number>,
    attract: ArrayLike<number>,
    repel: Vectors,
    options?: SampleOptions,
  ): Receipt;

  /** Forgets the pending events without a step. */
  discardPending(): void;

  /**
   * How personal the result is: what the correction is multiplied by, 0 to 100, 1 unless set. 0 turns the adapter off;
   * 1.5 shows more of what the person likes and keeps less of what was asked. Learning does not depend on it.
   *
   * @example
   * lora.strength = 1.5; // of a slider from "as asked" (0) to "for me" (2)
   *
   * @throws {MicroLoraError} `OUT_OF_RANGE`, `FREED`
   */
  get strength(): number;
  set strength(strength: number);

  /** Counters. */
  stats(): MicroLoraStatsWasm;

  /** A copy of `lora_A`, `rank` rows of `inFeatures` values. */
  get loraA(): Floats;
  /** A copy of `lora_B`, rank-major as `lora_A` is: `rank` rows of `outFeatures` values. PEFT has it transposed. */
  get loraB(): Floats;
  /**
   * What the correction adds for any input, `outFeatures` values: with a strength of 1 and where the guard does not bind
   * it is `scaling * lora_B^T lora_A x + bias`. The dual step learns it; before, it is zero.
   */
  get bias(): Floats;

  /**
   * An adapter with weights of your own, laid out as {@link loraA} and {@link loraB}.
   *
   * @throws {MicroLoraError} `LENGTH`, `NOT_FINITE`, `OVERFLOW`, and those of the constructor
   *
   * @example
   * const copy = MicroLoraWasm.fromWeights(lora.getConfig(), lora.loraA, lora.loraB);
   */
  static fromWeights(
    config: MicroLoraConfigWasm,
    loraA: ArrayLike<number>,
    loraB: ArrayLike<number>,
  ): MicroLoraWasm;
}
