import type { MicroLoraWasm } from "./index.js";

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
 * const { loraA, loraB } = lora; // in the evening; an adapter made with config.step = 2
 * pullTowards(lora, loraA, loraB, 0.1); // the next evening: what only one day taught fades
 */
export function pullTowards(
  lora: MicroLoraWasm,
  loraA: ArrayLike<number>,
  loraB: ArrayLike<number>,
  share: number,
): void;
