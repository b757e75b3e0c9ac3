// node examples.mjs FOLDER TARBALL: the TypeScript example in a fresh project, checked, compiled, and run in
// Node and in Chromium.
import { copyFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "./compile.mjs";
import { withEngine } from "./engines.mjs";
import { HERE, importMap, install } from "./project.mjs";
import { serve } from "./server.mjs";

const SOURCE = join(HERE, "../../examples/micro_lora_example.ts");
const [folder, tarball] = process.argv.slice(2);

install(folder, tarball);
copyFileSync(SOURCE, join(folder, "example.ts"));
compile(folder, ["example.ts"]);

const { main } = await import(pathToFileURL(resolve(folder, "example.js")));
tell("Node", await main());

writeFileSync(
  join(folder, "index.html"),
  `<!doctype html><title>example</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports: importMap(folder) })}</script>
<script type="module">
  import { main } from './example.js';
  globalThis.outcome = await main(localStorage).catch((error) => ({ error: error.stack }));
</script>`,
);
const server = await serve(folder);
const outcome = await withEngine("chromium", ({ visit }) => visit(server.url)).finally(server.close);
tell("Chromium", outcome);

function tell(where, lines) {
  if (!Array.isArray(lines) || lines.length === 0)
    throw new Error(`${where}: ${lines.error ?? "no scenario ran"}`);
  console.log(`${where}: ${lines.length} scenarios`);
  for (const line of lines) console.log(`  ${line}`);
}
