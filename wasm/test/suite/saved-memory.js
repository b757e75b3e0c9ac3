// The saved text of a memory: version 1, and the section `mean` of version 2.
import { Memory } from "micro-lora/learn";
import { WIDTH, make } from "./lists.js";
import { Random, bits, expect, lora, norm, readText, refusal } from "./setup.js";

const MODEL = 9;
const SIZES = { list: 4, capacity: 6 };

/** The text with other fields and the checksum of these, which the refusal of the old one says. */
const withSum = (text, fields) => {
  const state = { ...JSON.parse(text), ...fields };
  const wrong = JSON.stringify(Object.assign(state, { crc32: (state.crc32 ^ 1) >>> 0 }));
  const said = refusal(() => Memory.fromJson(wrong), "CHECKSUM");
  return JSON.stringify({ ...state, crc32: Number(said.match(/got (\d+)$/)[1]) });
};

/** Base64 of the words after a change. */
const changed = (base64, change) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const after = new Uint8Array(change(new DataView(bytes.buffer)) ?? bytes);
  return btoa(String.fromCharCode(...after));
};

describe("a saved memory of version 1", () => {
  const load = async () => {
    const [json, adapter] = [await readText("memory-v1.json"), await readText("memory-v1-adapter.json")];
    return [
      Memory.fromJson(json, { modelId: MODEL }),
      lora.MicroLoraWasm.fromJson(adapter, MODEL),
      json.trim(),
    ];
  };

  it("loads, and is written as it was while nothing is learned", async () => {
    const [memory, made, json] = await load();
    expect([memory.length, memory.capacity]).to.deep.equal([5, SIZES.capacity]);
    expect(memory.toJson()).to.equal(json);
    expect(new Memory(WIDTH, WIDTH, { ...SIZES, modelId: MODEL }).toJson()).to.include('"version":1,');
    expect(made.getConfig().modelId).to.equal(MODEL);
    refusal(() => Memory.fromJson(json), "MISMATCH", /expected 0, got 9$/);
  });

  it("goes on as version 2, and lists of both kinds are taken back", async () => {
    const [memory, made] = await load();
    const [older, alone] = await load();
    const random = new Random(5);
    const before = made.apply(Array(WIDTH).fill(0.4));
    // The second is a list without a click: the first that is learned counts, and this one is learned against it.
    for (const told of [
      [0, 1],
      [0, 0],
    ]) {
      const list = [random.unit(WIDTH), random.unit(WIDTH)];
      expect(memory.learn(made, random.unit(WIDTH), list, told).outcome).to.equal(0);
    }
    const json = memory.toJson();
    expect(json).to.include('{"format":"micro-lora-memory","version":2,');
    const again = Memory.fromJson(json, { modelId: MODEL });
    expect(again.toJson()).to.equal(json);
    // The oldest, 15, has made room, and 17 was taken back before the text was saved.
    for (const number of [16, 18, 19, 20, 21, 22])
      expect(again.forget(made, number), `list ${number}`).to.equal("forgotten");
    expect(again.length).to.equal(0);
    expect(again.toJson()).to.include('"version":1,');
    for (const number of [15, 16, 18, 19, 20])
      expect(older.forget(alone, number), `list ${number}`).to.equal("forgotten");
    const [left, expected] = [made, alone].map((each) => each.apply(Array(WIDTH).fill(0.4)));
    expect(norm(before)).to.be.above(1e-2);
    expect(norm(left.map((value, i) => value - expected[i]))).to.be.below(0.1 * norm(before));
  });
});

describe("the mean in a saved memory", () => {
  const random = new Random(12);
  const made = make();
  const memory = new Memory(WIDTH, WIDTH, SIZES);
  for (let event = 0; event < 4; event += 1)
    memory.learn(made, random.unit(WIDTH), [random.unit(WIDTH), random.unit(WIDTH)], event % 2 ? [0, 0] : 1);
  const text = memory.toJson();
  const { mean } = JSON.parse(text);

  it("is there once a list was learned, a list without a click too", () => {
    expect(memory.length).to.equal(4);
    expect(atob(mean)).to.have.length(4 * (6 + WIDTH));
    expect(withSum(text, {})).to.equal(text);
    expect(Memory.fromJson(text).toJson()).to.equal(text);
  });

  const float = (at, value) => changed(mean, (view) => view.setFloat32(4 * at, value, true));
  const count = (value) => changed(mean, (view) => view.setUint32(0, value, true));
  const damage = [
    ...[1, 5, 6, 13].map((at) => [
      { mean: float(at, NaN) },
      "NOT_FINITE",
      new RegExp(`^mean: expected finite values, got NaN at index ${at}$`),
    ]),
    [{ mean: float(7, -Infinity) }, "NOT_FINITE", /^mean: expected finite values, got -Infinity at index 7$/],
    [{ mean: float(2, 1e13) }, "OUT_OF_RANGE", /^mean of the documents/],
    [{ mean: float(6, 1e7) }, "OUT_OF_RANGE", /^mean of the documents/],
    [{ mean: count(0) }, "OUT_OF_RANGE", /^mean of the documents: expected 0 to 0/],
    [{ mean: btoa("\0".repeat(4 * (6 + WIDTH))) }, "COUNT", /^lists counted in the mean .*, got 0$/],
    [{ mean: count(3) }, "COUNT", /^lists counted in the mean of the documents: expected 4 to \d+, got 3$/],
  ];
  damage.forEach(([fields, code, message]) => {
    it(`is refused where it is damaged: ${code} for ${fields.mean}`, () => {
      const wrong = withSum(text, fields);
      refusal(() => Memory.fromJson(wrong), code, message);
      expect(memory.toJson()).to.equal(text);
      expect(Memory.fromJson(text).toJson()).to.equal(text);
    });
  });

  it("counts lists in its first word, whatever float that would be", () => {
    expect(Memory.fromJson(withSum(text, { mean: count(0xff800000) }))).to.have.length(4);
  });

  it("is refused where it has another length, is not there or does not belong there", () => {
    const state = JSON.parse(text);
    const without = ({ mean, ...rest }) => rest;
    for (const [fields, code, message] of [
      [
        { ...state, mean: changed(mean, ({ buffer }) => buffer.slice(4)) },
        "BASE64",
        /^mean: expected the base64 of 14/,
      ],
      [{ ...state, mean: btoa(`${atob(mean)}\0\0\0\0`) }, "BASE64", /^mean/],
      [{ ...state, mean: "" }, "BASE64", /^mean/],
      [{ ...state, mean: null }, "BASE64", /^mean/],
      [without(state), "BASE64", /^mean/],
      [{ ...state, version: 1 }, "SYNTAX", /got mean$/],
      [{ ...state, version: 3 }, "MISMATCH", /^version: expected 1 or 2, got 3$/],
      [without({ ...state, version: 1 }), "CHECKSUM", /./],
    ])
      refusal(() => Memory.fromJson(JSON.stringify(fields)), code, message);
    const older = withSum(JSON.stringify(without({ ...state, version: 1 })), {});
    refusal(() => Memory.fromJson(older), "COUNT", /^lists counted in the mean/);
  });

  it("gives back the room of a memory that is refused", () => {
    const { grow } = WebAssembly.Memory.prototype;
    const wrong = withSum(text, { mean: float(6, 1e7) });
    const load = () => refusal(() => Memory.fromJson(wrong), "OUT_OF_RANGE");
    load();
    let grown = 0;
    WebAssembly.Memory.prototype.grow = function (pages) {
      grown += 1;
      return grow.call(this, pages);
    };
    try {
      for (let i = 0; i < 2000; i += 1) load();
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
    expect(grown).to.equal(0);
  });
});
