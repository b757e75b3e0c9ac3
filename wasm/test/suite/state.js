import { Random, adapter, bits, expect, lora, readText, refusal, trained } from "./setup.js";

const { MicroLoraWasm } = lora;
const legacy = JSON.parse(await readText("legacy.json"));
const random = new Random(8);

/** The state with some of its fields replaced. */
const changed = (made, fields) => JSON.stringify({ ...JSON.parse(made.toJson()), ...fields });

describe("state", () => {
  it("comes back whole and goes on with the same bits", () => {
    for (const settings of [
      {},
      { rank: 4, cap: Infinity, modelId: 9 },
      { useRslora: true, alpha: 3, step: 1 },
    ]) {
      const made = trained(24, settings);
      const back = MicroLoraWasm.fromJson(made.toJson(), settings.modelId);
      for (const each of [made, back]) {
        const same = new Random(21);
        for (let event = 0; event < 10; event += 1) {
          each.adaptChoice(same.unit(24), same.row(72, 0.3), event % 3);
          each.applyUpdates(0.02);
        }
      }
      const x = random.row(24);
      expect(bits(back.apply(x))).to.deep.equal(bits(made.apply(x)));
      expect(JSON.parse(back.toJson())).to.include({ lora_a: JSON.parse(made.toJson()).lora_a });
    }
  });

  it("keeps pending events, statistics and strength", () => {
    const made = trained(8);
    made.strength = 0.25;
    const back = MicroLoraWasm.fromJson(made.toJson());
    expect(back.pendingUpdates()).to.equal(1);
    expect(back.strength).to.equal(0.25);
    expect({ ...back.stats() }).to.deep.equal({ ...made.stats() });
    expect(back.applyUpdates(0.01)).to.equal(made.applyUpdates(0.01));
  });

  it("is JSON that other tools may re-format", () => {
    const made = trained(8);
    const { format, version } = JSON.parse(made.toJson());
    expect([format, version]).to.deep.equal(["micro-lora", 1]);
    const spaced = JSON.stringify(JSON.parse(made.toJson()), null, 2);
    expect(bits(MicroLoraWasm.fromJson(spaced).apply(random.row(8)))).to.be.an("array");
    const x = random.row(8);
    expect(bits(MicroLoraWasm.fromJson(spaced).apply(x))).to.deep.equal(bits(made.apply(x)));
  });

  it("is what JSON.stringify gives of an adapter", () => {
    const made = trained(8);
    expect(JSON.stringify(made)).to.equal(made.toJson());
    expect(JSON.parse(JSON.stringify({ of: [made] })).of[0].format).to.equal("micro-lora");
    made.free();
    refusal(() => JSON.stringify(made), "FREED");
  });

  it("says of a text that looks like a number that it is a text", () => {
    const made = trained(8);
    refusal(
      () => MicroLoraWasm.fromJson(changed(made, { seed: "5" })),
      "SYNTAX",
      /^seed: .* got the string "5"$/,
    );
    refusal(
      () => MicroLoraWasm.fromJson(changed(made, { version: "1" })),
      "MISMATCH",
      /^version: expected 1 or 2, got the string "1"$/,
    );
    refusal(
      () => MicroLoraWasm.fromJson(made.toJson(), "0"),
      "MISMATCH",
      /^modelId: expected the string "0", got 0$/,
    );
    refusal(() => adapter(8, { seed: "7" }), "COUNT", /^seed: .* got the string "7"$/);
    refusal(
      () => made.adaptChoice(random.row(8), random.row(16), "1"),
      "COUNT",
      /^chosen: .* got the string "1"$/,
    );
    refusal(
      () => made.applyUpdates("0.01"),
      "TYPE",
      /^learningRate: expected a number, got the string "0.01"$/,
    );
  });

  it("is refused if its step or its flags are none that there are, or its fields are of another version", () => {
    const made = trained(8);
    for (const [fields, code, message] of [
      [{ step: 5 }, "COUNT", /^step: expected a whole number from 0 to 4, got 5$/],
      [{ version: 3 }, "MISMATCH", /^version: expected 1 or 2, got 3$/],
      [{ version: 2 }, "SYNTAX", /^dual_flags: expected a whole number of 32 bits, got undefined$/],
      [
        { version: 2, dual_flags: 0, lists: 0 },
        "BASE64",
        /^dual: expected the base64 of 0 values, got something else$/,
      ],
      [{ dual_flags: 0 }, "SYNTAX", /^state: expected format, version, .* crc32, got dual_flags$/],
    ])
      refusal(() => MicroLoraWasm.fromJson(changed(made, fields)), code, message);
  });

  it("is refused with a reason when it is not what it should be", () => {
    const made = trained(8);
    const json = made.toJson();
    const cases = [
      ["", "SYNTAX"],
      ["{}", null],
      ["null", null],
      ["[]", null],
      ['"text"', null],
      ['{"format":"other"}', null],
      [json.slice(0, -1), "SYNTAX"],
      [json.slice(0, 100), "SYNTAX"],
      [`${json}x`, "SYNTAX"],
      // Twice, with another value or the same; with white space, as JSON may have it; by another spelling.
      [json.replace("{", '{"seed":3,'), "SYNTAX"],
      [json.replace(/}$/, ',"seed" : 5}'), "SYNTAX"],
      [json.replace("{", '{"s\\u0065ed":5,'), "SYNTAX"],
      [`\u0000${json}`, "SYNTAX"],
      [changed(made, { format: "other" }), "FORMAT"],
      [changed(made, { version: 2 }), "SYNTAX"],
      [changed(made, { crc32: 1 }), "CHECKSUM"],
      [changed(made, { samples: 5 }), "CHECKSUM"],
      [changed(made, { lora_a: "AAAA" }), "BASE64"],
      [changed(made, { lora_b: "!" }), "BASE64"],
      [changed(made, { rank: 9 }), null],
      [changed(made, { in_features: 0 }), null],
      [changed(made, { in_features: 2_000_000_000 }), null],
      [changed(made, { in_features: 9 }), null],
      [changed(made, { rank: null }), "SYNTAX"],
      [changed(made, { more: 1 }), null],
    ];
    for (const [text, code] of cases) {
      let error = null;
      try {
        MicroLoraWasm.fromJson(text);
      } catch (thrown) {
        error = thrown;
      }
      const title = `${JSON.stringify(text.slice(0, 60))}: ${error?.code} ${error?.message}`;
      expect(error, title).to.be.instanceOf(Error);
      expect(error.code, title).to.be.a("string");
      if (code) expect(error.code, title).to.equal(code);
    }
  });

  it("is refused if any one character of it was damaged", () => {
    const json = trained(4, { rank: 1 }).toJson();
    for (let at = 0; at < json.length; at += 1) {
      const other = json[at] === "B" ? "C" : "B";
      expect(
        () => MicroLoraWasm.fromJson(json.slice(0, at) + other + json.slice(at + 1)),
        `at ${at}`,
      ).to.throw(Error);
    }
  });

  it("is refused for another model", () => {
    const json = trained(8, { modelId: 7 }).toJson();
    refusal(() => MicroLoraWasm.fromJson(json), "MISMATCH", /7/);
    refusal(() => MicroLoraWasm.fromJson(json, 8), "MISMATCH", /7/);
    expect(MicroLoraWasm.fromJson(json, 7).getConfig().modelId).to.equal(7);
  });
});

describe("a state saved by @ruvector/ruvllm-wasm", () => {
  it("loads, and gives what it gave there", () => {
    const made = MicroLoraWasm.fromJson(legacy.state);
    expect(made.getConfig()).to.include({ inFeatures: 5, outFeatures: 3, rank: 2, alpha: 4 });
    made.apply(legacy.input).forEach((value, i) => expect(value).to.be.closeTo(legacy.output[i], 1e-7));
  });

  it("are of the model that they are loaded for, and of numbers", () => {
    const made = MicroLoraWasm.fromJson(legacy.state, 5);
    expect(made.getConfig().modelId).to.equal(5);
    MicroLoraWasm.fromJson(made.toJson(), 5);
    const changed = (change) => JSON.stringify({ ...JSON.parse(legacy.state), ...change });
    refusal(() => MicroLoraWasm.fromJson(changed({ samples_seen: -1 })), "COUNT", /^samples_seen: expected/);
    refusal(
      () => MicroLoraWasm.fromJson(changed({ quality_sum: "1" })),
      "TYPE",
      /^quality_sum: expected a number/,
    );
  });

  it("can learn and be saved here", () => {
    const made = MicroLoraWasm.fromJson(legacy.state);
    const labels = [
      [1, 0, 0],
      [0, 1, 0],
    ];
    expect(made.adaptChoice(legacy.input, labels, 1, { base: [0.1, 0, 0] })).to.equal(0);
    expect(made.applyUpdates()).to.be.above(0);
    expect(bits(MicroLoraWasm.fromJson(made.toJson()).apply(legacy.input))).to.deep.equal(
      bits(made.apply(legacy.input)),
    );
  });

  it("is refused if its lengths do not match, or a weight is null", () => {
    const broken = (change) => {
      const state = JSON.parse(legacy.state);
      change(state.adapter);
      return JSON.stringify(state);
    };
    const changes = [
      (a) => {
        a.lora_a = a.lora_a.slice(1);
      },
      (a) => {
        a.lora_b.push(0);
      },
      (a) => {
        a.in_features = 6;
      },
      (a) => {
        a.lora_a[3] = null;
      },
      (a) => {
        a.lora_a[3] = "x";
      },
      (a) => {
        a.rank = 0;
      },
      (a) => {
        a.rank = 9;
      },
      (a) => {
        a.in_features = 2e9;
      },
      (a) => {
        delete a.lora_b;
      },
      (a) => {
        a.lora_a = {};
      },
      (a) => {
        a.scaling = null;
      },
      (a) => {
        a.scaling = 0;
      },
      (a) => {
        a.lora_a = { length: 10 };
      },
      (a) => {
        a.lora_a[0] = 1e300;
      },
    ];
    for (const change of changes) {
      let error = null;
      try {
        MicroLoraWasm.fromJson(broken(change));
      } catch (thrown) {
        error = thrown;
      }
      expect(error, change.toString()).to.be.instanceOf(Error);
      expect(error.code, `${change}: ${error.message}`).to.be.a("string");
    }
  });
});

describe("a state of version 1 from long ago", () => {
  it("loads and goes on", async () => {
    const made = MicroLoraWasm.fromJson(await readText("v1.json"), 77);
    expect(made.getConfig()).to.include({
      inFeatures: 8,
      outFeatures: 5,
      rank: 3,
      alpha: 6,
      cap: 1.5,
      seed: 9,
    });
    expect(made.pendingUpdates()).to.equal(1);
    expect(made.applyUpdates()).to.be.above(0);
  });
});

describe("one adapter", () => {
  it("is untouched by loading into another", () => {
    const made = adapter(8);
    const before = made.toJson();
    expect(() => MicroLoraWasm.fromJson(`${before}!`)).to.throw();
    expect(made.toJson()).to.equal(before);
  });
});
