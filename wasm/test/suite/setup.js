// Loads the engine in the build that the run is about, and gives the other files what they share.
// The engine of `micro-lora/learn`, which has all that the others have, is loaded if that is imported first.
import "micro-lora/learn";
import init, * as lora from "micro-lora";
import { expect } from "chai";
import { Collect } from "./collect.js";

export { expect, lora };

export const inNode = typeof process === "object" && Boolean(process.versions?.node);
export const build = inNode
  ? process.env.MICRO_LORA_BUILD
  : new URLSearchParams(location.search).get("build");

/** A file of the package, as `init` takes it here. */
export async function source(file) {
  const url = new URL(import.meta.resolve(`micro-lora/${file}`));
  return inNode ? (await import("node:fs/promises")).readFile(url) : url;
}

// The package chooses simd128 by itself; the baseline has to be asked for in engines of today.
await (build === "baseline" ? init(await source("learn.wasm")) : init());

// Before any other test loads a file of its own.
Collect.loaded = inNode
  ? [...globalThis.wasmFilesRead]
  : performance
      .getEntriesByType("resource")
      .map(({ name }) => new URL(name).pathname.split("/").pop())
      .filter((name) => name.endsWith(".wasm"));

export async function readText(name) {
  const url = new URL(name, import.meta.url);
  if (!inNode) return (await fetch(url)).text();
  return (await import("node:fs/promises")).readFile(url, "utf8");
}

/** A config from plain properties. */
export function config(settings = {}) {
  return Object.assign(new lora.MicroLoraConfigWasm(), settings);
}

/**
 * A square adapter for vectors of `size`, unless the settings say otherwise: of the scaled step, which takes every kind
 * of feedback. `dual.js` has tests of the default.
 */
export function adapter(size, settings = {}) {
  return new lora.MicroLoraWasm(config({ inFeatures: size, outFeatures: size, step: 2, ...settings }));
}

/** The same numbers in every engine, and in the native program that made the vectors. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  row(length, scale = 1) {
    const wide = Math.fround(scale);
    return Float32Array.from({ length }, () => {
      this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
      return ((this.#state >>> 8) / 8_388_608 - 1) * wide;
    });
  }

  unit(length) {
    const row = this.row(length);
    const norm = Math.hypot(...row);
    return row.map((value) => value / norm);
  }
}

export const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
export const norm = (a) => Math.sqrt(dot(a, a));
export const cosine = (a, b) => dot(a, b) / norm(a) / norm(b);

/** An adapter that has learned something and has an event pending. */
export function trained(size = 8, settings = {}) {
  const made = adapter(size, { rank: 2, seed: 5, ...settings });
  const random = new Random(11);
  for (let event = 0; event < 20; event += 1) {
    made.adaptChoice(random.unit(size), random.row(3 * size, 0.5), event % 3);
    made.applyUpdates(0.01);
  }
  made.adaptTarget(random.unit(size), random.unit(size));
  return made;
}

/**
 * Runs `call`, which must throw an `Error` with this code, or one of these, and such a message; returns the
 * message.
 */
export function refusal(call, code, message = /./) {
  let error;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, `expected ${code} to be thrown`).to.be.instanceOf(Error);
  expect(error, error.message).to.have.property("code").that.is.oneOf([code].flat());
  expect(error.message).to.match(message);
  return error.message;
}

export const bits = (values) => [...new Uint32Array(Float32Array.from(values).buffer)];
