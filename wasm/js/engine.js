// The engine: loading it, its memory. `../src` has the other side, and `glue` is what wasm-bindgen makes of that.

import { __wbg_set_wasm, heap as heapBase, simd } from "glue";
import { imports } from "glue-imports";
import found from "place";

import { fail } from "./fail.js";

export { call as invoke, heap as heapBase } from "glue";

/** What the instance exports, once it is there and answers. */
export let wasm;

/** Who answers while an engine with a memory of lists asks for a vector. */
let host;

/** Lets the engine ask while a task lasts. */
export const asking = (answer, task) => {
  host = answer;
  try {
    return task();
  } finally {
    host = undefined;
  }
};

/** Refuses a call while the engine waits for an answer: it is in the middle of another. */
export const idle = () => {
  if (host) fail("BUSY", "engine", "no call while it asks for a vector", "one");
};

/** What engines want from outside. WebAssembly gives its integers with a sign. */
const linked = LITE ? imports : { ...imports, host: { vector: (kind, id, to, n) => host(kind, id >>> 0, to >>> 0, n) } };

let loading;

/** The bytes that calls may pass: grown when they are too few. */
let passed;

/** Parts of the memory that nobody uses, as [start, end], in ascending order, never empty and never touching. */
let holes;

/** The smallest module that an engine without simd128 refuses: the type of a function that gives a `v128`. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123];

export const hasSimd = () => WebAssembly.validate(Uint8Array.from(SIMD));

const start = (instance) => {
  // Adapters live in the first one's memory.
  if (wasm) return;
  const { exports } = instance;
  __wbg_set_wasm(exports);
  // Another module has no answer, and may be followed by ours.
  const start = heapBase();
  // The smaller engine reports no errors.
  if (!exports.report !== LITE) throw `the engine of micro-lora${LITE ? "" : "/lite"}`;
  wasm = exports;
  passed = [start, start];
  holes = [[start, wasm.memory.buffer.byteLength]];
};

/** Where the engine is: a function, for there may be no such thing. */
let place = found;

/** Has another engine loaded: one with a memory of lists. */
export const use = (other) => (place = other);

export const engineUrl = () => new URL(place(hasSimd));

/** The bytes of an address that has them in it. */
const decoded = (address) =>
  Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (byte) => byte.charCodeAt());

/** What is at an address, where that takes no network. */
const nearby = (address) => {
  if (address.startsWith("data:")) return decoded(address);
  // Without an import, of which a bundler for browsers would complain.
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin && !/^(https?|blob):/.test(address)) {
    if (address.startsWith("file:")) address = builtin("url").fileURLToPath(address);
    return builtin("fs").promises.readFile(address);
  }
};

/** What to say besides where a policy forbids even the smallest module. */
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

/** Loads once, from what was given or found; a failure may be followed by another attempt. */
export const init = (source) => {
  // Nobody waits for a second source, which may come to nothing.
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

/** Nobody wants to read 0.0010000000474974513. */
export const rounded = (number) => +number.toPrecision(7);

/** A float32 within limits, or infinity as a cap that is off. */
export const within = (what, value, min, max) =>
  (value >= Math.fround(min) && value <= max) || (what === "cap" && value === Infinity)
    ? value
    : fail("OUT_OF_RANGE", what, `${min} to ${max}`, rounded(value));

let heap = [];

/** The memory as floats. Its growth empties the array that was. */
const memory = () => (heap.length ? heap : (heap = new Float32Array(wasm.memory.buffer)));

export const floats = (at, length) => memory().subarray(at / 4, at / 4 + length);

/**
 * Has the memory grow by so many bytes: by an eighth at least, for growth empties every view of it and so costs the same
 * however little it is. Where there is no eighth, what is missing will do.
 */
export const grow = (bytes, missing) => {
  const pages = Math.ceil(missing / 65536);
  for (const more of [Math.max(pages, wasm.memory.buffer.byteLength >>> 19), pages]) {
    try {
      // More than there ever is refuses, too.
      return wasm.memory.grow(Math.min(more, 65536));
    } catch {}
  }
  fail("MEMORY", "memory", `${bytes} bytes more`, "none");
};

/** Takes memory, [start, end], of so many bytes or a few more. */
export const take = (bytes) => {
  bytes = 16 * Math.ceil(bytes / 16);
  const place = holes.findIndex(([start, end]) => end - start >= bytes);
  if (place >= 0) {
    const [start, end] = holes[place];
    holes[place][0] += bytes;
    if (start + bytes === end) holes.splice(place, 1);
    return [start, start + bytes];
  }
  const end = wasm.memory.buffer.byteLength;
  grow(bytes, bytes);
  release([end, wasm.memory.buffer.byteLength]);
  return take(bytes);
};

/** Gives memory back. */
export const release = ([start, end]) => {
  // The first one behind it.
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

/** Where a call may pass so many bytes; what the last call passed is gone. */
export const room = (bytes) => {
  if (passed[1] - passed[0] < bytes) {
    release(passed);
    // Nowhere, but not null.
    passed = [16, 16];
    passed = take(bytes);
  }
  return passed[0];
};
