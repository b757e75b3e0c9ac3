import { fromBytes, toBytes } from "micro-lora/peft";
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
