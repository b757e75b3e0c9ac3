/// <reference lib="esnext.disposable" />

// What only a DOM, or the types of Node, tell TypeScript of.
type Url = typeof globalThis extends { URL: { prototype: infer T } } ? T : { readonly href: string };
type Answer = typeof globalThis extends { Response: { prototype: infer T } } ? T : never;
type Module = typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : never;

/** What is in a `.wasm` file. */
type EngineBytes = ArrayBuffer | ArrayBufferView;

/**
 * Bytes of a `.wasm` file, a compiled module, or where to fetch one from; in Node also where to read one.
 */
export type InitSource = EngineBytes | Module | Answer | Url | string;

/**
 * Loads the engine. Call it once and await it before anything else; later calls return the first one's promise, and
 * read nothing.
 *
 * Without an argument it fetches the file beside this module: the simd128 build where the browser can run it, the
 * baseline build elsewhere. In Node, from a development server and in `micro-lora/inline` nothing is fetched: the
 * simd128 build is in the module. Give a source where your bundler or server keeps the file somewhere else.
 *
 * It never throws. What goes wrong (no file, a page in its place, no network, no WebAssembly, a policy against it)
 * rejects the promise with a {@link MicroLoraError} of code `NOT_LOADED`, whose message has the address that was tried
 * and what it answered, and whose `cause` is the error of the engine or the network; then it may be called again.
 *
 * @example
 * import init, { MicroLoraWasm } from "micro-lora";
 * await init();
 *
 * @example
 * import url from "micro-lora/micro_lora_simd.wasm?url"; // Vite
 * await init(url);
 */
export default function init(
  source?: InitSource | Promise<InitSource> | { module_or_path: InitSource | Promise<InitSource> },
): Promise<void>;

/**
 * Loads the engine at once, from bytes or a compiled module: in a worker that was sent one, say. Browsers refuse to
 * compile large modules this way on the main thread; this one is small enough for all but old Chrome (4 KB). Where the
 * engine is in the module (Node, `micro-lora/inline`) nothing has to be given.
 *
 * @throws {MicroLoraError} `NOT_LOADED`
 *
 * @example
 * initSync(readFileSync(new URL(import.meta.resolve("micro-lora/micro_lora_simd.wasm"))));
 */
export function initSync(source?: EngineBytes | Module | { module: EngineBytes | Module }): void;

/**
 * Where {@link init} fetches the engine from unless it is told: the file beside this module, of the build that this
 * browser can run. To cache it ahead, or to fetch it once for many workers. Where the engine is in the module, it is an
 * address that begins with `data:`.
 *
 * @example
 * worker.postMessage(await WebAssembly.compileStreaming(fetch(engineUrl()))); // there: initSync(data)
 */
export function engineUrl(): Url;

/**
 * Whether the loaded engine is the simd128 build.
 */
export function isSimd(): boolean;

/** The event counts: it waits for `applyUpdates`. */
export type Applied = 0;
/** Nothing to learn: a quality of exactly 0.5 says neither better nor worse. */
export type SkippedNeutralQuality = 1;
/** Nothing to learn: every candidate has the same positive weight, so none is preferred. */
export type SkippedAllChosen = 2;
/** Nothing to learn: every candidate has the weight 0. In a `Memory` only before its first list with a click. */
export type SkippedNothingChosen = 3;
/** Nothing to learn: the gradient is zero, or the input is. */
export type SkippedZeroGradient = 4;
/** Nothing to learn: the event's weight (`learningRate`, `weight`) is 0. */
export type SkippedZeroWeight = 5;

/**
 * What a call to learn did: 0 if the event was taken, else why there was nothing to learn from it. The call was valid
 * all the same, and the event counts in `stats().samplesSeen`. A call that is not valid throws a {@link MicroLoraError}.
 *
 * @example
 * const receipt = lora.adaptChoice(query, results, clicked);
 * if (receipt !== 0) console.log("nothing to learn, reason", receipt);
 */
export type Receipt =
  | Applied
  | SkippedNeutralQuality
  | SkippedAllChosen
  | SkippedNothingChosen
  | SkippedZeroGradient
  | SkippedZeroWeight;

/**
 * Why a call was refused. The codes never change their meaning; new ones may come.
 *
 * | code | meaning |
 * |---|---|
 * | `LENGTH` | an array has the wrong number of values |
 * | `NOT_FINITE` | a value is NaN or infinite |
 * | `OUT_OF_RANGE` | a number is outside its range, or NaN |
 * | `COUNT` | a size, count or index is outside its range, or no whole number |
 * | `OVERFLOW` | all inputs are finite, but the result would not be |
 * | `BASE_REQUIRED` | `inFeatures` and `outFeatures` differ, so the event needs `options.base` |
 * | `SQUARE_REQUIRED` | only an adapter with `inFeatures` equal to `outFeatures` can do this |
 * | `ZERO_NORM` | a vector that gives a direction has no length |
 * | `PENDING_FULL` | too many events are pending: call `applyUpdates` |
 * | `SYNTAX` | a text or file is not well-formed |
 * | `FORMAT` | the JSON is of some other program |
 * | `MISMATCH` | a saved state is of another version, size or model; an adapter is for another model than a ring |
 * | `BASE64` | a field of a saved state is not base64 of the right length |
 * | `CHECKSUM` | a saved state has been damaged |
 * | `STEP` | the adapter learns from lists by the dual step, and from nothing else |
 * | `UNSUPPORTED` | a PEFT file holds more than an adapter here can be; the adapter learns by a step that cannot do this |
 * | `MISSING` | a PEFT file does not hold what is searched for; a vector of a list to learn is not found, or `relearn` finds those of no list |
 * | `BUSY` | a function that finds vectors for a `Memory` has called back in |
 * | `TYPE` | an argument is of the wrong type |
 * | `FREED` | the adapter has been freed |
 * | `NOT_LOADED` | `init()` has not been awaited, or has not found the engine |
 * | `MEMORY` | the browser refuses to give more memory |
 */
export type MicroLoraErrorCode =
  | "LENGTH"
  | "NOT_FINITE"
  | "OUT_OF_RANGE"
  | "COUNT"
  | "OVERFLOW"
  | "BASE_REQUIRED"
  | "SQUARE_REQUIRED"
  | "ZERO_NORM"
  | "PENDING_FULL"
  | "SYNTAX"
  | "FORMAT"
  | "MISMATCH"
  | "BASE64"
  | "CHECKSUM"
  | "STEP"
  | "UNSUPPORTED"
  | "MISSING"
  | "BUSY"
  | "TYPE"
  | "FREED"
  | "NOT_LOADED"
  | "MEMORY";

/**
 * What every refused call throws: an `Error` whose message says what was expected and what came. The adapter, and
 * every array that was passed, is then bit for bit what it was.
 *
 * @example
 * try {
 *   lora.apply(new Float32Array(3));
 * } catch (error) {
 *   const { code, message } = error as MicroLoraError;
 *   console.log(code, message); // LENGTH, "input: expected 768 values, got 3"
 * }
 */
export interface MicroLoraError extends Error {
  readonly code: MicroLoraErrorCode;
  /** Of `NOT_LOADED`: the error behind it. */
  readonly cause?: unknown;
}

/**
 * The settings of an adapter. Every one has a safe default, and none must be tuned for learning to work. They are
 * checked when the adapter is made; what is no number (or boolean) is refused with `TYPE`, and so is a property that is
 * no setting, which could only be a misspelt one.
 *
 * @example
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384; // the length of your embeddings
 * const lora = new MicroLoraWasm(config);
 */
export class MicroLoraConfigWasm {
  constructor();
  /** LoRA rank, 1 to 4; other numbers are clamped when it is set. Default 2. */
  rank: number;
  /** LoRA alpha, 1e-6 to 1e6, default 4: the correction is scaled by `alpha / rank`. Training does not depend on it. */
  alpha: number;
  /** Values of an input, 1 to 1048576. Default 768. */
  inFeatures: number;
  /** Values of an output, 1 to 1048576. Default 768. */
  outFeatures: number;
  /** Scale by `alpha / sqrt(rank)` instead (rsLoRA, PEFT's `use_rslora`). Default false. */
  useRslora: boolean;
  /** Output guard: the correction is never longer than `cap` times the input. 1e-6 to 1e6, or Infinity. Default 2. */
  cap: number;
  /** Seed of the initial weights, 0 to 4294967295. The same seed gives the same bits on every machine. Default 0. */
  seed: number;
  /** Names the frozen model whose vectors the adapter is trained on, 0 to 4294967295. Default 0: unused. */
  modelId: number;
  /** Share of what was learned that every update forgets, 0 to 0.5, besides the 0.0003 of the scaled step (2). Default
   * 0. */
  decay: number;
  /**
   * By which step the adapter learns. 4, the default, leaves it to the first feedback: a list (choice, listwise, thumb)
   * makes it 3, anything else 2; feedback of the other kind is refused from then on, with the code `STEP`. 3: the dual
   * step, for lists: its size follows the evidence, and there is nothing to tune. 2: the scaled-gradient step, for every
   * kind of feedback. 0: the same with its first constants. 1: plain SGD, as `torch.optim.SGD`.
   *
   * `micro-lora/lite` has 4 and 3. It loads states with 2 as well: their weights stay, what is pending does not, and the
   * first list makes it 3.
   */
  step: number;
  /** Does nothing: a config holds no memory of the engine's. Kept for programs that call it. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * What an event may say besides what was done. An option that a call does not have is refused with `TYPE`.
 */
export interface SampleOptions {
  /** The frozen model's own output, to which the correction is added. Default: the input, for square adapters. */
  base?: ArrayLike<number>;
  /** How much the event counts in the mean over pending events, and in the length of the step: 0, or 1e-6 to 1e6.
   * Default 1. */
  weight?: number;
}

export interface ChoiceOptions extends SampleOptions {
  /** 1 for a click, 0 for a thumbs-down; 0.5 says nothing. Default 1. */
  quality?: number;
  /** 0.001 to 1000. Default 0.08, which is right for vectors near unit norm. */
  temperature?: number;
}

/**
 * Vectors one after the other in one array, or an array of vectors.
 */
export type Vectors = ArrayLike<number> | readonly ArrayLike<number>[];

/** `Float32Array`, of whichever type your version of TypeScript says that a new one is. */
export type Floats = ReturnType<typeof Float32Array.of>;

/**
 * A low-rank correction that is added to a vector, and learned here and now.
 *
 * @example
 * import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora/lite";
 *
 * await init();
 * const config = new MicroLoraConfigWasm();
 * config.inFeatures = config.outFeatures = 384;
 * const lora = new MicroLoraWasm(config);
 *
 * const corrected = lora.applyResidual(query); // rank results by dot product with this
 * lora.adaptChoice(query, shown, clicked);     // the third of them was clicked, say
 * lora.applyUpdates(0.01);
 * localStorage.setItem("lora", lora.toJson());
 */
export class MicroLoraWasm {
  /**
   * A fresh adapter, which changes nothing yet. The config may be changed and used again afterwards.
   *
   * @throws {MicroLoraError} `COUNT`, `OUT_OF_RANGE`, `TYPE`, `NOT_LOADED`, `MEMORY`
   */
  constructor(config: MicroLoraConfigWasm);

  /**
   * The correction for one vector: `outFeatures` values, to be added to the model's own output. For square adapters
   * {@link applyResidual} adds it.
   *
   * @throws {MicroLoraError} `LENGTH`, `NOT_FINITE`, `OVERFLOW`, `FREED`
   *
   * @example
   * const delta = lora.apply(hidden);
   * const y = base.map((value, i) => value + delta[i]);
   */
  apply(input: ArrayLike<number>): Floats;

  /**
   * The vector with its correction added, for adapters with `inFeatures` equal to `outFeatures`: what most callers of
   * {@link apply} want.
   *
   * @throws {MicroLoraError} those of {@link apply}, and `SQUARE_REQUIRED`
   *
   * @example
   * const corrected = lora.applyResidual(query);
   */
  applyResidual(input: ArrayLike<number>): Floats;

  /**
   * {@link apply} into an array of the caller's, which allocates nothing. `output` may be `input`. Returns the factor,
   * 0 to 1, by which the output guard shortened the correction: 1 where it did not bind.
   *
   * @throws {MicroLoraError} those of {@link apply}; `output` is then untouched
   *
   * @example
   * const delta = new Float32Array(768);
   * for (const hidden of states) {
   *   lora.applyInto(hidden, delta);
   *   use(delta);
   * }
   */
  applyInto(input: ArrayLike<number>, output: Float32Array): number;

  /**
   * The engine's own input, `inFeatures` values: write to it and call {@link run}, without any copy. Take it from here
   * each time rather than keep it: when the engine's memory grows, arrays that were taken before become empty.
   *
   * @throws {MicroLoraError} `FREED`
   *
   * @example
   * lora.inputView.set(hidden);
   * lora.run();
   * use(lora.outputView);
   */
  get inputView(): Floats;

  /**
   * The engine's own output, `outFeatures` values, as the last call on this adapter that applies left it.
   * See {@link inputView}.
   */
  get outputView(): Floats;

  /**
   * {@link apply} from {@link inputView} to {@link outputView}. Returns the guard factor, as {@link applyInto}.
   *
   * @throws {MicroLoraError} those of {@link apply}; {@link outputView} is then untouched
   */
  run(): number;

  /**
   * Learns that one of 2 to 64 candidates was chosen, or turned down: cross-entropy of
   * `softmax(candidates . y / temperature)`. Candidates are vectors of `outFeatures` values near unit norm.
   *
   * @param chosen its index, 0 for the first
   * @throws {MicroLoraError} `LENGTH`, `NOT_FINITE`, `COUNT`, `OUT_OF_RANGE`, `BASE_REQUIRED`, `OVERFLOW`,
   * `PENDING_FULL`, `TYPE`, `FREED`
   *
   * @example
   * lora.adaptChoice(query, results, 2);                             // a click on the third result
   * lora.adaptChoice(hidden, labels, 0, { base: output, quality: 0 }); // a thumbs-down on the first label
   */
  adaptChoice(
    input: ArrayLike<number>,
    candidates: Vectors,
    chosen: number,
    options?: ChoiceOptions,
  ): Receipt;

  /**
   * Serves the pending events, and returns how far the weights moved: the norm of their change. 0 means that there was
   * nothing to do: no event pending, a rate of 0, or events that cancel out.
   *
   * By the dual step sixty pending lists teach what sixty single ones teach. By the scaled step one call is one step of
   * the same length, whether one event is pending or sixty: update after every event to learn as fast as it goes.
   *
   * @param learningRate 0 to 1000, default 0.01, which is right for almost everything; by the dual step a list counts
   * as much as `learningRate / 0.01` says, and no more than 16 times as a whole
   * @throws {MicroLoraError} `OUT_OF_RANGE`, `OVERFLOW`, `FREED`
   */
  applyUpdates(learningRate?: number): number;

  /** Events that wait for {@link applyUpdates}. */
  pendingUpdates(): number;

  /** A number that changes whenever an output may have changed: for caches of results. */
  get generation(): number;

  /** Back to the fresh state, initial weights included. Only {@link generation} goes on. */
  reset(): void;

  /** The settings, as a config of your own. */
  getConfig(): MicroLoraConfigWasm;

  /**
   * Everything as JSON: settings, weights, pending events, counters. Loaded on any machine, in a browser or not, it
   * continues with the same bits.
   *
   * @example
   * localStorage.setItem("lora", lora.toJson());
   */
  toJson(): string;

  /**
   * A saved adapter.
   *
   * @param modelId must be the one of the config that the adapter was made with. Default 0.
   * @throws {MicroLoraError} `SYNTAX`, `FORMAT`, `MISMATCH`, `BASE64`, `CHECKSUM`, `COUNT`, `OUT_OF_RANGE`, `LENGTH`,
   * `NOT_FINITE`, `TYPE`, `NOT_LOADED`, `MEMORY`
   *
   * @example
   * const saved = localStorage.getItem("lora");
   * const lora = saved ? MicroLoraWasm.fromJson(saved) : new MicroLoraWasm(config);
   */
  static fromJson(json: string, modelId?: number): MicroLoraWasm;

  /**
   * Gives the adapter's memory back (in `micro-lora/lite` to adapters of the same size); every later use throws `FREED`.
   * Adapters that are garbage collected give theirs back by themselves, sooner or later. Calling it twice does nothing.
   */
  free(): void;
  /** {@link free}, for `using lora = new MicroLoraWasm(config)`. */
  [Symbol.dispose](): void;
}
