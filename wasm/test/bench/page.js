// In the browser: what both packages can do, at every size and rank.
import initOld, * as old from "/node_modules/@ruvector/ruvllm-wasm/ruvllm_wasm.js";
import { Memory } from "micro-lora/learn";
import init, * as ours from "micro-lora";
import { make, measure } from "./measure.js";
import { PlainLora } from "./plain.js";

const SIZES = [384, 768, 1536, 4096];
const RANKS = [1, 2, 4];
const CANDIDATES = 10;
/** Small enough for weights to stay as they are, however often it is measured. */
const RATE = 1e-9;

await Promise.all([init(), initOld()]);

const results = [];
for (const size of SIZES) {
  for (const rank of RANKS) results.push({ size, rank, ...measureShape(size, rank) });
}
globalThis.outcome = { results, clicks: measureClicks() };

function measureShape(size, rank) {
  const x = unit(size);
  const y = new Float32Array(size);
  const rows = Float32Array.from(Array.from({ length: CANDIDATES }, () => [...unit(size)]).flat());
  const [theirs, mine, plain] = [
    make(old, size, rank),
    // The step that takes every kind of feedback.
    make(ours, size, rank, 2),
    new PlainLora(size, size, rank, 4 / rank),
  ];
  const [theirFeedback, myFeedback] = [old, ours].map(({ AdaptFeedbackWasm }) => new AdaptFeedbackWasm(0.9));
  learnSomething(theirs, mine, x, rows, theirFeedback);
  const [theirState, myState] = [theirs.toJson(), mine.toJson()];
  mine.inputView.set(x);
  const times = measure({
    "old construct": () => make(old, size, rank).free(),
    construct: () => make(ours, size, rank).free(),
    "old apply": () => theirs.apply(x),
    apply: () => mine.apply(x),
    applyInto: () => mine.applyInto(x, y),
    run: () => mine.run(),
    "plain applyInto": () => plain.applyInto(x, y),
    "old adapt": () => theirs.adapt(x, theirFeedback),
    adapt: () => mine.adapt(x, myFeedback),
    adaptChoice: () => mine.adaptChoice(x, rows, 3),
    "old adapt + applyUpdates": () => {
      theirs.adapt(x, theirFeedback);
      theirs.applyUpdates(RATE);
    },
    "adapt + applyUpdates": () => {
      mine.adapt(x, myFeedback);
      mine.applyUpdates(RATE);
    },
    "adaptChoice + applyUpdates": () => {
      mine.adaptChoice(x, rows, 3);
      mine.applyUpdates(RATE);
    },
    "old toJson": () => theirs.toJson(),
    toJson: () => mine.toJson(),
    "old fromJson": () => old.MicroLoraWasm.fromJson(theirState).free(),
    fromJson: () => ours.MicroLoraWasm.fromJson(myState).free(),
  });
  theirs.free();
  mine.free();
  return { times };
}

/** A click by the dual step, with all its visits: ten results of a list, nine lists visited again. */
function measureClicks() {
  const [size, rank, lists] = [384, 4, 100];
  const rows = Array.from({ length: 400 }, () => unit(size));
  const shown = (click) => Array.from({ length: CANDIDATES }, (_, i) => (7 * click + 13 * i) % rows.length);
  const learning = (options, documents) => {
    const lora = make(ours, size, rank);
    const memory = new Memory(size, size, { capacity: lists, ...options });
    let click = 0;
    const learn = () => {
      click += 1;
      memory.learn(lora, rows[click % rows.length], documents(click), click % CANDIDATES);
    };
    while (click < lists) learn();
    return learn;
  };
  const byValue = (click) => shown(click).map((id) => rows[id]);
  const once = make(ours, size, rank);
  return measure({
    "documents by id": learning({ documents: "id", vectors: (id) => rows[id] }, shown),
    "documents as int8": learning({}, byValue),
    "documents as f32": learning({ documents: "f32", queries: "f32" }, byValue),
    "no memory: adaptChoice + applyUpdates": () => {
      once.adaptChoice(rows[0], rows.slice(0, CANDIDATES), 3);
      once.applyUpdates();
    },
  });
}

/** Zeros are quicker to print than trained weights. */
function learnSomething(theirs, mine, x, rows, feedback) {
  for (let event = 0; event < 20; event += 1) {
    theirs.adapt(x, feedback);
    theirs.applyUpdates(0.1);
    mine.adaptChoice(x, rows, event % CANDIDATES);
    mine.applyUpdates(0.01);
  }
}

function unit(size) {
  const row = Float32Array.from({ length: size }, () => Math.random() - 0.5);
  const norm = Math.hypot(...row);
  return row.map((value) => value / norm);
}
