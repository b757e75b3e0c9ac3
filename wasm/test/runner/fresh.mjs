// node fresh.mjs FOLDER TARBALL: the packed tarball in fresh projects, one for each way of using it. Every
// bundle is run in Chromium; one line says what came of each.
import { execFileSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import webpack from "webpack";
import { withEngine } from "./engines.mjs";
import { HERE, install } from "./project.mjs";
import { serve } from "./server.mjs";

const [folder, tarball] = process.argv.slice(2);
const PLAIN = '<!doctype html><title>fresh project</title><link rel="icon" href="data:,">';
const page = (script, head = "") => `${PLAIN}${head}<script type="module" src="${script}"></script>`;
const IMPORT_MAP =
  '<script type="importmap">{"imports":{"micro-lora":"/node_modules/micro-lora/index.js","micro-lora/learn":"/node_modules/micro-lora/learn.js"}}</script>';

install(folder, tarball);
cpSync(join(HERE, "fresh"), folder, { recursive: true });
const at = (...names) => join(folder, ...names);
const write = (name, text) => writeFileSync(at(name), text);

/** Each gives the path of the page to look at. */
const PROJECTS = {
  async Vite() {
    write("index.html", page("/app.js"));
    await vite({ root: folder, logLevel: "warn", build: { outDir: "vite", target: "es2022" }, base: "./" });
    return "/vite/";
  },
  async "Vite, in a worker"() {
    write("index.html", page("/app-worker.js"));
    const worker = { format: "es" };
    const build = { outDir: "vite-worker", target: "es2022" };
    await vite({ root: folder, logLevel: "warn", build, worker, base: "./" });
    return "/vite-worker/";
  },
  async esbuild() {
    await esbuild({
      entryPoints: [at("app-esbuild.js")],
      outfile: at("esbuild/app.js"),
      bundle: true,
      minify: true,
      format: "esm",
      loader: { ".wasm": "file" },
      logLevel: "warning",
    });
    write("esbuild/index.html", page("app.js"));
    return "/esbuild/";
  },
  async webpack() {
    await pack({ app: at("app.js") }, "webpack");
    write("webpack/index.html", page("app.js"));
    return "/webpack/";
  },
  async "webpack, in a worker"() {
    await pack({ app: at("app-worker.js") }, "webpack-worker");
    write("webpack-worker/index.html", page("app.js"));
    return "/webpack-worker/";
  },
  async "a script without a bundler"() {
    write(
      "plain.js",
      `import init, * as lora from './node_modules/micro-lora/index.js';
import { learnOneClick } from './click.js';
await init();
globalThis.outcome = learnOneClick(lora);
`,
    );
    write("plain.html", page("plain.js"));
    return "/plain.html";
  },
  async "a script with an import map"() {
    write("map.html", page("app.js", IMPORT_MAP));
    return "/map.html";
  },
  async "a script with a memory"() {
    write("memory.html", page("app-memory.js", IMPORT_MAP));
    return "/memory.html";
  },
  async "Vite, with a memory"() {
    write("index.html", page("/app-memory.js"));
    await vite({
      root: folder,
      logLevel: "warn",
      build: { outDir: "vite-memory", target: "es2022" },
      base: "./",
    });
    return "/vite-memory/";
  },
  async "webpack, with a memory"() {
    await pack({ app: at("app-memory.js") }, "webpack-memory");
    write("webpack-memory/index.html", page("app.js"));
    return "/webpack-memory/";
  },
};

function pack(entry, name) {
  const settings = {
    mode: "production",
    context: folder,
    entry,
    output: { path: at(name), filename: "[name].js" },
  };
  return new Promise((done, fail) => {
    webpack(settings, (error, stats) => {
      if (error || stats.hasErrors()) fail(error ?? new Error(stats.toString("errors-only")));
      else done();
    });
  });
}

let failed = 0;
function tell(name, passed, what) {
  console.log(`${passed ? "ok    " : "FAILED"}  ${name}: ${what}`);
  if (!passed) failed += 1;
}

function program(name, file, ...rest) {
  try {
    execFileSync(process.execPath, [file, ...rest], { cwd: folder, encoding: "utf8", stdio: "pipe" });
    tell(name, true, "no complaint");
  } catch (error) {
    tell(name, false, `${error.stdout}${error.stderr}`);
  }
}

write(
  "node.mjs",
  `import init, * as lora from 'micro-lora';
import { learnOneClick } from './click.js';
await init();
const { learned, simd } = learnOneClick(lora);
if (!learned || !simd) throw new Error('it did not learn');
`,
);
program("Node", "node.mjs");
write(
  "node-memory.mjs",
  `import { Memory } from 'micro-lora/learn';
import init, * as lora from 'micro-lora';
import { rememberOneClick } from './click.js';
await init();
const { learned, simd } = rememberOneClick(lora, Memory);
if (!learned || !simd) throw new Error('it did not remember');
`,
);
program("Node, with a memory", "node-memory.mjs");
write(
  "node-late.mjs",
  `import init from 'micro-lora';
await init();
const { Memory } = await import('micro-lora/learn');
try {
  new Memory(4, 4);
} catch ({ code, message }) {
  if (code !== 'NOT_LOADED' || !message.includes('import micro-lora/learn before init()')) throw new Error(message);
  process.exit();
}
throw new Error('the smaller engine has no memory');
`,
);
program("Node, with a memory that is imported too late", "node-late.mjs");
const tsc = join(HERE, "node_modules/typescript/bin/tsc");
for (const resolution of [
  ["--module", "nodenext"],
  ["--module", "esnext", "--moduleResolution", "bundler"],
]) {
  program(`TypeScript, ${resolution.at(-1)}`, tsc, "--project", "tsconfig.json", ...resolution);
}

const server = await serve(folder);
await withEngine("chromium", async (browser) => {
  for (const [name, build] of Object.entries(PROJECTS)) {
    try {
      const path = await build();
      const from = server.requests.length;
      const outcome = await browser.visit(server.url + path);
      const files = server.requests.slice(from).filter((each) => each.endsWith(".wasm"));
      const worker = name.includes("worker") ? outcome.worker === true : true;
      const passed = outcome.learned === true && outcome.simd === true && worker && files.length === 1;
      tell(name, passed, `${JSON.stringify(outcome)}, loaded ${files.join(", ") || "nothing"}`);
    } catch (error) {
      tell(name, false, error.stack);
    }
  }
});
server.close();
process.exitCode = failed > 0 ? 1 : 0;
