// Learning from quality alone, by trying.

import type { MicroLoraWasm } from "./index.js";
import type { Floats, Receipt, SampleOptions } from "./lite.js";

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
