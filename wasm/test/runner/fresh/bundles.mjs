// Bundlers, and pages without one: each project gives a folder that is served as files, and looked at in Chromium.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import * as vite8 from "vite";
import webpack from "webpack";
import { line } from "./table.mjs";
import { node, page } from "./place.mjs";

const IMPORT_MAP = `<script type="importmap">${JSON.stringify({
  imports: {
    "micro-lora": "/node_modules/micro-lora/index.js",
    "micro-lora/learn": "/node_modules/micro-lora/learn.js",
  },
})}</script>`;

const vite7 = (place) => import(join(place.folder, "node_modules/vite7/dist/node/index.js"));

/** An app with the line that the README has for a tool. */
const withLine = (place, tool) => `${line(place, tool)}
import * as lora from "micro-lora/inline";
import { learnOneClick } from "./click.js";

await init();
globalThis.outcome = learnOneClick(lora);
`;

async function viteBuild(place, vite, name, script, more = {}) {
  const root = place.project(name, { files: { "index.html": page(script) } });
  await vite.build({ root, logLevel: "warn", base: "./", ...more, build: { outDir: "out", ...more.build } });
  return join(root, "out");
}

function pack(place, name, script, mode = "production") {
  const root = place.project(name);
  const output = { path: join(root, "out"), filename: "app.js" };
  return new Promise((done, fail) => {
    webpack({ mode, context: root, entry: join(root, script), output }, (error, stats) => {
      if (error || stats.hasErrors()) fail(error ?? new Error(stats.toString("errors-only")));
      else done(html(place, root));
    });
  });
}

/** A page beside a bundle. */
async function html(place, root) {
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(root, "out/index.html"), page("app.js"));
  return join(root, "out");
}

async function bundled(place, name, files, options) {
  const root = place.project(name, { files });
  await esbuild({
    entryPoints: [join(root, "app-line.js")],
    outfile: join(root, "out/app.js"),
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "warning",
    ...options,
  });
  return html(place, root);
}

/** A script that a page loads as it is. */
const WITHOUT_BUNDLER = `import init, * as lora from "./node_modules/micro-lora/index.js";
import { learnOneClick } from "./click.js";
await init();
globalThis.outcome = learnOneClick(lora);
`;

/** `wasm`: how many such files the page has to load. */
export const BUNDLES = [
  { name: "Vite 8, build", run: (place) => viteBuild(place, vite8, "vite8", "/app.js") },
  {
    name: "Vite 8, build, in a worker",
    run: (place) => viteBuild(place, vite8, "vite8-worker", "/app-worker.js", { worker: { format: "es" } }),
  },
  {
    name: "Vite 8, build, with a memory",
    run: (place) => viteBuild(place, vite8, "vite8-memory", "/app-memory.js"),
  },
  {
    name: "Vite 7, build",
    all: true,
    run: async (place) => viteBuild(place, await vite7(place), "vite7", "/app-memory.js"),
  },
  {
    name: "a module service worker, by Vite",
    all: true,
    run: (place) =>
      viteBuild(place, vite8, "service-worker", "/app-service-worker.js", {
        build: {
          rollupOptions: {
            input: ["index.html", "service-worker.js"].map((file) =>
              join(place.folder, "service-worker", file),
            ),
            output: { entryFileNames: "[name].js" },
          },
        },
      }),
  },
  { name: "webpack", run: (place) => pack(place, "webpack", "app.js") },
  {
    name: "webpack, development",
    wasm: 0,
    run: (place) => pack(place, "webpack-dev", "app.js", "development"),
  },
  { name: "webpack, in a worker", run: (place) => pack(place, "webpack-worker", "app-worker.js") },
  { name: "webpack, with a memory", run: (place) => pack(place, "webpack-memory", "app-memory.js") },
  {
    name: "esbuild, with its line",
    wasm: 0,
    run: (place) => bundled(place, "esbuild", { "app-line.js": withLine(place, "esbuild") }),
  },
  {
    name: "esbuild, with the engine in a file",
    run: (place) =>
      bundled(
        place,
        "esbuild-file",
        {
          "app-line.js": `import url from "micro-lora/micro_lora_simd.wasm";
import init, * as lora from "micro-lora";
import { learnOneClick } from "./click.js";

await init(new URL(url, import.meta.url));
globalThis.outcome = learnOneClick(lora);
`,
        },
        { loader: { ".wasm": "file" } },
      ),
  },
  {
    name: "Rollup, with its line",
    all: true,
    wasm: 0,
    run(place) {
      const root = place.project("rollup", {
        among: place.all,
        files: {
          "app-line.js": withLine(place, "Rollup"),
          "rollup.config.js": `import resolve from "@rollup/plugin-node-resolve";
export default { input: "app-line.js", output: { file: "out/app.js" }, plugins: [resolve({ browser: true })] };
`,
        },
      });
      node(root, "../node_modules/rollup/dist/bin/rollup", "--config", "--silent");
      return html(place, root);
    },
  },
  {
    name: "Parcel",
    all: true,
    run(place) {
      const root = place.project("parcel", { among: place.all, files: { "index.html": page("./app.js") } });
      node(root, "../node_modules/parcel/lib/bin.js", "build", "index.html", "--dist-dir", "out");
      if (!existsSync(join(root, "out/index.html"))) throw new Error("Parcel has written no page");
      return join(root, "out");
    },
  },
  {
    name: "a script without a bundler",
    run: (place) =>
      place.project("plain", {
        files: {
          "plain.js": WITHOUT_BUNDLER,
          "index.html": page("plain.js"),
        },
      }),
  },
  {
    name: "a script with an import map",
    run: (place) => place.project("map", { files: { "index.html": page("app.js", IMPORT_MAP) } }),
  },
  {
    name: "a script with a memory",
    run: (place) =>
      place.project("map-memory", { files: { "index.html": page("app-memory.js", IMPORT_MAP) } }),
  },
  {
    name: "a page with a Content-Security-Policy that lacks its line",
    headers: () => ({ "content-security-policy": "script-src 'self'" }),
    run: (place) =>
      place.project("csp-lacks", {
        files: {
          "app.js": `import init from "./node_modules/micro-lora/index.js";
const { code, message } = await init().catch((error) => error);
const learned = code === "NOT_LOADED" && message.includes("'wasm-unsafe-eval'");
globalThis.outcome = { learned, simd: true, message };
`,
          "index.html": page("app.js"),
        },
      }),
  },
  {
    name: "a page with a Content-Security-Policy, with its line",
    headers: (place) => ({ "content-security-policy": line(place, "Content-Security-Policy") }),
    run: (place) =>
      place.project("csp", {
        files: {
          "app.js": WITHOUT_BUNDLER,
          "index.html": page("app.js"),
        },
      }),
  },
];
