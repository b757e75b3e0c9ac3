// What the ring and the holdback share: 32-bit numbers, their ranges, and the documents they are saved as
// (`src/companions/` in the Rust crate).

import { number } from "./engine.js";
import { fail, shown } from "./fail.js";
import { crc32, decode, encode, fields, parse } from "./state.js";

export const f32 = Math.fround;
/** The smallest normal number of 32 bits. */
export const SMALLEST = 2 ** -126;

/** A number, since a comparison takes null for 0 and "1" for 1. */
export const range = (what, value, min, max) =>
  number(what, value) >= min && value <= max
    ? value
    : fail("OUT_OF_RANGE", `${what}: expected ${min} to ${max}, got ${value}`);

export const length = (what, got, expected) => {
  if (got !== expected) fail("LENGTH", `${what}: expected ${expected} values, got ${got}`);
};

/** A document of `docs/state-format.md`: integers, and texts as arrays of 32-bit words or of bytes. */
export const write = (format, integers, texts) => {
  const names = Object.keys(integers);
  const state = { format, version: 1, ...integers };
  const sum = [Uint32Array.of(1, ...names.map((name) => integers[name])), ...Object.values(texts)];
  state.crc32 = crc32(sum);
  for (const name of Object.keys(texts)) state[name] = encode(texts[name]);
  return JSON.stringify(state);
};

/** Its integers, and its texts as bytes; `lengths` says how many words each has. */
export const read = (json, format, names, lengths) => {
  const state = parse(json);
  if (state?.format !== format) fail("FORMAT", `format: expected "${format}", got ${shown(state?.format)}`);
  if (state.version !== 1) fail("MISMATCH", `version: expected 1, got ${shown(state.version)}`);
  for (const name of [...names, "crc32"]) {
    if (state[name] !== state[name] >>> 0) {
      fail("SYNTAX", `${name}: expected a whole number of 32 bits, got ${shown(state[name])}`);
    }
  }
  const words = lengths(state);
  fields(state, [...names, ...Object.keys(words)]);
  const texts = Object.keys(words).map(
    (name) => new Uint8Array(decode(name, state[name], words[name]).buffer),
  );
  const crc = crc32([Uint32Array.of(1, ...names.map((name) => state[name])), ...texts]);
  if (crc !== state.crc32) {
    fail("CHECKSUM", `state: expected the checksum ${state.crc32}, got ${crc}: it has been damaged`);
  }
  return [state, ...texts];
};

export const floats = (bytes) => new Float32Array(bytes.buffer);
export const integers = (bytes) => new Uint32Array(bytes.buffer);
