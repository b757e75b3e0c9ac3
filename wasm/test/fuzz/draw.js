// A seeded source of choices: the same seed makes the same cases in every run.

/** splitmix32 (Steele, Lea and Flood 2014), by which neighbouring seeds have nothing in common. */
export class Draw {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  word() {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  below(n) {
    return this.word() % n;
  }

  oneIn(n) {
    return this.below(n) === 0;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** -1 to 1. */
  value() {
    return (this.word() >>> 8) / 8_388_608 - 1;
  }

  vector(length) {
    return Float32Array.from({ length }, () => this.value());
  }
}

/** The seed of one case of a run. */
export const seedOf = (run, number) => new Draw((run ^ Math.imul(number, 0x9e37_79b1)) >>> 0).word();
