import { Random, adapter, bits, cosine, expect, norm, trained } from "./setup.js";

const random = new Random(1);

describe("apply", () => {
  it("changes nothing while the adapter is fresh", () => {
    const fresh = adapter(16);
    const x = random.row(16);
    expect([...fresh.apply(x)].every((value) => Math.abs(value) === 0)).to.equal(true);
    expect(bits(fresh.applyResidual(x))).to.deep.equal(bits(x));
  });

  it("gives one vector of the output size, new each time", () => {
    const made = adapter(5, { outFeatures: 3 });
    const first = made.apply(random.row(5));
    expect(first).to.be.instanceOf(Float32Array).with.length(3);
    expect(made.apply(random.row(5))).not.to.equal(first);
  });

  it("takes any array of numbers", () => {
    const made = trained(8);
    const x = random.row(8);
    for (const same of [[...x], Float64Array.from(x)]) {
      expect(bits(made.apply(same))).to.deep.equal(bits(made.apply(x)));
    }
  });

  it("is one and the same computation in every form", () => {
    for (const size of [1, 3, 31, 32, 33, 64, 100, 384]) {
      const made = trained(size, { rank: 4, cap: 0.5 });
      const x = random.row(size);
      const delta = made.apply(x);
      expect(norm(delta), `size ${size}`).to.be.above(0);
      const into = new Float32Array(size);
      const guard = made.applyInto(x, into);
      expect(bits(into)).to.deep.equal(bits(delta));
      made.inputView.set(x);
      expect(made.run()).to.equal(guard);
      expect(bits(made.outputView)).to.deep.equal(bits(delta));
      expect(bits(made.applyResidual(x))).to.deep.equal(bits(x.map((value, i) => value + delta[i])));
      expect(bits(made.applyBatch(x))).to.deep.equal(bits(delta));
    }
  });

  it("may write into its own input", () => {
    const made = trained(8);
    const x = random.row(8);
    const delta = made.apply(x);
    made.applyInto(x, x);
    expect(bits(x)).to.deep.equal(bits(delta));
  });

  it("gives for a batch the bits of single calls, in either form", () => {
    const made = trained(8, { outFeatures: 8 });
    const rows = Array.from({ length: 7 }, () => random.row(8));
    const single = rows.flatMap((row) => [...made.apply(row)]);
    expect(bits(made.applyBatch(rows))).to.deep.equal(bits(single));
    expect(bits(made.applyBatch(Float32Array.from(rows.flatMap((row) => [...row]))))).to.deep.equal(
      bits(single),
    );
    expect(made.applyBatch([])).to.have.length(0);
  });

  it("keeps the correction within cap times the input, and says by how much it was shortened", () => {
    const capped = trained(8, { cap: 0.01 });
    const free = trained(8, { cap: 0.01 });
    const x = random.row(8);
    const delta = capped.apply(x);
    expect(norm(delta)).to.be.closeTo(0.01 * norm(x), 1e-6);
    const guard = free.applyInto(x, new Float32Array(8));
    expect(guard).to.be.within(0.0001, 0.9);
    expect(trained(8, { cap: Infinity }).applyInto(x, new Float32Array(8))).to.equal(1);
  });

  it("can be turned off and down by the strength", () => {
    const made = trained(8, { cap: Infinity });
    const x = random.row(8);
    const full = made.apply(x);
    made.strength = 0.5;
    expect(made.strength).to.equal(0.5);
    const half = made.apply(x);
    expect(norm(half)).to.be.closeTo(norm(full) / 2, 1e-5);
    expect(cosine(half, full)).to.be.closeTo(1, 1e-6);
    made.strength = 0;
    expect(norm(made.apply(x))).to.equal(0);
  });
});

describe("views", () => {
  it("stay valid when the memory grows, taken anew", () => {
    const made = trained(8);
    const x = random.row(8);
    const delta = made.apply(x);
    made.inputView.set(x);
    const before = made.inputView.buffer.byteLength;
    const others = Array.from({ length: 40 }, () => adapter(32_768, { rank: 4 }));
    expect(made.inputView.buffer.byteLength).to.be.above(before);
    expect(bits(made.inputView)).to.deep.equal(bits(x));
    made.run();
    expect(bits(made.outputView)).to.deep.equal(bits(delta));
    for (const other of others) other.free();
  });

  it("belong to one adapter each", () => {
    const [one, two] = [trained(8), trained(8, { seed: 9 })];
    const [x, y] = [random.row(8), random.row(8)];
    one.inputView.set(x);
    two.inputView.set(y);
    one.run();
    two.run();
    expect(bits(one.outputView)).to.deep.equal(bits(one.apply(x)));
    expect(bits(two.outputView)).to.deep.equal(bits(two.apply(y)));
    expect([one.inputView.length, one.outputView.length]).to.deep.equal([8, 8]);
  });
});
