// The same bits as the native engine: the script of `tests/web_vectors.rs`, and the vectors that it
// committed.
import { Random, adapter, expect, lora, readText } from "./setup.js";

const CANDIDATES = 5;
const RATES = [0.01, 0.05, 0.002];
const vectors = JSON.parse(await readText("vectors.json"));

/** FNV-1a, 64 bits, in two halves: BigInt would be slow. */
class Digest {
  #low = 0x8422_2325;
  #high = 0xcbf2_9ce4;

  bytes(bytes) {
    let [low, high] = [this.#low, this.#high];
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0;
      // Times 0x100_000001b3: the low half gives up to 41 bits, of which those beyond 32 are carried.
      const product = low * 0x1b3;
      high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
      low = product >>> 0;
    }
    [this.#low, this.#high] = [low, high];
  }

  values(...values) {
    this.bytes(new Uint8Array(Float32Array.from(values).buffer));
  }

  hex() {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}

const DEFAULT_STEP = 2;

function adapt(made, random, event, { in_features: inFeatures, out_features: outFeatures, step }) {
  // What the default was when the vectors of the first step were made.
  const old = step === DEFAULT_STEP ? {} : { temperature: 0.1 };
  const x = random.row(inFeatures, 0.3);
  const base = random.row(outFeatures, 0.3);
  const candidates = random.row(CANDIDATES * outFeatures, 0.3);
  const one = candidates.subarray(0, outFeatures);
  const chosen = Math.floor(event / 5) % CANDIDATES;
  switch (event % 5) {
    case 0:
      return made.adaptGradient(x, one);
    case 1:
      return made.adaptChoice(x, candidates, chosen, { base, ...old });
    case 2:
      return made.adaptChoice(x, candidates, chosen, { base, quality: 0.2, temperature: 0.5 });
    case 3:
      return made.adaptTarget(x, one, event % 2 === 0 ? 1.5 : -0.5, { base });
    default:
  }
  if (inFeatures !== outFeatures)
    return made.adaptChoice(x, candidates, chosen, { base, quality: 0.75, ...old });
  const feedback = new lora.AdaptFeedbackWasm((event % 11) / 10);
  feedback.learningRate = 0.02;
  return made.adapt(x, feedback);
}

describe("the bits of the native engine", () => {
  it("are hashed as there", () => {
    const digest = new Digest();
    digest.bytes(new TextEncoder().encode("foobar"));
    expect(digest.hex()).to.equal("85944171f73967e8");
  });

  for (const vector of vectors) {
    const { in_features: inFeatures, out_features: outFeatures, rank } = vector;
    it(`${inFeatures} x ${outFeatures}, rank ${rank}: every output, receipt and step, and the state`, () => {
      const made = adapter(inFeatures, {
        outFeatures,
        rank,
        alpha: vector.alpha,
        cap: vector.cap ?? Infinity,
        seed: vector.seed,
        modelId: vector.model_id,
        useRslora: vector.use_rslora,
        step: vector.step,
      });
      const digest = new Digest();
      const random = new Random(vector.seed);
      vector.events.forEach((expected, event) => {
        digest.bytes(new Uint8Array(Uint32Array.of(adapt(made, random, event, vector)).buffer));
        if (event % 3 !== 1) digest.values(made.applyUpdates(RATES[event % 3]));
        digest.values(...made.apply(random.row(inFeatures)));
        expect(digest.hex(), `event ${event}`).to.equal(expected);
      });
      const json = made.toJson();
      if (vector.state) expect(json).to.equal(vector.state);
      const hash = new Digest();
      hash.bytes(new TextEncoder().encode(json));
      expect(hash.hex(), "the state").to.equal(vector.state_hash);
    });
  }
});
