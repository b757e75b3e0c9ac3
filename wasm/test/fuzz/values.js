// Arguments: good ones, and what programs pass by mistake.
import { Own } from "./oracle.js";

const detached = (length) => {
  const array = new Float32Array(length);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

const lying = (length) =>
  Object.defineProperty(new Float32Array(8).fill(0.5), "length", { get: () => length, configurable: true });

/** An array that does something when its element `at` is read. */
const reading = (length, at, act) => {
  const array = Array.from({ length }, () => 0.25);
  if (length) Object.defineProperty(array, at % length, { get: act, enumerable: true });
  return array;
};

const throws = () => {
  throw new Own("a getter of the caller's");
};

/** What is no number. */
const NO_NUMBERS = [
  () => undefined,
  () => null,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => -0,
  () => 0.5,
  () => -1,
  () => 1e308,
  () => 1e39,
  () => 1e-45,
  () => 3.4e38,
  () => 2 ** 31,
  () => 2 ** 32,
  () => 2 ** 53,
  () => "1",
  () => "",
  () => "NaN",
  () => true,
  () => 1n,
  () => Symbol("s"),
  () => Symbol.iterator,
  () => ({}),
  () => [],
  () => [1],
  () => () => 1,
  () => new Date(0),
  () => /a/,
  () => Object.create(null),
  () => Object(5),
  () => ({ valueOf: throws, toString: throws }),
  () => new Proxy({}, {}),
];

/** What is no vector of `n` numbers, or is one in an unusual way. */
const NO_VECTORS = [
  (n) => new Float32Array(n + 1),
  (n) => new Float32Array(Math.max(n - 1, 0)),
  () => new Float32Array(0),
  (n) => detached(n),
  (n) => new Float64Array(n).fill(0.1),
  (n) => new Float64Array(n).fill(1e300),
  (n) => new Int8Array(n).fill(-3),
  (n) => new Uint8ClampedArray(n),
  (n) => new BigInt64Array(n),
  () => new BigUint64Array(0),
  (n) => new DataView(new ArrayBuffer(4 * n)),
  (n) => new ArrayBuffer(4 * n),
  (n) => new Float32Array(new SharedArrayBuffer(4 * n)).fill(0.5),
  (n) => new Float32Array(new ArrayBuffer(4 * n, { maxByteLength: 8 * n + 8 })),
  (n) => Array(n),
  (n) => Array(n).fill(0.5),
  (n) => Array(n).fill("1"),
  (n) => Array(n).fill(null),
  (n) => Array(n).fill(1n),
  (n) => Array(n).fill(Symbol("among numbers")),
  (n) => Array(n).fill({}),
  (n) => Array(n).fill([0.5]),
  (n) => [...Array(Math.max(n - 1, 0)).fill(0.5), true],
  (n) => ({ ...Array(n).fill(0.5), length: n }),
  (n) => ({ ...Array(n).fill("0.5"), length: n }),
  (n) => ({ ...Array(n).fill(true), length: n }),
  (n) => ({ ...Array(n).fill(2n), length: n }),
  (n) => ({ length: n }),
  () => ({ length: 1e12 }),
  () => ({ length: 2 ** 18 }),
  () => ({ length: 1e6, 0: [1] }),
  () => ({ length: -1 }),
  () => ({ length: "8" }),
  () => ({ length: 1.5, 0: 1 }),
  () => ({ length: NaN }),
  () => ({ length: 8n }),
  () => ({ length: Symbol("length") }),
  (n) => ({ data: new Float32Array(n), dims: [1, n] }),
  (n) => lying(n),
  (n) => lying(2 * n),
  () => lying(1e9),
  () => lying("8"),
  () => Object.create(Float32Array.prototype),
  () => Object.create(Array.prototype),
  (n) => new Proxy(Array(n).fill(0.5), {}),
  (n) => new Proxy(new Float32Array(n), {}),
  (n) => Object.freeze(Array(n).fill(0.5)),
  (n) => Object.setPrototypeOf(Array(n).fill(0.5), null),
  (n) => Object.assign(Array(n).fill(0.5), { map: throws, forEach: throws, [Symbol.iterator]: throws }),
  (n) => Object.assign(Array(n).fill(0.5), { map: () => [], slice: () => "x", constructor: throws }),
  (n) => Object.assign(new Float32Array(n), { subarray: throws, slice: () => [1], map: () => 5 }),
  (n) => new (class extends Array {})(...Array(Math.max(n, 2)).fill(0.5)),
  (n) => new (class extends Float32Array {})(n),
  (n) => new Set(Array(n).keys()),
  (n) => "5".repeat(n),
  (n) => ({
    length: n,
    *[Symbol.iterator]() {
      yield 1;
    },
  }),
  (n) => Array(n).fill(NaN),
  (n) => Array(n).fill(Infinity),
  (n) => new Float32Array(n).fill(NaN),
  (n) => new Float32Array(n).fill(3e38),
  (n) => new Float32Array(n).fill(1e-40),
  (n) => new Float32Array(n),
  (n) => reading(n, 0, throws),
  (n) => reading(n, 3, throws),
  (n) => ({
    get length() {
      return throws();
    },
  }),
];

/** Makes arguments for calls on the objects of a world, which getters may use while a call reads them. */
export class Values {
  constructor(world, draw) {
    this.world = world;
    this.draw = draw;
  }

  /** Whether this argument is to be a strange one. */
  get #isStrange() {
    return this.draw.oneIn(this.world.strangeness);
  }

  strange() {
    return this.draw.pick(NO_NUMBERS)();
  }

  number(min, max) {
    if (this.#isStrange) return this.strange();
    const share = (this.draw.value() + 1) / 2;
    return this.draw.oneIn(8) ? this.draw.pick([min, max]) : min + share * (max - min);
  }

  whole(below) {
    return this.#isStrange ? this.strange() : this.draw.below(below);
  }

  oneOf(list) {
    return this.#isStrange ? this.strange() : this.draw.pick(list);
  }

  /** `width` numbers, of about unit norm. */
  vector(width, { least = -1 } = {}) {
    if (this.#isStrange) return this.#strangeVector(width);
    const scale = this.draw.oneIn(20) ? this.draw.pick([0, 1e-20, 1e-3, 100, 1e6, 1e20, 1e38]) : 1;
    const values = this.draw.vector(width).map((value) => scale * (least < 0 ? value : Math.abs(value)));
    return this.draw.oneIn(3) ? [...values] : values;
  }

  #strangeVector(width) {
    const { draw, world } = this;
    if (draw.oneIn(5)) return this.strange();
    if (draw.oneIn(4)) return reading(width, draw.below(8), () => world.intrude());
    if (draw.oneIn(8))
      return Object.defineProperty({ ...Array(width).fill(0.5) }, "length", {
        get: () => (world.intrude(), width),
      });
    if (draw.oneIn(8)) return world.view();
    return draw.pick(NO_VECTORS)(width);
  }

  /** So many vectors, as rows or one after the other. */
  rows(n, width) {
    if (this.#isStrange) return this.#strangeVector(n * width);
    if (this.draw.oneIn(2)) return this.vector(n * width);
    const rows = Array.from({ length: n }, () => this.vector(width));
    if (this.#isStrange)
      Object.defineProperty(rows, this.draw.below(n), { get: () => (this.world.intrude(), [1, 2]) });
    return rows;
  }

  ids(n) {
    if (this.#isStrange) return this.#strangeVector(n);
    return Array.from({ length: n }, () => this.whole(9));
  }

  clicks(n) {
    if (this.draw.oneIn(3)) return this.whole(n);
    return this.#isStrange
      ? this.#strangeVector(n)
      : Array.from({ length: n }, () => this.draw.pick([0, 0, 1, 0.5]));
  }

  /** Options, some of them given: a table of names and of what makes a value. */
  options(makers) {
    const { draw } = this;
    if (draw.oneIn(2)) return undefined;
    if (this.#isStrange) return this.strange();
    const options = {};
    for (const [name, make] of Object.entries(makers)) if (draw.oneIn(3)) options[name] = make();
    if (this.#isStrange)
      options[draw.pick(["Weight", "__proto__x", "constructor", "length", "toString"])] = 1;
    if (this.#isStrange) {
      const [name] = draw.pick(Object.entries(makers));
      Object.defineProperty(options, name, { get: () => world_(this.world), enumerable: true });
    }
    return options;
  }

  /** Something in place of an object of the package's. */
  instead(object) {
    if (!this.#isStrange) return object;
    const { draw, world } = this;
    return draw.pick([
      () => this.strange(),
      () => Object.create(Object.getPrototypeOf(object) ?? Object.prototype),
      () => new Proxy(object, {}),
      () => world.other(),
      () => world.liteAdapter,
    ])();
  }
}

const world_ = (world) => {
  world.intrude();
  return 0.5;
};
