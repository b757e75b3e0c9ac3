// In the browser: ten thousand adapters, all of them kept. Memory that has grown stays, so a page can measure this once.
import initOld, * as old from "/node_modules/@ruvector/ruvllm-wasm/ruvllm_wasm.js";
import init, * as ours from "micro-lora";
import { make } from "./measure.js";

const [SIZE, RANK] = [384, 2];
/** The last number of each part that is timed on its own. */
const PARTS = [5000, 10_000];
const TURN = 250;

await Promise.all([init(), initOld()]);

const packages = { "old creation": old, creation: ours };
const kept = [];
let number = 0;
const parts = PARTS.map((last) => {
  const times = Object.fromEntries(Object.keys(packages).map((name) => [name, 0]));
  const from = number + 1;
  for (; number < last; number += TURN)
    for (const [name, library] of Object.entries(packages)) times[name] += create(library);
  for (const name of Object.keys(times)) times[name] *= 1e6 / (last - from + 1);
  return { from, last, times };
});
globalThis.outcome = { size: SIZE, rank: RANK, parts };

/** Milliseconds for one turn. */
function create(library) {
  const start = performance.now();
  for (let i = 0; i < TURN; i += 1) kept.push(make(library, SIZE, RANK));
  return performance.now() - start;
}
