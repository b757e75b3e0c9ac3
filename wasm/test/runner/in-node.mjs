// node in-node.mjs PROJECT BUILD: runs the suite in this process and prints the outcome as JSON.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import Mocha from "mocha";

const [project, build] = process.argv.slice(2);
process.env.MICRO_LORA_BUILD = build;

const files = new Set();
globalThis.wasmFilesRead = files;
for (const [of, name] of [
  [fs, "readFileSync"],
  [fs, "readFile"],
  [fs.promises, "readFile"],
]) {
  const read = of[name];
  of[name] = function (path, ...rest) {
    if (String(path).endsWith(".wasm")) files.add(String(path).split("/").pop());
    return read.call(this, path, ...rest);
  };
}
syncBuiltinESMExports();

const { Collect } = await import(pathToFileURL(resolve(project, "suite/collect.js")));
const mocha = new Mocha({ ui: "bdd", reporter: Collect, timeout: 120_000 });
mocha.addFile(join(resolve(project), "suite/all.js"));
await mocha.loadFilesAsync();
mocha.run(() => console.log(JSON.stringify({ ...Collect.outcome, loaded: Collect.loaded })));
