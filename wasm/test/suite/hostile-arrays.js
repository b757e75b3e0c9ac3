// Arrays that are none, that change, or that run code while they are read.
import { Explore, Memory, pullTowards } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { liteAdapter } from "./hostile.js";
import { Random, adapter, bits, config, expect, lora, refusal, trained } from "./setup.js";

const { MicroLoraWasm } = lora;
const random = new Random(77);
const x = random.unit(8);
const rows = [random.unit(8), random.unit(8)];

/** An array of eight numbers that does something while it is read. */
const reading = (act) => Object.defineProperty([1, 2, 3, 4, 5, 6, 7, 8], 5, { get: () => (act(), 0.5) });

const detached = () => {
  const array = new Float32Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

describe("an array", () => {
  it("that is like one has to have numbers in it, as arrays do", () => {
    const like = (value) => ({ ...Array(8).fill(value), length: 8 });
    for (const made of [trained(8), liteAdapter()]) {
      expect(bits(made.apply(like(0.5)))).to.deep.equal(bits(made.apply(Array(8).fill(0.5))));
      for (const value of ["0.5", true, 1n, Symbol("s")])
        refusal(() => made.apply(like(value)), "TYPE", /^input\[0\]: expected a number, got the /);
      refusal(() => made.apply(like(undefined)), "NOT_FINITE");
      for (const length of [1.5, -1, "8", NaN, 8n, Symbol("s")])
        refusal(() => made.apply({ ...Array(8).fill(0.5), length }), ["TYPE", "LENGTH"]);
    }
  });

  it("whose buffer was given away has no values", () => {
    if (!globalThis.structuredClone) return;
    for (const made of [trained(8), liteAdapter()]) {
      refusal(() => made.apply(detached()), "LENGTH", /got 0$/);
      refusal(() => made.adaptChoice(x, detached(), 0), "COUNT");
      refusal(() => made.applyInto(x, detached()), "LENGTH");
    }
    refusal(() => trained(8).adaptGradient(x, detached()), "LENGTH", /^gradOutput: .* got 0$/);
    refusal(() => new Memory(8, 8).why(adapter(8, { step: 3 }), x, detached()), "COUNT");
    refusal(() => new Explore(1, 1).adapt(trained(8), x, detached(), 1, 0), "LENGTH", /^eps/);
  });

  it("is as long as it is, whatever it says", () => {
    const lying = (length) =>
      Object.defineProperty(new Float32Array(8).fill(0.5), "length", { value: length });
    for (const [made, other] of [
      [trained(8), trained(8)],
      [liteAdapter(), liteAdapter()],
    ]) {
      const before = other.toJson();
      refusal(() => made.apply(lying(7)), "LENGTH");
      const small = new made.constructor(
        Object.assign(made.getConfig(), { inFeatures: 7, outFeatures: 9, rank: 1 }),
      );
      expect(bits(small.apply(lying(7)))).to.deep.equal(bits(small.apply(Array(7).fill(0.5))));
      refusal(() => small.applyInto(Array(7).fill(0), lying(9)), "TYPE", /^output/);
      expect(other.toJson()).to.equal(before);
    }
  });

  it("is one of numbers where it is a DataView, which has none, as any object with them", () => {
    const view = Object.assign(new DataView(new ArrayBuffer(64)), [...rows[0], ...rows[1]]);
    const [made, other] = [trained(8), trained(8)];
    made.adaptChoice(x, Object.defineProperty(view, "length", { value: 16 }), 1, { base: x });
    other.adaptChoice(x, rows, 1, { base: x });
    expect(made.toJson()).to.equal(other.toJson());
  });

  it("runs no code of its own once the adapter's input is written", () => {
    // A length is read before anything is written: of a list twice, of another array once.
    const asked = (values, name, value, reads = 1) => {
      const array = Float32Array.from(values);
      let calls = 0;
      return Object.defineProperty(array, name, {
        get: () => {
          if (name === "length" && calls++ < reads) return values.length;
          made.inputView.fill(99);
          return value;
        },
      });
    };
    const list = [...rows[0], ...rows[1]];
    let made;
    const state = (learn) => {
      made = trained(8);
      learn();
      return made.toJson();
    };
    const choice = state(() => made.adaptChoice(x, list, 1, { base: x }));
    const listwise = state(() => made.adaptListwise(x, list, [0, 1]));
    const scaled = () => (made = adapter(8, { step: 2 }));
    const apart = () => (scaled(), made.adaptAttractRepel(x, x, list), made.toJson());
    const expected = apart();
    for (const [name, value] of [
      ["length", 1e9],
      ["length", 2 ** 32 - 1],
      ["length", 3],
      ["buffer", made.inputView.buffer],
    ]) {
      expect(
        state(() => made.adaptChoice(x, asked(list, name, value, 2), 1, { base: asked(x, name, value) })),
      ).to.equal(choice);
      expect(
        state(() => made.adaptListwise(x, asked(list, name, value, 2), asked([0, 1], name, value))),
      ).to.equal(listwise);
    }
    scaled().adaptAttractRepel(x, asked(x, "length", 1e9), asked(list, "length", 1e9, 2));
    expect(made.toJson()).to.equal(expected);
    expect(bits(made.applyBatch(asked(list, "length", 1e9, 2)))).to.deep.equal(bits(made.applyBatch(list)));
  });

  it("may call back while it is read: the call goes on with what there is then", () => {
    const made = trained(8);
    const json = made.toJson();
    // A larger memory, which empties every view of it.
    const grow = () => {
      const { buffer } = made.inputView;
      const filling = [];
      while (made.inputView.buffer === buffer) filling.push(adapter(50_000, { rank: 4 }));
      for (const each of filling) each.free();
    };
    made.apply(reading(grow));
    made.adaptGradient(reading(grow), reading(grow), { base: reading(grow) });
    made.discardPending();
    expect(() => made.adaptGradient(made.inputView, reading(grow)))
      .to.throw()
      .with.property("code");
    expect(MicroLoraWasm.fromJson(json).apply(x)).to.have.length(8);
  });

  it("that frees the adapter it is for writes nothing where the adapter was", () => {
    const calls = [
      (made, values) => made.apply(values),
      (made, values) => made.applyResidual(values),
      (made, values) => made.adaptChoice(values, rows, 1),
      (made, values) => made.adaptChoice(x, [rows[0], values], 1),
      (made, values) => made.adaptChoice(x, rows, 1, { base: values }),
      (made, values) => made.adaptGradient?.(x, values) ?? made.apply(values),
    ];
    for (const make of [() => trained(8), liteAdapter]) {
      for (const call of calls) {
        const made = make();
        let [other, before] = [];
        const values = reading(() => {
          made.free();
          // In its place.
          other ??= make();
          before ??= other.toJson();
        });
        refusal(() => call(made, values), "FREED");
        expect(other.toJson()).to.equal(before);
      }
    }
    const [dual, memory] = [adapter(8, { step: 3 }), new Memory(8, 8)];
    refusal(
      () =>
        memory.learn(
          dual,
          reading(() => memory.free()),
          rows,
          1,
        ),
      "FREED",
    );
  });

  it("that is read for applyInto may apply the adapter: the output is that of the call", () => {
    const small = (make) =>
      make(Object.assign(make().getConfig(), { inFeatures: 8, outFeatures: 9, rank: 1 }));
    for (const make of [
      (settings = config({ inFeatures: 8, outFeatures: 8 })) => new MicroLoraWasm(settings),
      (settings) => (settings ? new lite.MicroLoraWasm(settings) : liteAdapter()),
    ]) {
      const made = small(make);
      made.adaptChoice(
        x,
        new Float32Array(18).map((_, i) => i),
        1,
        { base: new Float32Array(9).fill(1) },
      );
      made.applyUpdates(0.1);
      const expected = bits(made.apply(reading(() => {})));
      const output = new Float32Array(9);
      const other = () => made.apply(rows[0]);
      Object.defineProperty(output, "length", { get: () => (other(), 9) });
      made.applyInto(reading(other), output);
      expect(bits(output)).to.deep.equal(expected);
      expect(expected).to.not.deep.equal(bits(made.apply(rows[0])));
    }
  });

  it("that is read for pullTowards may train the adapter: what it learns is kept", () => {
    const kept = trained(8);
    const [made, other] = [adapter(8, { rank: 2 }), adapter(8, { rank: 2 })];
    const train = (each) => {
      each.adaptChoice(x, rows, 1);
      each.applyUpdates(0.1);
    };
    const { loraA, loraB } = kept;
    const training = Object.defineProperty(Array.from(loraB), 3, { get: () => (train(made), loraB[3]) });
    pullTowards(made, loraA, training, 0.5);
    train(other);
    pullTowards(other, loraA, loraB, 0.5);
    expect(bits(made.loraB)).to.deep.equal(bits(other.loraB));
    const dual = adapter(8, { step: 4, rank: 2 });
    const before = dual.toJson();
    const choosing = Object.defineProperty(Array.from(loraB), 3, { get: () => (train(dual), loraB[3]) });
    refusal(() => pullTowards(dual, loraA, choosing, 0.5), "UNSUPPORTED", /^step: expected 0 to 2/);
    expect(dual.toJson(), "it has learned").to.not.equal(before);
    refusal(
      () =>
        pullTowards(
          made,
          loraA,
          reading(() => {}),
          0.5,
        ),
      "LENGTH",
    );
  });

  it("that throws while it is read has its error passed on", () => {
    const own = new Error("mine");
    const made = trained(8);
    const before = made.toJson();
    const throwing = reading(() => {
      throw own;
    });
    expect(() => made.apply(throwing)).to.throw(own);
    expect(() => made.adaptListwise(x, [rows[0], throwing], [1, 0])).to.throw(own);
    expect(made.toJson()).to.equal(before);
  });

  it("of ids is an array, and a query is one, too", () => {
    const vectors = () => Array.from(x);
    const [dual, memory] = [adapter(8, { step: 3 }), new Memory(8, 8, { documents: "id", vectors })];
    refusal(() => memory.learn(dual, x, undefined, 1), "TYPE", /^ids: expected an array/);
    refusal(() => memory.learn(dual, undefined, [1, 2], 1), "TYPE", /^query: expected an array/);
    refusal(() => memory.why(dual, undefined, rows), "TYPE", /^query: expected an array/);
    memory.learn(dual, x, [1, 2], 1);
    expect(memory.settle(dual, undefined)).to.be.above(0);
    const before = [dual.toJson(), memory.toJson()];
    const long = Object.defineProperty(new Float32Array(5000), "length", { value: 8 });
    for (const [found, code] of [
      [new Proxy(new Float32Array(8), {}), "TYPE"],
      [new Float32Array(7), "LENGTH"],
      [Float64Array.of(1, 2, 3, 4, 5, 6, 7, 1e300), "NOT_FINITE"],
      [long, undefined],
    ]) {
      const finding = Memory.fromJson(memory.toJson(), { vectors: () => found });
      if (code) refusal(() => finding.learn(dual, x, [1, 2], 1), code, /^vector of document \d/);
      else expect(finding.learn(MicroLoraWasm.fromJson(dual.toJson()), x, [1, 2], 1).outcome).to.equal(4);
      expect([dual.toJson(), memory.toJson()]).to.deep.equal(before);
    }
  });
});
