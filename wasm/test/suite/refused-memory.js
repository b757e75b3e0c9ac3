// An engine that gets no more memory: what was made goes on working, and room that was freed is used again.
import { Memory } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { Random, adapter, build, expect, refusal, source } from "./setup.js";

await lite.default(await source(build === "baseline" ? "lite.wasm" : "lite_simd.wasm"));

const x = new Random(77).unit(8);

describe("memory that the engine is refused", () => {
  const { grow } = WebAssembly.Memory.prototype;
  const refused = (task) => {
    WebAssembly.Memory.prototype.grow = () => {
      throw new RangeError("WebAssembly.Memory.grow(): Maximum memory size exceeded");
    };
    try {
      return task();
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
  };

  it("is an error with a code, changes no other adapter, and can be had once some was freed", () => {
    for (const make of [
      (size) => adapter(size, { rank: 4 }),
      (size) => {
        const settings = { inFeatures: size, outFeatures: size, rank: 4 };
        return new lite.MicroLoraWasm(Object.assign(new lite.MicroLoraConfigWasm(), settings));
      },
    ]) {
      refused(() => {
        const made = [];
        let error;
        while (!error) {
          try {
            made.push(make(4000));
          } catch (thrown) {
            error = thrown;
          }
        }
        expect(error).to.have.property("code", "MEMORY");
        expect(error.message).to.match(/^memory: expected \d+ bytes more, got none$/);
        made.unshift(make(8));
        const [kept] = made;
        const before = kept.toJson();
        refusal(() => make(100_000), "MEMORY");
        expect(kept.toJson()).to.equal(before);
        expect(kept.apply(x)).to.have.length(8);
        const size = made.at(-1).inputView.length;
        made.pop().free();
        const again = make(size);
        expect(again.apply(new Float32Array(size).fill(0.5))).to.have.length(size);
        for (const each of [...made, again]) each.free();
      });
    }
  });

  it("is refused to a memory of lists and to a call, which leave everything as it was", () => {
    const dual = adapter(20_000, { step: 3 });
    const list = new Float32Array(64 * 20_000).map((_, i) => Math.sin(i));
    const before = dual.toJson();
    const memory = new Memory(20_000, 20_000, { list: 64, capacity: 2 });
    refused(() => {
      refusal(() => new Memory(20_000, 20_000, { list: 64, capacity: 5000 }), "MEMORY");
      const filling = [];
      try {
        for (;;) filling.push(adapter(300));
      } catch {}
      refusal(() => dual.adaptChoice(list.subarray(0, 20_000), list, 1), "MEMORY");
      refusal(() => memory.learn(dual, list.subarray(0, 20_000), list, 1), "MEMORY");
      expect(dual.toJson()).to.equal(before);
      for (const each of filling) each.free();
    });
    expect(dual.adaptChoice(list.subarray(0, 20_000), list, 1)).to.equal(0);
  });
});
