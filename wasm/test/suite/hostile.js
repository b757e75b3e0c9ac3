// What programs pass by mistake, and what `cargo xtask fuzz-js` has found: each is refused with a code, or works.
import { Explore, Holdback, Memory, Replay } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { fromBytes, toBytes } from "micro-lora/peft";
import { Random, adapter, build, config, expect, lora, refusal, source, trained } from "./setup.js";

await lite.default(await source(build === "baseline" ? "lite.wasm" : "lite_simd.wasm"));

const { MicroLoraWasm } = lora;
const random = new Random(77);
const x = random.unit(8);
const rows = [random.unit(8), random.unit(8)];

export const liteAdapter = () =>
  new lite.MicroLoraWasm(
    Object.assign(new lite.MicroLoraConfigWasm(), { inFeatures: 8, outFeatures: 8, rank: 2 }),
  );

describe("a static method", () => {
  it("works without its class, as `then` and `map` call it", async () => {
    const json = trained(8).toJson();
    const { fromJson, load, fromWeights } = MicroLoraWasm;
    expect(await Promise.resolve(json).then(fromJson)).to.be.instanceOf(MicroLoraWasm);
    expect(await Promise.resolve(trained(8).save()).then(load)).to.be.instanceOf(MicroLoraWasm);
    const { loraA, loraB } = trained(8);
    expect(fromWeights(config({ inFeatures: 8, outFeatures: 8 }), loraA, loraB)).to.be.instanceOf(
      MicroLoraWasm,
    );
    for (const each of [new Memory(8, 8), new Replay(8, 8), new Holdback(), liteAdapter()]) {
      const from = each.constructor.fromJson;
      expect(from(each.toJson())).to.be.instanceOf(each.constructor);
    }
  });

  it("of a class that extends it makes one of that class", () => {
    for (const Class of [MicroLoraWasm, lite.MicroLoraWasm]) {
      class Mine extends Class {}
      const json = Class === MicroLoraWasm ? trained(8).toJson() : liteAdapter().toJson();
      expect(Mine.fromJson(json)).to.be.instanceOf(Mine);
    }
  });
});

describe("a method", () => {
  it("is refused on what its class has not made", () => {
    const made = [trained(8), liteAdapter(), new Memory(8, 8), new Replay(8, 8), new Holdback()];
    const given = { interleave: [[], [], 1], adaptAttractRepel: [x, x, [x]], why: [trained(8), x, rows] };
    for (const { constructor } of made) {
      const { prototype } = constructor;
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const { value } = Object.getOwnPropertyDescriptor(prototype, name);
        if (typeof value !== "function" || name === "constructor") continue;
        for (const self of [undefined, {}, 5, new Date(0), Object.create(prototype)])
          refusal(
            () => value.apply(self, given[name] ?? [x, x, x, x]),
            ["TYPE", "FREED", "UNSUPPORTED", "COUNT"],
          );
      }
    }
    for (const self of [undefined, {}])
      refusal(() => Explore.prototype.draw.call(self, rows), "TYPE", /^spread: expected a number/);
  });
});

describe("a saved text", () => {
  it("has each field once, in digits and base64", () => {
    const [dual, memory, ring, holdback] = [
      adapter(8, { step: 3 }),
      new Memory(8, 8),
      new Replay(8, 8),
      new Holdback(),
    ];
    memory.learn(dual, x, rows, 1);
    for (const made of [dual, trained(8), memory, ring, holdback]) {
      const json = made.toJson();
      const { fromJson } = made.constructor;
      const [name, value] = Object.entries(JSON.parse(json)).find(([, each]) => Number.isInteger(each));
      const field = `"${name}":${value}`;
      for (const wrong of [
        json.replace(field, `${field},${field}`),
        json.replace(field, `"${name}":${value}.0`),
        json.replace(field, `"${name}":${value}e0`),
        json.replace(field, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":${value}`),
        json.replace("{", '{"":false,'),
      ])
        refusal(() => fromJson(wrong), "SYNTAX", /^(state|version)/);
      const spaced = JSON.stringify(JSON.parse(json), null, 2).replaceAll("/", "\\/");
      expect(fromJson(spaced).toJson()).to.equal(fromJson(json).toJson());
    }
  });

  it("of the dual step is of that step", () => {
    const dual = adapter(8, { step: 4 });
    dual.adaptChoice(x, rows, 1);
    const json = dual.toJson();
    const wrong = JSON.stringify({ ...JSON.parse(json), step: 4 });
    refusal(
      () => MicroLoraWasm.fromJson(wrong),
      "COUNT",
      /^step: expected a whole number from 3 to 3, got 4$/,
    );
  });

  it("says what is wrong with sizes that are none", () => {
    const old = JSON.stringify({
      adapter: { rank: 2, lora_a: [1], lora_b: [1], scaling: 1 },
      samples_seen: 0,
      quality_sum: 0,
    });
    refusal(() => MicroLoraWasm.fromJson(old), "COUNT", /^in_features: expected a whole number/);
    const memory = JSON.parse(new Memory(8, 8).toJson());
    refusal(() => Memory.fromJson(JSON.stringify({ ...memory, kinds: 3 })), "COUNT", /^kinds/);
  });
});

describe("a file of PEFT", () => {
  const file = toBytes(trained(8, { rank: 1 }));
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
  const [first] = Object.keys(header).filter((name) => name.includes("lora_A"));
  const withTensor = (tensor) => {
    const text = new TextEncoder().encode(JSON.stringify({ ...header, [first]: tensor }));
    const made = new Uint8Array(8 + text.length + 64);
    new DataView(made.buffer).setUint32(0, text.length, true);
    made.set(text, 8);
    return made;
  };

  it("may have anything in its header", () => {
    for (const tensor of [
      null,
      5,
      "x",
      [],
      { dtype: "F32" },
      { dtype: "F32", shape: 5 },
      { ...header[first], data_offsets: 8 },
    ])
      refusal(() => fromBytes(withTensor(tensor)), ["UNSUPPORTED", "SYNTAX"]);
    refusal(() => fromBytes(file, undefined, Symbol("s")), "MISSING", /got the symbol/);
    refusal(() => toBytes(trained(8), ""), "SYNTAX", /got the string ""$/);
  });
});

describe("a config", () => {
  it("is read once, before there is an adapter", () => {
    let reads = 0;
    const settings = config({ inFeatures: 8, outFeatures: 8 });
    Object.defineProperty(settings, "alpha", {
      enumerable: true,
      get: () => {
        reads += 1;
        adapter(60_000, { rank: 4 }).free();
        return 4;
      },
    });
    expect(new MicroLoraWasm(settings).getConfig().alpha).to.equal(4);
    expect(reads).to.equal(1);
  });
});

describe("a ring of sizes that differ", () => {
  it("takes no list without a base, and passes over one that an older program has saved", () => {
    const ring = new Replay(8, 4, 3, 3);
    const list = [
      x,
      [
        [1, 2, 3, 4],
        [4, 3, 2, 1],
      ],
      [1, 0],
    ];
    refusal(() => ring.push(...list), "BASE_REQUIRED", /^base: expected 4 values/);
    ring.push(...list, { base: [0, 0, 0, 1] });
    const made = adapter(8, { outFeatures: 4 });
    expect(ring.rehearse(made, 0.01, 1)).to.equal(1);
    const before = made.toJson();
    // The flag of the base is the last word of the entry.
    const older = { ...ring.toJSON(), entries: ring.toJSON().entries.replace(/AQAAAA==$/, "AAAAAA==") };
    const said = refusal(() => Replay.fromJson(JSON.stringify(older)), "CHECKSUM");
    older.crc32 = Number(said.match(/got (\d+)$/)[1]);
    expect(Replay.fromJson(JSON.stringify(older)).rehearse(made, 0.01, 3)).to.equal(0);
    expect(made.toJson()).to.equal(before);
  });
});

describe("drawing directions that cancel", () => {
  it("changes nothing", () => {
    const explore = new Explore(1, 3);
    const before = { ...explore };
    refusal(() => explore.draw([[0, 0]]), "ZERO_NORM");
    expect({ ...explore }).to.deep.equal(before);
  });
});

describe("an engine of another entry", () => {
  const fresh = (entry, copy) => import(`${import.meta.resolve(entry)}?copy=${copy}`);
  const file = (name) => source(build === "baseline" ? `${name}.wasm` : `${name}_simd.wasm`);

  it("is refused by name, and the right one may follow", async () => {
    for (const [entry, own, other, message] of [
      ["micro-lora", "micro_lora", "lite", /a module of micro-lora, got the engine of micro-lora\/lite/],
      ["micro-lora/lite", "lite", "micro_lora", /a module of micro-lora\/lite, got the engine of micro-lora/],
    ]) {
      const made = await fresh(entry, "other-engine");
      const error = await made.default(await file(other)).catch((thrown) => thrown);
      expect(error).to.have.property("code", "NOT_LOADED");
      expect(error.message).to.match(message);
      await made.default(await file(own));
      const settings = Object.assign(new made.MicroLoraConfigWasm(), { inFeatures: 8, outFeatures: 8 });
      expect(new made.MicroLoraWasm(settings).apply(x)).to.have.length(8);
    }
  });
});
