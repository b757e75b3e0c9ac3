// Loads the engine and hands out its memory. `../src` is the engine; `glue` is the JavaScript that wasm-bindgen makes for it.

import { __wbg_set_wasm, heap as heapBase, simd } from "glue";
import { imports } from "glue-imports";
import found from "place";

import { fail } from "./fail.js";

export { call as invoke, heap as heapBase } from "glue";

/** The exports of the instance, once it is loaded. */
export let wasm;

/** The function that answers the engine's requests for vectors, during a call of a memory of lists. */
let host;

/** Runs a task during which `answer` serves the engine's requests. */
export const asking = (answer, task) => {
  host = answer;
  try {
    return task();
  } finally {
    host = undefined;
  }
};

/** Refuses a call that is made while the engine is in the middle of another one. */
export const idle = () => {
  if (host) fail("BUSY", "engine", "no call while it asks for a vector", "one");
};

/** The imports of the engine. WebAssembly passes integers as signed. */
const linked = LITE ? imports : { ...imports, host: { vector: (kind, id, to, n) => host(kind, id >>> 0, to >>> 0, n) } };

let loading;

/** The block, [start, end], for the arrays that a call passes; replaced by a larger one when it is too small. */
let passed;

/** The free blocks of the memory, as [start, end]: ascending, never empty, never adjacent. */
let holes;

/** Behind this address nothing was ever allocated: the memory is zero there. */
export let used = 0;

/** The smallest module that an engine without simd128 refuses: the type of a function that gives a `v128`. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123];

export const hasSimd = () => WebAssembly.validate(Uint8Array.from(SIMD));

const start = (instance) => {
  // Adapters live in the memory of the first instance, so it stays.
  if (wasm) return;
  const { exports } = instance;
  __wbg_set_wasm(exports);
  // Throws for any other WebAssembly module. `wasm` is not yet set, so another attempt may follow.
  const start = heapBase();
  // Only the engine of lite has no `report`.
  if (!exports.report !== LITE) throw `the engine of micro-lora${LITE ? "" : "/lite"}`;
  wasm = exports;
  passed = [start, start];
  holes = [[start, wasm.memory.buffer.byteLength]];
};

/** Gives the engine's address. A function, because it throws where `import.meta.url` is no URL. */
let place = found;

/** Has `init` load another engine: the one with a memory of lists. */
export const use = (other) => (place = other);

export const engineUrl = () => new URL(place(hasSimd));

/** The bytes in a `data:` address. */
const decoded = (address) =>
  Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (byte) => byte.charCodeAt());

/** Reads a `data:` address or, in Node, a file; gives undefined for others. */
const nearby = (address) => {
  if (address.startsWith("data:")) return decoded(address);
  // Not by `import`, which bundlers for browsers cannot resolve.
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin && !/^(https?|blob):/.test(address)) {
    if (address.startsWith("file:")) address = builtin("url").fileURLToPath(address);
    return builtin("fs").promises.readFile(address);
  }
};

/** An addition to the message where a Content-Security-Policy forbids WebAssembly: even the smallest module fails. */
const forbidden = () =>
  WebAssembly.compile(Uint8Array.from(SIMD.slice(0, 8))).then(
    () => "",
    () => "; allow 'wasm-unsafe-eval' in script-src of the Content-Security-Policy",
  );

const notLoaded = (cause, more = "") =>
  fail("NOT_LOADED", "engine", `a module of micro-lora${LITE ? "/lite" : ""}`, `${cause}${more}`, { cause });

const load = async (source) => {
  let tried = "";
  try {
    source = source === undefined ? place(hasSimd) : await source;
    source = await (source?.module_or_path ?? source);
    if (source == null) throw source;
    const address = typeof source === "string" ? source : source.href ?? source.url;
    if (address) {
      tried = `, from ${address.slice(0, 999)}`;
      if (!source.arrayBuffer) source = (INLINE && (await nearby(address))) || (await fetch(source));
    }
    if (source.arrayBuffer) {
      tried += `, which answered ${source.status} ${source.headers?.get("content-type")}`;
      if (source.ok === false) throw "no file";
      source = await source.arrayBuffer();
    }
    const made = await WebAssembly.instantiate(source, linked);
    start(made.instance ?? made);
  } catch (error) {
    notLoaded(error, tried + (typeof WebAssembly === "object" ? await forbidden() : ""));
  }
};

/** Loads the engine once. After a failure it may be called again. */
export const init = (source) => {
  // A second source is ignored: its rejection must not be reported as unhandled.
  if (loading) Promise.resolve(source?.module_or_path ?? source).catch(() => {});
  return (loading ??= load(source).catch((error) => {
    loading = undefined;
    throw error;
  }));
};

export const initSync = (source) => {
  try {
    if (INLINE && source === undefined) source = place(hasSimd);
    source = source.module ?? source;
    if (INLINE && typeof source === "string") source = decoded(source);
    start(
      new WebAssembly.Instance(
        source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source),
        linked,
      ),
    );
    loading = Promise.resolve();
  } catch (error) {
    notLoaded(error);
  }
};

export const isSimd = simd;

/** For messages: 0.001 instead of 0.0010000000474974513. */
export const rounded = (number) => +number.toPrecision(7);

/** A float32 within limits, or infinity as a cap that is off. */
export const within = (what, value, min, max) =>
  (value >= Math.fround(min) && value <= max) || (what === "cap" && value === Infinity)
    ? value
    : fail("OUT_OF_RANGE", what, `${min} to ${max}`, rounded(value));

let heap = [];

/** The memory as floats. Growth of the memory empties the previous array. */
const memory = () => (heap.length ? heap : (heap = new Float32Array(wasm.memory.buffer)));

export const floats = (at, length) => memory().subarray(at / 4, at / 4 + length);

/**
 * Grows the memory by at least `missing` bytes. It asks for an eighth of its size, since each growth empties all views and
 * costs the same however small it is, and asks for the missing pages alone where that is refused.
 */
export const grow = (bytes, missing) => {
  const pages = Math.ceil(missing / 65536);
  for (const more of [Math.max(pages, wasm.memory.buffer.byteLength >>> 19), pages]) {
    try {
      // 65536 pages are the limit of WebAssembly: growth by so many is always refused.
      return wasm.memory.grow(Math.min(more, 65536));
    } catch {}
  }
  fail("MEMORY", "memory", `${bytes} bytes more`, "none");
};

/** Allocates at least so many bytes: a block, [start, end]. */
export const take = (bytes) => {
  bytes = 16 * Math.ceil(bytes / 16);
  const place = holes.findIndex(([start, end]) => end - start >= bytes);
  if (place >= 0) {
    const [start, end] = holes[place];
    const next = (holes[place][0] += bytes);
    if (next === end) holes.splice(place, 1);
    used = Math.max(used, next);
    return [start, next];
  }
  const end = wasm.memory.buffer.byteLength;
  grow(bytes, bytes);
  release([end, wasm.memory.buffer.byteLength]);
  return take(bytes);
};

/** Frees a block and joins it with the free blocks beside it. */
export const release = ([start, end]) => {
  // Binary search for the first free block behind it.
  let [place, after] = [0, holes.length];
  while (place < after) {
    const middle = (place + after) >>> 1;
    if (holes[middle][0] < start) place = middle + 1;
    else after = middle;
  }
  const [before, behind] = [holes[place - 1], holes[place]];
  const joins = behind?.[0] === end;
  if (joins) end = behind[1];
  if (before?.[1] === start) {
    before[1] = end;
    if (joins) holes.splice(place, 1);
  } else if (joins) behind[0] = start;
  else if (end > start) holes.splice(place, 0, [start, end]);
};

/** The address of so many bytes for the arrays of a call. The previous call's are overwritten. */
export const room = (bytes) => {
  if (passed[1] - passed[0] < bytes) {
    release(passed);
    // Empty, until `take` has succeeded. An address of 0 would be a null pointer.
    passed = [16, 16];
    passed = take(bytes);
  }
  return passed[0];
};
