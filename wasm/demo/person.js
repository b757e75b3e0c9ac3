// One user: an adapter, what it has learned from, and how well it does.
import { MicroLoraConfigWasm, MicroLoraWasm } from "./micro-lora/index.js";

/** Names the frozen model, so that a state made for other embeddings is refused. */
export const MODEL_ID = 384_001;
const RATE = 0.01;

export class Person {
  constructor(name, taste, size, seed) {
    Object.assign(this, { name, taste, size, seed });
    this.lora = fresh(size, seed);
    this.forget();
  }

  /** Counts the clicks; `curve` holds `[clicks, nDCG]` pairs. */
  forget() {
    this.lora.reset();
    Object.assign(this, { clicks: 0, curve: [], learned: 0, milliseconds: 0 });
  }

  correct(query) {
    return this.lora.applyResidual(query);
  }

  /** A click (quality 1) on one of the results that were shown, or a thumbs-down (quality 0). */
  choose(query, candidates, chosen, quality) {
    return this.learn(1, () => this.lora.adaptChoice(query, candidates, chosen, { quality }));
  }

  /** Several clicks on one list. */
  clickAll(query, candidates, weights) {
    return this.learn(weights.filter((weight) => weight > 0).length, () =>
      this.lora.adaptListwise(query, candidates, weights),
    );
  }

  learn(clicks, adapt) {
    const start = performance.now();
    const receipt = adapt();
    this.lora.applyUpdates(RATE);
    this.milliseconds += performance.now() - start;
    this.learned += 1;
    this.clicks += clicks;
    return receipt;
  }

  get microseconds() {
    return this.learned > 0 ? (1000 * this.milliseconds) / this.learned : null;
  }

  /** What is kept between visits. */
  save() {
    const { name, taste, seed, clicks, curve, learned, milliseconds } = this;
    return { name, taste, seed, clicks, curve, learned, milliseconds, state: this.lora.toJson() };
  }

  static restore({ name, taste, seed, state, clicks, curve, learned, milliseconds }, size) {
    const person = new Person(name, taste, size, seed);
    person.load(state);
    return Object.assign(person, { clicks, curve, learned, milliseconds });
  }

  /** Takes over a saved adapter; a damaged one, or one for other vectors, is refused and changes nothing. */
  load(json) {
    const loaded = MicroLoraWasm.fromJson(json, MODEL_ID);
    const { inFeatures, outFeatures } = loaded.getConfig();
    if (inFeatures !== this.size || outFeatures !== this.size) {
      loaded.free();
      throw new Error(`expected an adapter ${this.size} x ${this.size}, got ${inFeatures} x ${outFeatures}`);
    }
    this.lora.free();
    this.lora = loaded;
    Object.assign(this, { clicks: loaded.stats().samplesSeen, curve: [], learned: 0, milliseconds: 0 });
  }
}

function fresh(size, seed) {
  const config = new MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: size, outFeatures: size, rank: 4, seed, modelId: MODEL_ID });
  return new MicroLoraWasm(config);
}
