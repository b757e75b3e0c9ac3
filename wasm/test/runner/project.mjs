// A fresh project that has installed the packed tarball, as a user's would: what every test runs against.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const HERE = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const LIBRARIES = ["chai", "mocha"];

/** Removes what was in `folder` and installs the tarball there. */
export function install(folder, tarball, more = {}) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const manifest = { name: "fresh-project", private: true, type: "module", ...more };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2));
  npm(folder, "install", "--prefer-offline", resolve(tarball));
}

export function npm(folder, command, ...rest) {
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", [command, ...quiet, ...rest], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
}

/** The project with the suite, its libraries and a page that runs it in a browser. */
export function testProject(folder, tarball) {
  install(folder, tarball);
  for (const library of LIBRARIES) {
    symlinkSync(join(HERE, "node_modules", library), join(folder, "node_modules", library), "dir");
  }
  for (const state of ["v1.json", "memory-v1.json", "memory-v1-adapter.json"])
    cpSync(join(HERE, "../../tests/state", state), join(folder, "suite", state), { recursive: true });
  for (const part of ["suite", "page", "fuzz", "soak"])
    cpSync(join(HERE, part), join(folder, part), { recursive: true });
  const page = join(folder, "page/index.html");
  const map = JSON.stringify({ imports: importMap(folder) });
  writeFileSync(page, readFileSync(page, "utf8").replace("<!-- import map -->", map));
}

/** A page of its own for a script, both by their paths in the project. */
export function scriptPage(folder, page, script) {
  const map = JSON.stringify({ imports: importMap(folder) });
  writeFileSync(
    join(folder, page),
    `<!doctype html><title>${script}</title><link rel="icon" href="data:,">
<script type="importmap">${map}</script><script type="module" src="/${script}"></script>`,
  );
}

/** What a bundler would resolve a package's names to, for a browser that loads modules without one. */
export function importMap(folder) {
  const imports = { chai: "/node_modules/chai/index.js" };
  for (const [name, entry] of Object.entries(packageOf(folder).exports)) {
    const file = target(entry);
    imports[`micro-lora${name.slice(1)}`] = `/node_modules/micro-lora/${file.slice(2)}`;
  }
  return imports;
}

export const packageOf = (folder) =>
  JSON.parse(readFileSync(join(folder, "node_modules/micro-lora/package.json"), "utf8"));

const CONDITIONS = ["browser", "default"];

function target(entry) {
  if (typeof entry === "string") return entry;
  const condition = Object.keys(entry).find((key) => CONDITIONS.includes(key));
  return target(entry[condition]);
}
