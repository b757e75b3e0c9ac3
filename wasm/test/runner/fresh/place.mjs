// Where the fresh projects are: a folder for each, with the package installed in it as users install it. The tools that
// they share are in the folder above, where Node and every bundler look next.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { HERE, install, npm } from "../project.mjs";

const FRESH = join(HERE, "fresh");
export const PAGE = '<!doctype html><title>fresh project</title><link rel="icon" href="data:,">';
export const page = (script, head = "") =>
  `${PAGE}${head}<body><script type="module" src="${script}"></script></body>`;

export class Place {
  constructor(folder, tarball) {
    this.folder = resolve(folder);
    mkdirSync(this.folder, { recursive: true });
    this.tools("quick", this.folder);
    // `npm install` of the tarball, and nothing else.
    install(join(this.folder, "empty"), tarball);
    this.package = join(this.folder, "empty/node_modules/micro-lora");
  }

  /** Installs a set of tools, unless the same set is there. */
  tools(set, folder) {
    mkdirSync(folder, { recursive: true });
    const lock = readFileSync(join(FRESH, "tools", set, "package-lock.json"), "utf8");
    const mark = join(folder, "installed.json");
    if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
    cpSync(join(FRESH, "tools", set), folder, { recursive: true });
    npm(folder, "ci", "--prefer-offline");
    writeFileSync(mark, lock);
  }

  /** A folder with the tools of `--all`. */
  get all() {
    const folder = join(this.folder, "all");
    this.tools("all", folder);
    return folder;
  }

  /**
   * A new project: the programs of `wasm/test/fresh`, what is in a folder there if it is named, and `files`, texts by
   * name.
   */
  project(name, { from, files = {}, manifest = { type: "module" }, among = this.folder } = {}) {
    const root = join(among, name);
    rmSync(root, { recursive: true, force: true });
    const isOwn = (path) => path === FRESH || !statSync(path).isDirectory();
    cpSync(FRESH, root, { recursive: true, filter: isOwn });
    if (from) cpSync(join(FRESH, from), root, { recursive: true });
    cpSync(this.package, join(root, "node_modules/micro-lora"), { recursive: true });
    writeFileSync(join(root, "package.json"), JSON.stringify({ name, private: true, ...manifest }));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
    return root;
  }
}

/** Runs a program to its end, and fails with all that it printed. */
export function run(root, program, ...rest) {
  try {
    return execFileSync(program, rest, {
      cwd: root,
      encoding: "utf8",
      stdio: "pipe",
      env: {
        ...process.env,
        NEXT_TELEMETRY_DISABLED: "1",
        WRANGLER_SEND_METRICS: "false",
        CI: "true",
        NODE_ENV: undefined,
      },
    });
  } catch (error) {
    throw new Error(`${program} ${rest.join(" ")}: ${error.message}\n${error.stdout}${error.stderr}`);
  }
}

export const node = (root, ...rest) => run(root, process.execPath, ...rest);

/** Lets a program serve on a port of its own while `use` runs, which is given the address. */
export async function serving(root, program, rest, use) {
  const port = await freePort();
  const child = spawn(process.execPath, [program, ...rest(port)], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    // Which a build by Vite in this process has set.
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: undefined },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const url = `http://localhost:${port}/`;
  try {
    for (let time = 0; ; time += 1) {
      if (time > 300 || child.exitCode !== null) throw new Error(`${program} does not answer:\n${printed}`);
      if (await fetch(url).then(Boolean, () => false)) return await use(url);
      await new Promise((done) => {
        setTimeout(done, 200);
      });
    }
  } finally {
    // With those that it has started.
    if (child.exitCode === null) process.kill(-child.pid);
  }
}

function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
