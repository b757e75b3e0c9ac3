// node main.mjs PROJECT CLICKS SEED: a long life of two adapters in Chromium. Exits with 1 if they differ in a bit, if an
// output is not finite, or if the page grows. `cargo xtask soak` runs it.
import { withEngine } from "../runner/engines.mjs";
import { scriptPage } from "../runner/project.mjs";
import { serve } from "../runner/server.mjs";

/** Clicks between two comparisons. The first ones compile, and fill the memory of lists. */
const BETWEEN_CHECKS = 10_000;
/** Growth of the page's heap that comes from compilers and the browser. */
const MAX_GROWTH = 4 << 20;

const [project, clicks, seed] = process.argv.slice(2);
const all = Number(clicks);
// With fewer there is nothing to compare the growth with.
if (!(Number.isSafeInteger(all) && all > BETWEEN_CHECKS))
  throw new Error(`CLICKS: expected a whole number above ${BETWEEN_CHECKS}, got ${clicks}`);

scriptPage(project, "soak/index.html", "soak/page.js");
const server = await serve(project);
const { version, first, last } = await withEngine("chromium", live).finally(server.close);
const engine = last.engineBytes - first.engineBytes;
const heap = last.heapBytes - first.heapBytes;
console.log(
  `${version}: ${all} clicks, ${last.saves} saves and loads: the same bits as without, outputs finite, ` +
    `${engine} bytes of growth in the engine's memory, ${heap} in the page's heap`,
);
if (last.saves === 0) {
  console.error("expected it to be saved and loaded at least once");
  process.exitCode = 1;
}
if (engine > 0 || heap > MAX_GROWTH) {
  console.error(`expected no growth of the engine's memory and at most ${MAX_GROWTH} bytes of the heap`);
  process.exitCode = 1;
}

async function live({ version, page, visit }) {
  await visit(`${server.url}/soak/?seed=${seed}`);
  let first, last;
  for (let done = 0; done < all; done += BETWEEN_CHECKS) {
    const count = Math.min(BETWEEN_CHECKS, all - done);
    last = await page.evaluate((count) => globalThis.soak(count), count);
    first ??= last;
  }
  return { version, first, last };
}
