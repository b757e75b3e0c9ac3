// No call is a silent no-op: each says what it did, or why it did nothing.
import { Random, adapter, expect, lora, trained } from "./setup.js";

const random = new Random(3);
const x = random.unit(8);
const two = random.row(16, 0.5);

describe("receipts", () => {
  it("0: the event counts", () => {
    const made = adapter(8);
    expect(made.adaptChoice(x, two, 0)).to.equal(0);
    expect([made.pendingUpdates(), made.stats().samplesSeen]).to.deep.equal([1, 1]);
  });

  it("1 to 5: why there was nothing to learn", () => {
    const made = adapter(8);
    const zero = new Float32Array(8);
    expect(made.adaptChoice(x, two, 0, { quality: 0.5 }), "neutral quality").to.equal(1);
    expect(made.adaptListwise(x, two, [1, 1]), "all chosen").to.equal(2);
    expect(made.adaptListwise(x, two, [0, 0]), "nothing chosen").to.equal(3);
    expect(made.adaptGradient(x, zero), "zero gradient").to.equal(4);
    expect(made.adaptGradient(zero, x), "zero input").to.equal(4);
    expect(made.adaptChoice(x, two, 0, { weight: 0 }), "zero weight").to.equal(5);
    expect(made.pendingUpdates()).to.equal(0);
    expect(made.stats().samplesSeen).to.equal(6);
  });

  it("an update returns the length of its step, 0 if there was nothing to do", () => {
    const made = adapter(8);
    expect(made.applyUpdates(0.01)).to.equal(0);
    made.adaptChoice(x, two, 0);
    expect(made.applyUpdates(0)).to.equal(0);
    expect(made.pendingUpdates(), "a rate of 0 keeps what is pending").to.equal(1);
    expect(made.applyUpdates(0.01)).to.be.above(0);
    expect(made.applyUpdates(0.01)).to.equal(0);
  });

  it("events that are given up are gone", () => {
    const made = adapter(8);
    made.adaptChoice(x, two, 0);
    made.discardPending();
    expect([made.pendingUpdates(), made.applyUpdates()]).to.deep.equal([0, 0]);
  });

  it("the generation changes exactly when an output may have", () => {
    const made = adapter(8);
    const seen = [made.generation];
    const changes = (action, expected) => {
      action();
      expect(made.generation !== seen.at(-1), action.toString()).to.equal(expected);
      seen.push(made.generation);
    };
    changes(() => made.adaptChoice(x, two, 0), false);
    changes(() => made.apply(x), false);
    changes(() => made.applyUpdates(0), false);
    changes(() => made.applyUpdates(), true);
    changes(() => {
      made.strength = 0.5;
    }, true);
    changes(() => made.reset(), true);
    expect(new Set(seen)).to.have.property("size", 4);
  });

  it("statistics count what happened", () => {
    const made = adapter(8);
    made.adaptChoice(x, two, 0, { quality: 1 });
    made.adaptChoice(x, two, 1, { quality: 0.25 });
    made.adaptTarget(
      x,
      x.map((value) => -value),
    );
    made.applyUpdates();
    const stats = made.stats();
    expect(stats).to.include({ samplesSeen: 3, rated: 2, updates: 1, paramCount: 32, memoryBytes: 128 });
    expect(stats.avgQuality).to.equal(0.625);
    const keys = ["samples_seen", "avg_quality", "memory_bytes", "param_count"];
    expect(JSON.parse(stats.toJson()))
      .to.have.all.keys(keys)
      .and.include({ samples_seen: 3, param_count: 32 });
  });

  it("a reset forgets everything, the trained A included", () => {
    const made = trained(8);
    made.reset();
    const [state, fresh] = [made, adapter(8, { rank: 2, seed: 5 })].map((each) => JSON.parse(each.toJson()));
    for (const key of ["generation", "crc32"]) {
      delete state[key];
      delete fresh[key];
    }
    expect(state).to.deep.equal(fresh);
    expect(made.stats()).to.include({ samplesSeen: 0, avgQuality: 0, updates: 0 });
  });

  it("what was asked of a quality is what is remembered", () => {
    const made = adapter(8);
    made.adapt(x, new lora.AdaptFeedbackWasm(0.75));
    expect(made.stats().avgQuality).to.equal(0.75);
  });
});
