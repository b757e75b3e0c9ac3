import type { MicroLoraWasm } from "./index.js";

/**
 * How well an adapter of the dual step predicted the last hundred lists or so, each before it was learned. Made into a
 * string it is a sentence that says so.
 */
export interface Predictions {
  /** How strongly choices follow the frozen order, 0 to 2: 1 as a softmax at the lists' temperature, 0 not at all. */
  readonly trust: number;
  /** Standard error of `trust`. */
  readonly trustError: number;
  /** How strongly choices follow what was learned, -1 to 5: 1 as strongly as it was learned, below 0 it misleads. */
  readonly strength: number;
  /** Standard error of `strength`. */
  readonly strengthError: number;
  toString(): string;
}

/**
 * What the adapter expected of the lists with a click, and how well. For display: the adapter uses it only to forget where its
 * predictions mislead. A logistic regression on the scores of base and correction (`docs/learning.md` of the repository, "What it
 * expects").
 *
 * @returns `undefined` before the dual step has learned a list that it could predict, and after it has forgotten what misled
 * @throws {MicroLoraError} `TYPE` for an adapter of `micro-lora/lite`, `FREED`, `NOT_LOADED`, `BUSY` from within the function for vectors
 *
 * @example
 * const seen = predictions(lora);
 * if (seen) console.log(`${seen}`); // choices follow the frozen order at 0.57 ± 0.11 (1: fully, ...
 */
export function predictions(lora: MicroLoraWasm): Predictions | undefined;
