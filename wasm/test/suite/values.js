// No value is taken for another, and nothing of an adapter is lost: what comes out of storage, from a model or from a
// misspelt line is used as it is meant, or refused by its own name.
import { Holdback, Memory, Replay } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { fromBytes } from "micro-lora/peft";
import { Random, adapter, bits, build, config, expect, lora, refusal, source, trained } from "./setup.js";

await lite.default(await source(build === "baseline" ? "lite.wasm" : "lite_simd.wasm"));

const { AdaptFeedbackWasm, MicroLoraConfigWasm, MicroLoraWasm } = lora;
const random = new Random(31);
const x = random.unit(8);
const rows = [random.unit(8), random.unit(8), random.unit(8)];

/** What is no number, and how a message has it. */
const NO_NUMBERS = [
  ["0.01", /got the string "0.01"$/],
  ["", /got the string ""$/],
  [null, /got null$/],
  [true, /got the boolean true$/],
  [1n, /got the bigint 1$/],
  [[1], /got an array$/],
  [{}, /got an object$/],
  [Symbol("rate"), /got the symbol Symbol\(rate\)$/],
];

/** Calls that take a number of that name. */
const NUMBERS = [
  ["strength", (made, value) => (made.strength = value)],
  ["learningRate", (made, value) => made.applyUpdates(value)],
  ["quality", (made, quality) => made.adaptChoice(x, rows, 1, { quality })],
  ["temperature", (made, temperature) => made.adaptChoice(x, rows, 1, { temperature })],
  ["weight", (made, weight) => made.adaptChoice(x, rows, 1, { weight })],
  ["temperature", (made, temperature) => made.adaptListwise(x, rows, [0, 1, 0], { temperature })],
  ["weight", (made, weight) => made.adaptGradient(x, x, { weight })],
  ["weight", (made, weight) => made.adaptTarget(x, x, weight)],
  ["weight", (made, weight) => made.adaptAttractRepel(x, x, [rows[0]], { weight })],
  ["learningRate", (made, learningRate) => made.rehearse(x, rows, [0, 1, 0], { learningRate })],
  [
    "learningRate",
    (made, learningRate) => made.adapt(x, Object.assign(new AdaptFeedbackWasm(1), { learningRate })),
  ],
  ["quality", (made, quality) => made.adapt(x, new AdaptFeedbackWasm(quality))],
  ["quality", (made, quality) => made.adapt(x, Object.assign(new AdaptFeedbackWasm(1), { quality }))],
  ["alpha", (made, alpha) => adapter(8, { alpha })],
  ["cap", (made, cap) => adapter(8, { cap })],
  ["decay", (made, decay) => adapter(8, { decay })],
  ["rank", (made, rank) => adapter(8, { rank })],
  [
    "learningRate",
    (made, learningRate) => new Replay(8, 8).learn(made, x, rows, [0, 1, 0], { learningRate }),
  ],
  ["learningRate", (made, learningRate) => new Replay(8, 8).rehearse(made, learningRate)],
  ["quality", (made, quality) => new Holdback().record(quality)],
];

/** Calls that take a whole number. */
const WHOLE = [
  ["chosen", (made, value) => made.adaptChoice(x, rows, value)],
  ["seed", (made, seed) => adapter(8, { seed })],
  ["modelId", (made, modelId) => adapter(8, { modelId })],
  ["step", (made, step) => adapter(8, { step })],
  ["inFeatures", (made, inFeatures) => adapter(8, { inFeatures })],
  ["list", (made, list) => new Replay(8, 8, list)],
  ["room", (made, room) => new Holdback().interleave([1], [2], room)],
];

/** Calls that take options, and one that each has. */
const OPTIONS = [
  ["adaptChoice", (made, options) => made.adaptChoice(x, rows, 1, options)],
  ["adaptListwise", (made, options) => made.adaptListwise(x, rows, [0, 1, 0], options)],
  ["adaptGradient", (made, options) => made.adaptGradient(x, x, options)],
  ["adaptTarget", (made, options) => made.adaptTarget(x, x, 1, options)],
  ["adaptAttractRepel", (made, options) => made.adaptAttractRepel(x, x, [rows[0]], options)],
  ["rehearse", (made, options) => made.rehearse(x, rows, [0, 1, 0], options)],
  ["Replay.learn", (made, options) => new Replay(8, 8).learn(made, x, rows, [0, 1, 0], options)],
  ["Replay.push", (made, options) => new Replay(8, 8).push(x, rows, [0, 1, 0], options)],
  ["Memory", (made, options) => new Memory(8, 8, options)],
  ["Memory.learn", (made, options) => new Memory(8, 8).learn(adapter(8, { step: 3 }), x, rows, 1, options)],
  ["Memory.fromJson", (made, options) => Memory.fromJson(new Memory(8, 8).toJson(), options)],
];

describe("a value", () => {
  const made = trained(8);
  made.applyUpdates();
  const before = made.toJson();
  const unchanged = () => expect(made.toJson()).to.equal(before);

  for (const [name, call] of NUMBERS) {
    it(`that is no number is refused as ${name}: ${call}`, () => {
      for (const [value, message] of NO_NUMBERS) {
        const said = refusal(() => call(made, value), "TYPE", message);
        expect(said).to.match(new RegExp(`^${name}: expected a number`));
      }
      unchanged();
    });
  }

  it("that is undefined is no strength of 0", () => {
    refusal(() => (made.strength = undefined), "TYPE", /^strength: expected a number, got undefined$/);
    unchanged();
  });

  for (const [name, call] of WHOLE) {
    it(`that is no number is refused as ${name}, which is whole`, () => {
      for (const [value, message] of NO_NUMBERS) {
        const said = refusal(() => call(made, value), ["COUNT", "TYPE"], message);
        expect(said).to.match(new RegExp(`^${name}: expected`));
      }
      unchanged();
    });
  }

  it("that is no boolean switches nothing on", () => {
    for (const [value, message] of NO_NUMBERS.filter(([value]) => value !== true).concat([
      ["false", /"false"$/],
    ]))
      refusal(() => adapter(8, { useRslora: value }), "TYPE", message);
    refusal(() => new Memory(8, 8, { scores: "false" }), "TYPE", /^scores: expected true or false/);
  });

  it("of a setting, an option or a field that is misspelt is refused", () => {
    refusal(() => adapter(8, { infeatures: 8 }), "TYPE", /^config: expected rank, alpha,.*, got infeatures$/);
    refusal(() => fromBytes(new Uint8Array(8), { lora_alpha: 16 }), ["TYPE", "SYNTAX", "MISSING"], /./);
    for (const [name, call] of OPTIONS) {
      refusal(() => call(made, { Temperature: 1 }), "TYPE", /^options: expected .*, got Temperature$/);
      for (const none of [0.5, "base", true])
        refusal(() => call(made, none), "TYPE", /^options: expected an object/);
      expect(() => call(made, { nothing: undefined }), name).to.throw(/got nothing$/);
    }
    unchanged();
    const more = JSON.stringify({ ...JSON.parse(before), comment: "mine" });
    refusal(() => MicroLoraWasm.fromJson(more), "SYNTAX", /got comment$/);
  });

  it("that stands among numbers and is none is refused by its place", () => {
    const among = (value) => [...x.slice(1), value];
    for (const value of ["1", true, 1n]) {
      refusal(() => made.apply(among(value)), "TYPE", /^input\[7\]: expected a number, got the /);
      refusal(() => made.adaptListwise(x, rows, [0, value, 0]), "TYPE", /^weights\[1\]: expected a number/);
    }
    refusal(
      () => made.apply(new BigInt64Array(8)),
      "TYPE",
      /^input\[0\]: expected a number, got the bigint 0$/,
    );
    refusal(() => made.adaptChoice(x, rows, 1, { base: new BigUint64Array(8) }), "TYPE", /^base\[0\]/);
    unchanged();
  });

  it("that is a tensor comes with a hint", () => {
    const tensor = { data: x, dims: [1, 8], type: "float32" };
    refusal(
      () => made.apply(tensor),
      "TYPE",
      /^input: expected an array of numbers, got an object: pass its .data$/,
    );
    expect(bits(made.apply(tensor.data))).to.deep.equal(bits(made.apply(x)));
  });

  it("that storage gives where it has nothing comes with a hint", () => {
    for (const nothing of [null, undefined]) {
      for (const from of [MicroLoraWasm, Memory, Replay, Holdback, lite.MicroLoraWasm]) {
        refusal(
          () => from.fromJson(nothing),
          "TYPE",
          /^json: expected a string, got (null|undefined): nothing was saved$/,
        );
        if (from.load) refusal(() => from.load(nothing), "TYPE", /^bytes: .*: nothing was saved$/);
      }
    }
  });

  it("that was made JSON twice is said to be", () => {
    for (const each of [made, new Memory(8, 8), new Replay(8, 8), new Holdback()]) {
      const twice = JSON.stringify(each.toJson());
      refusal(() => each.constructor.fromJson(twice), "FORMAT", /made JSON twice$/);
    }
  });
});

describe("what an adapter is made of", () => {
  const objects = () => [trained(8), new Memory(8, 8), new Replay(8, 8), new Holdback()];
  const user = {
    _at: 0,
    _block: [0, 0],
    _sizes: [1, 1, 1],
    _x: [1],
    _len: 7,
    at: 0,
    t: 0,
    o: 0,
    i: 0,
    e: 0,
    name: "me",
  };

  it("is not overwritten by what is assigned to it", () => {
    for (const made of objects()) {
      const before = made.toJson();
      // Every name that a minifier could have given, too.
      const names = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));
      for (const name of [...names, ...Object.keys(user)]) Object.assign(made, { [name]: 1e9 });
      expect(made.toJson()).to.equal(before);
      for (const key of Reflect.ownKeys(made)) {
        try {
          made[key] = 1e9;
        } catch (error) {
          expect(error).to.be.instanceOf(TypeError);
        }
      }
      expect(made.toJson()).to.equal(before);
      Object.freeze(made);
      expect(made.toJson()).to.equal(before);
    }
  });

  it("works through a proxy, as frameworks make them", () => {
    const made = trained(8);
    const proxy = new Proxy(made, {});
    expect(bits(proxy.apply(x))).to.deep.equal(bits(made.apply(x)));
    expect(proxy.adaptTarget(x, rows[0])).to.equal(0);
    expect(made.applyUpdates()).to.be.above(0);
  });

  it("is not lost in a clone, a message or a database: they refuse, and say what to do", async () => {
    const { port1, port2 } = new MessageChannel();
    for (const made of [...objects(), new lite.MicroLoraWasm(new lite.MicroLoraConfigWasm())]) {
      const hint = /expected toJson\(\) or save\(\)/;
      if (globalThis.structuredClone) refusal(() => structuredClone(made), "TYPE", hint);
      refusal(() => port1.postMessage({ made }), "TYPE", hint);
      expect(() => ({ ...made })).to.throw(hint);
    }
    port1.close();
    port2.close();
    if (!globalThis.indexedDB) return;
    const database = await new Promise((done, fail) => {
      const request = indexedDB.open("micro-lora-test", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("adapters");
      Object.assign(request, { onsuccess: () => done(request.result), onerror: () => fail(request.error) });
    });
    const store = database.transaction("adapters", "readwrite").objectStore("adapters");
    refusal(() => store.put(trained(8), 1), "TYPE", /toJson/);
    const bytes = trained(8).save();
    await new Promise((done) => (store.put(bytes, 2).onsuccess = done));
    const back = await new Promise((done) => {
      const request = database.transaction("adapters").objectStore("adapters").get(2);
      request.onsuccess = () => done(request.result);
    });
    database.close();
    expect(back).to.deep.equal(bytes);
    expect(MicroLoraWasm.load(back).pendingUpdates()).to.equal(1);
  });

  it("can be copied where it is a config: by assignment, spreading, cloning and JSON", () => {
    const given = config({ rank: 9, alpha: 7, inFeatures: 5, useRslora: true, decay: 0.25 });
    expect(given.rank).to.equal(4);
    for (const copy of [
      Object.assign(new MicroLoraConfigWasm(), given),
      config({ ...given }),
      config(JSON.parse(JSON.stringify(given))),
      ...(globalThis.structuredClone ? [config(structuredClone(given))] : []),
    ]) {
      expect({ ...copy }).to.deep.equal({ ...given });
      expect(copy.rank).to.equal(4);
    }
  });
});

describe("save and load", () => {
  const made = trained(8);
  const reloaded = MicroLoraWasm.fromJson(made.toJson()).toJson();

  it("are the same document as JSON, in bytes", () => {
    const bytes = made.save();
    expect(bytes).to.be.instanceOf(Uint8Array);
    expect(new TextDecoder().decode(bytes)).to.equal(made.toJson());
    const framed = new Uint8Array(bytes.length + 8);
    framed.set(bytes, 3);
    const view = framed.subarray(3, 3 + bytes.length);
    for (const given of [bytes, bytes.buffer, view, new DataView(view.buffer, 3, bytes.length)])
      expect(MicroLoraWasm.load(given).toJson()).to.equal(reloaded);
    refusal(() => MicroLoraWasm.load(bytes, 5), "MISMATCH");
    refusal(() => MicroLoraWasm.load(made.toJson()), "TYPE", /^bytes: expected a Uint8Array, got the string/);
    refusal(() => MicroLoraWasm.load([...bytes]), "TYPE", /got an array$/);
  });

  it("refuse every byte that is changed, and every text that is cut off", () => {
    const bytes = made.save();
    for (let i = 0; i < bytes.length; i += 1) {
      for (const bit of [1, 128]) {
        bytes[i] ^= bit;
        expect(() => MicroLoraWasm.load(bytes), `byte ${i}, bit ${bit}`)
          .to.throw(Error)
          .with.property("code");
        bytes[i] ^= bit;
      }
      expect(() => MicroLoraWasm.load(bytes.subarray(0, i)))
        .to.throw(Error)
        .with.property("code", "SYNTAX");
    }
    expect(MicroLoraWasm.load(bytes).toJson()).to.equal(reloaded);
  });

  it("are there beside an adapter, too, and static", () => {
    const dual = adapter(8, { step: 3, modelId: 4 });
    const memory = new Memory(8, 8, { modelId: 4 });
    memory.learn(dual, x, rows, 1);
    const ring = new Replay(8, 8, 5, 3, 4);
    for (let i = 0; i < 4; i += 1) ring.push(rows[i % 3], rows, [1, 0, i]);
    const holdback = new Holdback();
    holdback.recordClicks(holdback.interleave([1, 2], [2, 1], 2).map(() => 1));
    for (const [each, ...rest] of [[memory, { modelId: 4 }], [ring, 4], [holdback]]) {
      const { constructor } = each;
      const back = constructor.load(each.save(), ...rest);
      expect(back).to.be.instanceOf(constructor);
      expect(back.toJson()).to.equal(each.toJson());
      expect(constructor.fromJson(each.toJson(), ...rest).toJson()).to.equal(each.toJson());
    }
    refusal(() => Replay.fromJson(ring.toJson()), "MISMATCH", /^modelId: expected 0, got 4$/);
    const loaded = Replay.fromJson(ring.toJson(), 4);
    expect(loaded.length).to.equal(3);
    loaded.loadJson(ring.toJson());
    const whole = JSON.parse(ring.toJson());
    for (const [name, value] of [
      ["in_features", 0],
      ["list", 1],
      ["capacity", 0],
      ["len", 4],
      ["out_features", 7],
    ])
      refusal(
        () => Replay.fromJson(JSON.stringify({ ...whole, [name]: value }), 4),
        ["COUNT", "BASE64"],
        /./,
      );
  });
});

describe("Holdback.interleave", () => {
  it("tells results apart by a key", () => {
    const fetched = (ids) => ids.map((id) => ({ id, at: Math.random() }));
    const [base, adapted] = [
      [1, 2, 3, 4],
      [4, 2, 1, 3],
    ];
    for (let turn = 0; turn < 20; turn += 1) {
      const [byId, byKey] = [new Holdback(), new Holdback()];
      const ids = byId.interleave(base, adapted, 3);
      const results = byKey.interleave(fetched(base), fetched(adapted), 3, ({ id }) => id);
      expect(results.map(({ id }) => id)).to.deep.equal(ids);
      expect(byKey.toJson()).to.equal(byId.toJson());
    }
    // Without one, the same result fetched twice is two.
    const twice = new Holdback().interleave(fetched([1]), fetched([1]), 2);
    expect(twice.map(({ id }) => id)).to.deep.equal([1, 1]);
    refusal(() => new Holdback().interleave([1], [1], 2, "id"), "TYPE", /^key: expected a function/);
  });

  it("changes nothing where the key throws", () => {
    const holdback = new Holdback();
    holdback.interleave([1, 2], [2, 1], 2);
    const before = holdback.toJson();
    const broken = () => {
      throw new Error("no id");
    };
    expect(() => holdback.interleave([{}, {}], [{}, {}], 2, broken)).to.throw("no id");
    expect(holdback.toJson()).to.equal(before);
  });
});
