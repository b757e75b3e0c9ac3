// The small entry: the same engine with less around it.
import { Replay } from "micro-lora/learn";
import init, * as lite from "micro-lora/lite";
import { toBytes } from "micro-lora/peft";
import { FAULTS } from "./faults.js";
import { Random, adapter, bits, build, expect, inNode, lora, refusal, source } from "./setup.js";

await (build === "baseline" ? init(await source("lite.wasm")) : init());

const random = new Random(12);
const make = (from, size = 16, settings = {}) => {
  const config = new from.MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: size, outFeatures: size, rank: 3, seed: 4, ...settings });
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
    if (inNode) {
      for (const { protocol } of [lite.engineUrl(), lora.engineUrl()]) expect(protocol).to.equal("data:");
      return;
    }
    const file = build === "baseline" ? /\/(lite|lite_simd)\.wasm$/ : /\/lite_simd\.wasm$/;
    expect(lite.engineUrl().pathname).to.match(file);
    expect(lora.engineUrl().pathname).to.match(/\/learn(_simd)?\.wasm$/);
  });

  // Those that are about an adapter's methods, of which there are fewer here.
  const missing = /\.(adapt|adapt[ALTG]\w+|applyBatch|rehearse)\(|strength/;
  for (const [code, title, call] of FAULTS.filter(
    (fault) => fault[2].length === 1 && !missing.test(fault[2]),
  ))
    it(`refuses as the whole package does: ${title}`, () => {
      const made = make(lite, 8);
      expect(made.adaptChoice(random.unit(8), random.row(16), 0)).to.equal(0);
      const before = made.toJson();
      refusal(() => call(made), code, /expected .*got/s);
      expect(made.toJson()).to.equal(before);
    });

  it("refuses settings and states as the whole package does", () => {
    const whole = JSON.parse(make(lora, 8).toJson());
    const changed = (fields) => () => lite.MicroLoraWasm.fromJson(JSON.stringify({ ...whole, ...fields }));
    const made = (settings) => () =>
      new lite.MicroLoraWasm(Object.assign(new lite.MicroLoraConfigWasm(), settings));
    const refused = [
      ["COUNT", made({ inFeatures: 0 })],
      ["COUNT", made({ outFeatures: 2e9 })],
      ["COUNT", made({ seed: -1 })],
      ["OUT_OF_RANGE", made({ alpha: NaN })],
      ["OUT_OF_RANGE", made({ cap: 0 })],
      ["OUT_OF_RANGE", made({ decay: 0.6 })],
      ["TYPE", () => new lite.MicroLoraWasm({ inFeatures: 8 })],
      ["SYNTAX", () => lite.MicroLoraWasm.fromJson("{")],
      ["TYPE", () => lite.MicroLoraWasm.fromJson()],
      ["FORMAT", changed({ format: "other" })],
      ["FORMAT", () => lite.MicroLoraWasm.fromJson('{"adapter":{}}')],
      ["SYNTAX", changed({ version: 1 })],
      ["MISMATCH", changed({ version: 3 })],
      ["MISMATCH", changed({ model_id: 3 })],
      ["BASE64", changed({ in_features: 7 })],
      ["CHECKSUM", changed({ samples: 5 })],
      ["SYNTAX", changed({ more: 1 })],
      ["SYNTAX", changed({ rank: null })],
    ];
    for (const [code, call] of refused) refusal(call, code, /expected .*got/s);
  });

  it("refuses a base that is missing, and an output that is no sum", () => {
    const made = new lite.MicroLoraWasm(
      Object.assign(new lite.MicroLoraConfigWasm(), { inFeatures: 8, outFeatures: 5 }),
    );
    refusal(() => made.adaptChoice(random.unit(8), random.row(10), 0), "BASE_REQUIRED", /5.*8.*5/);
    refusal(() => made.applyResidual(random.unit(8)), "SQUARE_REQUIRED", /8 and 5/);
    expect(made.adaptChoice(random.unit(8), random.row(10), 0, { base: random.unit(5) })).to.equal(0);
  });

  it("takes weights no larger than it can go on with", () => {
    const made = make(lite, 8);
    const { buffer, byteOffset } = made.inputView;
    // lora_A has three rows of eight, and stands after the header.
    const loraA = new Float32Array(buffer, byteOffset - 4 * (2 * 48 + 4 * 8), 24);
    expect(JSON.parse(made.toJson()).lora_a.slice(0, 4)).to.equal(
      btoa(String.fromCharCode(...new Uint8Array(loraA.buffer, loraA.byteOffset, 3))),
    );
    for (const [size, code] of [
      [1e7, null],
      [1e9, "OUT_OF_RANGE"],
      [3e38, "OUT_OF_RANGE"],
      [NaN, "OUT_OF_RANGE"],
    ]) {
      loraA.fill(size);
      const load = () => lite.MicroLoraWasm.fromJson(made.toJson());
      if (code) refusal(load, code, /^lora_a: expected 0 to 101000000, got/);
      else expect(load().generation).to.equal(1);
    }
  });

  it("starts from the seed of the whole package, with other sizes and settings, and starts again", () => {
    for (const [seed, inFeatures, outFeatures, useRslora] of [
      [0, 4, 3, true],
      [7, 33, 5, false],
      [4294967295, 100, 100, true],
    ]) {
      const [small, whole] = [lite, lora].map((from) => {
        const settings = { seed, inFeatures, outFeatures, useRslora, rank: 3, alpha: 5 };
        const made = new from.MicroLoraWasm(Object.assign(new from.MicroLoraConfigWasm(), settings));
        const fresh = made.toJson();
        const same = new Random(9);
        made.adaptChoice(same.unit(inFeatures), same.row(2 * outFeatures), 1, {
          base: same.row(outFeatures),
        });
        made.applyUpdates();
        const learned = made.toJson();
        made.reset();
        return [fresh, learned, made.toJson()];
      });
      expect(small).to.deep.equal(whole);
    }
  });

  it("gives the sums that the whole package gives, and the factor of its guard", () => {
    const [small, whole] = [make(lite, 16, { cap: 0.05 }), make(lora, 16, { cap: 0.05 })];
    const row = random.row(16);
    for (const made of [small, whole]) {
      for (let event = 0; event < 30; event += 1) {
        made.adaptChoice(row, [row, row.map((value) => -value)], 1);
        made.applyUpdates(0.05);
      }
    }
    expect(bits(small.applyResidual(row))).to.deep.equal(bits(whole.applyResidual(row)));
    expect(bits(small.outputView)).to.deep.equal(bits(whole.outputView));
    const [one, other] = [new Float32Array(16), new Float32Array(16)];
    expect(small.applyInto(row, one)).to.equal(whole.applyInto(row, other)).and.below(1);
    expect(bits(one)).to.deep.equal(bits(other));
  });

  it("uses the memory of freed adapters again, and finds vectors where they are while it grows", () => {
    const config = Object.assign(new lite.MicroLoraConfigWasm(), { inFeatures: 3e5, outFeatures: 3e5 });
    const [one, two] = [new lite.MicroLoraWasm(config), new lite.MicroLoraWasm(config)];
    const view = one.inputView.fill(0.001);
    const copy = view.slice();
    expect(one.adaptChoice(view, [view, view, view], 0), "views of a memory that grows").to.equal(
      two.adaptChoice(copy, [copy, copy, copy], 0),
    );
    expect(one.toJson()).to.equal(two.toJson());
    one.free();
    const size = two.inputView.buffer.byteLength;
    for (let time = 0; time < 20; time += 1) new lite.MicroLoraWasm(config).free();
    expect(two.inputView.buffer.byteLength).to.equal(size);
  });

  it("refuses steps that are not for lists, and a rank that the dual step cannot have", () => {
    const made = (settings) => () =>
      new lite.MicroLoraWasm(Object.assign(new lite.MicroLoraConfigWasm(), settings));
    for (const step of [0, 1, 2])
      refusal(made({ step }), "COUNT", new RegExp(`^step: expected .* 3 to 4 .*3: dual.*, got ${step}$`));
    const state = new lora.MicroLoraWasm(Object.assign(new lora.MicroLoraConfigWasm(), { step: 0 })).toJson();
    refusal(() => lite.MicroLoraWasm.fromJson(state), "COUNT", /^step: expected .* 2 .*got 0$/);
    refusal(made({ inFeatures: 2, rank: 3 }), "COUNT", /^rank: expected .* 1 to 2, got 3$/);
  });

  it("goes on with what an older version of it has learned by the scaled step", () => {
    const old = adapter(16, { rank: 3 });
    for (let event = 0; event < 9; event += 1) {
      old.adaptChoice(random.unit(16), random.row(64, 0.4), event % 4);
      old.applyUpdates();
    }
    // Pending of another step.
    old.adaptChoice(random.unit(16), random.row(64, 0.4), 1);
    const loaded = lite.MicroLoraWasm.fromJson(old.toJson());
    expect([loaded.pendingUpdates(), loaded.getConfig().step]).to.deep.equal([0, 4]);
    const x = random.unit(16);
    const before = old.apply(x);
    expect(bits(loaded.apply(x))).to.deep.equal(bits(before));
    expect(loaded.adaptChoice(x, random.row(64, 0.4), 2)).to.equal(0);
    loaded.apply(x).forEach((value, i) => expect(value).to.be.closeTo(before[i], 1e-5));
    loaded.applyUpdates();
    expect(bits(loaded.apply(x))).not.to.deep.equal(bits(before));
    expect(loaded.getConfig().step).to.equal(3);
    expect(lora.MicroLoraWasm.fromJson(loaded.toJson()).toJson()).to.include('"step":3');
  });

  it("refuses lists that the dual step cannot learn from", () => {
    const made = make(lite);
    const [x, list] = [random.unit(16), random.row(64, 0.4)];
    const zero = new Float32Array(16);
    refusal(() => made.adaptChoice(x, list, 0, { base: zero }), "OUT_OF_RANGE", /^list: expected lengths/);
    refusal(() => made.adaptChoice(x, list, 0, { weight: 100 }), "OUT_OF_RANGE", /^list: expected lengths/);
    expect(made.adaptChoice(x, list, 0)).to.equal(0);
    refusal(() => made.applyUpdates(10), "OUT_OF_RANGE", /^list: expected .* learningRate/);
    const before = made.toJson();
    const long = random.unit(16).map((value) => value * 100);
    refusal(() => made.adaptChoice(long, list, 0), "OUT_OF_RANGE", /^list: expected lengths/);
    expect(made.toJson()).to.equal(before);
  });

  it("has only what it says it has", () => {
    const { MicroLoraWasm } = lite;
    expect(lite).to.include.keys("default", "initSync", "isSimd", "MicroLoraConfigWasm", "MicroLoraWasm");
    expect(lite).not.to.include.any.keys("AdaptFeedbackWasm", "MicroLoraStatsWasm");
    expect(MicroLoraWasm.prototype).not.to.have.any.keys("adapt", "fromWeights");
  });
});
