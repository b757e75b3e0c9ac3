// The state of an adapter as JSON: `docs/state-format.md`. What is read is checked here as a text, and by the engine
// as an adapter.

import { whole } from "./arrays.js";
import { bytesIn, bytesOf } from "./bytes.js";
import { within } from "./engine.js";
import { fail, known, mistyped, shown } from "./fail.js";
import { BIAS, DUAL, DUAL_STEP, MAX_DUAL_FLAGS, MAX_RANK, MAX_STEP, RSLORA, SCALED_STEP, SUM_LIMIT } from "./generated/adapter.js";
import { DUAL_FLAGS, DUAL_WORDS, INTEGERS, INTEGERS_1, SCALARS, SECTIONS, SECTIONS_1, STEP } from "./generated/header.js";
import { classOf } from "./own.js";

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

/** Bytes converted at once: no engine refuses so many arguments. */
const CHUNK = 24576;

const textOf = (bytes) => {
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + CHUNK));
  }
  return text;
};

/** Writes a text of characters up to 255 as bytes. */
const fill = (bytes, text) => {
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

/** The static methods that work without their class. */
const STATIC = ["fromJson", "load", "fromWeights"];

/** Adds `save`, `load` and `toJSON` to a class that has `toJson` and `fromJson`, and makes static methods work without it. */
export const savable = (Class) => {
  const { prototype } = Class;
  const { toJson } = prototype;
  prototype.save = function () {
    const text = toJson.call(this);
    return fill(new Uint8Array(text.length), text);
  };
  /** For `JSON.stringify`: the same text. */
  prototype.toJSON = function () {
    return JSON.parse(toJson.call(this));
  };
  Class.load = function (bytes, ...rest) {
    return this.fromJson(textOf(bytesIn(bytes, hint)), ...rest);
  };
  for (const name of STATIC) {
    const method = Class[name];
    Class[name] = function (...given) {
      return method.apply(classOf(this, Class), given);
    };
  }
};

export const encode = (array) => {
  const bytes = bytesOf(array);
  return bytes.toBase64 ? bytes.toBase64() : btoa(textOf(bytes));
};

/** Decodes `n` floats. Each sequence of values has exactly one text; others are refused. */
export const decode = (what, text, n) => {
  try {
    // Checked before memory is allocated for them: a text has more characters than values.
    if (n <= text.length) {
      const values = new Float32Array(n);
      const into = bytesOf(values);
      if (into.setFromBase64) into.setFromBase64(text);
      else fill(into, atob(text));
      if (encode(values) === text) return values;
    }
  } catch {}
  return fail("BASE64", what, `the base64 of ${n} values`, "something else");
};

/** The lowest version that can hold a state, so that older programs can read it. */
const versionOf = (step, dualFlags) => (step > SCALED_STEP || dualFlags ? 2 : 1);

/** The integers and the sections of a version. */
const fieldsOf = (version) => {
  const names = Object.keys(INTEGERS);
  return version > 1 ? [names, SECTIONS] : [names.slice(0, INTEGERS_1), SECTIONS.slice(0, SECTIONS_1)];
};

/** The number of values of each section. */
const lengthsOf = ({ in_features: x, out_features: y, rank, pending, dual_flags }) => {
  const dual = dual_flags & DUAL;
  const bias = dual_flags & (DUAL | BIAS);
  return [
    SCALARS.length,
    rank * x,
    rank * y,
    pending || dual ? rank * x : 0,
    pending && rank * y,
    bias && DUAL_WORDS.length,
    bias && y,
    dual && x,
    pending && dual && y,
  ];
};

/** The section `dual`, and those that are arrays of an adapter, in the order of its block. */
const DUAL_SECTION = 5;
export const ARRAYS = [1, 2, 3, 4, 6, 7, 8];

/** What a checksum is over. */
const contents = (state, names, saved) => [Uint32Array.of(state.version, ...names.map((name) => state[name])), ...saved];

/** An adapter's header, as integers and as floats, and its arrays as JSON. */
export const write = (words, numbers, arrays) => {
  const version = versionOf(words[STEP], words[DUAL_FLAGS]);
  const [names, sections] = fieldsOf(version);
  const state = { format: "micro-lora", version };
  for (const name of names) state[name] = words[INTEGERS[name]];
  // The header's word has other flags as well.
  state.use_rslora &= RSLORA;
  const all = [];
  [all[0], all[DUAL_SECTION]] = [SCALARS.map(([place]) => place), DUAL_WORDS].map((places) =>
    Float32Array.from(places, (place) => numbers[place]),
  );
  ARRAYS.forEach((section, i) => (all[section] = arrays[i]));
  const lengths = lengthsOf(state);
  const saved = sections.map((_, i) => all[i].subarray(0, lengths[i]));
  state.crc32 = crc32(contents(state, names, saved));
  sections.forEach((name, i) => (state[name] = encode(saved[i])));
  return JSON.stringify(state);
};

/** A hint for null and undefined, which storage gives for a key that is not there, and for the other form of a state. */
const hint = (value) => {
  if (value == null) return ": nothing was saved";
  if (LITE) return "";
  if (typeof value === "string") return ": fromJson() takes text";
  return ArrayBuffer.isView(value) ? ": load() takes bytes" : "";
};

/** Parses JSON. */
export const parse = (json) => {
  if (typeof json !== "string") mistyped("json", "a string", json, hint(json));
  let state;
  try {
    state = JSON.parse(json);
  } catch ({ message }) {
    fail("SYNTAX", "state", "JSON", message);
  }
  return typeof state === "string"
    ? fail("FORMAT", "state", "an object", "a string: it was made JSON twice")
    : state;
};

/** Refuses a document of another format or version. */
export const formatted = (state, format, versions) => {
  if (state?.format !== format) fail("FORMAT", "format", `"${format}"`, shown(state?.format));
  const { version } = state;
  return versions.includes(version) ? version : fail("MISMATCH", "version", versions.join(" or "), shown(version));
};

/** Refuses a document whose checksum is not that of its contents. */
export const summed = (state, saved) => {
  const crc = crc32(saved);
  if (crc !== state.crc32) fail("CHECKSUM", "state", `the checksum ${state.crc32}`, crc);
};

/** Refuses a document that has not exactly these integers and texts, each once and written as the format says. */
export const written = (json, state, integers, texts) => {
  for (const name of [...integers, "crc32"]) {
    const value = state[name];
    if (value !== value >>> 0) fail("SYNTAX", name, "a whole number of 32 bits", shown(value));
  }
  known(state, ["format", "version", ...integers, ...texts, "crc32"], "state", "SYNTAX");
  // `JSON.parse` takes besides: the last of two fields of one name, 1.0 for 1, escapes for what they stand for.
  const plain = JSON.stringify(state);
  if (json !== plain && json.replace(/\s|\\(?=\/)/g, "") !== plain) {
    fail("SYNTAX", "state", "each field once, in digits or base64", "something else");
  }
};

/** Reads and checks a state. Gives the settings to make an adapter with, and a function that fills its header and arrays. */
export const read = (json, modelId, legacy) => {
  const state = parse(json);
  if (legacy && state?.adapter) return legacy(state, modelId);
  const version = formatted(state, "micro-lora", [1, 2]);
  const [names, sections] = fieldsOf(version);
  written(json, state, names, sections);
  whole("use_rslora", state.use_rslora, 0, 1);
  whole("dual_flags", state.dual_flags ?? 0, 0, MAX_DUAL_FLAGS);
  const isDual = state.dual_flags & DUAL;
  whole("step", state.step, isDual && DUAL_STEP, isDual ? DUAL_STEP : MAX_STEP);
  if (state.model_id !== modelId) fail("MISMATCH", "modelId", shown(modelId), state.model_id);
  const { in_features: inFeatures, out_features: outFeatures, rank } = state;
  // A config would clamp it.
  whole("rank", rank, 1, MAX_RANK);
  const lengths = lengthsOf(state);
  const saved = sections.map((name, i) => decode(name, state[name], lengths[i]));
  summed(state, contents(state, names, saved));
  const least = versionOf(state.step, state.dual_flags);
  if (version !== least) fail("MISMATCH", "version", least, version);
  const duals = saved[DUAL_SECTION] ?? [];
  within("dual", Math.hypot(...duals), 0, SUM_LIMIT);
  // The first three are norms: all zero, or all in range. From 16 on: the doubt, and the lists since it was zero.
  const norms = duals.slice(0, 3);
  if (norms.some(Boolean)) for (const length of norms) within("dual", length, 1e-3, 1e3);
  for (const seen of duals.slice(16)) within("dual", seen, 0, SUM_LIMIT);
  const fill = (words, numbers, arrays) => {
    for (const name of names) words[INTEGERS[name]] = state[name];
    SCALARS.forEach(([place], i) => (numbers[place] = saved[0][i]));
    duals.forEach((value, i) => (numbers[DUAL_WORDS[i]] = value));
    ARRAYS.forEach((section, i) => arrays[i].set(saved[section] ?? []));
  };
  return [{ inFeatures, outFeatures, rank }, fill];
};
