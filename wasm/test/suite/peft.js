import { fromBytes, fromBytesReduced, toBytes } from "micro-lora/peft";
import { Random, bits, config, cosine, expect, lora, norm, refusal, trained } from "./setup.js";

const { MicroLoraWasm } = lora;
const random = new Random(30);

describe("safetensors", () => {
  it("hold the weights, with alpha", () => {
    for (const settings of [{ alpha: 6 }, { rank: 4, outFeatures: 8 }, { useRslora: true }]) {
      const made = trained(8, { cap: Infinity, ...settings });
      const back = fromBytes(toBytes(made), config({ cap: Infinity }));
      const { rank, alpha, useRslora } = made.getConfig();
      expect(back.getConfig()).to.include({ inFeatures: 8, outFeatures: 8, rank, alpha, useRslora });
      const x = random.row(8);
      expect(bits(back.apply(x))).to.deep.equal(bits(made.apply(x)));
    }
  });

  it("are of the layout that PEFT reads", () => {
    const bytes = toBytes(trained(8), "encoder.layer.0.query");
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length)));
    const name = "base_model.model.encoder.layer.0.query";
    expect(header[`${name}.lora_A.weight`]).to.deep.include({ dtype: "F32", shape: [2, 8] });
    expect(header[`${name}.lora_B.weight`]).to.deep.include({ dtype: "F32", shape: [8, 2] });
    expect(bytes.length).to.equal(8 + length + 4 * 32);
  });

  it("without a word about alpha take it from the config", () => {
    const made = trained(8, { cap: Infinity, alpha: 4 });
    const theirs = withoutMetadata(toBytes(made));
    const x = random.row(8);
    const [one, two] = [4, 8].map((alpha) => fromBytes(theirs, config({ alpha, cap: Infinity })).apply(x));
    expect(bits(one)).to.deep.equal(bits(made.apply(x)));
    expect(norm(two)).to.be.closeTo(2 * norm(one), 1e-4);
    expect(cosine(one, two)).to.be.closeTo(1, 1e-6);
  });

  it("take a buffer or a view", () => {
    const made = trained(8);
    const bytes = toBytes(made);
    const padded = new Uint8Array(bytes.length + 3);
    padded.set(bytes, 3);
    const x = random.row(8);
    for (const form of [bytes, bytes.slice().buffer, padded.subarray(3), new DataView(padded.buffer, 3)]) {
      expect(bits(fromBytes(form).apply(x))).to.deep.equal(bits(made.apply(x)));
    }
  });

  it("are refused with a reason", () => {
    const bytes = toBytes(trained(8));
    refusal(() => fromBytes(new Uint8Array(0)), "SYNTAX");
    refusal(() => fromBytes(bytes.subarray(0, 40)), "SYNTAX");
    for (const missing of [1, 40, 64, 127]) {
      const message = /^lora_B: expected 128 bytes of values, got \d+: the file is cut off$/;
      if (missing < 64) refusal(() => fromBytes(bytes.subarray(0, -missing)), "SYNTAX", message);
      else refusal(() => fromBytes(bytes.subarray(0, -missing)), "SYNTAX", /the file is cut off$/);
    }
    refusal(() => fromBytes(new Uint8Array(1000).fill(255)), "SYNTAX");
    refusal(() => fromBytes(bytes, config(), "no.such.module"), "MISSING", /no\.such\.module|expected/);
    refusal(() => fromBytes("text"), "TYPE");
    refusal(() => toBytes(trained(8), 'a"b'), "SYNTAX");
    refusal(() => toBytes(null), "TYPE", /^lora: expected an adapter of micro-lora, got null$/);
    const poisoned = bytes.slice();
    new DataView(poisoned.buffer).setFloat32(poisoned.length - 4, NaN, true);
    refusal(() => fromBytes(poisoned), "NOT_FINITE");
  });
});

describe("a file of a larger rank", () => {
  const N = 16;
  /** Rows that are orthogonal, of length 4 each. */
  const sign = (i, j) => ((i & j).toString(2).replaceAll("0", "").length % 2 ? -1 : 1);
  const sizes = [5, 0.5, 4, 0.1, 3, 2, 1, 0.25];
  const rank = sizes.length;
  /** `B M` and `M^-1 A` of a product whose singular values are 16 times the sizes; M is a rotation of neighbours. */
  const mixed = (rows) =>
    rows.map((row, r) => {
      const [cosine, sine] = [0.6, r % 2 ? 0.8 : -0.8];
      return row.map((value, i) => cosine * value + sine * rows[r ^ 1][i]);
    });
  const row = (r, size, shift) => Array.from({ length: N }, (_, i) => size * sign(r + shift, i));
  const a = mixed(sizes.map((_, r) => row(r, 1, 1)));
  const b = mixed(sizes.map((size, r) => row(r, size, 3)));
  const file = ofRank(a, b);
  const product = (kept) =>
    Array.from({ length: N * N }, (_, at) =>
      sizes.reduce(
        (sum, size, r) =>
          sum + (kept(size) ? size * sign(r + 3, Math.floor(at / N)) * sign(r + 1, at % N) : 0),
        0,
      ),
    );

  it("becomes the best approximation, and says what it kept", () => {
    for (const useRslora of [false, true]) {
      const settings = config({ inFeatures: N, outFeatures: N, rank: 4, alpha: 4, useRslora, cap: Infinity });
      const { lora: made, rank: theirs, kept } = fromBytesReduced(file, settings);
      expect(theirs).to.equal(rank);
      const squares = (all) => all.reduce((sum, size) => sum + size * size, 0);
      expect(kept).to.be.closeTo(Math.sqrt(squares([5, 4, 3, 2]) / squares(sizes)), 1e-6);
      const scaling = useRslora ? 4 / Math.sqrt(rank) : 4 / rank;
      const expected = product((size) => size >= 2);
      for (let i = 0; i < N; i++) {
        const delta = made.apply(Float32Array.from({ length: N }, (_, j) => +(i === j)));
        delta.forEach((value, o) => expect(value).to.be.closeTo(scaling * expected[o * N + i], 1e-5));
      }
    }
  });

  it("learns on in every direction, and is read as it is where the rank fits", () => {
    const zeros = ofRank(
      a,
      b.map((row) => row.map(() => 0)),
    );
    const { lora: fresh, kept } = fromBytesReduced(zeros);
    expect([kept, fresh.getConfig().rank]).to.deep.equal([1, 4]);
    expect(fresh.loraA.every((value) => value !== 0)).to.equal(true);
    expect(fresh.loraB.every((value) => value === 0)).to.equal(true);
    const made = trained(8, { cap: Infinity });
    const same = fromBytesReduced(toBytes(made), config({ rank: 4, cap: Infinity }));
    expect([same.rank, same.kept]).to.deep.equal([made.getConfig().rank, 1]);
    expect(bits(same.lora.loraB)).to.deep.equal(bits(made.loraB));
  });

  it("is refused with a reason", () => {
    refusal(() => fromBytes(file), "COUNT", /^rank: expected 1 to 4, got 8$/);
    const many = Array.from({ length: 65 }, () => [1, 2]);
    refusal(() => fromBytesReduced(ofRank(many, many)), "COUNT", /^rank: expected 1 to 64, got 65$/);
    const poisoned = ofRank(a, [[NaN, ...b[0].slice(1)], ...b.slice(1)]);
    refusal(() => fromBytesReduced(poisoned), "NOT_FINITE");
  });
});

describe("weights", () => {
  it("are given out as copies, and make the same adapter", () => {
    const made = trained(8, { rank: 3, alpha: 6, cap: 5 });
    const { loraA, loraB } = made;
    const back = MicroLoraWasm.fromWeights(made.getConfig(), [...loraA], loraB);
    const x = random.row(8);
    expect(bits(back.apply(x))).to.deep.equal(bits(made.apply(x)));
    loraA.fill(NaN);
    expect(bits(back.apply(x))).to.deep.equal(bits(made.apply(x)));
  });

  it("are refused with a reason", () => {
    const of = (a, b) => () => MicroLoraWasm.fromWeights(config({ inFeatures: 2, outFeatures: 3 }), a, b);
    const [a, b] = [new Float32Array(4), new Float32Array(6)];
    of(a, b)();
    refusal(of(b, b), "LENGTH", /loraA.*4.*6/);
    refusal(of(a, a), "LENGTH", /loraB.*6.*4/);
    refusal(of(a, b.fill(NaN)), "NOT_FINITE");
    refusal(of(a), "TYPE");
    refusal(() => MicroLoraWasm.fromWeights({}, a, b), "TYPE", /MicroLoraConfigWasm/);
  });
});

/** The same file as a writer other than ours would leave it. */
function withoutMetadata(bytes) {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length)));
  delete header.__metadata__;
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (text.length % 8)) % 8;
  const result = new Uint8Array(8 + text.length + padding + bytes.length - 8 - length).fill(0x20);
  new DataView(result.buffer).setBigUint64(0, BigInt(text.length + padding), true);
  result.set(text, 8);
  result.set(bytes.subarray(8 + length), 8 + text.length + padding);
  return result;
}

/** A file of PEFT's from the rows of A and the columns of B. */
function ofRank(a, b) {
  const [rank, inFeatures, outFeatures] = [a.length, a[0].length, b[0].length];
  const values = [...a.flat(), ...b[0].flatMap((_, o) => b.map((column) => column[o]))];
  const name = (what) => `base_model.model.m.lora_${what}.weight`;
  const middle = 4 * rank * inFeatures;
  const header = new TextEncoder().encode(
    JSON.stringify({
      [name("A")]: { dtype: "F32", shape: [rank, inFeatures], data_offsets: [0, middle] },
      [name("B")]: { dtype: "F32", shape: [outFeatures, rank], data_offsets: [middle, 4 * values.length] },
    }),
  );
  const start = 8 + ((header.length + 7) & ~7);
  const bytes = new Uint8Array(start + 4 * values.length).fill(32);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(header, 8);
  new Float32Array(bytes.buffer, start).set(values);
  return bytes;
}
