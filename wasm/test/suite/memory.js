// The memory of lists: the bits of the native engine, and what is refused.
import { Memory } from "micro-lora/learn";
import { WIDTH, clicks, golden, hex, make, vector, vectors } from "./lists.js";
import { Random, bits, config, dot, expect, lora, norm, refusal } from "./setup.js";
import { unhandledIn } from "./unhandled.js";

describe("a memory of lists", () => {
  const CAPACITY = 6;
  const layouts = [
    {},
    { documents: "id", vectors: vectors(1) },
    { documents: "id", queries: "id", vectors: vectors(1) },
    { documents: "f32", queries: "f32", scores: true },
  ];
  layouts.forEach((layout, index) =>
    it(`has the bits of the native engine: ${JSON.stringify(layout)}`, () => {
      const made = make({ rank: 3, seed: 4, modelId: 9 });
      let memory = new Memory(WIDTH, WIDTH, { list: 4, capacity: CAPACITY, modelId: 9, ...layout });
      const random = new Random(6);
      const saved = [];
      const byId = layout.documents === "id";
      for (let event = 0; event < 20; event += 1) {
        const n = 2 + (event % 3);
        const ids = Array.from({ length: n }, (_, i) => (3 * event + 5 * i) % 16);
        const queryId = 20 + (event % 9);
        const scores = random.row(n);
        // On two of the lists nothing is clicked.
        const clicked = event % 7 === 1 ? Array(n).fill(0) : clicks(n, event);
        const told = [clicked, event % n, 1, clicked][event % 4];
        const options = { queryId, weight: event % 3 === 0 ? 1 : 0.5, learningRate: 0.02 };
        if (event % 4 === 2) options.quality = 0;
        if (event % 4 === 3) options.temperature = 0.3;
        if (layout.scores && event % 2 === 0) options.scores = scores;
        const shown = byId ? ids : ids.map((id) => vector(0, id, 1));
        const receipt = memory.learn(made, vector(1, queryId, 1), shown, told, options);
        const { number, moved, visits, leftBehind, generation } = receipt;
        expect(receipt.outcome).to.equal(0);
        saved.push(`${number} ${hex([moved])} ${visits} ${leftBehind} ${generation}`);
        if (event % 5 === 4) {
          saved.push(made.toJson(), memory.toJson());
          memory = Memory.fromJson(memory.toJson(), { modelId: 9, vectors: layout.vectors });
          expect(memory.toJson()).to.equal(saved[saved.length - 1]);
        }
      }
      const why = memory.why(made, vector(1, 3, 1), [vector(0, 1, 1), vector(0, 2, 1)]);
      const numbers = why.lists.map(({ number }) => number);
      saved.push(
        `[${numbers.join(", ")}] ${why.lists.map(({ shares }) => hex(shares)).join("")}${hex(why.rest)}`,
      );
      const did = (answer) => `${["forgotten", "not remembered", "left behind"].indexOf(answer)}`;
      saved.push(did(memory.forget(made, 17)), did(memory.forget(made, 2)));
      saved.push(`${memory.settle(made, 12)}`);
      if (byId) {
        const { forgotten, leftBehind } = memory.forgetDocument(made, 13);
        saved.push(`(${forgotten}, ${leftBehind})`, `${memory.relearn(made, vectors(2))}`);
      }
      saved.push(made.toJson(), memory.toJson());
      expect(saved).to.deep.equal(golden.memories[index]);
    }),
  );

  const random = new Random(77);
  const table = Array.from({ length: 30 }, () => random.unit(WIDTH));
  const byId = (find = (id) => table[id]) =>
    new Memory(WIDTH, WIDTH, { list: 4, capacity: 8, documents: "id", vectors: find });
  const learned = (memory, made, times = 5) => {
    for (let event = 0; event < times; event += 1)
      memory.learn(made, table[event], [event, event + 9, event + 18], event % 3);
    return memory;
  };

  it("refuses an async function for vectors, and leaves no rejection of it to end the process", async () => {
    const made = make();
    const memory = byId(async () => {
      throw new Error("the database is down");
    });
    const unhandled = await unhandledIn(() => {
      expect(() => memory.learn(made, table[0], [1, 2, 3], 0)).to.throw(/load the vectors first/);
    });
    expect(unhandled).to.deep.equal([]);
  });

  it("says which lists moved a document, and the shares and the rest are the correction", () => {
    const made = make();
    const memory = learned(byId(), made, 7);
    const documents = [table[4], table[20], table[25]];
    const { lists, rest } = memory.why(made, table[2], documents);
    expect(lists.map(({ number }) => number)).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
    const delta = made.apply(table[2]);
    documents.forEach((document, i) => {
      const sum = lists.reduce((all, { shares }) => all + shares[i], rest[i]);
      expect(sum).to.be.closeTo(dot(document, delta), 1e-5);
      expect(Math.abs(rest[i])).to.be.below(1e-5);
    });
  });

  it("takes lists back: after all of them nothing is left", () => {
    const made = make();
    const memory = learned(byId(), made);
    const before = norm(made.apply(table[1]));
    for (const number of [3, 1, 5, 2, 4]) expect(memory.forget(made, number)).to.equal("forgotten");
    expect(memory.forget(made, 3)).to.equal("not remembered");
    expect([memory.length, memory.settle(made, 3)]).to.deep.equal([0, 0]);
    expect(norm(made.apply(table[1]))).to.be.below(1e-5 * before);
  });

  it("skips what says nothing, and remembers nothing of it", () => {
    const [made, memory] = [make(), byId()];
    const skipped = [
      [[0, 0, 0], {}, 3],
      [[1, 1, 1], {}, 2],
      [1, { quality: 0.5 }, 1],
      [1, { weight: 0 }, 5],
      [1, { learningRate: 0 }, 7],
    ];
    for (const [told, options, outcome] of skipped) {
      const receipt = memory.learn(made, table[0], [1, 2, 3], told, options);
      expect([receipt.outcome, receipt.number, receipt.visits]).to.deep.equal([outcome, undefined, 0]);
    }
    expect(memory.length).to.equal(0);
  });

  it("learns from a list without a click once another was learned: what was shown moves down", () => {
    const [made, memory] = [make(), byId()];
    learned(memory, made, 3);
    const score = (id) => dot(table[id], made.apply(table[5]));
    const before = [6, 7, 8].map(score);
    const { outcome, number } = memory.learn(made, table[5], [6, 7, 8], [0, 0, 0]);
    expect([outcome, number, memory.length]).to.deep.equal([0, 4, 4]);
    const after = [6, 7, 8].map(score);
    expect(after.reduce((sum, value) => sum + value)).to.be.below(before.reduce((sum, value) => sum + value));
    expect(memory.forget(made, 4)).to.equal("forgotten");
    memory.clear();
    expect(memory.learn(made, table[5], [6, 7, 8], [0, 0, 0]).outcome, "nothing to compare with").to.equal(3);
  });

  it("asks for ids up to 2^32 - 1 by these", () => {
    const asked = new Set();
    const memory = byId((id) => {
      asked.add(id);
      return table[id % 30];
    });
    memory.learn(make(), table[1], [4294967295, 2147483648, 7], 0);
    expect([...asked].sort((a, b) => a - b)).to.deep.equal([7, 2147483648, 4294967295]);
  });

  it("takes numbers of any typed array by their values", () => {
    const learnedWith = (type) => {
      const made = make();
      const memory = new Memory(WIDTH, WIDTH, { list: 3, scores: true });
      const options = { scores: type.of(1, 0, 2), base: type.of(1, 0, 0, 1, 0, 0, 0, 0) };
      memory.learn(made, table[0], [table[1], table[2], table[3]], type.of(1, 0, 3), options);
      return hex(made.apply(table[0]));
    };
    const expected = learnedWith(Float32Array);
    for (const type of [Array, Float64Array, Uint32Array, Int8Array, Uint16Array])
      expect(learnedWith(type)).to.equal(expected);
  });

  it("forgets at once with clear, and starts again", () => {
    const made = make();
    const memory = learned(byId(), made);
    memory.clear();
    expect([memory.length, memory.capacity]).to.deep.equal([0, 8]);
    const receipt = memory.learn(made, table[0], [1, 2], 0);
    expect(receipt.number, "numbers go on").to.equal(6);
  });

  it("leaves lists behind whose vectors have changed or are gone, and counts them", () => {
    const made = make();
    const now = [...table];
    const memory = learned(
      byId((id) => now[id]),
      made,
    );
    now[1] = random.unit(WIDTH);
    now[11] = undefined;
    const { leftBehind, visits } = memory.learn(made, table[8], [7, 8], 0);
    expect([leftBehind, visits, memory.length]).to.deep.equal([2, 7, 4]);
    now[0] = null;
    expect(memory.forget(made, 1)).to.equal("left behind");
  });

  it("changes nothing where the resolver throws, gives what is no vector, or calls back in", () => {
    const made = make();
    let answer = (id) => table[id];
    const memory = learned(
      byId((id, kind) => answer(id, kind)),
      made,
    );
    const other = make();
    const before = [made.toJson(), memory.toJson(), other.toJson()];
    const bad = table[0].slice();
    bad[3] = NaN;
    const faults = [
      [() => bad, "NOT_FINITE", /^vector of \w+ \d+: .*NaN at index 3$/],
      [() => [1, 2], "LENGTH", /^vector of \w+ \d+: expected 8 values, got 2$/],
      [() => 5, "TYPE", /^vector of \w+ \d+: expected an array of numbers, got 5$/],
      [() => made.apply(table[0]), "BUSY", /^engine: expected no call while it asks/],
      [() => other.apply(table[0]), "BUSY", /./],
      [() => memory.length && table[0], "BUSY", /./],
      [() => memory.clear(), "BUSY", /./],
      [() => made.free(), "BUSY", /./],
      [() => memory.free(), "BUSY", /./],
      [() => make(), "BUSY", /./],
      [() => byId(), "BUSY", /./],
      // Large enough that the memory would have to grow.
      [() => new Memory(384, 384), "BUSY", /./],
      [() => lora.MicroLoraWasm.fromJson(before[0]), "BUSY", /./],
    ];
    const calls = [
      () => memory.learn(made, table[8], [7, 8], 0),
      () => memory.settle(made),
      () => memory.why(made, table[8], [table[7], table[8]]),
      () => memory.forget(made, 3),
      () => memory.forgetDocument(made, 11),
      () => memory.relearn(made),
    ];
    // At the first question, and at one in the middle.
    for (const [fault, code, message] of faults)
      for (const call of calls)
        for (const first of [0, 4]) {
          let asked = 0;
          answer = (id, kind) => {
            asked += 1;
            return asked > first ? fault(id, kind) : table[id];
          };
          // Calls that ask less often have nothing to refuse, and are not made.
          if (first && /forget/.test(call)) continue;
          refusal(call, code, message);
          expect([made.toJson(), memory.toJson(), other.toJson()]).to.deep.equal(before);
        }
    answer = () => {
      throw new RangeError("no such row");
    };
    expect(calls[0]).to.throw(RangeError, /^no such row$/);
    answer = (id) => table[id];
    expect(memory.learn(made, table[8], [7, 8], 0).number).to.equal(6);
  });

  it("asks for each query only to learn again: by its `queryId`, else by the list's number", () => {
    const made = make();
    const asked = [];
    let queries = [];
    const memory = byId((id, kind) => {
      if (kind === "document") return table[id];
      asked.push(id);
      return queries[id];
    });
    for (const options of [{}, { queryId: 9 }, {}]) memory.learn(made, table[1], [2, 11, 20], 2, options);
    memory.settle(made);
    expect(asked).to.deep.equal([]);

    // The finder that the README shows has no queries: nothing is learned, rather than something wrong.
    const before = [made.toJson(), memory.toJson()];
    refusal(() => memory.relearn(made), "MISSING", /vector/);
    expect([made.toJson(), memory.toJson()]).to.deep.equal(before);

    expect(new Set(asked)).to.deep.equal(new Set([1, 9, 3]));
    queries = { 1: table[1], 9: table[1] };
    expect(memory.relearn(made)).to.equal(2);
    expect([memory.forget(made, 3), memory.length]).to.deep.equal(["not remembered", 2]);
  });

  it("refuses what no memory is made of", () => {
    for (const [given, code, message] of [
      [[0, 8], "COUNT", /^inFeatures/],
      [[8, 8, { list: 65 }], "COUNT", /^list: .* 2 to 64, got 65$/],
      [[8, 8, { capacity: 0 }], "COUNT", /^capacity/],
      [
        [8, 8, { documents: "ids" }],
        "TYPE",
        /^documents: expected "f32", "int8" or "id", got the string "ids"$/,
      ],
      [[8, 8, { documents: "id" }], "TYPE", /^vectors: expected a function, .* got undefined$/],
      [[8, 6, { scores: false }], "COUNT", /^scores: expected true/],
      [[8, 8, { modelId: -1 }], "COUNT", /^modelId/],
      [[1e6, 1e6, { capacity: 60000 }], "MEMORY", /^memory: expected \d+ bytes more, got none$/],
    ])
      refusal(() => new Memory(...given), code, message);
  });

  it("refuses lists and adapters that do not fit, and nothing is changed", () => {
    const made = make();
    const memory = learned(byId(), made);
    const before = [made.toJson(), memory.toJson()];
    const scaled = make({ step: 2 });
    const wide = new lora.MicroLoraWasm(config({ inFeatures: 9, outFeatures: 8 }));
    const pending = make();
    pending.adaptChoice(table[0], table.slice(0, 2), 0);
    for (const [call, code, message] of [
      [() => memory.learn(made, table[0], [1], 0), "COUNT", /^ids: expected 2 to 4 .*, got 1$/],
      [() => memory.learn(made, table[0], [1, 2, 3, 4, 5], 0), "COUNT", /^ids/],
      [() => memory.learn(made, table[0], [1, -2], 0), "COUNT", /^ids\[1\]/],
      [() => memory.learn(made, table[0], [1, 2], 2), "COUNT", /^chosen: .* 0 to 1, got 2$/],
      [() => memory.learn(made, table[0], [1, 2], [1]), "LENGTH", /^clicks: expected 2 values, got 1$/],
      [() => memory.learn(made, table[0], [1, 2], [1, NaN]), "NOT_FINITE", /^weights/],
      [() => memory.learn(made, table[0], [1, 2], [1, -1]), "OUT_OF_RANGE", /^weights/],
      [() => memory.learn(made, [1, 2], [1, 2], 0), "LENGTH", /^query: expected 8 values, got 2$/],
      [() => memory.learn(made, Array(8).fill(null), [1, 2], 0), "NOT_FINITE", /^query/],
      [
        () => memory.learn(made, table[0], [1, 99], 0),
        "MISSING",
        /^vector of document 99: expected a vector, got none$/,
      ],
      [() => memory.learn(made, table[0], [1, 2], 0, 0), "TYPE", /^options/],
      [() => memory.learn(made, table[0], [1, 2], 0, { weight: null }), "TYPE", /^weight/],
      [() => memory.learn(made, table[0], [1, 2], 0, { weight: 1e5 }), "OUT_OF_RANGE", /^weight of a list/],
      [() => memory.learn(made, table[0], [1, 2], 0, { scores: [1, 2] }), "COUNT", /^scores/],
      [() => memory.learn(made, table[0], [1, 2], 0, { temperature: 0 }), "OUT_OF_RANGE", /^temperature/],
      [
        () => memory.learn(scaled, table[0], [1, 2], 0),
        "UNSUPPORTED",
        /^step: expected 3 .*got 2: set config.step = 3$/,
      ],
      [() => memory.learn({}, table[0], [1, 2], 0), "TYPE", /^lora: expected an adapter/],
      [() => memory.learn(wide, table[0], [1, 2], 0), "LENGTH", /^inFeatures: expected 8 values, got 9$/],
      [() => memory.learn(make({ modelId: 5 }), table[0], [1, 2], 0), "MISMATCH", /^modelId/],
      [() => memory.why(made, table[0], []), "COUNT", /^documents/],
      [() => memory.settle(pending, 3), "COUNT", /^pending/],
      [() => memory.forget(made), "COUNT", /^number/],
    ]) {
      refusal(call, code, message);
      expect([made.toJson(), memory.toJson()]).to.deep.equal(before);
    }
    const values = new Memory(WIDTH, WIDTH);
    learned(
      {
        learn: (to, query, ids, told) =>
          values.learn(
            to,
            query,
            ids.map((id) => table[id]),
            told,
          ),
      },
      made,
    );
    refusal(() => values.forgetDocument(made, 3), "UNSUPPORTED", /^documents: expected .*, got "int8"$/);
    values.free();
    values.free();
    refusal(() => values.length, "FREED", /^memory: /);
  });

  it("refuses a saved text that is damaged, wherever it is", () => {
    const made = make();
    const values = new Memory(WIDTH, WIDTH, { list: 3, capacity: 3 });
    for (let event = 0; event < 4; event += 1)
      values.learn(made, table[event], [table[event], table[event + 9]], event % 2);
    const json = values.toJson();
    expect(JSON.stringify(values)).to.equal(json);
    expect(Memory.fromJson(json).toJson()).to.equal(json);
    refusal(() => Memory.fromJson(json, { modelId: 3 }), "MISMATCH", /^modelId: expected 3, got 0$/);
    for (let at = 0; at < json.length; at += 3) {
      const damaged = json.slice(0, at) + (json[at] === "B" ? "C" : "B") + json.slice(at + 1);
      expect(() => Memory.fromJson(damaged), `at ${at}`).to.throw(Error);
    }
  });

  it("goes on with the same bits from what was saved", () => {
    const made = make();
    const memory = learned(byId(), made, 11);
    const copy = lora.MicroLoraWasm.fromJson(made.toJson());
    const loaded = Memory.fromJson(memory.toJson(), { vectors: (id) => table[id] });
    for (const [adapter, lists] of [
      [made, memory],
      [copy, loaded],
    ]) {
      learned(lists, adapter, 3);
      lists.forget(adapter, 9);
      lists.settle(adapter, 5);
    }
    expect(bits(copy.apply(table[3]))).to.deep.equal(bits(made.apply(table[3])));
    expect(loaded.toJson()).to.equal(memory.toJson());
  });
});
