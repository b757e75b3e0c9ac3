// What each kind of feedback is for comes to pass, on a small scale. How well it learns from simulated users
// is measured by the native example; the bits are the same.
import { Random, adapter, cosine, dot, expect, lora, norm, trained } from "./setup.js";

const SIZE = 24;
const random = new Random(77);
const query = random.unit(SIZE);
const candidates = Array.from({ length: 5 }, () => random.unit(SIZE));
const flat = Float32Array.from(candidates.flatMap((row) => [...row]));

const rankOf = (made, wanted) => {
  const y = made.applyResidual(query);
  const scores = candidates.map((row) => dot(y, row));
  return scores.filter((score) => score > scores[wanted]).length;
};
const worst = (made) => [0, 1, 2, 3, 4].find((index) => rankOf(made, index) === 4);

/** Gives feedback and takes the step, again and again. */
function repeat(times, made, feedback) {
  for (let event = 0; event < times; event += 1) {
    expect(feedback(made, event)).to.equal(0);
    expect(made.applyUpdates(0.01)).to.be.above(0);
  }
  return made;
}

describe("learning", () => {
  it("from clicks: the clicked result rises to the top", () => {
    const made = adapter(SIZE);
    const wanted = worst(made);
    repeat(30, made, () => made.adaptChoice(query, candidates, wanted));
    expect(rankOf(made, wanted)).to.equal(0);
  });

  it("from a thumbs-down: the result loses its place", () => {
    const made = adapter(SIZE);
    const best = [0, 1, 2, 3, 4].find((index) => rankOf(made, index) === 0);
    repeat(30, made, () => made.adaptChoice(query, candidates, best, { quality: 0 }));
    expect(rankOf(made, best)).to.be.above(1);
  });

  it("from several clicks on a list", () => {
    const made = adapter(SIZE);
    const wanted = worst(made);
    const weights = candidates.map((_, index) => (index === wanted ? 1 : 0));
    repeat(30, made, () => made.adaptListwise(query, candidates, weights));
    expect(rankOf(made, wanted)).to.equal(0);
  });

  it("from a target, and away from one", () => {
    for (const [weight, sign] of [
      [1, 1],
      [-1, -1],
    ]) {
      const made = adapter(SIZE);
      const before = cosine(query, candidates[0]);
      repeat(10, made, () => made.adaptTarget(query, candidates[0], weight));
      expect(sign * (cosine(made.applyResidual(query), candidates[0]) - before)).to.be.above(0.1);
    }
  });

  it("from what was opened and what was skipped", () => {
    const made = adapter(SIZE);
    const margin = () => {
      const y = made.applyResidual(query);
      return cosine(y, candidates[0]) - cosine(y, candidates[1]);
    };
    const before = margin();
    repeat(20, made, () => made.adaptAttractRepel(query, candidates[0], candidates.slice(1)));
    expect(margin()).to.be.above(before + 0.2);
  });

  it("from the gradient of a loss of one's own", () => {
    const made = adapter(SIZE, { cap: Infinity });
    const target = random.unit(SIZE);
    const error = () => made.applyResidual(query).map((value, i) => value - target[i]);
    const before = norm(error());
    repeat(60, made, () => made.adaptGradient(query, error()));
    expect(norm(error())).to.be.below(before / 3);
  });

  it("from a quality alone: good outputs are approached, bad ones left", () => {
    const along = (quality) => {
      const made = trained(SIZE);
      made.applyUpdates();
      const before = made.applyResidual(query);
      made.adapt(query, new lora.AdaptFeedbackWasm(quality));
      made.applyUpdates(0.01);
      return dot(made.applyResidual(query), before) - dot(before, before);
    };
    expect(along(1)).to.be.above(0);
    expect(along(0)).to.be.below(0);
  });

  it("for an adapter that is not square, with the model's own output as base", () => {
    const made = adapter(SIZE, { outFeatures: 4, rank: 1 });
    const labels = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ];
    const base = [0.5, 0.1, 0.2, 0];
    const winner = () => {
      const y = made.apply(query).map((value, i) => value + base[i]);
      return y.indexOf(Math.max(...y));
    };
    expect(winner()).to.equal(0);
    repeat(30, made, () => made.adaptChoice(query, labels, 2, { base }));
    expect(winner()).to.equal(2);
  });

  it("one list of candidates is the same as an array of them", () => {
    const [one, two] = [adapter(SIZE), adapter(SIZE)];
    repeat(5, one, () => one.adaptChoice(query, candidates, 3));
    repeat(5, two, () => two.adaptChoice(query, flat, 3));
    expect(one.toJson()).to.equal(two.toJson());
  });

  it("a batch of events is one step along their mean", () => {
    const made = adapter(SIZE);
    for (let event = 0; event < 6; event += 1) made.adaptChoice(random.unit(SIZE), flat, event % 5);
    expect(made.pendingUpdates()).to.equal(6);
    expect(made.applyUpdates(0.01)).to.be.above(0);
    expect(made.pendingUpdates()).to.equal(0);
  });

  it("users do not learn from each other", () => {
    const [alice, bob] = [adapter(SIZE), adapter(SIZE)];
    const untouched = bob.toJson();
    repeat(10, alice, () => alice.adaptChoice(query, flat, 1));
    expect(bob.toJson()).to.equal(untouched);
    expect(alice.toJson()).not.to.equal(untouched);
  });
});
