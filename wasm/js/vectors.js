// Vectors of 32-bit floats: the operations of the Rust crate's kernels, in their order.

import { f32 } from "./documents.js";
import { MAX_FEATURES } from "./generated/adapter.js";
import { count, fail, flat, sized, whole } from "./shared.js";

const lanes = new Float32Array(32);

/** `sum a[i] * x[i]`: element i is added to lane i mod 32, then the lanes are halved. */
export const dot = (a, x) => {
  lanes.fill(0);
  for (let i = 0; i < a.length; i++) lanes[i & 31] += f32(a[i] * x[i]);
  for (let width = 16; width; width >>= 1) {
    for (let j = 0; j < width; j++) lanes[j] += lanes[j + width];
  }
  return lanes[0];
};

/** `y += k x` */
export const axpy = (y, k, x) => {
  for (let i = 0; i < y.length; i++) y[i] += f32(k * x[i]);
};

/** `y *= k` */
export const scale = (y, k) => {
  for (let i = 0; i < y.length; i++) y[i] *= k;
};

/** The error for a sum that is not finite: NOT_FINITE if one of the values is not, else OVERFLOW. */
export const notFinite = (what, values) => {
  const index = values.findIndex((value) => !isFinite(value));
  return index < 0
    ? fail("OVERFLOW", what, "a magnitude that f32 can go on with", "an overflow")
    : fail("NOT_FINITE", what, "finite values", `${values[index]} at index ${index}`);
};

/** The norm of a vector; refused if it is not finite or zero. */
export const norm = (what, v) => {
  const squared = dot(v, v);
  if (!isFinite(squared)) notFinite(what, v);
  return squared > 0
    ? f32(Math.sqrt(squared))
    : fail("ZERO_NORM", what, "a direction", "a zero vector");
};

/** Copies of `min` to `max` vectors of the same length. */
export const rows = (what, vectors, min, max) => {
  const n = whole(what, count(what, vectors), min, max);
  const all = [];
  const width = whole(`${what}[0]`, count(`${what}[0]`, vectors[0]), 0, MAX_FEATURES);
  for (let i = 0; i < n; i++) all.push(new Float32Array(sized(`${what}[${i}]`, vectors[i], width)));
  return all;
};

export const finite = (what, values) => (values.every(isFinite) ? values : notFinite(what, values));

/** A copy of `least` to `most` vectors, one after the other. */
export const stacked = (what, vectors, width, most, least) =>
  finite(what, new Float32Array(flat(what, vectors, width, least, most)));
