import * as lite from "micro-lora/lite";
import { Random, adapter, build, config, expect, inNode, lora, refusal, source, trained } from "./setup.js";

await lite.default(await source(build === "baseline" ? "lite.wasm" : "lite_simd.wasm"));

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

  it("that was used before makes the same adapters as memory that was not", () => {
    const [first, settings] = [adapter(40), { rank: 3, outFeatures: 24 }];
    const expected = adapter(40, settings);
    const state = expected.toJson();
    const used = first.inputView.byteOffset;
    first.inputView.fill(7);
    first.run();
    first.adaptTarget(Array(40).fill(1), Array(40).fill(-1));
    first.free();
    const again = adapter(40, settings);
    expect(Math.abs(again.inputView.byteOffset - used), "in its place").to.be.below(40_000);
    const views = (made) => [...made.inputView, ...made.outputView];
    expect([again.toJson(), views(again)]).to.deep.equal([state, views(expected)]);
    expect([again.generation, expected.generation]).to.deep.equal([0, 0]);
    for (const made of [again, expected]) {
      made.adaptGradient(Array(40).fill(1), Array(24).fill(-1), { base: Array(24).fill(1) });
      made.applyUpdates(0.1);
      expect(made.toJson()).to.not.equal(state);
      made.adaptGradient(Array(40).fill(1), Array(24).fill(-1));
      made.reset();
      const { generation, crc32, ...rest } = made.toJSON();
      expect({ ...JSON.parse(state), generation, crc32 }).to.deep.equal({ ...rest, generation, crc32 });
    }
  });

  it("grows by an eighth: ten thousand adapters empty the views of one few times", () => {
    for (const from of [lora, lite]) {
      const make = () => {
        const settings = Object.assign(new from.MicroLoraConfigWasm(), { inFeatures: 64, outFeatures: 64 });
        return new from.MicroLoraWasm(settings);
      };
      const first = make();
      let [buffer, growths] = [first.inputView.buffer, 0];
      const [before, made] = [buffer.byteLength, []];
      for (let count = 0; count < 10_000; count += 1) {
        made.push(make());
        if (first.inputView.buffer !== buffer) growths += 1;
        ({ buffer } = first.inputView);
      }
      const eighths = Math.ceil(Math.log(buffer.byteLength / before) / Math.log(9 / 8));
      // A page at a time where an eighth is less.
      expect(growths).to.be.at.most(eighths + 8);
      for (const each of made) each.free();
      first.free();
    }
  });

  it("is one piece again, in whatever order adapters of any size are freed", async () => {
    // A memory of its own, with nothing in it.
    const own = await import(`${import.meta.resolve("micro-lora")}?copy=pieces`);
    await own.default(await source(build === "baseline" ? "micro_lora.wasm" : "micro_lora_simd.wasm"));
    const make = (features, rank) => {
      const sizes = { inFeatures: features, outFeatures: features, rank };
      return new own.MicroLoraWasm(Object.assign(new own.MicroLoraConfigWasm(), sizes));
    };
    const random = new Random(8);
    const upTo = (most) => 1 + Math.floor(Math.abs(random.row(1)[0]) * most);
    const live = [];
    let floats = 0;
    for (let count = 0; count < 1000; count += 1) {
      if (count % 3 === 2) live.splice(upTo(live.length) - 1, 1)[0].free();
      else live.push(make(upTo(200), 2));
    }
    for (const each of live) floats += 14 * each.inputView.length + 65;
    const before = memory(live[0]);
    while (live.length) live.splice(upTo(live.length) - 1, 1)[0].free();
    // As large as those were together: ten arrays and a header.
    const one = make(Math.floor((0.97 * floats) / 10), 1);
    expect(memory(one)).to.equal(before);
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
      toJSON: [],
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
