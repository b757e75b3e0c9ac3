// The entry `micro-lora/peft`: adapters in the files of Hugging Face PEFT, `adapter_model.safetensors`. A file of its
// own beside `index.js`, of which it uses what is public.

import { MAX_RANK } from "./generated/adapter.js";
import { MicroLoraConfigWasm, MicroLoraWasm } from "./index.js";
import { ours } from "./ours.js";
import { reduce } from "./reduce.js";
import { bytesIn, fail, mistyped, shown } from "./shared.js";

/** The largest rank of a file that can be reduced. */
const MAX_REDUCED = 64;

const PREFIX = "base_model.model.";

/** The shortest decimal that is the same f32. */
const decimal = (value) => {
  let digits = 1;
  while (Math.fround(value.toPrecision(digits)) !== value) digits++;
  return `${+value.toPrecision(digits)}`;
};

/** Of a matrix of so many rows; the rows of the result are its columns. */
const transposed = (values, rows) => {
  const columns = values.length / rows;
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
};

export const toBytes = (lora, module = "micro_lora") => {
  const { loraA, loraB, bias } = ours(lora);
  if (bias.some((value) => value)) {
    fail("UNSUPPORTED", "bias", "none, which a file written here cannot have", "that of the dual step");
  }
  if (typeof module !== "string") mistyped("module", "a name", module);
  if (!/^[^\0-\x1f"\\]+$/.test(module)) {
    fail("SYNTAX", "module", "a name without quotes, backslashes and control characters", shown(module));
  }
  const { rank, inFeatures, outFeatures, alpha, useRslora } = lora.getConfig();
  const [a, b] = [rank * inFeatures, rank * outFeatures];
  const tensor = (name, shape, from, to) => [
    `${PREFIX}${module}.lora_${name}.weight`,
    { dtype: "F32", shape, data_offsets: [from, to] },
  ];
  let header = JSON.stringify(
    Object.fromEntries([
      ["__metadata__", { format: "pt", lora_alpha: decimal(alpha), use_rslora: `${useRslora}` }],
      tensor("A", [rank, inFeatures], 0, 4 * a),
      tensor("B", [outFeatures, rank], 4 * a, 4 * (a + b)),
    ]),
  );
  header = new TextEncoder().encode(header);
  // Values begin at a multiple of 8, as the format wants it.
  const start = 8 + ((header.length + 7) & ~7);
  const bytes = new Uint8Array(start + 4 * (a + b)).fill(32, 8);
  bytes.set(header, 8);
  new DataView(bytes.buffer).setUint32(0, start - 8, true);
  const weights = new Float32Array(bytes.buffer, start);
  weights.set(loraA);
  weights.set(transposed(loraB, rank), a);
  return bytes;
};

/** f16 as f32. */
const half = (bits) => {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size =
    exponent === 31
      ? fraction
        ? NaN
        : Infinity
      : exponent
        ? 2 ** (exponent - 15) * (1 + fraction)
        : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
};

const DTYPES = {
  F32: (data) => new Float32Array(data),
  F16: (data) => Float32Array.from(new Uint16Array(data), half),
  BF16: (data) => new Float32Array(Uint32Array.from(new Uint16Array(data), (bits) => bits << 16).buffer),
};

/** The header, and the bytes of all values. */
const parse = (bytes) => {
  // A copy of its own, so that every tensor may be cut from it.
  bytes = new Uint8Array(bytesIn(bytes));
  try {
    const end = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    if (end > bytes.length) throw 0;
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, end)));
    return [Object.entries(header), header.__metadata__ ?? {}, bytes.buffer.slice(end)];
  } catch {
    return fail("SYNTAX", "bytes", "a safetensors file", "something else");
  }
};

const pairOf = (value) => (Array.isArray(value) ? value : []);

/** A tensor's two sizes and its values. */
const matrix = (tensor, what, data) => {
  const { dtype, shape, data_offsets } = tensor ?? {};
  const read = DTYPES[dtype];
  if (!read) fail("UNSUPPORTED", what, "dtype F32, F16 or BF16", shown(dtype));
  const [from, to] = pairOf(data_offsets);
  const [rows, columns] = pairOf(shape);
  if (columns === undefined || shape.length > 2) fail("UNSUPPORTED", what, "a matrix", `shape ${shape}`);
  if (to > data.byteLength) {
    fail("SYNTAX", what, `${to} bytes of values`, `${data.byteLength}: the file is cut off`);
  }
  if (to - from !== rows * columns * (dtype === "F32" ? 4 : 2) || !(from >= 0)) {
    fail("SYNTAX", what, `the bytes of shape ${shape}`, `those from ${from} to ${to}`);
  }
  return [rows, columns, read(data.slice(from, to))];
};

/** One module of a file: its sizes, its matrices as they are there, and the settings that go with them. */
const read = (bytes, config, module) => {
  const [tensors, metadata, data] = parse(bytes);
  const names = tensors.flatMap(
    ([name]) => name.match(/^base_model\.model\.(.*)\.lora_A\.weight$/)?.[1] ?? [],
  );
  const name = module ?? (names.length === 1 ? names[0] : undefined);
  if (!names.includes(name)) fail("MISSING", "module", `one of ${names}`, shown(name));
  const own = tensors.filter(([key]) => key.startsWith(`${PREFIX}${name}.lora_`));
  if (own.length !== 2)
    fail("UNSUPPORTED", name, "lora_A and lora_B alone", own.map(([key]) => key));
  const find = (what) =>
    matrix(own.find(([key]) => key.endsWith(`.lora_${what}.weight`))?.[1], `lora_${what}`, data);
  const [rank, inFeatures, a] = find("A");
  const [outFeatures, columns, b] = find("B");
  if (columns !== rank)
    fail("UNSUPPORTED", "lora_B", `shape ${[outFeatures, rank]}`, [outFeatures, columns]);
  const { lora_alpha, use_rslora } = metadata;
  const scaled = lora_alpha ? { alpha: +lora_alpha, useRslora: use_rslora === "true" } : {};
  // A config would take another rank for the nearest that there is.
  const settings = (rank, more) =>
    Object.assign(new MicroLoraConfigWasm(), config, scaled, { inFeatures, outFeatures, rank }, more);
  return { rank, a, b, inFeatures, outFeatures, settings };
};

const ranked = (rank, max) => {
  if (!(rank >= 1 && rank <= max)) fail("COUNT", "rank", `1 to ${max}`, rank);
};

export const fromBytes = (bytes, config, module) => {
  const { rank, a, b, outFeatures, settings } = read(bytes, config, module);
  ranked(rank, MAX_RANK);
  return MicroLoraWasm.fromWeights(settings(rank), a, transposed(b, outFeatures));
};

export const fromBytesReduced = (bytes, config, module) => {
  const { rank, a, b, inFeatures, outFeatures, settings } = read(bytes, config, module);
  ranked(rank, MAX_REDUCED);
  const most = config?.rank ?? MAX_RANK;
  if (rank <= most) return { lora: fromBytes(bytes, config, module), rank, kept: 1 };
  if (![a, b].every((values) => values.every(Number.isFinite)))
    fail("NOT_FINITE", "lora_A, lora_B", "finite numbers", "something else");
  const { alpha, useRslora } = settings(most);
  const over = useRslora ? Math.sqrt : Number;
  const scaling = alpha / over(rank);
  const all = settings(most, { alpha: scaling * over(most) });
  const columns = Array.from({ length: inFeatures }, (_, i) =>
    Float64Array.from({ length: rank }, (_, r) => a[r * inFeatures + i]),
  );
  const rows = Array.from({ length: outFeatures }, (_, o) => Float64Array.from(b.subarray(o * rank, (o + 1) * rank)));
  const { directions, kept } = reduce(rank, columns, rows, most, scaling);
  // A direction that is not needed is as in a fresh adapter.
  const fresh = new MicroLoraWasm(all);
  const { loraA, loraB } = fresh;
  fresh.free();
  directions.forEach((direction, r) => {
    loraA.set(direction.a, r * inFeatures);
    loraB.set(direction.b, r * outFeatures);
  });
  return { lora: MicroLoraWasm.fromWeights(all, loraA, loraB), rank, kept };
};
