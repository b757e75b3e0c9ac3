// Serves folders on localhost. Also a program: node server.mjs FOLDER [PORT]
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".tsv": "text/tab-separated-values; charset=utf-8",
  ".wasm": "application/wasm",
};

const HEADERS = {
  "cache-control": "no-store",
  // Pages that share their process with no other site get a clock of 5 microseconds instead of 100.
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-opener-policy": "same-origin",
};

/** Lets a page and its threads ask no other host for anything. */
export const OWN_HOST = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:";

/**
 * `requests` lists every path that was asked for, so that a test can tell what a page downloaded; `headers` go with every
 * answer.
 */
export async function serve(root, port = 0, headers = {}) {
  const requests = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    requests.push(path);
    answer(resolve(root), path, response, headers).catch(() =>
      response.writeHead(404).end(`not found: ${path}`),
    );
  });
  await new Promise((done, fail) => server.once("error", fail).listen(port, "127.0.0.1", done));
  const url = `http://localhost:${server.address().port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, requests, close };
}

async function answer(root, path, response, headers) {
  let file = normalize(join(root, path));
  if (file !== root && !file.startsWith(root + sep)) throw new Error("outside of the folder");
  if ((await stat(file)).isDirectory()) file = join(file, "index.html");
  const { size } = await stat(file);
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "content-length": size, ...HEADERS, ...headers });
  createReadStream(file).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, port = "8000"] = process.argv.slice(2);
  const headers = { "content-security-policy": OWN_HOST };
  const { url } = await serve(folder, Number(port), headers).catch((error) => {
    if (error.code !== "EADDRINUSE") throw error;
    return serve(folder, 0, headers);
  });
  console.log(`${url}  (Ctrl-C ends it)`);
}
