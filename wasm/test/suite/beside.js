// `micro-lora/learn`: the same bits and texts as the native crate (`tests/web_learn_vectors.rs`), and what is refused.
import { Holdback, Replay } from "micro-lora/learn";
import { Random, adapter, expect, readText, refusal } from "./setup.js";

const vectors = JSON.parse(await readText("beside.json"));
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
    refusal(() => ring.push(x, c, [1], { base }), "COUNT", /candidates/);
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
    refusal(() => ringOf(8).loadJson(before), "MISMATCH", /model_id: expected 8, got 9/);
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
    refusal(() => holdback.recordClicks([1]), "LENGTH", /clicks: expected 5 values, got 1/);
    refusal(() => holdback.recordClicks([1, 2, 0, 0, 0]), "OUT_OF_RANGE", /clicks: expected 0 to 1, got 2/);
    refusal(() => holdback.record(NaN), "OUT_OF_RANGE", /quality: expected 0 to 1, got NaN/);
    refusal(() => holdback.interleave([1], [2], 65), "COUNT", /room/);
    expect(holdback.toJson()).to.equal(before);
    refusal(() => Holdback.fromJson(before.replace('"events":', '"events":1')), "CHECKSUM");
    refusal(() => Holdback.fromJson(vectors.replay[0][1]), "FORMAT", /expected "micro-lora-holdback"/);
    refusal(() => Holdback.fromJson(before.replace('"coin"', '"zzz"')), "SYNTAX", /coin/);
  });

  it("reports what a person understands", () => {
    const report = Holdback.fromJson(vectors.holdback[7][0]).report();
    expect(report).to.have.all.keys("applied", "adapted", "base", "lead", "events");
    expect(report.applied).to.equal(vectors.holdback[7][1].startsWith("applied"));
  });
});
