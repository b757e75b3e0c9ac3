// node fresh.mjs FOLDER TARBALL [--all]: the packed tarball in fresh projects, one for each way of using it, each as it
// is by default or with the line that the package's README has for it. One line says what came of each.
import { withEngine } from "./engines.mjs";
import { BUNDLES } from "./fresh/bundles.mjs";
import { Place } from "./fresh/place.mjs";
import { PROGRAMS } from "./fresh/programs.mjs";
import { SERVERS } from "./fresh/servers.mjs";
import { serve } from "./server.mjs";

const [folder, tarball, ...options] = process.argv.slice(2);
const only = options.find((option) => !option.startsWith("--"));
const place = new Place(folder, tarball);
let [passed, failed] = [0, 0];

async function each(projects, look) {
  for (const project of projects) {
    const { name } = project;
    if ((project.all && !options.includes("--all")) || (only && !name.includes(only))) continue;
    const start = performance.now();
    const tell = (mark, what) =>
      console.log(`${mark}  ${name}: ${what} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
    try {
      const what = await look(project);
      passed += 1;
      tell("ok    ", what);
    } catch (error) {
      failed += 1;
      tell("FAILED", error.stack);
    }
  }
}

/** What came of a project, if it is what has to come. */
function learned(outcome, worker = false) {
  if (typeof outcome === "string") return outcome;
  const { learned, simd } = outcome;
  if (learned !== true || simd !== true || (worker && outcome.worker !== true))
    throw new Error(`expected that it learns, got ${JSON.stringify(outcome)}`);
  return "learned a click";
}

async function visit(browser, project) {
  const root = await project.run(place);
  const server = await serve(root, 0, project.headers?.(place));
  try {
    const what = learned(await browser.visit(`${server.url}/`), /worker/.test(project.name));
    const files = server.requests.filter((each) => each.endsWith(".wasm"));
    const expected = project.wasm ?? 1;
    if (files.length !== expected) throw new Error(`expected ${expected} .wasm files, got ${files}`);
    return `${what}, loaded ${files.join(", ") || "no file"}`;
  } finally {
    server.close();
  }
}

await each(PROGRAMS, async (project) => learned(await project.run(place)));
await withEngine("chromium", async ({ visit: visitFor }) => {
  const browser = { visit: (url) => visitFor(url, 60_000) };
  await each(BUNDLES, (project) => visit(browser, project));
  await each(SERVERS, async (project) => learned(await project.run(place, browser)));
});
console.log(`${passed} fresh projects passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
