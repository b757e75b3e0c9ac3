// node personal-search.mjs FOLDER TARBALL MODELS: the example `personal_search.ts` in a fresh project: its
// types checked against the real transformers.js, then run with a real MiniLM on descriptions of Debian
// packages.
import { copyFileSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "./compile.mjs";
import { HERE, install } from "./project.mjs";

const LIKED = "commandline";
const [DOCUMENTS, TRAIN, HELD_OUT] = [400, 150, 60];
const [folder, tarball, models] = process.argv.slice(2);

install(folder, tarball);
symlinkSync(
  join(HERE, "transformers/node_modules/@huggingface"),
  join(folder, "node_modules/@huggingface"),
  "dir",
);
copyFileSync(join(HERE, "../../examples/personal_search.ts"), join(folder, "personal_search.ts"));
compile(folder, ["personal_search.ts"], { skipLibCheck: true });
console.log("types: no complaint");

const { env } = await import(
  pathToFileURL(join(resolve(folder), "node_modules/@huggingface/transformers/dist/transformers.node.mjs"))
);
Object.assign(env, { allowRemoteModels: false, localModelPath: `${resolve(models)}/` });
const { PersonalSearch } = await import(pathToFileURL(resolve(folder, "personal_search.js")));

const table = readFileSync(join(HERE, "../../examples/data/debian.tsv"), "utf8")
  .trimEnd()
  .split("\n")
  .slice(1);
const packages = table
  .map((line) => line.split("\t"))
  .map(([, , text, , , interfaces]) => ({ text, liked: interfaces.split(",").includes(LIKED) }));
const likes = new Map(packages.map(({ text, liked }) => [text, liked]));
const texts = packages.map(({ text }) => text);

const started = performance.now();
let search = await PersonalSearch.create(texts.slice(0, DOCUMENTS), undefined, "minilm");
console.log(`${DOCUMENTS} descriptions embedded in ${((performance.now() - started) / 1000).toFixed(1)} s`);

const before = await heldOut();
for (const query of texts.slice(DOCUMENTS, DOCUMENTS + TRAIN)) {
  const { results, opened } = await search.search(query);
  const first = results.findIndex(({ text }) => likes.get(text));
  if (first >= 0) opened(first);
}
const after = await heldOut();
search = await PersonalSearch.create(texts.slice(0, DOCUMENTS), search.save(), "minilm");
const restored = await heldOut();

console.log(
  `results of the liked kind among five, ${HELD_OUT} searches never learned from: ` +
    `${before.toFixed(2)} before, ${after.toFixed(2)} after ${TRAIN} searches, ${restored.toFixed(2)} after a restart`,
);
if (!(after > before * 1.2) || restored !== after) {
  console.error("expected a fifth more results of the liked kind, and the same after a restart");
  process.exitCode = 1;
}

async function heldOut() {
  let count = 0;
  for (const query of texts.slice(-HELD_OUT)) {
    const { results } = await search.search(query);
    count += results.filter(({ text }) => likes.get(text)).length;
  }
  return count / HELD_OUT;
}
