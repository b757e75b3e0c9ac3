// The small entry: the same engine with less around it.
import { Replay } from "micro-lora/learn";
import init, * as lite from "micro-lora/lite";
import { toBytes } from "micro-lora/peft";
import { Random, bits, build, expect, lora, refusal, source } from "./setup.js";

await (build === "baseline" ? init(await source("lite.wasm")) : init());

const random = new Random(12);
const make = (from) => {
  const config = new from.MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: 16, outFeatures: 16, rank: 3, seed: 4 });
  return new from.MicroLoraWasm(config);
};

describe("micro-lora/lite", () => {
  it("is the build that was asked for", () => {
    expect(lite.isSimd()).to.equal(build !== "baseline");
  });

  it("learns with the bits of the whole package, and trades states with it", () => {
    const [small, whole] = [make(lite), make(lora)];
    for (let event = 0; event < 25; event += 1) {
      const x = random.unit(16);
      const candidates = random.row(64, 0.4);
      for (const made of [small, whole]) {
        expect(made.adaptChoice(x, candidates, event % 4, { quality: event % 2 })).to.equal(0);
        made.applyUpdates(0.02);
      }
    }
    const x = random.row(16);
    expect(bits(small.apply(x))).to.deep.equal(bits(whole.apply(x)));
    expect(small.toJson()).to.equal(whole.toJson());
    expect(bits(lora.MicroLoraWasm.fromJson(small.toJson()).apply(x))).to.deep.equal(bits(small.apply(x)));
    expect(bits(lite.MicroLoraWasm.fromJson(whole.toJson()).apply(x))).to.deep.equal(bits(small.apply(x)));
  });

  it("is told apart by the entries that it is too small for", () => {
    const made = make(lite);
    const message = /^lora: expected an adapter of micro-lora, got one of micro-lora\/lite$/;
    const ring = new Replay(16, 16);
    refusal(() => ring.learn(made, random.row(16), random.row(32), [0, 1]), "TYPE", message);
    refusal(() => ring.rehearse(made), "TYPE", message);
    refusal(() => toBytes(made), "TYPE", message);
  });

  it("says where its engine is", () => {
    const file = build === "baseline" ? /\/(lite|lite_simd)\.wasm$/ : /\/lite_simd\.wasm$/;
    expect(lite.engineUrl().pathname).to.match(file);
    expect(lora.engineUrl().pathname).to.match(/\/micro_lora(_simd)?\.wasm$/);
  });

  it("refuses as the whole package does", () => {
    const made = make(lite);
    const before = made.toJson();
    refusal(() => made.apply(new Float32Array(3)), "LENGTH", /16.*3/);
    refusal(() => made.apply(new Float32Array(16).fill(NaN)), "NOT_FINITE");
    refusal(() => made.adaptChoice(random.row(16), random.row(32), 2), "COUNT");
    refusal(() => lite.MicroLoraWasm.fromJson("{"), "SYNTAX");
    expect(made.toJson()).to.equal(before);
    made.free();
    refusal(() => made.apply(new Float32Array(16)), "FREED");
  });

  it("has only what it says it has", () => {
    const { MicroLoraWasm } = lite;
    expect(lite).to.include.keys("default", "initSync", "isSimd", "MicroLoraConfigWasm", "MicroLoraWasm");
    expect(lite).not.to.include.any.keys("AdaptFeedbackWasm", "MicroLoraStatsWasm");
    expect(MicroLoraWasm.prototype).not.to.have.any.keys("adapt", "fromWeights");
  });
});
