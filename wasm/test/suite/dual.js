// The dual step: the bits of the native engine (the script of `tests/web_dual_vectors.rs`, and the vectors that it
// committed), and what is refused.
import { Replay, predictions, pullTowards } from "micro-lora/learn";
import { toBytes } from "micro-lora/peft";
import { WIDTH, clicks, golden, hex, make } from "./lists.js";
import { Random, bits, dot, expect, lora, norm, refusal } from "./setup.js";

const OUT = 6;

describe("the dual step", () => {
  it("has the bits of the native engine, in every state on the way", () => {
    const settings = { outFeatures: OUT, seed: 3, modelId: 9, decay: 0.001 };
    let made = make(settings);
    const random = new Random(5);
    const saved = [];
    for (let event = 0; event < 24; event += 1) {
      const [x, base] = [random.row(WIDTH), random.row(OUT)];
      const n = 2 + (event % 3);
      const candidates = random.row(n * OUT);
      const receipt = [
        () => made.adaptListwise(x, candidates, clicks(n, event), { base }),
        () => made.adaptChoice(x, candidates, event % n, { base }),
        () => made.adaptChoice(x, candidates, 1, { base, weight: 0.5, quality: 0.1 }),
        () => made.adaptListwise(x, candidates, clicks(n, event), { base, weight: 2, temperature: 0.5 }),
      ][event % 4]();
      expect(receipt).to.equal(0);
      if (event % 5 !== 1) made.applyUpdates(event % 2 === 0 ? 0.01 : 0.02);
      if (event % 3 !== 2) continue;
      const json = made.toJson();
      saved.push([json, hex(made.apply(x))]);
      // And goes on from what was saved.
      made = lora.MicroLoraWasm.fromJson(json, 9);
      expect(made.generation).to.equal(JSON.parse(json).generation + 1);
      made = generationOf(made, json);
    }
    expect(saved.map(([, output]) => output)).to.deep.equal(golden.lists.map(([, output]) => output));
    expect(saved).to.deep.equal(golden.lists);
  });

  /** The adapter with the generation that it was saved with, so that texts can be compared. */
  function generationOf(made, json) {
    const address = made.block()[0];
    const words = new Uint32Array(made.inputView.buffer, address, 22);
    words[21] = JSON.parse(json).generation;
    return made;
  }

  it("is chosen by a list, and the scaled step by anything else; the other kind is then refused by name", () => {
    const random = new Random(7);
    const [x, y, list] = [random.unit(WIDTH), random.unit(WIDTH), random.row(3 * WIDTH)];
    const feedback = {
      adaptChoice: [x, list, 1],
      adaptListwise: [x, list, [0, 1, 0]],
      adapt: [x, new lora.AdaptFeedbackWasm(0.9)],
      adaptGradient: [x, y],
      adaptTarget: [x, y],
      adaptAttractRepel: [x, y, [x]],
    };
    for (const [name, given] of Object.entries(feedback)) {
      const made = make();
      expect(made.stats().step).to.equal(4);
      expect(made[name](...given)).to.equal(0);
      const isList = name === "adaptChoice" || name === "adaptListwise";
      expect([made.stats().step, made.getConfig().step]).to.deep.equal(isList ? [3, 3] : [2, 2]);
      expect(JSON.parse(made.toJson()).step).to.equal(isList ? 3 : 2);
      if (isList) {
        const before = made.toJson();
        for (const other of ["adapt", "adaptGradient", "adaptTarget", "adaptAttractRepel"])
          refusal(
            () => made[other](...feedback[other]),
            "STEP",
            /expected adaptChoice, adaptListwise or learn of a Memory, .* 3 \(dual\), got/,
          );
        refusal(() => made.rehearse(x, list, [0, 1, 0]), ["UNSUPPORTED", "COUNT"], /./);
        expect(made.toJson()).to.equal(before);
      }
      made.reset();
      expect(made.stats().step, "chosen anew after a reset").to.equal(4);
    }
    const refused = [make({ step: 3 }), "adaptTarget"];
    refusal(() => refused[0].adaptTarget(x, y), "STEP", /^target: expected adaptChoice/);
  });

  it("learns from 60 pending events what it learns from 60 single ones, nearly, and more than nothing", () => {
    const random = new Random(8);
    const [single, pending] = [make({ rank: 1 }), make({ rank: 1 })];
    const taste = random.unit(WIDTH);
    for (let event = 0; event < 60; event += 1) {
      const [x, candidates] = [random.unit(WIDTH), random.row(4 * WIDTH)];
      // A taste: clicks without one make the adapter doubt what it has learned.
      const liked = [0, 1, 2, 3].map((row) => dot(candidates.slice(row * WIDTH, (row + 1) * WIDTH), taste));
      const given = [x, candidates, liked.indexOf(Math.max(...liked))];
      single.adaptChoice(...given);
      single.applyUpdates();
      pending.adaptChoice(...given);
    }
    expect(pending.applyUpdates()).to.be.above(0);
    const x = random.unit(WIDTH);
    const [one, other] = [single.apply(x), pending.apply(x)];
    expect(dot(one, other) / norm(one) / norm(other)).to.be.above(0.9);
  });

  it("says how well it predicted, by the regression that its state keeps", () => {
    const made = make({ outFeatures: OUT, seed: 3 });
    expect(predictions(made)).to.equal(undefined);
    const random = new Random(7);
    const taste = random.row(OUT);
    for (let event = 0; event < 60; event += 1) {
      const [x, base, candidates] = [random.row(WIDTH), random.row(OUT), random.row(3 * OUT)];
      // What is chosen follows the base a little, and a taste.
      const likes = [0, 1, 2].map((i) => {
        const candidate = candidates.subarray(i * OUT, (i + 1) * OUT);
        return dot(candidate, taste) + 0.3 * dot(candidate, base);
      });
      made.adaptChoice(x, candidates, likes.indexOf(Math.max(...likes)), { base });
      made.applyUpdates();
    }
    const before = made.toJson();
    const seen = predictions(made);
    expect(made.toJson()).to.equal(before);
    // docs/state-format.md: the Hessian's entries and the gradient of the regression.
    const bytes = Uint8Array.from(atob(JSON.parse(before).dual), (c) => c.charCodeAt(0));
    const [h00, h01, h11, g0, g1] = new Float32Array(bytes.buffer).slice(11);
    const [a, d, right0, right1] = [h00 + 10, h11 + 10, 10 * 0.5 - g0, 10 - g1];
    const determinant = a * d - h01 * h01;
    const within = (value, least, most) => Math.min(Math.max(value, least), most);
    const expected = {
      trust: within((d * right0 - h01 * right1) / determinant, 0, 2),
      trustError: Math.sqrt(d / determinant),
      strength: within((a * right1 - h01 * right0) / determinant, -1, 5),
      strengthError: Math.sqrt(a / determinant),
    };
    for (const [name, value] of Object.entries(expected)) expect(seen[name], name).to.be.closeTo(value, 1e-5);
    expect(seen.strength).to.be.above(0.6);
    expect(`${seen}`).to.equal(
      `choices follow the frozen order at ${seen.trust.toFixed(2)} ± ${seen.trustError.toFixed(2)} (1: fully, 0: not at all) ` +
        `and what was learned at ${seen.strength.toFixed(2)} ± ${seen.strengthError.toFixed(2)} (1: as strongly as it was learned, 0: not at all)`,
    );
    const scaled = make({ outFeatures: OUT, step: 2 });
    expect(predictions(scaled)).to.equal(undefined);
    refusal(() => predictions({}), "TYPE", /^lora/);
    made.free();
    refusal(() => predictions(made), "FREED");
  });

  it("has a bias, which with the matrices is the correction, and which a PEFT file does not drop silently", () => {
    const made = make({ rank: 3, cap: Infinity });
    expect(made.bias.every((value) => value === 0)).to.equal(true);
    const random = new Random(10);
    for (let event = 0; event < 9; event += 1) {
      made.adaptChoice(random.unit(WIDTH), random.row(4 * WIDTH), event % 4);
      made.applyUpdates();
    }
    const x = random.unit(WIDTH);
    const { loraA, loraB, bias } = made;
    expect(norm(bias)).to.be.above(1e-3);
    const scaling = made.getConfig().computeScaling();
    const h = [0, 1, 2].map((r) => scaling * dot(loraA.slice(r * WIDTH, (r + 1) * WIDTH), x));
    made.apply(x).forEach((value, i) => {
      const sum = h.reduce((all, along, r) => all + along * loraB[r * WIDTH + i], bias[i]);
      expect(value).to.be.closeTo(sum, 1e-5);
    });
    refusal(() => toBytes(made), "UNSUPPORTED", /^bias: expected none/);
    refusal(() => pullTowards(made, loraA, loraB, 0.1), "UNSUPPORTED", /^step: expected 0 to 2.*got 3/);
  });

  it("is not for a ring, which says so before it learns", () => {
    const random = new Random(9);
    const ring = new Replay(WIDTH, WIDTH);
    for (const made of [make(), make({ step: 3 })]) {
      const before = made.toJson();
      const given = [random.unit(WIDTH), random.row(3 * WIDTH), [0, 1, 0]];
      refusal(
        () => ring.learn(made, ...given),
        "UNSUPPORTED",
        /^step: expected 0 to 2.*got [34]: set config.step = 2/,
      );
      refusal(
        () => ring.rehearse(made),
        "UNSUPPORTED",
        /^step: expected 0 to 2.*got [34]: set config.step = 2/,
      );
      expect(made.toJson()).to.equal(before);
    }
  });

  it("refuses a damaged state of version 2, wherever it is damaged", () => {
    const made = make({ rank: 1 });
    made.adaptChoice(new Random(3).unit(WIDTH), new Random(4).row(2 * WIDTH), 0);
    const json = made.toJson();
    expect(JSON.parse(json).version).to.equal(2);
    for (let at = 0; at < json.length; at += 1) {
      const damaged = json.slice(0, at) + (json[at] === "B" ? "C" : "B") + json.slice(at + 1);
      expect(() => lora.MicroLoraWasm.fromJson(damaged), `at ${at}`).to.throw(Error);
    }
  });
});
