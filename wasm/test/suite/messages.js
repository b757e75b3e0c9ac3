// Messages that tell what to do: each is read here as a whole.
import { Memory, Replay } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { Random, adapter, build, config, expect, lora, refusal, source } from "./setup.js";

await lite.default(await source(build === "baseline" ? "lite.wasm" : "lite_simd.wasm"));

const { AdaptFeedbackWasm, MicroLoraWasm } = lora;
const random = new Random(61);
const x = random.unit(8);
const rows = [random.unit(8), random.unit(8)];
const made = adapter(8);
const dual = adapter(8, { step: 3 });
const byVector = new Memory(8, 8, { list: 4 });
const byId = new Memory(8, 8, { list: 4, documents: "id", vectors: (id) => rows[id] });
const vectors = async (id) => rows[id];
const promising = new Memory(8, 8, { list: 4, documents: "id", vectors });
const before = [made, dual, byVector, byId].map((each) => each.toJson());

const smallLite = () => {
  const settings = { inFeatures: 8, outFeatures: 8 };
  return new lite.MicroLoraWasm(Object.assign(new lite.MicroLoraConfigWasm(), settings));
};

const STEPS = "(0, 2: scaled, 1: SGD, 3: dual, 4: auto)";

/** What was done wrong, the call and all of the message. */
const WRONG = [
  [
    "ids for vectors",
    () => byVector.learn(dual, x, [17, 4, 250], 2),
    'documents: expected 2 to 4 vectors of 8 values, got 3 numbers: for ids make the Memory with documents: "id"',
  ],
  [
    "names for vectors",
    () => byVector.learn(dual, x, ["a", "b"], 1),
    'documents[0]: expected a vector, got the string "a"',
  ],
  [
    "names for candidates",
    () => made.adaptListwise(x, ["a", "b"], [0, 1]),
    'candidates[0]: expected a vector, got the string "a"',
  ],
  [
    "one candidate",
    () => made.adaptChoice(x, [rows[0]], 0),
    "candidates: expected 2 to 64 vectors of 8 values, got 1",
  ],
  [
    "names for candidates, lite",
    () => smallLite().adaptChoice(x, ["a", "b"], 1),
    'candidates[0]: expected a vector, got the string "a"',
  ],
  [
    "vectors for ids",
    () => byId.learn(dual, x, rows, 1),
    'ids[0]: expected a whole number from 0 to 4294967295 (the memory was made with documents: "id"), got an array',
  ],
  ["a memory without its adapter", () => byId.forget(5), "lora: expected an adapter of micro-lora, got 5"],
  [
    "a query in the place of the adapter",
    () => byVector.learn(x, dual, rows, 1),
    "lora: expected an adapter of micro-lora, got an array",
  ],
  [
    "vectors in one array for ids",
    () => byId.learn(dual, x, new Float32Array(16), 1),
    'ids: expected 2 to 4 (the memory was made with documents: "id"), got 16',
  ],
  [
    "a document taken back that is not kept by id",
    () => byVector.forgetDocument(dual, 3),
    'documents: expected a memory made with documents: "id", got "int8"',
  ],
  [
    "documents learned again that are not kept by id",
    () => byVector.relearn(dual, () => x),
    'documents: expected a memory made with documents: "id", got "int8"',
  ],
  [
    "lists with scores learned again",
    () => new Memory(8, 8, { documents: "id", scores: true, vectors: () => x }).relearn(dual),
    "scores: expected a memory made with scores: false, got true",
  ],
  [
    "a memory and an adapter of another step",
    () => byVector.learn(made, x, rows, 1),
    "step: expected 3 (dual) or 4 (auto), which a Memory is for, got 2: set config.step = 3",
  ],
  [
    "lists learned again by an adapter of another step",
    () => byId.relearn(made),
    "step: expected 3 (dual) or 4 (auto), which a Memory is for, got 2: set config.step = 3",
  ],
  [
    "a ring and an adapter of another step",
    () => new Replay(8, 8).learn(dual, x, rows, [0, 1]),
    "step: expected 0 to 2, which a Replay is for, got 3: set config.step = 2, or use a Memory",
  ],
  [
    "other feedback for the dual step",
    () => dual.adapt(x, new AdaptFeedbackWasm(1)),
    "quality: expected adaptChoice, adaptListwise or learn of a Memory, because this adapter learns by step 3 (dual), got other feedback: " +
      "for it, make one with config.step = 2",
  ],
  [
    "a step by its name",
    () => adapter(8, { step: "dual" }),
    `step: expected a whole number from 0 to 4 ${STEPS}, got the string "dual"`,
  ],
  [
    "bytes for a text",
    () => MicroLoraWasm.fromJson(made.save()),
    "json: expected a string, got an array: load() takes bytes",
  ],
  [
    "a text for bytes",
    () => MicroLoraWasm.load("{}"),
    'bytes: expected a Uint8Array, got the string "{}": fromJson() takes text',
  ],
  [
    "a text for bytes of a memory",
    () => Memory.load("{}"),
    'bytes: expected a Uint8Array, got the string "{}": fromJson() takes text',
  ],
  [
    "a promise of a vector",
    () => made.apply(Promise.resolve(x)),
    "input: expected an array of numbers, got a promise: await it",
  ],
  [
    "promises of vectors",
    () => made.adaptChoice(x, [Promise.resolve(rows[0]), Promise.resolve(rows[1])], 1),
    "candidates[0]: expected an array of numbers, got a promise: await it",
  ],
  [
    "a promise of a text",
    () => MicroLoraWasm.fromJson(Promise.resolve("{}")),
    "json: expected a string, got a promise: await it",
  ],
  [
    "promises of numbers",
    () => made.apply(Array(8).fill(Promise.resolve(1))),
    "input[0]: expected a number, got a promise: await it",
  ],
  [
    "promises of numbers, lite",
    () => smallLite().apply(Array(8).fill(Promise.resolve(1))),
    "input[0]: expected a number, got a promise: await it",
  ],
  [
    "promises of documents",
    () => byVector.learn(dual, x, [rows[0], Promise.resolve(rows[1])], 1),
    "documents[1]: expected an array of numbers, got a promise: await it",
  ],
  [
    "promises of what a document is made of",
    () => byVector.learn(dual, x, [rows[0], Array(8).fill(Promise.resolve(1))], 1),
    "documents[1][0]: expected a number, got a promise: await it",
  ],
  [
    "promises of clicks",
    () => byVector.learn(dual, x, rows, [0, Promise.resolve(1)]),
    "clicks[1]: expected a number, got a promise: await it",
  ],
  [
    "a function for vectors that is async",
    () => promising.learn(dual, x, [0, 1], 1),
    "vectors: expected to return the vector itself, got a promise: load the vectors first",
  ],
  [
    "more rows than an input has values, in a memory",
    () => new Memory(2, 2).learn(adapter(2, { step: 4, rank: 3 }), [1, 0], [1, 0, 0, 1], 1),
    "rank: expected 1 to 2 (inFeatures), for a Memory, got 3",
  ],
  [
    "more rows than an input has values, learned again",
    () => new Memory(2, 2, { documents: "id", vectors }).relearn(adapter(2, { step: 4, rank: 4 })),
    "rank: expected 1 to 2 (inFeatures), for a Memory, got 4",
  ],
  [
    "a promise of options",
    () => made.adaptChoice(x, rows, 1, Promise.resolve({ quality: 0 })),
    "options: expected an object, got a promise: await it",
  ],
  [
    "a promise of an adapter",
    () => byVector.learn(Promise.resolve(dual), x, rows, 1),
    "lora: expected an adapter of micro-lora, got a promise: await it",
  ],
  [
    "a promise of a number",
    () => (made.strength = Promise.resolve(1)),
    "strength: expected a number, got a promise: await it",
  ],
  [
    "a setting that is misspelt",
    () => adapter(8, { learningrate: 1 }),
    "config: expected rank, alpha, outFeatures, inFeatures, useRslora, cap, step, decay, modelId, seed, got learningrate",
  ],
  [
    "a field of feedback that is misspelt",
    () => made.adapt(x, Object.assign(new AdaptFeedbackWasm(1), { learning_rate: 1 })),
    "feedback: expected quality, learningRate, got learning_rate",
  ],
  ["a rate out of range", () => made.applyUpdates(-1), "learningRate: expected 0 to 1000, got -1"],
  [
    "a gradient that is not finite",
    () => made.adaptGradient(x, [NaN, 0, 0, 0, 0, 0, 0, 0]),
    "gradOutput: expected finite values, got NaN or infinity at index 0",
  ],
  ["another model", () => MicroLoraWasm.fromJson(made.toJson(), 3), "modelId: expected 3, got 0"],
];

describe("a message", () => {
  for (const [wrong, call, expected] of WRONG) {
    it(`says all of it: ${wrong}`, () => {
      const said = refusal(call, [
        "COUNT",
        "TYPE",
        "UNSUPPORTED",
        "STEP",
        "OUT_OF_RANGE",
        "NOT_FINITE",
        "MISMATCH",
      ]);
      expect(said).to.equal(expected);
      expect([made, dual, byVector, byId].map((each) => each.toJson())).to.deep.equal(before);
    });
  }

  it("says that a memory has more lists than its adapter has learned", () => {
    const memory = new Memory(8, 8, { list: 4 });
    const other = adapter(8, { step: 3 });
    memory.learn(other, x, rows, 1);
    other.reset();
    expect(refusal(() => memory.learn(other, x, rows, 1), "COUNT")).to.equal(
      "lists in the memory, not more than its adapter has learned: expected 0 to 0, got 1",
    );
  });
});
