// Turns the engine's refusals into errors that say what was expected and what came.

import { report } from "glue";

import { floats, rounded, wasm } from "./engine.js";
import { fail } from "./fail.js";
import { ERROR_OUT_OF_RANGE, WEIGHT_LIMIT } from "./generated/adapter.js";

/** By the engine's number: code|expected|got. `$0` is the first number of the report. */
const ERRORS = [
  ,
  "LENGTH|$0 values|$1",
  "NOT_FINITE|finite values|NaN or infinity at index $0",
  "OUT_OF_RANGE|$0 to $1|$2",
  "COUNT|$0 to $1|$2",
  "OVERFLOW|a magnitude that f32 can go on with|an overflow",
  "BASE_REQUIRED|$1 values, because inFeatures is $0 and outFeatures $1|none",
  "SQUARE_REQUIRED|inFeatures equal to outFeatures|$0 and $1",
  "ZERO_NORM|a direction|a zero vector",
  `PENDING_FULL|pending events of a total weight below ${WEIGHT_LIMIT}|more: call applyUpdates`,
  ,
  ,
  ,
  ,
  ,
  ,
  ,
  "UNSUPPORTED|another|this one",
  "MISSING|a vector|none",
  ,
  "STEP|adaptChoice, adaptListwise or learn of a Memory, because this adapter learns by step 3 (dual)|other feedback: for it, make one with config.step = 2",
];

/** Gives the engine's result, or throws its error. */
export const check = (result) => {
  if (result >= 0) return result;
  const at = report();
  const words = new Uint32Array(wasm.memory.buffer, at, 5);
  const numbers = result === -ERROR_OUT_OF_RANGE ? Array.from(floats(at, 5), rounded) : words;
  const [code, expected, came] = ERRORS[-result]
    .replace(/\$(.)/g, (_, digit) => numbers[2 + +digit])
    .split("|");
  const what = String.fromCharCode(...new Uint8Array(wasm.memory.buffer, words[0], words[1]));
  // The engine's learning_rate and grad_output are arguments here.
  const name = what.replace(/_([ro])/, (_, letter) => letter.toUpperCase());
  return fail(code, name || "adapter", expected, came);
};
