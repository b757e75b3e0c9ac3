import { adapter, config, expect, lora, refusal, trained } from "./setup.js";

describe("MicroLoraConfigWasm", () => {
  it("has the documented defaults", () => {
    const { rank, alpha, inFeatures, outFeatures, cap, seed, modelId, useRslora, decay, step } = config();
    expect({ rank, alpha, inFeatures, outFeatures }).to.deep.equal({
      rank: 2,
      alpha: 4,
      inFeatures: 768,
      outFeatures: 768,
    });
    expect({ cap, seed, modelId, useRslora, decay, step }).to.deep.equal({
      cap: 2,
      seed: 0,
      modelId: 0,
      useRslora: false,
      decay: 0,
      step: 4,
    });
  });

  it("clamps the rank to 1 to 4", () => {
    for (const [given, kept] of [
      [0, 1],
      [-3, 1],
      [1, 1],
      [4, 4],
      [5, 4],
      [9, 4],
      [1e9, 4],
    ]) {
      expect(config({ rank: given }).rank, `rank ${given}`).to.equal(kept);
    }
  });

  it("computes the sizes of the documentation", () => {
    const table = [
      [1, 768, 6144, 1536],
      [2, 768, 12288, 3072],
      [4, 768, 24576, 6144],
      [2, 512, 8192, 2048],
    ];
    for (const [rank, size, bytes, params] of table) {
      const sized = config({ rank, inFeatures: size, outFeatures: size });
      expect(sized.memoryBytes()).to.equal(bytes);
      const stats = new lora.MicroLoraWasm(sized).stats();
      expect([stats.memoryBytes, stats.paramCount]).to.deep.equal([bytes, params]);
    }
  });

  it("computes the scaling", () => {
    expect(config().computeScaling()).to.equal(2);
    expect(config({ rank: 4, alpha: 6 }).computeScaling()).to.equal(1.5);
    expect(config({ rank: 4, alpha: 6, useRslora: true }).computeScaling()).to.equal(3);
  });

  it("scales the correction by alpha over rank", () => {
    const one = trained(8, { alpha: 4, cap: Infinity });
    const state = JSON.parse(one.toJson());
    expect(state).to.include({ in_features: 8, out_features: 8, rank: 2, seed: 5, use_rslora: 0 });
  });

  it("comes back from JSON.stringify, and shows nothing of its own there", () => {
    const given = config({ rank: 3, inFeatures: 5, seed: 7 });
    const text = JSON.stringify(given);
    expect(JSON.parse(text)).to.deep.equal({
      rank: 3,
      alpha: 4,
      inFeatures: 5,
      outFeatures: 768,
      useRslora: false,
      cap: 2,
      step: 4,
      seed: 7,
      modelId: 0,
      decay: 0,
    });
    expect(config(JSON.parse(text))).to.deep.equal(given);
  });

  it("comes back from an adapter, as a copy", () => {
    const given = {
      inFeatures: 5,
      outFeatures: 3,
      rank: 3,
      alpha: 7,
      cap: 2.5,
      seed: 4e9,
      modelId: 12,
      useRslora: true,
      decay: 0.25,
      step: 1,
    };
    const made = adapter(1, given);
    const back = made.getConfig();
    for (const [name, value] of Object.entries(given)) expect(back[name], name).to.equal(value);
    back.rank = 1;
    expect(made.getConfig().rank).to.equal(3);
  });

  it("may be changed and used again after an adapter was made", () => {
    const shared = config({ inFeatures: 4, outFeatures: 4 });
    const first = new lora.MicroLoraWasm(shared);
    shared.inFeatures = 6;
    const second = new lora.MicroLoraWasm(shared);
    expect(first.apply(new Float32Array(4))).to.have.length(4);
    expect(second.apply(new Float32Array(6))).to.have.length(4);
  });

  it("has every setting checked when the adapter is made", () => {
    const settings = [
      [{ inFeatures: 0 }, "COUNT"],
      [{ inFeatures: 2e9 }, "COUNT"],
      [{ inFeatures: 1.5 }, "COUNT"],
      [{ inFeatures: NaN }, "COUNT"],
      [{ inFeatures: -1 }, "COUNT"],
      [{ inFeatures: 2 ** 32 + 8 }, "COUNT"],
      [{ outFeatures: 0 }, "COUNT"],
      [{ outFeatures: 1_048_577 }, "COUNT"],
      [{ alpha: 0 }, "OUT_OF_RANGE"],
      [{ alpha: NaN }, "OUT_OF_RANGE"],
      [{ alpha: -4 }, "OUT_OF_RANGE"],
      [{ cap: 0 }, "OUT_OF_RANGE"],
      [{ cap: NaN }, "OUT_OF_RANGE"],
      [{ decay: 0.6 }, "OUT_OF_RANGE"],
    ];
    for (const [wrong, code] of settings) {
      const message = refusal(() => adapter(8, wrong), code, /expected/);
      expect(message, JSON.stringify(wrong)).to.match(/got/);
    }
  });

  it("makes the same adapter from the same seed, and another from another", () => {
    const weights = (seed) => JSON.parse(adapter(8, { seed }).toJson()).lora_a;
    expect(weights(3)).to.equal(weights(3));
    expect(weights(3)).not.to.equal(weights(4));
  });
});

describe("AdaptFeedbackWasm", () => {
  it("clamps the quality and starts with a learning rate of 0.01", () => {
    const feedback = new lora.AdaptFeedbackWasm(0.75);
    expect([feedback.quality, feedback.learningRate]).to.deep.equal([0.75, 0.01]);
    for (const [given, kept] of [
      [-1, 0],
      [2, 1],
      [Infinity, 1],
    ]) {
      feedback.quality = given;
      expect(feedback.quality).to.equal(kept);
      expect(new lora.AdaptFeedbackWasm(given).quality).to.equal(kept);
    }
  });

  it("has a learning rate that counts: 0.02 weighs as much as two events of 0.01", () => {
    const learned = (rates) => {
      const made = trained(8);
      made.applyUpdates(0.01);
      for (const rate of rates) {
        const feedback = new lora.AdaptFeedbackWasm(0.9);
        feedback.learningRate = rate;
        made.adapt(new Float32Array(8).fill(0.3), feedback);
      }
      return made.applyUpdates(0.01);
    };
    expect(learned([0.02])).to.be.closeTo(2 * learned([0.01]), 1e-3 * learned([0.02]));
  });
});
