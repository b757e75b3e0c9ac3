// node main.mjs PROJECT ENGINE BUILD: runs the suite in one engine with one build of the wasm, and prints one
// line with the file that was loaded and the count of tests.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { withEngine } from "./engines.mjs";
import { HERE } from "./project.mjs";
import { serve } from "./server.mjs";

const [project, engine, build] = process.argv.slice(2);

const { version, outcome } = engine === "node" ? inNode() : await inBrowser();
for (const { title, message } of outcome.failures) console.error(`\nFAILED: ${title}\n${message}`);
const {
  tests,
  pending,
  loaded = [],
  failures: { length: failed },
} = outcome;
console.log(
  `${version}, ${build}: loaded ${loaded.join(", ") || "nothing"}; ` +
    `${tests} tests passed, ${failed} failed, ${pending} left out`,
);
if (process.env.MICRO_LORA_SLOWEST) {
  for (const [time, title] of outcome.times.sort(([a], [b]) => b - a).slice(0, 12))
    console.log(`${time} ms  ${title}`);
}
check();

async function inBrowser() {
  const server = await serve(project);
  try {
    return await withEngine(engine, async ({ version, visit }) => {
      const outcome = await visit(`${server.url}/page/?build=${build}`);
      return { version, outcome };
    });
  } finally {
    server.close();
  }
}

function inNode() {
  const program = join(HERE, "runner/in-node.mjs");
  const output = execFileSync(process.execPath, ["--expose-gc", program, project, build], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });
  return { version: `Node ${process.version}`, outcome: JSON.parse(output) };
}

/** No test, a test left out, or another file than the one asked for proves nothing. */
function check() {
  // The modules for Node have the build with simd128 in them.
  const inModule = engine === "node" ? "" : "learn_simd.wasm";
  const expected = build === "baseline" ? "learn.wasm" : inModule;
  const wrong = loaded.join(", ") !== expected;
  if (wrong)
    console.error(
      `expected ${expected || "nothing"} to be loaded and nothing else, came ${loaded.join(", ") || "nothing"}`,
    );
  if (failed > 0 || tests === 0 || pending > 0 || wrong) process.exitCode = 1;
}
