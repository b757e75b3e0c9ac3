// node two-tabs.mjs FOLDER TARBALL ENGINE: the example with IndexedDB, in two tabs that click at the same time.
import { strict as assert } from "node:assert";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withEngine } from "./engines.mjs";
import { HERE, importMap, install } from "./project.mjs";
import { serve } from "./server.mjs";

const FEATURES = 64;
const CLICKS = 20;
const [folder, tarball, engine = "chromium"] = process.argv.slice(2);

install(folder, tarball);
copyFileSync(join(HERE, "../../examples/browser/search.js"), join(folder, "search.js"));
writeFileSync(
  join(folder, "index.html"),
  `<!doctype html><title>example</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: importMap(folder) })}</script>
<script type="module">
  import { PersonalSearch } from "./search.js";
  const vector = (seed) => {
    const values = Float32Array.from({ length: ${FEATURES} }, (_, i) => Math.sin(seed * 12.9898 + i * 78.233));
    return values.map((value) => value / Math.hypot(...values));
  };
  const embeddings = () => Float32Array.from(Array.from({ length: 200 }, (_, id) => [...vector(id)]).flat());
  const search = await PersonalSearch.open("example", ${FEATURES}, embeddings);
  globalThis.clickAll = async (tab) => {
    for (let turn = 0; turn < ${CLICKS}; turn++) {
      const query = vector(1000 + 100 * tab + turn);
      const shown = await search.search(query);
      await search.click(query, shown, shown[turn % shown.length]);
    }
  };
  globalThis.results = async () => ({ ids: await search.search(vector(5000)), clicks: search.clicks });
  globalThis.outcome = true;
</script>`,
);

const server = await serve(folder);
await withEngine(engine, async ({ page, visit, version }) => {
  await visit(server.url);
  const other = await page.browser().newPage();
  await other.goto(server.url);
  await other.waitForFunction("globalThis.outcome");
  await Promise.all([page, other].map((tab, i) => tab.evaluate((i) => globalThis.clickAll(i), i)));

  const [here, there] = await Promise.all([page, other].map((tab) => tab.evaluate("results()")));
  assert.equal(here.clicks, 2 * CLICKS, `expected the clicks of both tabs, got ${here.clicks}`);
  assert.deepEqual(here, there, "expected the same results in both tabs");
  await visit(server.url);
  assert.deepEqual(await page.evaluate("results()"), here, "expected the same results after a restart");
  console.log(`${version}: two tabs clicked ${here.clicks} times at once; none is lost, both show the same`);
}).finally(server.close);
