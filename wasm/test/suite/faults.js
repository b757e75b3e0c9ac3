// Every way of misusing the package, those included that break the system it replaces: NaN that poisons
// weights, wrong lengths and huge sizes that trap, states whose lengths do not match, use after free. Each is
// refused with a code and a message that says what was expected and what came, and leaves the adapter as it
// was.
import { fromBytes } from "micro-lora/peft";
import { Random, adapter, config, expect, lora, refusal, trained } from "./setup.js";

const { AdaptFeedbackWasm, MicroLoraWasm } = lora;
const random = new Random(99);
const x = random.unit(8);
const rows = random.row(24, 0.5);
const nothing = { length: 1e12 };
const nan = Float32Array.of(1, 2, 3, NaN, 5, 6, 7, 8);
const infinite = Float32Array.of(1, 2, 3, 4, -Infinity, 6, 7, 8);
const huge = new Float32Array(8).fill(3e38);
const good = new AdaptFeedbackWasm(0.9);

const freed = adapter(8);
freed.free();
const json = trained(8).toJson();
const badLengths = JSON.stringify({ ...JSON.parse(json), in_features: 7 });
const legacy =
  '{"adapter":{"lora_a":[1,2],"lora_b":[1],"scaling":2.0,"rank":2,"in_features":8,"out_features":8,' +
  '"grad_a":[],"grad_b":[],"grad_count":0},"samples_seen":1,"quality_sum":1.0}';

const endless = legacy.replace("[1,2]", '{"length":1e12}');

const orNull = (value) => (Number.isNaN(value) ? null : value);

/** The code, or those that would do; title; and the call, which is given an adapter 8 x 8. */
export const FAULTS = [
  ["LENGTH", "an input too short", (made) => made.apply(x.subarray(1))],
  ["LENGTH", "an input too long", (made) => made.apply(rows)],
  ["LENGTH", "an empty input", (made) => made.apply([])],
  ["NOT_FINITE", "NaN in an input", (made) => made.apply(nan)],
  ["NOT_FINITE", "infinity in an input", (made) => made.apply(infinite)],
  ["NOT_FINITE", "NaN in a residual", (made) => made.applyResidual(nan)],
  [
    "NOT_FINITE",
    "NaN in a view",
    (made) => {
      made.inputView.set(nan);
      made.run();
    },
  ],
  ["NOT_FINITE", "a value beyond f32", (made) => made.apply([1e300, 0, 0, 0, 0, 0, 0, 0])],
  ["LENGTH", "an output too short", (made) => made.applyInto(x, new Float32Array(7))],
  ["TYPE", "an output that is no Float32Array", (made) => made.applyInto(x, [0, 0, 0, 0, 0, 0, 0, 0])],
  ["LENGTH", "a batch of no whole number of vectors", (made) => made.applyBatch(rows.subarray(1))],
  ["NOT_FINITE", "NaN in a batch", (made) => made.applyBatch([x, nan])],
  ["TYPE", "no input", (made) => made.apply()],
  ["TYPE", "null for an input", (made) => made.apply(null)],
  ["TYPE", "a number for an input", (made) => made.apply(8)],
  [
    "NOT_FINITE",
    "null for a number, as JSON has it for NaN",
    (made) => made.apply([1, null, 3, 4, 5, 6, 7, 8]),
  ],
  ["NOT_FINITE", "null in a row", (made) => made.adaptListwise(x, [[...x], [...nan].map(orNull)], [0, 1])],
  ["NOT_FINITE", "null in flat candidates", (made) => made.adaptChoice(x, [...x, ...nan].map(orNull), 0)],
  [["NOT_FINITE", "OUT_OF_RANGE"], "null for a weight", (made) => made.adaptListwise(x, rows, [0, null, 1])],
  ["TYPE", "objects for numbers", (made) => made.apply(Array(8).fill({}))],
  ["LENGTH", "adapt: a wrong length", (made) => made.adapt(x.subarray(1), good)],
  ["NOT_FINITE", "adapt: NaN", (made) => made.adapt(nan, good)],
  ["NOT_FINITE", "adapt: infinity", (made) => made.adapt(infinite, good)],
  ["TYPE", "gradient: a number for options", (made) => made.adaptGradient(x, x, 0.5)],
  ["TYPE", "listwise: a temperature for options", (made) => made.adaptListwise(x, rows, [0, 1, 0], 0.1)],
  ["TYPE", "target: a text for options", (made) => made.adaptTarget(x, x, 1, "base")],
  [
    "TYPE",
    "attract and repel: true for options",
    (made) => made.adaptAttractRepel(x, x, [rows.subarray(8, 16)], true),
  ],
  ["TYPE", "rehearse: a learning rate for options", (made) => made.rehearse(x, rows, [0, 1, 0], 0.01)],
  ["TYPE", "adapt: no feedback", (made) => made.adapt(x)],
  ["TYPE", "adapt: something else for feedback", (made) => made.adapt(x, { quality: 1, learningRate: 0.01 })],
  ["OUT_OF_RANGE", "adapt: a quality of NaN", (made) => made.adapt(x, new AdaptFeedbackWasm(NaN))],
  ["OUT_OF_RANGE", "adapt: a learning rate of NaN", (made) => made.adapt(x, rate(NaN))],
  ["OUT_OF_RANGE", "adapt: a negative learning rate", (made) => made.adapt(x, rate(-1))],
  ["NOT_FINITE", "gradient: NaN", (made) => made.adaptGradient(x, nan)],
  ["LENGTH", "gradient: a wrong length", (made) => made.adaptGradient(x, rows)],
  ["OVERFLOW", "gradient: too large for f32", (made) => made.adaptGradient(huge, huge)],
  ["LENGTH", "an input that claims to be endless", (made) => made.apply(nothing)],
  [
    ["COUNT", "LENGTH", "MEMORY"],
    "choice: candidates that claim to be endless",
    (made) => made.adaptChoice(x, nothing, 0),
  ],
  [
    ["COUNT", "LENGTH", "MEMORY"],
    "choice: two billion candidates",
    (made) => made.adaptChoice(x, { length: 2 ** 31 }, 0),
  ],
  [
    ["COUNT", "LENGTH", "MEMORY"],
    "gradient: one that claims to be endless",
    (made) => made.adaptGradient(x, { length: 2 ** 30 }),
  ],
  ["LENGTH", "choice: half a candidate", (made) => made.adaptChoice(x, rows.subarray(4), 0)],
  ["NOT_FINITE", "choice: NaN in a candidate", (made) => made.adaptChoice(x, [x, nan], 0)],
  ["COUNT", "choice: one candidate", (made) => made.adaptChoice(x, x, 0)],
  ["COUNT", "choice: 65 candidates", (made) => made.adaptChoice(x, new Float32Array(65 * 8), 0)],
  ["COUNT", "choice: an index beyond the last", (made) => made.adaptChoice(x, rows, 3)],
  ["COUNT", "choice: a negative index", (made) => made.adaptChoice(x, rows, -1)],
  ["COUNT", "choice: half an index", (made) => made.adaptChoice(x, rows, 0.5)],
  ["COUNT", "choice: an index of 2 ** 32", (made) => made.adaptChoice(x, rows, 2 ** 32)],
  ["TYPE", "choice: a bare quality for options", (made) => made.adaptChoice(x, rows, 0, 0)],
  ["TYPE", "choice: null for a quality", (made) => made.adaptChoice(x, rows, 0, { quality: null })],
  ["TYPE", "target: null for a weight", (made) => made.adaptTarget(x, x, null)],
  ["TYPE", "updates: null for a rate", (made) => made.applyUpdates(null)],
  ["TYPE", "strength: a text", (made) => (made.strength = "1")],
  ["TYPE", "an output of integers", (made) => made.applyInto(x, new Int32Array(8))],
  ["COUNT", "choice: an index of NaN", (made) => made.adaptChoice(x, rows, NaN)],
  ["OUT_OF_RANGE", "choice: a quality of 2", (made) => made.adaptChoice(x, rows, 0, { quality: 2 })],
  ["OUT_OF_RANGE", "choice: a temperature of 0", (made) => made.adaptChoice(x, rows, 0, { temperature: 0 })],
  ["OUT_OF_RANGE", "choice: a weight of NaN", (made) => made.adaptChoice(x, rows, 0, { weight: NaN })],
  ["LENGTH", "choice: a base of a wrong length", (made) => made.adaptChoice(x, rows, 0, { base: [1, 2] })],
  ["NOT_FINITE", "choice: NaN in the base", (made) => made.adaptChoice(x, rows, 0, { base: nan })],
  ["LENGTH", "list: too few weights", (made) => made.adaptListwise(x, rows, [1, 0])],
  ["OUT_OF_RANGE", "list: a negative weight", (made) => made.adaptListwise(x, rows, [1, 0, -1])],
  ["ZERO_NORM", "target: no direction", (made) => made.adaptTarget(x, new Float32Array(8))],
  ["OUT_OF_RANGE", "target: a weight of infinity", (made) => made.adaptTarget(x, x, Infinity)],
  ["COUNT", "attract and repel: nothing to repel", (made) => made.adaptAttractRepel(x, x, [])],
  ["OUT_OF_RANGE", "update: a rate of NaN", (made) => made.applyUpdates(NaN)],
  ["OUT_OF_RANGE", "update: a negative rate", (made) => made.applyUpdates(-0.01)],
  ["OUT_OF_RANGE", "update: an infinite rate", (made) => made.applyUpdates(Infinity)],
  [
    "OUT_OF_RANGE",
    "a strength of NaN",
    (made) => {
      made.strength = NaN;
    },
  ],
  [
    "OUT_OF_RANGE",
    "a negative strength",
    (made) => {
      made.strength = -1;
    },
  ],
  ["COUNT", "no input features", () => adapter(8, { inFeatures: 0 })],
  ["COUNT", "two billion input features", () => adapter(8, { inFeatures: 2_000_000_000 })],
  ["COUNT", "two billion output features", () => adapter(8, { outFeatures: 2_000_000_000 })],
  ["TYPE", "no config", () => new MicroLoraWasm()],
  [
    "TYPE",
    "something else for a config",
    () => new MicroLoraWasm({ rank: 2, inFeatures: 8, outFeatures: 8 }),
  ],
  ["SYNTAX", "garbage for JSON", () => MicroLoraWasm.fromJson("garbage")],
  ["SYNTAX", "truncated JSON", () => MicroLoraWasm.fromJson(json.slice(0, -9))],
  ["TYPE", "no JSON", () => MicroLoraWasm.fromJson()],
  ["TYPE", "an object for JSON", () => MicroLoraWasm.fromJson({})],
  ["BASE64", "a state whose lengths do not match", () => MicroLoraWasm.fromJson(badLengths)],
  ["LENGTH", "an old state whose lengths do not match", () => MicroLoraWasm.fromJson(legacy)],
  [["COUNT", "LENGTH"], "an old state that claims to be endless", () => MicroLoraWasm.fromJson(endless)],
  ["MISMATCH", "a state for another model", () => MicroLoraWasm.fromJson(json, 5)],
  ["SYNTAX", "garbage for safetensors", () => fromBytes(new Uint8Array(20).fill(7))],
  ["FREED", "apply after free", () => freed.apply(x)],
  ["FREED", "adapt after free", () => freed.adaptChoice(x, rows, 0)],
  ["FREED", "toJson after free", () => freed.toJson()],
  ["FREED", "a view after free", () => freed.inputView],
  [["TYPE", "FREED"], "a method borrowed by something else", () => MicroLoraWasm.prototype.apply.call({}, x)],
];

function rate(learningRate) {
  const feedback = new AdaptFeedbackWasm(0.9);
  feedback.learningRate = learningRate;
  return feedback;
}

describe("a fault", () => {
  const made = trained(8);
  const before = made.toJson();
  const arguments_ = () =>
    JSON.stringify([x, rows, good.quality, good.learningRate].map((each) => Array.from(each)));
  const passed = arguments_();
  for (const [code, title, call] of FAULTS) {
    it(`${title}: ${[code].flat().join(" or ")}`, () => {
      const message = refusal(() => call(made), code);
      if (!["FREED", "SYNTAX"].includes(code)) {
        expect(message).to.match(/expected .*(got|came)|too large/s);
      }
      expect(made.toJson(), "the adapter").to.equal(before);
      expect(arguments_(), "what was passed").to.equal(passed);
    });
  }

  it("in an output array leaves the array as it was", () => {
    const output = Float32Array.of(8, 7, 6, 5, 4, 3, 2, 1);
    refusal(() => made.applyInto(nan, output), "NOT_FINITE");
    expect([...output]).to.deep.equal([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it("in a rank does not exist: it is clamped", () => {
    expect(new MicroLoraWasm(config({ rank: 0 })).getConfig().rank).to.equal(1);
    expect(new MicroLoraWasm(config({ rank: 9 })).getConfig().rank).to.equal(4);
  });

  it("names what was wrong, what was expected and what came", () => {
    const message = refusal(() => made.apply(new Float32Array(3)), "LENGTH");
    expect(message).to.include("8").and.include("3").and.include("input");
  });

  it("in an adapter that is not square and has no base is refused", () => {
    const wide = adapter(8, { outFeatures: 5 });
    refusal(() => wide.adaptChoice(x, new Float32Array(10), 0), "BASE_REQUIRED");
    refusal(() => wide.applyResidual(x), ["BASE_REQUIRED", "SQUARE_REQUIRED"], /8.*5/);
    refusal(() => wide.adapt(x, good), "SQUARE_REQUIRED");
  });
});
