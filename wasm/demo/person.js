// One user: an adapter with its ring, what they have learned from, and how well they do.
import { MicroLoraConfigWasm, MicroLoraWasm } from "./micro-lora/index.js";
import { Holdback, Replay } from "./micro-lora/learn.js";
import { SHOWN } from "./search.js";

/** Names the frozen model, so that a state made for other embeddings is refused. */
export const MODEL_ID = 384_001;
const RATE = 0.01;
/** Lists that a ring remembers. Half as many as usual: 185 KB of text for each person, where localStorage has 5 MB. */
const REMEMBERED = 32;
const FORMAT = "micro-lora-demo";

export class Person {
  constructor(name, taste, size, seed) {
    Object.assign(this, { name, taste, size, seed });
    this.lora = fresh(size, seed);
    /** Learns from the same clicks without a ring, to compare with. */
    this.once = fresh(size, seed);
    this.ring = emptyRing(size);
    this.forget();
  }

  /** Counts the clicks; `curve` holds the clicks, the nDCG, and the nDCG without the ring. */
  forget() {
    this.lora.reset();
    this.once.reset();
    this.ring.clear();
    this.holdback = new Holdback();
    Object.assign(this, { clicks: 0, curve: [], learned: 0, milliseconds: 0 });
  }

  correct(query) {
    return this.lora.applyResidual(query);
  }

  /** What a search shows: merged from both rankings while the holdback wants to compare them. */
  merge(frozen, adapted) {
    this.isCompared = this.holdback.isDue();
    return this.isCompared ? this.holdback.interleave(frozen, adapted, SHOWN) : adapted;
  }

  /** Clicks on what `merge` gave. */
  clickMerged(query, candidates, weights) {
    if (this.isCompared) this.holdback.recordClicks(weights);
    this.clickAll(query, candidates, weights);
  }

  /** Some clicks on one list, a 1 for each. */
  clickAll(query, candidates, weights) {
    const clicks = weights.filter((weight) => weight > 0).length;
    this.learn(clicks, () => this.ring.learn(this.lora, query, candidates, weights));
    this.once.adaptListwise(query, candidates, weights);
    this.once.applyUpdates(RATE);
  }

  /** A thumb on one of the results that were shown, up (quality 1) or down (0). */
  choose(query, candidates, chosen, quality) {
    if (quality > 0) {
      const weights = Array.from({ length: candidates.length / this.size }, (_, i) => (i === chosen ? 1 : 0));
      this.clickAll(query, candidates, weights);
      return;
    }
    // A ring remembers what was liked: this is learned once.
    const turnDown = (lora) => {
      lora.adaptChoice(query, candidates, chosen, { quality });
      lora.applyUpdates(RATE);
    };
    this.learn(1, () => turnDown(this.lora));
    turnDown(this.once);
  }

  learn(clicks, adapt) {
    const start = performance.now();
    adapt();
    this.milliseconds += performance.now() - start;
    this.learned += 1;
    this.clicks += clicks;
  }

  get microseconds() {
    return this.learned > 0 ? (1000 * this.milliseconds) / this.learned : null;
  }

  /** The documents that a program of one's own would keep: the texts of the adapter, the ring and the rest. */
  documents() {
    const [adapter, once, ring, holdback] = [this.lora, this.once, this.ring, this.holdback].map((each) =>
      each.toJson(),
    );
    return { format: FORMAT, adapter, ring, holdback, once };
  }

  /** What is kept between visits. */
  save() {
    const { name, taste, seed, clicks, curve, learned, milliseconds } = this;
    return { name, taste, seed, clicks, curve, learned, milliseconds, ...this.documents() };
  }

  static restore(saved, size) {
    const { name, taste, seed, clicks, curve, learned, milliseconds } = saved;
    const person = new Person(name, taste, size, seed);
    person.take(saved);
    return Object.assign(person, { clicks, curve, learned, milliseconds });
  }

  /** Takes over a file: everything, or the adapter alone as any program saves it. */
  load(text) {
    this.take(parse(text));
  }

  /** Takes over saved documents. Damaged ones, or some for other vectors, are refused, and change nothing. */
  take({ adapter, once = adapter, ring, holdback }) {
    const [lora, twin] = [adapter, once].map((text) => revive(text, this.size));
    const remembered = emptyRing(this.size);
    if (ring) remembered.loadJson(ring);
    const compared = holdback ? Holdback.fromJson(holdback) : new Holdback();
    this.free();
    Object.assign(this, { lora, once: twin, ring: remembered, holdback: compared });
    Object.assign(this, { clicks: lora.stats().samplesSeen, curve: [], learned: 0, milliseconds: 0 });
  }

  free() {
    this.lora.free();
    this.once.free();
  }
}

function fresh(size, seed) {
  const config = new MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: size, outFeatures: size, rank: 4, seed, modelId: MODEL_ID, step: 2 });
  return new MicroLoraWasm(config);
}

const emptyRing = (size) => new Replay(size, size, SHOWN, REMEMBERED, MODEL_ID);

function revive(text, size) {
  const loaded = MicroLoraWasm.fromJson(text, MODEL_ID);
  const { inFeatures, outFeatures } = loaded.getConfig();
  if (inFeatures === size && outFeatures === size) return loaded;
  throw new Error(`expected an adapter ${size} x ${size}, got ${inFeatures} x ${outFeatures}`);
}

function parse(text) {
  try {
    const saved = JSON.parse(text);
    if (saved.format === FORMAT) return saved;
  } catch {
    // The adapter's own reader says it better.
  }
  return { adapter: text };
}
