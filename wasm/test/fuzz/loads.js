// Damaged documents: both builds say the same of one, and what they accept lives on with the same bits.
import { damaged } from "./documents.js";
import { Fault, outcome, same, sound } from "./oracle.js";
import { CAPACITY, LIST, MODEL } from "./world.js";

const half = (n) => new Float32Array(n).fill(0.5);

/** How each kind is loaded: as the native program does, which has a ring of one size. */
const LOAD = {
  adapter: ({ lora }, text, bytes) =>
    bytes ? lora.MicroLoraWasm.load(bytes, MODEL) : lora.MicroLoraWasm.fromJson(text, MODEL),
  memory: ({ learn }, text, bytes) => {
    const options = { modelId: MODEL, vectors: (id) => half(2).map((value) => value + id) };
    return bytes ? learn.Memory.load(bytes, options) : learn.Memory.fromJson(text, options);
  },
  ring: ({ learn }, text) => {
    const ring = new learn.Replay(3, 2, LIST, CAPACITY, MODEL);
    ring.loadJson(text);
    return ring;
  },
  holdback: ({ learn }, text, bytes) => (bytes ? learn.Holdback.load(bytes) : learn.Holdback.fromJson(text)),
};

/** A little life of what was loaded. */
const LIVE = {
  adapter: (library, made) => {
    const { inFeatures, outFeatures } = made.getConfig();
    if (inFeatures > 64 || outFeatures > 64) return;
    const list = [
      half(inFeatures),
      half(3 * outFeatures).map((value, i) => value * (i % 5)),
      1,
      { base: half(outFeatures) },
    ];
    const calls = [
      () => made.apply(half(inFeatures)),
      () => made.adaptChoice(...list),
      () => made.adaptGradient(half(inFeatures), half(outFeatures)),
      () => made.applyUpdates(0.5),
      () => made.apply(half(inFeatures)),
    ];
    return calls.map((call, i) => outcome(`call ${i}`, call).text).join("\n");
  },
  memory: ({ lora }, made) => {
    const { in_features: inFeatures, out_features: outFeatures, kinds } = made.toJSON();
    if (inFeatures > 64 || outFeatures > 64) return;
    const settings = { inFeatures, outFeatures, rank: 1, modelId: MODEL, step: 3 };
    const adapter = new lora.MicroLoraWasm(Object.assign(new lora.MicroLoraConfigWasm(), settings));
    const documents = (kinds >> 2) & 2 ? [1, 2] : half(2 * outFeatures).map((value, i) => value * (i % 3));
    const calls = [
      () => made.learn(adapter, half(inFeatures), documents, 1, { base: half(outFeatures) }),
      () => made.why(adapter, half(inFeatures), half(2 * outFeatures)),
      () => made.settle(adapter, 9),
      () => made.forget(adapter, 1),
      () => adapter.toJson(),
    ];
    const lived = calls.map((call, i) => outcome(`call ${i}`, call).text).join("\n");
    sound(lived, adapter);
    adapter.free();
    return lived;
  },
  ring: ({ lora }, made) => {
    const settings = { inFeatures: 3, outFeatures: 2, modelId: MODEL, step: 2 };
    const adapter = new lora.MicroLoraWasm(Object.assign(new lora.MicroLoraConfigWasm(), settings));
    const calls = [
      () => made.rehearse(adapter, 0.01, 6),
      () =>
        made.learn(
          adapter,
          half(3),
          half(4).map((value, i) => value * i),
          [1, 0],
          { base: half(2) },
        ),
      () => adapter.toJson(),
    ];
    const lived = calls.map((call, i) => outcome(`call ${i}`, call).text).join("\n");
    sound(lived, adapter);
    adapter.free();
    return lived;
  },
  holdback: (library, made) => {
    const clicks = (shown) => made.recordClicks(shown.map((_, i) => i % 2));
    for (let i = 0; i < 5; i += 1) clicks(made.interleave([1, 2, 3], [3, i, 1], 3));
    return [made.isDue(), made.next(), made.record(0.5), `${made}`].join();
  },
};

const isLatin = (text) => !/[^\u0000-\u00ff]/.test(text);

/** One damaged document of a kind. Gives the verdict: what it is saved as when it was accepted, or the refusal. */
export function load({ simd, baseline }, draw, [kind, whole]) {
  const text = damaged(draw, whole);
  const bytes = isLatin(text) ? Buffer.from(text, "latin1") : undefined;
  const given = kind !== "ring" && draw.oneIn(2) ? bytes : undefined;
  const [one, other] = [simd, baseline].map((library) => {
    const { result, text: said } = outcome("load", () => LOAD[kind](library, text, given));
    if (!result) return { said };
    const saved = result.toJson();
    const lived = LIVE[kind](library, result);
    if (kind === "adapter") sound(`after ${lived}`, result);
    const after = result.toJson();
    result.free?.();
    return { said: saved, saved, more: `${lived}\n${after}` };
  });
  same("with simd128 and without", one.said, other.said);
  if (one.saved) same("with simd128 and without, later", one.more, other.more);
  if (kind === "adapter") alsoLite({ simd, baseline }, text, one);
  return { kind, bytes, text, saved: one.saved, said: one.said };
}

/** `lite` refuses more, and computes the same. */
function alsoLite(builds, text, full) {
  const [one, other] = [builds.simd, builds.baseline].map(({ lite }) => {
    const { result, text: said } = outcome("lite", () => lite.MicroLoraWasm.fromJson(text, MODEL));
    if (!result) return { said };
    const { inFeatures, outFeatures } = result.getConfig();
    const input = half(inFeatures);
    const list = [input, half(3 * outFeatures), 1, { base: half(outFeatures) }];
    const calls = [
      () => result.apply(input),
      () => result.adaptChoice(...list),
      () => result.applyUpdates(0.5),
      () => result.toJson(),
    ];
    const lived =
      inFeatures < 64 && outFeatures < 64 ? calls.map((call, i) => outcome(`lite ${i}`, call).text) : [];
    result.free();
    return { said: lived.join("\n"), isLoaded: true };
  });
  same("lite with simd128 and without", one.said, other.said);
  // Of the scaled step it takes the weights alone, whatever is pending beside them.
  const isWhole = one.isLoaded && JSON.parse(text).step > 2;
  if (isWhole && !full.saved) throw new Fault(`lite loads what micro-lora refuses: ${full.said}`);
}

/** A file of PEFT, damaged: an adapter that is sound, or a refusal; in both builds the same. */
export function loadFile({ simd, baseline }, draw, file) {
  const name = draw.pick(["fromBytes", "fromBytesReduced"]);
  const hasConfig = draw.oneIn(2);
  const [one, other] = [simd, baseline].map(({ lora, peft }) => {
    const settings = hasConfig
      ? Object.assign(new lora.MicroLoraConfigWasm(), { rank: 1, alpha: 2 })
      : undefined;
    const { result, text } = outcome(name, () => peft[name](file, settings));
    if (!result) return text;
    const made = result.lora ?? result;
    const saved = made.toJson();
    sound(saved, made);
    made.free();
    return saved;
  });
  same("a file with simd128 and without", one, other);
}
