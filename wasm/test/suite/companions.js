// `micro-lora/learn`: the same bits and texts as the native crate (`tests/web_learn_vectors.rs`), and what is refused.
import { Holdback, Replay } from "micro-lora/learn";
import { Random, adapter, expect, lora, readText, refusal } from "./setup.js";

const vectors = JSON.parse(await readText("companions.json"));
const WIDTH = 8;
const OUT = 6;

const fresh = () => adapter(WIDTH, { outFeatures: OUT, rank: 2, seed: 3, modelId: 9 });
const ringOf = (modelId = 9) => new Replay(WIDTH, OUT, 5, 6, modelId);

describe("a ring of lists", () => {
  const play = (restart) => {
    const [made, random, saved] = [fresh(), new Random(5), []];
    let ring = ringOf();
    for (let event = 0; event < 24; event += 1) {
      const [x, base, n] = [random.row(WIDTH), random.row(OUT), 2 + (event % 3)];
      const candidates = random.row(n * OUT);
      const clicks = Array.from({ length: n }, (_, i) => (i === event % n ? 1 : 0));
      const options = event % 2 === 0 ? { base } : { base, temperature: 0.5 };
      expect(ring.learn(made, x, candidates, clicks, options)).to.equal(0);
      if (restart) {
        const text = ring.toJson();
        ring = ringOf();
        ring.loadJson(text);
      }
      if (event % 4 === 3) saved.push([made.toJson(), ring.toJson()]);
    }
    return saved;
  };

  it("teaches and is saved as the native one, bit for bit", () => {
    expect(play(false)).to.deep.equal(vectors.replay);
  });

  it("goes on from its text as if it had never stopped", () => {
    expect(play(true)).to.deep.equal(vectors.replay);
  });

  it("takes rows as well as one flat array, and skips what says nothing", () => {
    const [flat, rows] = [ringOf(), ringOf()];
    const [x, base] = [new Random(1).row(WIDTH), new Random(2).row(OUT)];
    const candidates = new Random(3).row(3 * OUT);
    flat.push(x, candidates, [0, 1, 0], { base });
    const each = [0, 1, 2].map((i) => Array.from(candidates.subarray(i * OUT, (i + 1) * OUT)));
    rows.push(x, each, [0, 1, 0], { base });
    expect(rows.toJson()).to.equal(flat.toJson());
    expect(flat.learn(fresh(), x, candidates, [0, 0, 0], { base })).to.not.equal(0);
    expect(flat.length).to.equal(1);
    flat.clear();
    expect(flat.rehearse(fresh())).to.equal(0);
  });

  it("rehearses at a rate, so many times: once at 0.01 unless told", () => {
    const rings = [1, 2, 3, 4, 5].map(() => {
      const ring = ringOf();
      ring.loadJson(vectors.replay[1][1]);
      return ring;
    });
    const made = rings.map(fresh);
    expect(rings[0].rehearse(made[0])).to.equal(1);
    expect(rings[1].rehearse(made[1], 0.01, 1)).to.equal(1);
    expect(rings[2].rehearse(made[2], 0.02, 3)).to.equal(3);
    for (let time = 0; time < 3; time += 1) expect(rings[3].rehearse(made[3], 0.02)).to.equal(1);
    expect(rings[4].rehearse(made[4], 0, 2)).to.equal(0);
    const texts = made.map((lora) => lora.toJson());
    expect(texts[0]).to.equal(texts[1]);
    expect(texts[2]).to.equal(texts[3]);
    expect(rings[2].toJson()).to.equal(rings[3].toJson());
    expect(texts[4]).to.equal(fresh().toJson());
    expect(new Set(texts).size).to.equal(3);
  });

  it("learns and remembers nothing at a rate of 0", () => {
    const [ring, made] = [ringOf(), fresh()];
    const [x, base, c] = [new Random(1).row(WIDTH), new Random(2).row(OUT), new Random(3).row(2 * OUT)];
    const before = made.toJson();
    // The last is 0 as a float of 32 bits.
    for (const learningRate of [0, -0, 1e-50]) {
      expect(ring.learn(made, x, c, [0, 1], { base, learningRate })).to.equal(7);
    }
    expect(made.toJson()).to.equal(before);
    expect(ring.length).to.equal(0);
    refusal(() => ring.learn(made, x, c, [0, -1], { base, learningRate: 0 }), "OUT_OF_RANGE", /weights/);
  });

  it("changes neither itself nor the adapter by what it refuses to learn", () => {
    const [ring, made] = [ringOf(), lora.MicroLoraWasm.fromJson(vectors.replay[1][0], 9)];
    ring.loadJson(vectors.replay[1][1]);
    const [x, base, c] = [new Array(WIDTH).fill(0.1), new Array(OUT).fill(0.1), new Array(2 * OUT).fill(0.1)];
    c[0] = 0.7;
    const freed = fresh();
    freed.free();
    const other = adapter(WIDTH + 1, { outFeatures: OUT });
    const foreign = adapter(WIDTH, { outFeatures: OUT, modelId: 8 });
    const texts = [made, ring].map((kept) => kept.toJson());
    const refused = (code, message, call) => {
      refusal(call, code, message);
      expect([made, ring].map((kept) => kept.toJson())).to.deep.equal(texts);
    };
    const learn =
      (changed, options = {}) =>
      () => {
        const given = { made, x, c, weights: [0, 1], ...changed };
        ring.learn(given.made, given.x, given.c, given.weights, options && { base, ...options });
      };
    for (const learningRate of [-0.01, 1001, NaN, Infinity]) {
      const message = new RegExp(`^learningRate: expected 0 to 1000, got ${learningRate}$`);
      refused("OUT_OF_RANGE", message, learn({}, { learningRate }));
      refused("OUT_OF_RANGE", message, () => ring.rehearse(made, learningRate));
    }
    for (const [learningRate, got] of [
      ["1", 'the string "1"'],
      [null, "null"],
    ]) {
      const message = new RegExp(`^learningRate: expected a number, got ${got}$`);
      refused("TYPE", message, learn({}, { learningRate }));
      refused("TYPE", message, () => ring.rehearse(made, learningRate));
    }
    for (const times of [-1, 0.5, NaN, 2 ** 32, "8", null]) {
      refused("COUNT", /^times: expected a whole number/, () => ring.rehearse(made, 0.01, times));
    }
    for (const [strange, got] of [
      [null, "null"],
      [undefined, "undefined"],
      [{}, "an object"],
      [ring, "an object"],
    ]) {
      const message = new RegExp(`^lora: expected an adapter of micro-lora, got ${got}$`);
      refused("TYPE", message, learn({ made: strange }));
      refused("TYPE", message, () => ring.rehearse(strange));
    }
    refused("FREED", /./, learn({ made: freed }));
    refused("FREED", /./, () => ring.rehearse(freed));
    refused("LENGTH", /^inFeatures: expected 8 values, got 9$/, learn({ made: other }));
    refused("LENGTH", /^inFeatures: expected 8 values, got 9$/, () => ring.rehearse(other));
    refused("MISMATCH", /^modelId: expected 9, .* got 8$/, learn({ made: foreign }));
    refused("MISMATCH", /^modelId: expected 9, .* got 8$/, () => ring.rehearse(foreign));
    refused("TYPE", /^input/, learn({ x: null }));
    refused("TYPE", /^candidates: /, learn({ c: undefined }));
    refused("TYPE", /^candidates\[0\]: .* got null$/, learn({ c: [null, null] }));
    refused("LENGTH", /^candidates\[1\]: expected 6 values, got 5$/, learn({ c: [base, base.slice(1)] }));
    refused("LENGTH", /^candidates: expected 12 values, got 11$/, learn({ c: c.slice(1) }));
    refused(
      "COUNT",
      /^candidates: expected 2 to 4 vectors of \d+ values, got 5$/,
      learn({ c: new Array(5).fill(base) }),
    );
    refused("LENGTH", /^weights: expected 2 values, got 1$/, learn({ weights: [1] }));
    refused("TYPE", /^weights/, learn({ weights: null }));
    // JSON has null for NaN.
    const hole = (values) => values.map((value, i) => (i === 1 ? null : value));
    refused("NOT_FINITE", /^input: .* got NaN at index 1$/, learn({ x: hole(x) }));
    refused("NOT_FINITE", /^candidates: .* got NaN at index 1$/, learn({ c: hole(c) }));
    refused("NOT_FINITE", /^candidates: .* got NaN at index 7$/, learn({ c: [base, hole(base)] }));
    refused("NOT_FINITE", /^base: .* got NaN at index 1$/, learn({}, { base: hole(base) }));
    refused("NOT_FINITE", /^weights: .* got NaN at index 1$/, learn({ weights: [1, null] }));
    refused("NOT_FINITE", /^weights: .* got NaN at index 1$/, learn({ weights: [0, NaN] }));
    refused("NOT_FINITE", /got Infinity at index 1/, learn({ x: x.map((v, i) => (i === 1 ? Infinity : v)) }));
    refused("NOT_FINITE", /got NaN at index 0/, learn({}, { base: [NaN, ...base.slice(1)] }));
    refused("TYPE", /^base: /, learn({}, { base: 0 }));
    refused("OUT_OF_RANGE", /^temperature/, learn({}, { temperature: 0 }));
    refused(
      "TYPE",
      /^temperature: expected a number, got the string "0.1"$/,
      learn({}, { temperature: "0.1" }),
    );
    refused("OUT_OF_RANGE", /^sample weight unless 0: expected .* got -1$/, learn({}, { weight: -1 }));
    refused("BASE_REQUIRED", /./, learn({}, { base: undefined }));
    refused("BASE_REQUIRED", /./, learn({}, null));
    refused("TYPE", /^options: expected an object, got 0.01$/, () => ring.learn(made, x, c, [0, 1], 0.01));
    // Nothing but the arguments was wrong.
    learn({})();
    expect(ring.toJson()).to.not.equal(texts[1]);
  });

  it("says what is wrong as an adapter says it", () => {
    const ring = ringOf();
    const [x, base, c] = [new Array(WIDTH).fill(0.1), new Array(OUT).fill(0.1), new Array(2 * OUT).fill(0.1)];
    // What came is said in more detail, and how many there may be is the ring's own.
    const said = (call) => {
      try {
        call();
      } catch ({ code, message }) {
        return [code, message.replace(/, got .*| from.* to .*|expected 2 to .*/, "")];
      }
      return "nothing";
    };
    for (const [input, candidates, weights, options] of [
      [x.slice(1), c, [0, 1], { base }],
      [null, c, [0, 1], { base }],
      [[NaN, ...x.slice(1)], c, [0, 1], { base }],
      [x, c.slice(1), [0, 1], { base }],
      [x, [base, base.slice(1)], [0, 1], { base }],
      [x, [base, null], [0, 1], { base }],
      [x, c, [0], { base }],
      [x, c, [0, NaN], { base }],
      [x, c, [0, -1], { base }],
      [x, c, [0, 1], { base: 0 }],
      [x, c, [0, 1], { base: base.slice(1) }],
      [x, c, [0, 1], { base, temperature: 0 }],
      [x, c, [0, 1], { base, temperature: null }],
      [x, c, [0, 1], 0.01],
    ]) {
      const of = said(() => fresh().adaptListwise(input, candidates, weights, options));
      expect(of).to.be.an("array");
      expect(said(() => ring.push(input, candidates, weights, options))).to.deep.equal(of);
      expect(said(() => ring.learn(fresh(), input, candidates, weights, options))).to.deep.equal(of);
    }
  });

  it("passes over a list whose step would overflow", () => {
    const [ring, made] = [ringOf(), fresh()];
    const [x, base, c] = [new Random(1).row(WIDTH), new Random(2).row(OUT), new Random(3).row(2 * OUT)];
    const huge = (values) => values.map(() => 1e30);
    ring.push(huge(x), huge(c), [0, 1], { base: huge(base) });
    expect(ring.rehearse(made, 0.01, 3)).to.equal(0);
    for (let lists = 2; lists < 5; lists += 1) {
      expect(ring.learn(made, x, c, [0, 1], { base })).to.equal(0);
      expect(ring.length).to.equal(lists);
    }
    expect(ring.rehearse(made, 0.01, 8)).to.equal(6);
    expect(made.pendingUpdates()).to.equal(0);
  });

  it("is what JSON.stringify gives of it", () => {
    const ring = ringOf();
    ring.loadJson(vectors.replay[1][1]);
    expect(JSON.stringify(ring)).to.equal(ring.toJson());
    const holdback = Holdback.fromJson(vectors.holdback[3][0]);
    expect(JSON.stringify(holdback)).to.equal(holdback.toJson());
  });

  it("says how much memory there is none of", () => {
    const message = /^memory: expected \d+ bytes for the ring, got none$/;
    refusal(() => new Replay(1048576, 1048576, 64, 65536), "MEMORY", message);
  });

  it("refuses what does not fit, and is then what it was", () => {
    const ring = ringOf();
    ring.loadJson(vectors.replay[1][1]);
    const before = ring.toJson();
    const [x, base, c] = [new Array(WIDTH).fill(0.1), new Array(OUT).fill(0.1), new Array(2 * OUT).fill(0.1)];
    refusal(() => new Replay(WIDTH, OUT, 1), "COUNT", /list: expected a whole number from 2 to 64, got 1/);
    refusal(() => ring.push(x.slice(1), c, [0, 1], { base }), "LENGTH", /input: expected 8 values, got 7/);
    refusal(
      () => ring.push(x, c.slice(1), [0, 1], { base }),
      "LENGTH",
      /candidates: expected 12 values, got 11/,
    );
    refusal(() => ring.push(x, base, [1], { base }), "COUNT", /candidates: .* got 6 numbers$/);
    refusal(() => new Replay("8", OUT), "COUNT", /^inFeatures: .* got the string "8"$/);
    refusal(
      () => ring.push(x, c, [0, -1], { base }),
      "OUT_OF_RANGE",
      /weights: expected 0 to 1000000, got -1/,
    );
    refusal(() => ring.push(x, c, [0, 1], { base, temperature: 0 }), "OUT_OF_RANGE", /temperature/);
    refusal(() => ring.push([NaN, ...x.slice(1)], c, [0, 1], { base }), "NOT_FINITE", /got NaN at index 0/);
    const pending = fresh();
    pending.adaptGradient(x, base);
    refusal(() => ring.rehearse(pending), "COUNT", /pending/);
    refusal(() => ringOf(8).loadJson(before), "MISMATCH", /modelId: expected 8, got 9/);
    refusal(() => ring.loadJson(vectors.holdback[0][0]), "FORMAT", /expected "micro-lora-replay"/);
    refusal(() => ring.loadJson(before.replace('"turn":', '"turn":1')), "CHECKSUM");
    refusal(() => ring.loadJson(before.replace('"turn":', '"zzz":')), "SYNTAX");
    refusal(() => ring.loadJson(before.slice(1)), "SYNTAX");
    refusal(() => ring.loadJson(7), "TYPE");
    expect(ring.toJson()).to.equal(before);
  });
});

describe("a holdback", () => {
  const play = (restart) => {
    const [random, saved] = [new Random(6), []];
    let holdback = new Holdback();
    for (let event = 0; event < 600; event += 1) {
      const better = event >= 200 && event < 350 ? 0 : 1;
      if (event >= 500) {
        const serving = holdback.next() === "adapted" ? 1 : 0;
        holdback.record(serving === better ? 0.75 : 0.25);
      } else if (holdback.isDue()) {
        const shown = holdback.interleave([1, 2, 3, 4, 5, 6], [7, 2, 8, 4, 9, 10], 5);
        const likes = (id) => (id >= 7 ? better === 1 : better === 0);
        const limits = [-0.6, 0.2].map(Math.fround);
        holdback.recordClicks(shown.map((id) => (random.row(1)[0] < limits[likes(id) ? 1 : 0] ? 1 : 0)));
      }
      if (restart) holdback = Holdback.fromJson(holdback.toJson());
      if (event % 25 === 24) saved.push([holdback.toJson(), `${holdback}`]);
    }
    return saved;
  };

  it("finds and is saved as the native one, bit for bit", () => {
    expect(play(false)).to.deep.equal(vectors.holdback);
  });

  it("goes on from its text as if it had never stopped", () => {
    expect(play(true)).to.deep.equal(vectors.holdback);
  });

  it("refuses what no holdback has said or saved", () => {
    const holdback = Holdback.fromJson(vectors.holdback[3][0]);
    const before = holdback.toJson();
    const message = /^clicks on the last merged list: expected 5 values, got 1$/;
    refusal(() => holdback.recordClicks([1]), "LENGTH", message);
    refusal(() => holdback.recordClicks([1, null, 0, 0, 0]), "OUT_OF_RANGE", /clicks: .* got NaN/);
    refusal(() => holdback.recordClicks([1, 2, 0, 0, 0]), "OUT_OF_RANGE", /clicks: expected 0 to 1, got 2/);
    refusal(() => holdback.record(NaN), "OUT_OF_RANGE", /quality: expected 0 to 1, got NaN/);
    refusal(() => holdback.record("0.5"), "TYPE", /quality: expected a number, got the string "0.5"/);
    refusal(() => holdback.record(null), "TYPE", /quality: expected a number, got null/);
    refusal(() => holdback.interleave([1], [2], 65), "COUNT", /room/);
    refusal(
      () => holdback.interleave(null, [1], 3),
      "TYPE",
      /^base: expected an array of results, got null$/,
    );
    refusal(() => holdback.interleave([1], "2", 3), "TYPE", /^adapted: .* got the string "2"$/);
    refusal(() => holdback.recordClicks(null), "TYPE", /clicks/);
    expect(holdback.toJson()).to.equal(before);
    refusal(() => Holdback.fromJson(before.replace('"events":', '"events":1')), "CHECKSUM");
    refusal(() => Holdback.fromJson(vectors.replay[0][1]), "FORMAT", /expected "micro-lora-holdback"/);
    refusal(() => Holdback.fromJson(before.replace('"coin"', '"zzz"')), "SYNTAX", /coin/);
  });

  it("says it in a sentence that is right", () => {
    for (const [events, base, adapted, says] of [
      [0, 0.5, 0.5, "not applied: too few events yet, 0 events"],
      [1, 0.5, 0.5, "not applied: too few events yet, 1 event"],
      [1, 0, 0, "not applied: nothing liked yet, 1 event"],
      [30, 0, 0, "not applied: nothing liked yet, 30 events"],
      [60, 0.5, 0.5, "not applied: +0 % is no clear lead, 60 events"],
      [60, 0.5, 0.499, "not applied: +0 % is no clear lead, 60 events"],
      [60, 0.5, 0.4375, "not applied: -13 % is no clear lead, 60 events"],
      [60, 0.5, 0.625, "applied: +25 % better than without, 60 events"],
      [60, 0, 0.5, "applied: better than without, 60 events"],
    ]) {
      const holdback = new Holdback();
      for (let event = 0; event < events; event += 1) holdback.record({ base, adapted }[holdback.next()]);
      expect(`${holdback}`).to.equal(says);
    }
    const once = new Holdback();
    for (let event = 0; event < 60; event += 1) once.record(once.next() === "adapted" && event < 2 ? 1 : 0);
    expect(`${once}`).to.equal("not applied: no clear lead, 60 events");
  });

  it("says that both lists are alike rather than that nothing is liked", () => {
    const holdback = new Holdback();
    for (let event = 0; event < 3; event += 1) {
      const shown = holdback.interleave([1, 2, 3], [1, 2, 3], 3);
      holdback.recordClicks(shown.map(() => 1));
    }
    expect(`${holdback}`).to.equal("not applied: nothing clicked yet where the lists differ, 3 events");
  });

  it("counts nothing of no list, and an answer before the first as the frozen model's", () => {
    const holdback = new Holdback();
    const before = holdback.toJson();
    holdback.recordClicks([]);
    expect(holdback.interleave([], [], 3)).to.deep.equal([]);
    holdback.recordClicks([]);
    refusal(() => holdback.recordClicks([1]), "LENGTH", /merged list: expected 0 values, got 1$/);
    expect(holdback.toJson()).to.equal(before);
    holdback.record(0.75);
    expect(holdback.report()).to.include({ base: 0.75, adapted: 0, events: 1 });
  });

  it("reports what a person understands", () => {
    const report = Holdback.fromJson(vectors.holdback[7][0]).report();
    expect(report).to.have.all.keys("applied", "adapted", "base", "lead", "events");
    expect(report.applied).to.equal(vectors.holdback[7][1].startsWith("applied"));
  });
});
