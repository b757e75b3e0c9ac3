// The sentence model, in a thread of its own so that the page never waits. `cargo xtask demo` bundles this file with
// transformers.js; all that it loads comes from beside it, once, and is then kept in the browser's Cache Storage.
import { env, pipeline } from "@huggingface/transformers";

/** Texts of this kind are what the programs' descriptions are near to. */
const PHRASES = [(text) => text, (text) => `program to ${text}`];

let extractor = null;

globalThis.addEventListener("message", async ({ data: { id, kind, text } }) => {
  try {
    const answer = kind === "load" ? await load() : await embed(text);
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, error: `${error.message ?? error}` });
  }
});

async function load() {
  const { cache: name, files } = await (await fetch(new URL("files.json", import.meta.url))).json();
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  // A browser may refuse to keep anything (a private window): the files are then fetched with each visit.
  const cache = await globalThis.caches?.open(name).catch(() => undefined);
  const loaded = new Map();
  let done = 0;
  for (const { path } of files) {
    const body = await take(cache, new URL(path, import.meta.url).href, (bytes) => {
      done += bytes;
      postMessage({ progress: Math.min(done / total, 1) });
    });
    loaded.set(path, body);
  }
  const wasm = env.backends.onnx.wasm;
  // Its default paths are those of another host.
  Object.assign(wasm, {
    numThreads: 1,
    wasmBinary: loaded.get("ort-wasm-simd-threaded.wasm"),
    wasmPaths: undefined,
  });
  Object.assign(env, {
    allowLocalModels: true,
    allowRemoteModels: false,
    localModelPath: new URL(".", import.meta.url).href,
    useBrowserCache: false,
    useWasmCache: false,
    useCustomCache: true,
    customCache: {
      async match(key) {
        const [, body] = [...loaded].find(([path]) => `${key}`.endsWith(path)) ?? [];
        return body && new Response(body);
      },
      async put() {},
    },
  });
  extractor = await pipeline("feature-extraction", "minilm", { dtype: "q8", device: "wasm" });
  loaded.clear();
}

/** A file's bytes from the cache, or from the network and then into the cache. */
async function take(cache, url, onBytes) {
  const kept = await cache?.match(url);
  if (kept) {
    const body = await kept.arrayBuffer();
    onBytes(body.byteLength);
    return body;
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const parts = [];
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    onBytes(value.byteLength);
  }
  const body = await new Blob(parts).arrayBuffer();
  const headers = { "content-type": response.headers.get("content-type") ?? "" };
  await cache?.put(url, new Response(body, { headers })).catch(() => undefined);
  return body;
}

/** The mean of the phrases' embeddings, of unit norm. */
async function embed(text) {
  const output = await extractor(
    PHRASES.map((phrase) => phrase(text)),
    { pooling: "mean", normalize: true },
  );
  const [count, size] = output.dims;
  const mean = new Float32Array(size);
  for (let row = 0; row < count; row += 1) {
    for (let i = 0; i < size; i += 1) mean[i] += output.data[row * size + i];
  }
  const norm = Math.hypot(...mean);
  return mean.map((value) => value / norm);
}
