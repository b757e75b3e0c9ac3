import { Random, adapter, config, expect, inNode, lora, refusal, trained } from "./setup.js";

const x = new Random(4).unit(8);
const memory = (made) => made.inputView.buffer.byteLength;
const collect = globalThis.gc;
const CALLS = 50_000;

describe("memory", () => {
  it("is given back by free, twice is once", () => {
    const made = adapter(8);
    made.free();
    made.free();
    refusal(() => made.apply(x), "FREED");
  });

  it("is given back by Symbol.dispose, where the engine has it", function () {
    const made = adapter(8);
    const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
    if (typeof made[dispose] !== "function") {
      expect(Symbol.dispose, "an engine that has the symbol finds the method").to.equal(undefined);
      return;
    }
    made[dispose]();
    refusal(() => made.apply(x), "FREED");
  });

  it("of a freed adapter is used again: 100,000 adapters fit where one did", () => {
    const first = adapter(384);
    const before = memory(first);
    first.free();
    for (let count = 0; count < 100_000; count += 1) adapter(384).free();
    expect(memory(adapter(8))).to.be.at.most(before);
  });

  it("of a freed adapter is never read: every method refuses", () => {
    const made = trained(8);
    made.free();
    const calls = {
      apply: [x],
      applyResidual: [x],
      applyInto: [x, new Float32Array(8)],
      applyBatch: [x],
      run: [],
      adapt: [x, new lora.AdaptFeedbackWasm(1)],
      adaptGradient: [x, x],
      adaptChoice: [x, [x, x], 0],
      adaptListwise: [x, [x, x], [1, 0]],
      adaptTarget: [x, x],
      adaptAttractRepel: [x, x, [x]],
      applyUpdates: [0.01],
      rehearse: [x, [x, x], [1, 0]],
      pendingUpdates: [],
      reset: [],
      getConfig: [],
      toJson: [],
      save: [],
      stats: [],
      discardPending: [],
      takeWeights: [x, x],
      block: [],
    };
    for (const [name, given] of Object.entries(calls)) refusal(() => made[name](...given), "FREED", /./);
    for (const name of ["inputView", "outputView", "generation", "strength", "loraA", "loraB", "bias"])
      refusal(() => made[name], "FREED");
    refusal(() => {
      made.strength = 1;
    }, "FREED");
    const methods = Object.getOwnPropertyNames(lora.MicroLoraWasm.prototype).filter(
      (name) =>
        typeof Object.getOwnPropertyDescriptor(lora.MicroLoraWasm.prototype, name).value === "function",
    );
    const untested = methods.filter((name) => !(name in calls) && !["constructor", "free"].includes(name));
    expect(untested, "methods that this test forgets").to.deep.equal([]);
  });

  it("of things that own none may be given back too, as programs for the replaced system do", () => {
    const feedback = new lora.AdaptFeedbackWasm(0.5);
    const settings = config();
    const stats = adapter(8).stats();
    for (const each of [feedback, settings, stats]) each.free();
    expect([feedback.quality, settings.rank, stats.samplesSeen]).to.deep.equal([0.5, 2, 0]);
  });

  if (collect) {
    it("of adapters that are forgotten is given back by the garbage collector", async () => {
      const before = memory(adapter(8));
      const each = 64 * 1024;
      for (let round = 0; round < 40; round += 1) {
        for (let count = 0; count < 20; count += 1) adapter(2048, { rank: 4 });
        collect();
        await new Promise((done) => {
          setTimeout(done, 5);
        });
      }
      expect(memory(adapter(8))).to.be.below(before + 400 * each);
    });

    it("of JavaScript does not grow with the number of calls", async () => {
      const made = trained(384);
      const input = new Random(5).unit(384);
      const work = async () => {
        for (let count = 0; count < CALLS; count += 1) {
          made.apply(input);
          made.adaptTarget(input, input);
          made.applyUpdates(0.001);
        }
        // What has been collected is counted a moment later.
        for (let time = 0; time < 3; time += 1) {
          collect();
          await new Promise((done) => {
            setTimeout(done, 5);
          });
        }
        return inNode ? process.memoryUsage().heapUsed : performance.memory.usedJSHeapSize;
      };
      const used = [];
      for (let round = 0; round < 4; round += 1) used.push(await work());
      // One object that is kept in each round of three calls would take more than this.
      expect(used[3] - used[1], used.join(", ")).to.be.below(2 * CALLS * 12);
    });
  }
});
