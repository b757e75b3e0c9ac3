// `Explore`, `principalDirections` and `pullTowards` of `micro-lora/learn`: the same bits as the native crate
// (`tests/web_learn_vectors.rs`), and what is refused.
import { Explore, principalDirections, pullTowards } from "micro-lora/learn";
import { Random, adapter, bits, dot, expect, norm, readText, refusal } from "./setup.js";

const vectors = JSON.parse(await readText("companions.json"));
const WIDTH = 8;
const LONG = 40;

const hex = (values) =>
  bits(values)
    .map((word) => word.toString(16).padStart(8, "0"))
    .join("");

const fresh = (settings) => adapter(WIDTH, { outFeatures: LONG, rank: 2, ...settings });

/** Twelve that span four dimensions. */
const examplesOf = (random) => {
  const axes = [0, 1, 2, 3].map(() => random.row(LONG));
  const shared = random.row(LONG);
  return Array.from({ length: 12 }, () => {
    const along = random.row(4);
    const example = shared.slice();
    axes.forEach((axis, i) => {
      for (let j = 0; j < LONG; j += 1) example[j] += Math.fround(along[i] * axis[j]);
    });
    return example;
  });
};

describe("exploring", () => {
  const play = (restart) => {
    const [made, random, saved] = [fresh({ seed: 4 }), new Random(8), []];
    const directions = principalDirections(examplesOf(random), 6);
    let explore = new Explore(0.3, 7);
    for (let pair = 0; pair < 60; pair += 1) {
      const x = random.row(WIDTH);
      const eps = explore.draw(directions);
      const tried = hex(eps);
      const [minus] = random.row(1);
      const plus = pair % 7 === 3 ? minus : pair % 7 === 5 && pair > 30 ? 50 : random.row(1)[0];
      explore.adapt(made, x, eps, plus, minus, { weight: pair % 2 === 0 ? 1 : 0.5 });
      expect(hex(eps)).to.deep.equal(tried);
      made.applyUpdates(0.01);
      if (restart) explore = Object.assign(new Explore(1, 1), JSON.parse(JSON.stringify(explore)));
      if (pair % 10 === 9) saved.push([made.toJson(), tried]);
    }
    return saved;
  };

  it("finds the native principal directions, bit for bit, and no more than there are", () => {
    const examples = examplesOf(new Random(8));
    const found = principalDirections(examples, 6);
    expect(found.map(hex)).to.deep.equal(vectors.directions);
    expect(
      principalDirections(
        examples.map((row) => [...row]),
        2,
      ).map(hex),
    ).to.deep.equal(vectors.directions.slice(0, 2));
    found.forEach((a, i) => {
      found.forEach((b, j) => expect(dot(a, b)).to.be.closeTo(i === j ? 1 : 0, 1e-5));
    });
    expect(principalDirections([examples[0], examples[0]], 3)).to.deep.equal([]);
  });

  it("tries and learns as the native one, bit for bit", () => {
    expect(play(false)).to.deep.equal(vectors.explore);
  });

  it("goes on from its three numbers as if it had never stopped", () => {
    expect(play(true)).to.deep.equal(vectors.explore);
  });

  it("finds what is better from numbers alone, and what it tries has the radius", () => {
    const [made, explore] = [adapter(3, { rank: 1 }), new Explore(0.2, 7)];
    const x = [0, 0.6, 0.8];
    for (let pair = 0; pair < 200; pair += 1) {
      const eps = explore.draw([
        [1, 0, 0],
        [0, 1, 0],
      ]);
      expect(norm(eps)).to.be.closeTo(0.2, 1e-6);
      const y = made.applyResidual(x);
      explore.adapt(made, x, eps, y[0] + eps[0], y[0] - eps[0]);
      made.applyUpdates();
    }
    expect(made.apply(x)[0]).to.be.above(0.5);
  });

  it("refuses what does not fit, and nothing has then changed", () => {
    const [made, explore] = [adapter(2), new Explore(0.3, 1)];
    const [x, eps] = [
      [1, 0],
      [0.3, 0],
    ];
    const before = [made.toJson(), JSON.stringify(explore)];
    const refused = (code, message, call) => {
      refusal(call, code, message);
      expect([made.toJson(), JSON.stringify(explore)]).to.deep.equal(before);
    };
    const adapt =
      (changed, plus = 1, minus = 0) =>
      () => {
        const given = { made, x, eps, ...changed };
        explore.adapt(given.made, given.x, given.eps, plus, minus);
      };
    for (const radius of [0, -1, NaN, 1e7]) {
      refused("OUT_OF_RANGE", /^radius: expected 0.000001 to 1000000, got/, () => new Explore(radius, 1));
    }
    expect(norm(new Explore(1e-6, 1).draw([[1, 0]]))).to.be.closeTo(1e-6, 1e-12);
    refused("TYPE", /^radius: expected a number, got the string "1"$/, () => new Explore("1", 1));
    refused("COUNT", /^seed: expected a whole number/, () => new Explore(0.3, 0.5));
    refused("COUNT", /^directions: .* from 1 to 16, got 0$/, () => explore.draw([]));
    refused("COUNT", /^directions: .* got 17$/, () => explore.draw(new Array(17).fill(x)));
    refused("TYPE", /^directions: .* got null$/, () => explore.draw(null));
    refused("TYPE", /^directions\[0\]: .* got /, () => explore.draw(x));
    refused("LENGTH", /^directions\[1\]: expected 2 values, got 1$/, () => explore.draw([x, [1]]));
    refused("NOT_FINITE", /^qualities: .* got NaN at index 0$/, adapt({}, NaN));
    refused("NOT_FINITE", /^qualities: .* got Infinity at index 1$/, adapt({}, 1, 1e39));
    refused("TYPE", /^minus: expected a number, got null$/, adapt({}, 1, null));
    refused("TYPE", /^plus: expected a number, got the string "1"$/, adapt({}, "1"));
    refused("OVERFLOW", /^qualities: .* overflow$/, adapt({}, 3e38, -3e38));
    refused("OVERFLOW", /^qualities: .* overflow$/, adapt({}, 1e30));
    refused("ZERO_NORM", /^eps: expected a direction, got a zero vector$/, adapt({ eps: [0, 0] }));
    refused("NOT_FINITE", /^eps: .* got NaN at index 1$/, adapt({ eps: [1, NaN] }));
    refused("TYPE", /^eps/, adapt({ eps: undefined }));
    refused("NOT_FINITE", /^eps: .* got NaN at index 1$/, adapt({ eps: [1, null] }));
    refused("LENGTH", /^eps: expected 2 values, got 3$/, adapt({ eps: [1, 0, 0] }));
    refused("LENGTH", /^input/, adapt({ x: [1] }));
    refused("TYPE", /^lora: .* got null$/, adapt({ made: null }));
    // What was drawn is gone.
    refusal(() => explore.draw([[0, 0]]), "ZERO_NORM", /^directions: expected a direction/);
    refusal(() => explore.draw([[0, NaN]]), "NOT_FINITE", /^directions: .* got NaN at index 1$/);
  });

  it("refuses to go on from what no explorer has", () => {
    const made = adapter(2);
    const before = made.toJson();
    for (const [code, fields] of [
      ["OUT_OF_RANGE", { radius: 0 }],
      ["OUT_OF_RANGE", { radius: NaN }],
      ["TYPE", { radius: "0.3" }],
      ["TYPE", { radius: undefined }],
      ["OUT_OF_RANGE", { spread: -1 }],
      ["OUT_OF_RANGE", { spread: Infinity }],
      // As JSON has it for the two above.
      ["TYPE", { spread: null }],
      ["COUNT", { random: 0 }],
      ["COUNT", { random: 0.5 }],
      ["COUNT", { random: "7" }],
    ]) {
      const broken = Object.assign(new Explore(0.3, 1), fields);
      const were = { ...broken };
      const name = new RegExp(`^${Object.keys(fields)[0]}: expected`);
      refusal(() => broken.draw([[1, 0]]), code, name);
      refusal(() => broken.adapt(made, [1, 0], [0.3, 0], 1, 0), code, name);
      expect({ ...broken }).to.deep.equal(were);
    }
    expect(made.toJson()).to.equal(before);
  });

  it("takes off what all examples share", () => {
    const examples = Array.from({ length: 10 }, (_, i) => [0.1 * i, 100]);
    const [direction, ...others] = principalDirections(examples, 2);
    expect(others).to.deep.equal([]);
    expect(Math.abs(direction[0])).to.be.above(0.999);
  });

  it("refuses examples that show no direction", () => {
    refusal(() => principalDirections([[1, 2]], 1), "COUNT", /^examples: .* got 1$/);
    refusal(
      () => principalDirections([[1], [1, 2]], 1),
      "LENGTH",
      /^examples\[1\]: expected 1 values, got 2$/,
    );
    refusal(() => principalDirections([[1], [2]], 17), "COUNT", /^directions: .* from 1 to 16, got 17$/);
    refusal(() => principalDirections([[1], [2]]), "COUNT", /^directions: .* got undefined$/);
    refusal(() => principalDirections([[1], [NaN]], 1), "NOT_FINITE", /^examples\[1\]: .* NaN at index 0$/);
    refusal(() => principalDirections([[3e38], [-3e38]], 1), "OVERFLOW", /^examples/);
    refusal(() => principalDirections("examples", 1), "TYPE", /^examples/);
  });
});

describe("pulling towards weights that were kept", () => {
  const trained = (random, settings) => {
    const made = fresh({ cap: 0.05, useRslora: true, ...settings });
    for (let event = 0; event < 10; event += 1) {
      made.adaptGradient(random.row(WIDTH), random.row(LONG));
      // The last stays pending.
      if (event < 9) made.applyUpdates(0.01);
    }
    return made;
  };

  it("gives the native bits, and outputs follow", () => {
    const random = new Random(9);
    const [made, kept] = [trained(random), trained(random, { seed: 1 })];
    const x = random.row(WIDTH);
    const came = [0.25, 0.7, 0, 1].map((share) => {
      const { generation } = made;
      pullTowards(made, kept.loraA, kept.loraB, share);
      expect(made.generation).to.equal(generation + 1);
      return [made.toJson(), hex(made.apply(x))];
    });
    expect(came).to.deep.equal(vectors.pull);
    expect(bits(made.apply(x))).to.deep.equal(bits(kept.apply(x)));
  });

  it("refuses what cannot be pulled to, and the adapter is what it was", () => {
    const made = trained(new Random(1));
    const { loraA: a, loraB: b } = fresh();
    const before = made.toJson();
    const changed = (values, at, value) => values.map((each, i) => (i === at ? value : each));
    const freed = fresh();
    freed.free();
    for (const [code, message, call] of [
      ["LENGTH", /^loraA: expected 16 values, got 15$/, () => pullTowards(made, a.slice(1), b, 0.5)],
      ["LENGTH", /^loraB: expected 80 values, got 79$/, () => pullTowards(made, a, b.slice(1), 0.5)],
      ["TYPE", /^loraB: .* got undefined$/, () => pullTowards(made, a)],
      ["OUT_OF_RANGE", /^share: expected 0 to 1, got 1.5$/, () => pullTowards(made, a, b, 1.5)],
      ["TYPE", /^share: expected a number, got undefined$/, () => pullTowards(made, a, b)],
      ["NOT_FINITE", /^loraA: .* NaN at index 3$/, () => pullTowards(made, changed(a, 3, NaN), b, 0.5)],
      ["OVERFLOW", /^loraA: .* overflow$/, () => pullTowards(made, changed(a, 3, 1e9), b, 0.5)],
      ["OVERFLOW", /^loraB: .* overflow$/, () => pullTowards(made, a, changed(b, 3, 1e9), 0.5)],
      ["TYPE", /^lora: .* got undefined$/, () => pullTowards(undefined, a, b, 0.5)],
      ["FREED", /./, () => pullTowards(freed, a, b, 0.5)],
    ]) {
      refusal(call, code, message);
      expect(made.toJson()).to.equal(before);
    }
    // The largest that there may be, and nothing but that was wrong.
    pullTowards(made, changed(a, 3, 9e7), b, 0.5);
    expect(made.loraA[3]).to.be.above(4e7);
  });
});
