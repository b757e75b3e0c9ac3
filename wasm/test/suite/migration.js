// The table of the README of what differs from the package that this one replaces, row by row.
import { Random, expect, lora, norm, readText, refusal } from "./setup.js";

const { AdaptFeedbackWasm, MicroLoraConfigWasm, MicroLoraWasm } = lora;
const x = new Random(3).unit(8);

/** As programs for the other package do it. */
function made(settings = {}) {
  const config = new MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: 8, outFeatures: 8, ...settings });
  return new MicroLoraWasm(config);
}

function feedback(quality, learningRate = 0.01) {
  return Object.assign(new AdaptFeedbackWasm(quality), { learningRate });
}

describe("a program that moves here", () => {
  it("sees outputs move with the input, within the guard", () => {
    const adapter = made();
    for (let event = 0; event < 50; event += 1) {
      adapter.adapt(x, feedback(0.9));
      adapter.applyUpdates(0.01);
    }
    const output = adapter.apply(x);
    expect(new Set(output).size).to.be.above(1);
    expect(norm(output)).to.be.above(0.1).and.at.most(2.001);
  });

  it("has a learning rate that counts, and a quality of 0.5 that says nothing", () => {
    const weights = [0.01, 0.02].map((rate) => {
      const adapter = made();
      adapter.adapt(x, feedback(0.9));
      adapter.applyUpdates();
      adapter.adapt(x, feedback(0.9, rate));
      return adapter.applyUpdates();
    });
    expect(weights[1]).to.be.above(1.5 * weights[0]);
    const adapter = made();
    expect(adapter.adapt(x, feedback(0.5))).to.be.above(0);
    expect(adapter.pendingUpdates()).to.equal(0);
  });

  it("keeps what is pending at a rate of 0", () => {
    const adapter = made();
    expect(adapter.adapt(x, feedback(0.9))).to.equal(0);
    expect(adapter.applyUpdates(0)).to.equal(0);
    expect(adapter.pendingUpdates()).to.equal(1);
    expect(adapter.applyUpdates(0.01)).to.be.above(0);
  });

  it("is told what the other package let pass", () => {
    refusal(() => made({ outFeatures: 5 }).adapt(x, feedback(0.9)), "SQUARE_REQUIRED");
    refusal(() => made({ alpha: "16" }), "TYPE");
    refusal(() => made().apply([...x].map(String)), "TYPE");
    refusal(() => made().apply(x.map((value, i) => (i ? value : NaN))), "NOT_FINITE");
    refusal(() => made({ inFeatures: 0 }), "COUNT");
    const freed = made();
    freed.free();
    refusal(() => freed.apply(x), "FREED");
  });

  it("brings its states, without a guard", async () => {
    const { state } = JSON.parse(await readText("legacy.json"));
    const adapter = MicroLoraWasm.fromJson(state);
    expect(adapter.getConfig().cap).to.equal(Infinity);
    expect(adapter.pendingUpdates()).to.equal(0);
    expect(JSON.parse(adapter.toJson()).format).to.equal("micro-lora");
  });
});
