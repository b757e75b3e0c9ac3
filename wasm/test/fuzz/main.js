// node main.js [--count N] [--seed S] [--case K] [--native PROGRAM]: so many cases, half of them damaged documents, half
// sequences of calls. The same seed makes the same cases. `cargo xtask fuzz-js` runs it.
import { builds } from "./builds.js";
import { CALLS } from "./calls.js";
import { documents, damagedFile, files } from "./documents.js";
import { Draw, seedOf } from "./draw.js";
import { load, loadFile } from "./loads.js";
import { Native } from "./native.js";
import { Fault, same } from "./oracle.js";
import { World } from "./world.js";

const options = Object.fromEntries(
  process.argv
    .slice(2)
    .flatMap((word, i, words) => (word.startsWith("--") ? [[word.slice(2), words[i + 1]]] : [])),
);
const [count, run] = [Number(options.count ?? 4000), Number(options.seed ?? 0)];
const CALLS_AT_MOST = 16;
const FAULTS_AT_MOST = 20;

const both = await builds();
const native = new Native(options.native);
const whole = documents(both.simd, run);
const written = files(both.simd);
const tally = { documents: 0, accepted: 0, files: 0, sequences: 0, calls: 0, refused: 0 };

function sequence(draw) {
  const seed = draw.word();
  const strangeness = draw.pick([5, 12, 12, 40, 200]);
  const play = (library) => {
    const own = new Draw(seed);
    const world = new World(library, own, strangeness);
    try {
      for (let n = 1 + own.below(CALLS_AT_MOST); n > 0; n -= 1) world.call(...own.pick(CALLS));
      world.look();
    } catch (error) {
      throw error instanceof Fault
        ? new Fault(`${error.message}\n  after\n    ${world.calls.join("\n    ")}`)
        : error;
    }
    world.free();
    return world;
  };
  const { calls, isOfItsOwn } = play(both.simd);
  tally.sequences += 1;
  tally.calls += calls.length;
  tally.refused += calls.filter((text) => / refused: | threw /.test(text)).length;
  if (draw.oneIn(4) && !isOfItsOwn) {
    same("with simd128 and without", calls.join("\n"), play(both.baseline).calls.join("\n"));
  }
}

function document(draw, number) {
  if (draw.oneIn(12)) {
    tally.files += 1;
    return loadFile(both, draw, damagedFile(draw, draw.pick(written)));
  }
  const one = load(both, draw, draw.pick(whole));
  tally.documents += 1;
  if (one.saved) tally.accepted += 1;
  native.add({ ...one, number });
}

/** Cases by what is wrong with them: where it was thrown, or what was said, without its numbers. */
const faults = new Map();
function held(number, task) {
  try {
    task();
  } catch (error) {
    const text = error instanceof Fault ? error.message : error.stack;
    const [said, ...more] = text.split("\n");
    const kind = (
      more.find((line) => line.includes(" at ") && line.includes("node_modules")) ?? said
    ).replaceAll(/\d+/g, "");
    const cases = faults.get(kind) ?? [];
    faults.set(kind, [...cases, number]);
    if (!cases.length)
      console.error(`\nCase ${number} of seed ${run} (--seed ${run} --case ${number}):\n  ${text}`);
  }
}

const [first, end] = options.case ? [Number(options.case), Number(options.case) + 1] : [0, count];
const started = performance.now();
for (let number = first; number < end && faults.size < FAULTS_AT_MOST; number += 1) {
  const draw = new Draw(seedOf(run, number));
  held(number, () => (number % 2 ? sequence(draw) : document(draw, number)));
  // What is forgotten is given back between tasks.
  if (number % 200 === 0) await new Promise((done) => setImmediate(done));
  if (number % 50_000 === 49_999)
    console.log(`${number + 1} cases, ${Math.round((performance.now() - started) / 1000)} s`);
}
for (const [kind, cases] of faults) console.error(`${cases.length} cases: ${kind}`);
held("the native engine", () => native.compare());
console.log(
  `seed ${run}: ${tally.documents} documents (${tally.accepted} accepted, ${native.compared} compared with the native engine), ` +
    `${tally.files} PEFT files, ${tally.sequences} sequences of ${tally.calls} calls (${tally.refused} refused); ${faults.size} kinds of fault`,
);
process.exitCode = faults.size ? 1 : 0;
