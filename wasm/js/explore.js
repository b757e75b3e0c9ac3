// Learning from quality alone, by trying (`src/companions/explore.rs` in the Rust crate).

import { f32, range } from "./documents.js";
import { SEED_STRIDE } from "./generated/adapter.js";
import * as constant from "./generated/companions.js";
import { ours } from "./ours.js";
import { number, sized, whole } from "./shared.js";
import { axpy, dot, norm, notFinite, rows, scale } from "./vectors.js";

/** The rate of the running mean of squared differences. */
const SPREAD_RATE = f32(constant.SPREAD_RATE);
/** A smaller share of the first direction's variance is rounding. */
const LEAST_VARIANCE = f32(constant.LEAST_VARIANCE);
/** A smaller share of a vector's squared norm is rounding. */
const LEAST_SQUARE = f32(constant.LEAST_SQUARE);
/** The smallest radius, as an f32. */
const MIN_RADIUS = f32(constant.MIN_RADIUS);
/** The largest f32. */
const MAX = f32(3.4028235e38);

export class Explore {
  constructor(radius, seed) {
    this.radius = f32(range("radius", radius, constant.MIN_RADIUS, constant.MAX_RADIUS));
    this.spread = 0;
    this.random = (Math.imul(whole("seed", seed), SEED_STRIDE) | 1) >>> 0;
  }

  draw(directions) {
    const radius = restored(this);
    const all = rows("directions", directions, 1, constant.MAX_DIRECTIONS);
    const eps = new Float32Array(all[0].length);
    // Stored only when nothing can be refused any more.
    const source = { random: this.random };
    for (const direction of all) axpy(eps, uniform(source), direction);
    scale(eps, f32(radius / norm("directions", eps)));
    this.random = source.random;
    return eps;
  }

  adapt(lora, input, eps, plus, minus, options) {
    restored(this);
    const qualities = Float32Array.of(number("plus", plus), number("minus", minus));
    const difference = f32(qualities[0] - qualities[1]);
    const squared = f32(difference * difference);
    // With an infinite spread every later slope would be zero, for ever.
    if (!isFinite(squared)) notFinite("qualities", qualities);
    const gradient = new Float32Array(sized("eps", eps, ours(lora).getConfig().outFeatures));
    const length = norm("eps", gradient);
    const spread =
      this.spread > 0 ? f32(this.spread + f32(SPREAD_RATE * f32(squared - this.spread))) : squared;
    const slope = spread > 0 ? f32(difference / f32(Math.sqrt(spread))) : 0;
    scale(gradient, -f32(Math.min(Math.max(slope, -constant.CLIP), constant.CLIP) / length));
    const receipt = lora.adaptGradient(input, gradient, options);
    this.spread = spread;
    return receipt;
  }
}

/** Checks the fields, which may have been assigned from a saved text. Gives the radius as an f32. */
const restored = (explore) => {
  const { radius, spread, random } = explore ?? {};
  range("spread", spread, 0, MAX);
  whole("random", random, 1);
  return f32(range("radius", radius, MIN_RADIUS, constant.MAX_RADIUS));
};

/** -1 to 1, from xorshift (Marsaglia 2003). */
const uniform = (explore) => {
  let { random } = explore;
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  explore.random = random >>> 0;
  return (explore.random >>> 8) / 8388608 - 1;
};

export const principalDirections = (examples, most) => {
  const all = rows("examples", examples, 2);
  whole("directions", most, 1, constant.MAX_DIRECTIONS);
  all.forEach((example, i) => {
    if (!example.every(isFinite)) notFinite(`examples[${i}]`, example);
  });
  const width = all[0].length;
  const mean = new Float32Array(width);
  for (const example of all) axpy(mean, f32(1 / all.length), example);
  const source = { random: 1 };
  const found = [];
  let first;
  while (found.length < most) {
    const start = Float32Array.from({ length: width }, () => uniform(source));
    const [direction, variance] = settled(start, found, all, mean);
    first ??= variance;
    // What is left is rounding: the examples span no more directions.
    if (variance <= f32(LEAST_VARIANCE * first) || !settle(direction, found)) break;
    found.push(direction);
  }
  return found;
};

/** A direction at right angles to those found before, and the scatter of the examples along it. */
const settled = (direction, found, all, mean) => {
  let variance = 0;
  for (let i = 0; i < constant.ITERATIONS; i++) {
    if (!settle(direction, found)) return [direction, 0];
    const along = dot(mean, direction);
    const row = new Float32Array(direction.length);
    let sum = 0;
    for (const example of all) {
      const by = f32(dot(example, direction) - along);
      axpy(row, by, example);
      sum = f32(sum + by);
    }
    axpy(row, -sum, mean);
    variance = f32(Math.sqrt(dot(row, row)));
    if (!isFinite(variance)) notFinite("examples", []);
    direction = row;
  }
  return [direction, variance];
};

/**
 * Brings `v` to unit norm and to right angles with the directions found before; false if nothing of it is left. Twice,
 * for where little is left after the first time, that is mostly rounding.
 */
const settle = (v, found) => {
  for (let time = 0; time < 2; time++) {
    const all = dot(v, v);
    for (const direction of found) axpy(v, -dot(direction, v), direction);
    const squared = dot(v, v);
    // So little is rounding, and would not be at right angles.
    if (!(squared > f32(LEAST_SQUARE * all) && isFinite(squared))) return false;
    scale(v, f32(1 / f32(Math.sqrt(squared))));
  }
  return true;
};
