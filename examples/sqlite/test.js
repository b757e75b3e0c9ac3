// Documents and people in one file: does each person's taste come to the top, how long does it take, and is a reported
// click still there after the process was killed?
//
//     node test.js            10,000 documents, 100 people, 20 kills
//     node test.js --quick    1,000 documents, 5 people, 3 kills
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { PersonalSearch } from "./search.js";

const FEATURES = 384;
const SUBJECTS = 50;
const CLICKS = 20;

const [mode, ...rest] = process.argv.slice(2);
if (mode === "clicking") await clicking(...rest);
else await test(mode === "--quick" ? [1000, 5, 3] : [10_000, 100, 20]);

async function test([documents, people, kills]) {
  const folder = mkdtempSync(join(tmpdir(), "micro-lora-sqlite-"));
  try {
    const file = join(folder, "search.db");
    const search = await PersonalSearch.open(file, FEATURES);
    search.add(library(documents));
    usePeople(search, people);
    search.close();
    console.log(`${people} people in one file of ${(statSync(file).size / 1e6).toFixed(1)} MB`);
    await killed(file, kills);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Everybody searches and clicks what suits their taste; then they search for subjects that are new to them. */
function usePeople(search, people) {
  const liked = { before: 0, after: 0 };
  const times = { search: [], click: [] };
  for (let person = 1; person <= people; person++) {
    for (let turn = 0; turn < CLICKS; turn++) {
      const query = queryAbout(turn, person);
      const shown = timed(times.search, () => search.search(person, query));
      const clicked = shown.find((id) => isLiked(id, person));
      if (clicked !== undefined) timed(times.click, () => search.click(person, query, shown, clicked));
    }
    for (let subject = CLICKS; subject < SUBJECTS; subject++) {
      const query = queryAbout(subject, person);
      liked.before += search.search(undefined, query).filter((id) => isLiked(id, person)).length;
      liked.after += search.search(person, query).filter((id) => isLiked(id, person)).length;
    }
  }
  const searches = people * (SUBJECTS - CLICKS);
  const [before, after] = [liked.before, liked.after].map((count) => count / searches);
  console.log(
    `of ten results, to the person's taste: ${before.toFixed(1)} frozen, ${after.toFixed(1)} learned`,
  );
  console.log(
    `${times.click.length} clicks; median of a search ${median(times.search)} ms, of a click ${median(times.click)} ms`,
  );
  assert(after > before + 1, "expected one more of ten results to the person's taste");
}

/** Kills a clicking process repeatedly, each time at another moment. */
async function killed(file, kills) {
  const person = 1_000_000;
  let lost = 0;
  for (let kill = 0; kill < kills; kill++) {
    const told = await clickAndKill(file, person, 5 + ((kill * 37) % 40));
    const search = await PersonalSearch.open(file, FEATURES);
    const clicks = search.clicks(person);
    assert(
      clicks.length === told || clicks.length === told + 1,
      `expected ${told} clicks or one more, got ${clicks.length}`,
    );
    lost += clicks.length - told;
    // The file's adapter equals one that learns the file's clicks, bit for bit.
    const again = await PersonalSearch.open(":memory:", FEATURES);
    again.add(library(1000));
    for (const { query, shown, clicked } of clicks) again.click(person, query, shown, clicked);
    assert(
      taught(search, person) === taught(again, person),
      "expected what the clicks teach, got something else",
    );
    search.close();
    again.close();
  }
  console.log(
    `${kills} kills: every click that was told of is there, with what it taught (${lost} times one that was not told yet)`,
  );
}

/** Both texts, without the count of loads and the checksum over it. */
function taught(search, person) {
  const [adapter, memory] = search.state(person) ?? ["{}", ""];
  return JSON.stringify({ ...JSON.parse(adapter), generation: 0, crc32: 0 }) + memory;
}

/** How many clicks had been reported when the process died. */
function clickAndKill(file, person, wait) {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), "clicking", file, String(person)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let text = "";
    child.stdout.on("data", (chunk) => {
      // Count from its first click, so that it is not always killed while it starts.
      if (text === "") setTimeout(() => child.kill("SIGKILL"), wait);
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", (_, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`expected it to be killed, it ended: ${text}`));
      // A truncated line does not count as reported.
      else resolve(Number(text.split("\n").at(-2)));
    });
  });
}

async function clicking(file, person) {
  const search = await PersonalSearch.open(file, FEATURES);
  for (let count = search.clicks(person).length; ; ) {
    const query = queryAbout(count % SUBJECTS, count);
    const shown = search.search(Number(person), query).map((id) => ((id - 1) % 1000) + 1);
    const unique = [...new Set(shown)];
    search.click(Number(person), query, unique, unique[count % unique.length]);
    count += 1;
    process.stdout.write(`${count}\n`);
  }
}

/** Pairs of an id and an embedding: half a subject, a part of one of eight tastes, and noise. */
function* library(count) {
  for (let id = 1; id <= count; id++) {
    yield [id, mix([subject(id % SUBJECTS), 1], [taste(tasteOf(id)), 0.4], [noise(3e6 + id), 0.8])];
  }
}

function queryAbout(index, person) {
  return mix([subject(index), 1], [noise(5e6 + index * 1000 + person), 0.8]);
}

function tasteOf(id) {
  return Math.floor(id / SUBJECTS) % 8;
}

function isLiked(id, person) {
  return tasteOf(id) === person % 8;
}

function subject(index) {
  return noise(1e6 + index);
}

function taste(index) {
  return noise(2e6 + index);
}

/** A random direction, always the same for the same seed. */
function noise(seed) {
  let state = (seed * 2654435761) >>> 0;
  const values = Float32Array.from({ length: FEATURES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return unit(values);
}

function mix(...parts) {
  const sum = new Float32Array(FEATURES);
  for (const [vector, weight] of parts) vector.forEach((value, i) => (sum[i] += weight * value));
  return unit(sum);
}

function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function timed(times, run) {
  const start = performance.now();
  const result = run();
  times.push(performance.now() - start);
  return result;
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1].toFixed(2);
}
