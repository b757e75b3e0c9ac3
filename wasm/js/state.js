// The state of an adapter as JSON: `docs/state-format.md`. What is read is checked here as a text, and by the engine
// as an adapter.

import { whole } from "./engine.js";
import { fail, shown } from "./fail.js";
import { MAX_STEP, RSLORA } from "./generated/adapter.js";
import { INTEGERS, MATRICES, SCALARS, STATE_VERSION } from "./generated/header.js";

/** How many fields a state has: `format`, `version`, `scalars`, `crc32`, and those below. */
const KEYS = 21;

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

const table = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 && 0xedb88320);
  return value;
});

/** CRC-32 of some arrays, one after the other. */
export const crc32 = (arrays) => {
  let sum = -1;
  for (const array of arrays) {
    const bytes = bytesOf(array);
    for (let i = 0; i < bytes.length; i++) sum = (sum >>> 8) ^ table[(sum ^ bytes[i]) & 255];
  }
  return ~sum >>> 0;
};

/** So many at once as every engine takes for arguments; a multiple of 3. */
const CHUNK = 24576;

export const encode = (array) => {
  const bytes = bytesOf(array);
  if (bytes.toBase64) return bytes.toBase64();
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + CHUNK));
  }
  return btoa(text);
};

/** `n` floats. Strict: there is one text for one sequence of values. */
export const decode = (what, text, n) => {
  try {
    // No text holds more values than it has characters; there may be no memory for so many.
    if (n <= text.length) {
      const values = new Float32Array(n);
      const into = bytesOf(values);
      if (into.setFromBase64) into.setFromBase64(text);
      else {
        const bytes = atob(text);
        for (let i = 0; i < bytes.length; i++) into[i] = bytes.charCodeAt(i);
      }
      if (encode(values) === text) return values;
    }
  } catch {}
  return fail("BASE64", `${what}: expected the base64 of ${n} values, got something else`);
};

const checksum = (state, scalars, matrices) =>
  crc32([Uint32Array.of(STATE_VERSION, ...Object.keys(INTEGERS).map((name) => state[name])), scalars, ...matrices]);

/** An adapter's header, as integers and as floats, and its matrices as JSON. */
export const write = (words, numbers, matrices) => {
  const state = { format: "micro-lora", version: STATE_VERSION };
  for (const name in INTEGERS) state[name] = words[INTEGERS[name]];
  // Beside it there is another flag.
  state.use_rslora &= RSLORA;
  // Without pending events the gradients are zero.
  const saved = matrices.map((matrix, i) => (i < 2 || state.pending ? matrix : new Float32Array()));
  const scalars = Float32Array.from(SCALARS, ([place]) => numbers[place]);
  state.crc32 = checksum(state, scalars, saved);
  state.scalars = encode(scalars);
  MATRICES.forEach((name, i) => (state[name] = encode(saved[i])));
  return JSON.stringify(state);
};

/** A JSON's sizes, and what fills the header and the matrices of an adapter that has them. */
export const read = (json, modelId, legacy) => {
  if (typeof json !== "string") fail("TYPE", `json: expected a string, got ${typeof json}`);
  let state;
  try {
    state = JSON.parse(json);
  } catch ({ message }) {
    fail("SYNTAX", `state: expected JSON, got ${message}`);
  }
  if (legacy && state?.adapter) return legacy(state);
  if (state?.format !== "micro-lora") fail("FORMAT", `format: expected "micro-lora", got ${state?.format}`);
  if (state.version !== STATE_VERSION) fail("MISMATCH", `version: expected ${STATE_VERSION}, got ${shown(state.version)}`);
  const names = [...Object.keys(INTEGERS), "crc32"];
  for (const name of names) {
    if (state[name] !== state[name] >>> 0) {
      fail("SYNTAX", `${name}: expected a whole number of 32 bits, got ${shown(state[name])}`);
    }
  }
  // No text of a state has a quote in it, so what ends in one and goes on with a colon is a key. Each is looked at here
  // or below, and has to be there: another one, or one twice, is one more.
  const keys = json.match(/"\s*:/g).length;
  if (keys !== KEYS) fail("SYNTAX", `state: expected ${KEYS} fields, got ${keys}`);
  whole("step", state.step, 0, MAX_STEP);
  whole("use_rslora", state.use_rslora, 0, 1);
  if (state.model_id !== modelId)
    fail("MISMATCH", `model_id: expected ${shown(modelId)}, got ${state.model_id}`);
  const { in_features: inFeatures, out_features: outFeatures, rank } = state;
  const [a, b] = [rank * inFeatures, rank * outFeatures];
  const scalars = decode("scalars", state.scalars, SCALARS.length);
  const lengths = state.pending ? [a, b, a, b] : [a, b, 0, 0];
  const saved = MATRICES.map((name, i) => decode(name, state[name], lengths[i]));
  const crc = checksum(state, scalars, saved);
  if (crc !== state.crc32)
    fail("CHECKSUM", `state: expected the checksum ${state.crc32}, got ${crc}`);
  const fill = (words, numbers, matrices) => {
    for (const name in INTEGERS) words[INTEGERS[name]] = state[name];
    SCALARS.forEach(([place], i) => (numbers[place] = scalars[i]));
    saved.forEach((values, i) => matrices[i].set(values));
  };
  return [{ inFeatures, outFeatures, _rank: rank }, fill];
};
