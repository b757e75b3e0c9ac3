// Development servers and rendering on a server.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as vite8 from "vite";
import { HERE } from "../project.mjs";
import { page, node, serving } from "./place.mjs";

const [VITE, VITE7] = ["vite", "vite7"].map((name) => `node_modules/${name}/bin/vite.js`);
const vite7 = (place) => import(join(place.folder, "node_modules/vite7/dist/node/index.js"));

/** `vite`, with its default settings. */
function dev(place, bin, name, browser) {
  const root = place.project(name, { files: { "index.html": page("/app-memory.js") } });
  return serving(root, bin, (port) => ["--port", `${port}`], browser.visit);
}

/** `vite build` and `vite preview`. */
async function preview(place, vite, name, browser) {
  const root = place.project(name, { files: { "index.html": page("/app-memory.js") } });
  await vite.build({ root, logLevel: "warn" });
  const server = await vite.preview({ root, preview: { port: 0 } });
  try {
    return await browser.visit(`http://localhost:${server.httpServer.address().port}/`);
  } finally {
    await server.close();
  }
}

/** Rendering by the development server and by a build, with the package outside of the bundle and inside. */
async function rendered(place, vite, name) {
  for (const noExternal of [undefined, true]) {
    const root = place.project(`${name}-${noExternal ? "inside" : "outside"}`);
    const [ssr, settings] = [{ noExternal }, { root, logLevel: "warn", appType: "custom" }];
    const server = await vite.createServer({ ...settings, ssr, server: { middlewareMode: true, ws: false } });
    const outcomes = [];
    try {
      outcomes.push(await (await server.ssrLoadModule("/render.js")).render());
    } finally {
      await server.close();
    }
    await vite.build({ ...settings, ssr, build: { ssr: "render.js", outDir: "out" } });
    outcomes.push(await (await import(pathToFileURL(join(root, "out/render.js")))).render());
    const wrong = outcomes.find(({ learned, simd }) => !learned || !simd);
    if (wrong) return wrong;
  }
  return { learned: true, simd: true };
}

function nextProject(place, name) {
  const root = place.project(name, { from: "next", manifest: {} });
  return [root, join(place.folder, "node_modules/next/dist/bin/next")];
}

export const SERVERS = [
  { name: "Vite 8, dev", run: (place, browser) => dev(place, join(HERE, VITE), "vite8-dev", browser) },
  { name: "Vite 8, server rendering", run: (place) => rendered(place, vite8, "vite8-ssr") },
  {
    name: "Vite 8, preview",
    all: true,
    run: (place, browser) => preview(place, vite8, "vite8-preview", browser),
  },
  {
    name: "Vite 7, dev",
    run: (place, browser) => dev(place, join(place.folder, VITE7), "vite7-dev", browser),
  },
  {
    name: "Vite 7, server rendering",
    run: async (place) => rendered(place, await vite7(place), "vite7-ssr"),
  },
  {
    name: "Vite 7, preview",
    all: true,
    run: async (place, browser) => preview(place, await vite7(place), "vite7-preview", browser),
  },
  {
    name: "Next 16, a server component and a client component",
    run(place, browser) {
      const [root, next] = nextProject(place, "next");
      node(root, next, "build");
      return serving(root, next, (port) => ["start", "-p", `${port}`], browser.visit);
    },
  },
  {
    name: "Next 16, the same by webpack",
    all: true,
    run(place, browser) {
      const [root, next] = nextProject(place, "next-webpack");
      node(root, next, "build", "--webpack");
      return serving(root, next, (port) => ["start", "-p", `${port}`], browser.visit);
    },
  },
  {
    name: "Next 16, dev",
    all: true,
    run(place, browser) {
      const [root, next] = nextProject(place, "next-dev");
      return serving(root, next, (port) => ["dev", "-p", `${port}`], browser.visit);
    },
  },
];
