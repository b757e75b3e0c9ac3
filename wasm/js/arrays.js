// Arrays of numbers, as callers give them: typed arrays, plain ones, and whatever else has a length.
//
// To read one may run the caller's code, which may do anything, freeing the adapter included. So a call reads all of them
// first (`sized`, `flat`), then looks up where its adapter is, and only then writes (`put` of `engine.js`).

import { fail, mistyped, shown } from "./fail.js";
import { MAX_CANDIDATES, MIN_CANDIDATES } from "./generated/adapter.js";

/** JavaScript takes null for 0: a thumb down, or no step at all. */
export const number = (what, value) => (typeof value === "number" ? value : mistyped(what, "a number", value));

/** A whole number within limits. `more`: what else the message says of them. */
export const whole = (what, value, min = 0, max = 4294967295, more = "") =>
  Number.isInteger(value) && value >= min && value <= max
    ? value
    : fail("COUNT", what, `a whole number from ${min} to ${max}${more}`, shown(value));

/** A property of typed arrays that runs no code: an array may have one of its own, which does. */
const intrinsic = (name) => {
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Float32Array.prototype), name);
  return (array) => get.call(array);
};
export const lengthOf = /* @__PURE__ */ intrinsic("length");
export const bufferOf = /* @__PURE__ */ intrinsic("buffer");

/** How many values an array of numbers has. */
export const count = (what, values) => {
  let length;
  try {
    ({ length } = values);
  } catch {}
  return typeof values === "object" && Number.isInteger(length)
    ? length
    : mistyped(what, "an array of numbers", values, values?.data ? ": pass its .data" : "");
};

/** An array of numbers of this length, as a typed array: the same one, or a copy. */
export const sized = (what, values, length) => {
  const got = count(what, values);
  if (got !== length) fail("LENGTH", what, `${length} values`, got);
  // Whatever a typed array says of its length, it has these numbers and no more. BigInts are no numbers.
  if (ArrayBuffer.isView(values) && values.BYTES_PER_ELEMENT && typeof values[length - 1] === "number" && !(length in values)) return values;
  const plain = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    // JSON has null for NaN. A typed array would take it for 0, and "1" for 1.
    plain[i] = value == null ? NaN : number(`${what}[${i}]`, value);
  }
  return plain;
};

/** So many vectors of `width` values, one after the other, from an array of vectors or of numbers. */
export const flat = (what, vectors, width, least = MIN_CANDIDATES, most = MAX_CANDIDATES) => {
  const got = count(what, vectors);
  const first = vectors[0];
  const isRows = typeof first === "object";
  if (typeof first === "string") mistyped(`${what}[0]`, "a vector", first);
  const n = isRows ? got : Math.ceil(got / width);
  if (!(n >= least && n <= most)) {
    fail("COUNT", what, `${least} to ${Math.floor(most)} vectors of ${width} values`, isRows ? got : `${got} numbers`);
  }
  if (!isRows) return sized(what, vectors, n * width);
  const all = new Float32Array(n * width);
  for (let i = 0; i < n; i++) all.set(sized(`${what}[${i}]`, vectors[i], width), i * width);
  return all;
};
