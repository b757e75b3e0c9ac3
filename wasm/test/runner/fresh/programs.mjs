// What runs without a browser: Node, TypeScript, test runners, other runtimes.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HERE } from "../project.mjs";
import { node, run } from "./place.mjs";

const NO_COMPLAINT = "no complaint";

const program = (name, file, more = {}) => ({
  name,
  run(place) {
    node(place.project(`node-${file.replace(/\W/g, "-")}`), file);
    return NO_COMPLAINT;
  },
  ...more,
});

/** What a developer reads of an error that nobody has caught. */
function uncaught(place) {
  let printed = "";
  try {
    node(place.project("node-uncaught"), "node-uncaught.mjs");
  } catch (error) {
    printed = error.message.replace(/^.*\n/, "");
  }
  const longest = Math.max(...printed.split("\n").map((row) => row.length));
  if (!/input: expected 768 values, got 3/.test(printed))
    throw new Error(`expected the error, got ${printed}`);
  if (longest > 200) throw new Error(`expected lines of at most 200 characters, got one of ${longest}`);
  return `the longest line has ${longest} characters`;
}

const typescript = (name, version, files, ...settings) => ({
  name: `TypeScript ${name}`,
  run(place) {
    const root = place.project(`typescript-${name.replace(/\W+/g, "-")}`, { from: "typescript" });
    const tsc = join(version === 5 ? place.folder : HERE, "node_modules/typescript/bin/tsc");
    node(root, tsc, "--project", files, ...settings);
    return NO_COMPLAINT;
  },
});

const vitest = (environment, inside) => ({
  name: `Vitest, ${environment}${inside ? ", the package inside of the bundle" : ""}`,
  all: environment !== "node" || inside,
  run(place) {
    const settings = { test: { environment, server: { deps: inside ? { inline: ["micro-lora"] } : {} } } };
    const among = this.all ? place.all : place.folder;
    const files = { "vitest.config.js": `export default ${JSON.stringify(settings)};` };
    const root = place.project(`vitest-${environment}${inside ? "-inside" : ""}`, { among, files });
    node(root, "../node_modules/vitest/vitest.mjs", "run", "vitest.test.js");
    return NO_COMPLAINT;
  },
});

const jest = (environment) => ({
  name: `Jest, ${environment}`,
  all: true,
  run(place) {
    const root = place.project(`jest-${environment}`, {
      among: place.all,
      manifest: {},
      files: {
        "babel.config.json": '{ "presets": [["@babel/preset-env", { "targets": { "node": "current" } }]] }',
      },
    });
    node(root, "../node_modules/jest/bin/jest.js", "--env", environment, "jest.test.js");
    return NO_COMPLAINT;
  },
});

/** A runtime that comes in a package of its own for each kind of machine. */
const runtime = (name, scope, file, ...rest) => ({
  name,
  all: true,
  run(place) {
    const root = place.project(name.toLowerCase(), { among: place.all });
    const packages = join(place.all, "node_modules", scope);
    run(root, join(packages, readdirSync(packages)[0], file), ...rest, "node.mjs");
    return NO_COMPLAINT;
  },
});

async function workerd(place) {
  const compatibilityDate = "2026-01-01";
  const root = place.project("workerd", {
    among: place.all,
    files: {
      "wrangler.toml": `name = "fresh"\nmain = "workerd.js"\ncompatibility_date = "${compatibilityDate}"\n`,
    },
  });
  node(root, "../node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--outdir", "out");
  const out = join(root, "out");
  const modules = readdirSync(out)
    .filter((file) => /\.(js|wasm)$/.test(file))
    .map((file) => ({ type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: join(out, file) }))
    .sort((a, b) => b.type.localeCompare(a.type));
  const require = createRequire(join(place.all, "package.json"));
  const { Miniflare } = await import(pathToFileURL(require.resolve("miniflare")));
  const worker = new Miniflare({ modules, modulesRoot: out, compatibilityDate });
  try {
    const response = await worker.dispatchFetch("http://localhost/");
    return await response.json();
  } finally {
    await worker.dispose();
  }
}

export const PROGRAMS = [
  program("Node", "node.mjs"),
  program("Node, CommonJS", "node.cjs"),
  program("Node, with a memory that is imported too late", "node-late.mjs"),
  { name: "Node, an error that nobody catches", run: uncaught },
  typescript("7, nodenext", 7, "tsconfig.json", "--module", "nodenext"),
  typescript("7, bundler", 7, "tsconfig.json", "--module", "esnext", "--moduleResolution", "bundler"),
  typescript("5.9, nodenext", 5, "tsconfig.json", "--module", "nodenext"),
  typescript("5.9, without the DOM", 5, "tsconfig-bare.json"),
  {
    name: "publint",
    run(place) {
      node(place.package, join(place.folder, "node_modules/publint/src/cli.js"), "--strict");
      return NO_COMPLAINT;
    },
  },
  {
    name: "Are The Types Wrong",
    run(place) {
      const attw = join(place.folder, "node_modules/@arethetypeswrong/cli/dist/index.js");
      // What is no JavaScript has no types to be wrong.
      const files = readdirSync(place.package).filter((file) => file.endsWith(".wasm"));
      node(place.package, attw, "--pack", ".", "--exclude-entrypoints", ...files);
      return NO_COMPLAINT;
    },
  },
  vitest("node"),
  vitest("node", true),
  vitest("jsdom"),
  vitest("jsdom", true),
  vitest("happy-dom"),
  jest("node"),
  jest("jsdom"),
  runtime("Deno", "@deno", "deno", "run", "--allow-all"),
  runtime("Bun", "@oven", "bin/bun"),
  { name: "workerd, by wrangler", all: true, run: workerd },
];
