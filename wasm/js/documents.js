// What the ring and the holdback share: 32-bit numbers, their ranges, and the documents they are saved as
// (`src/companions/` in the Rust crate).

import { crc32, decode, encode, fail, formatted, number, parse, summed, written } from "./shared.js";

export const f32 = Math.fround;
/** The smallest normal number of 32 bits. */
export const SMALLEST = 2 ** -126;

/** A number within limits. The type is checked, because a comparison takes null for 0 and "1" for 1. */
export const range = (what, value, min, max) =>
  number(what, value) >= min && value <= max
    ? value
    : fail("OUT_OF_RANGE", what, `${min} to ${max}`, value);

export const length = (what, got, expected) => {
  if (got !== expected) fail("LENGTH", what, `${expected} values`, got);
};

/** Writes a document of `docs/state-format.md`. `texts`: arrays of 32-bit words or of bytes, for base64. */
export const write = (format, integers, texts, version = 1) => {
  const names = Object.keys(integers);
  const state = { format, version, ...integers };
  const sum = [Uint32Array.of(version, ...names.map((name) => integers[name])), ...Object.values(texts)];
  state.crc32 = crc32(sum);
  for (const name of Object.keys(texts)) state[name] = encode(texts[name]);
  return JSON.stringify(state);
};

/**
 * Reads one: its integers, then its texts as bytes. `lengths(integers)` gives the number of words of each text. A version 2
 * has the texts `added`, too.
 */
export const read = (json, format, names, texts, lengths, added) => {
  const state = parse(json);
  if (formatted(state, format, added ? [1, 2] : [1]) > 1) texts = [...texts, ...added];
  written(json, state, names, texts);
  const words = lengths(state);
  const saved = texts.map((name, i) => new Uint8Array(decode(name, state[name], words[i]).buffer));
  summed(state, [Uint32Array.of(state.version, ...names.map((name) => state[name])), ...saved]);
  return [state, ...saved];
};

export const floats = (bytes) => new Float32Array(bytes.buffer);
export const integers = (bytes) => new Uint32Array(bytes.buffer);
