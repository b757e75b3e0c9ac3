// A long life in a browser: two adapters and memories that see the same clicks; one of them is saved and loaded at
// random times.
import { Memory } from "micro-lora/learn";
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
import { Draw } from "/fuzz/draw.js";

const [FEATURES, RANK, LIST, LISTS, DOCUMENTS] = [384, 4, 10, 256, 1000];
/** Clicks between two saves, on average. */
const BETWEEN_SAVES = 1000;

const { searchParams } = new URL(location.href);
const [clicks, chance] = [0, 1].map((stream) => new Draw(2 * Number(searchParams.get("seed")) + stream));
const documents = Array.from({ length: DOCUMENTS }, () => unit(clicks));
const taste = unit(clicks);
const vectors = (id) => documents[id];

await init();
const alone = make();
let saved = make();
let saves = 0;

/** So many clicks more. Gives what the page has used by then; throws if the two differ. */
globalThis.soak = async (count) => {
  for (let click = 0; click < count; click += 1) {
    learn();
    if (chance.oneIn(BETWEEN_SAVES)) {
      saved = reload(saved);
      saves += 1;
    }
  }
  check();
  // The flag of `engines.mjs` allows it. Buffers of arrays are given back by another thread, after the first one.
  for (let time = 0; time < 2; time += 1) await globalThis.gc({ execution: "async" });
  return {
    saves,
    engineBytes: alone.lora.inputView.buffer.byteLength,
    heapBytes: performance.memory.usedJSHeapSize,
  };
};
globalThis.outcome = true;

function make() {
  const config = Object.assign(new MicroLoraConfigWasm(), {
    inFeatures: FEATURES,
    outFeatures: FEATURES,
    rank: RANK,
  });
  const lora = new MicroLoraWasm(config);
  config.free();
  const memory = new Memory(FEATURES, FEATURES, { capacity: LISTS, documents: "id", vectors });
  return { lora, memory };
}

/** The person clicks what is nearest to a taste. */
function learn() {
  const query = unit(clicks);
  const first = clicks.below(DOCUMENTS);
  const ids = Array.from({ length: LIST }, (_, i) => (first + 97 * i) % DOCUMENTS);
  const liked = ids.map((id) => dot(documents[id], taste));
  const best = liked.indexOf(Math.max(...liked));
  for (const { lora, memory } of [alone, saved]) {
    const { outcome } = memory.learn(lora, query, ids, best);
    if (outcome !== 0) throw new Error(`expected every list to be learned, got the outcome ${outcome}`);
  }
}

function reload({ lora, memory }) {
  const [adapter, lists] = [lora.toJson(), memory.toJson()];
  lora.free();
  memory.free();
  return { lora: MicroLoraWasm.fromJson(adapter), memory: Memory.fromJson(lists, { vectors }) };
}

function check() {
  const [one, other] = [alone, saved].map(({ lora, memory }) => [withoutGeneration(lora), memory.toJson()]);
  if (one[0] !== other[0]) throw new Error("the adapter's bits differ with saves and without");
  if (one[1] !== other[1]) throw new Error("the memory's bits differ with saves and without");
  if (!alone.lora.apply(taste).every(Number.isFinite)) throw new Error("an output is not finite");
}

/** To load counts as a change of the outputs, so the generations differ. */
function withoutGeneration(lora) {
  const state = JSON.parse(lora.toJson());
  delete state.generation;
  delete state.crc32;
  return JSON.stringify(state);
}

function unit(draw) {
  const row = draw.vector(FEATURES);
  const norm = Math.sqrt(dot(row, row));
  return row.map((value) => value / norm);
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}
