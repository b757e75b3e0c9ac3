// Saved documents: whole ones of every kind, and what storage, networks and other programs make of them.
import { crc32 } from "node:zlib";
import { Draw } from "./draw.js";
import { CAPACITY, LIST, MODEL } from "./world.js";

/** Sizes for which the native program has a ring and a memory. */
export const [WIDTH, OUT] = [3, 2];

/** A vector of unit norm: lists of one adapter are of about the same length. */
const unit = (draw, length) => {
  const values = draw.vector(length);
  return values.map((value) => value / Math.hypot(...values));
};

/** The flag of a list that is counted in the mean, in its second word. */
const OUTSIDE = 0x200;

/** A memory's text as version 1 has it: without the mean, and with no list that is counted in it. */
function older(text) {
  const { mean, ...state } = { ...JSON.parse(text), version: 1 };
  const lists = Buffer.from(state.lists, "base64");
  for (let at = 4; at < lists.length; at += lists.length / state.len)
    lists.writeUInt32LE(lists.readUInt32LE(at) & ~OUTSIDE, at);
  state.lists = lists.toString("base64");
  state.crc32 = checksum(split(JSON.stringify(state)));
  return JSON.stringify(state);
}

/** Whole documents of every kind: `[kind, text]`. */
export function documents({ lora, learn }, seed) {
  const draw = new Draw(seed);
  const made = [];
  for (let i = 0; i < 12; i += 1) {
    const [inFeatures, outFeatures] = draw.pick([
      [WIDTH, OUT],
      [4, 4],
      [1, 1],
      [7, 3],
    ]);
    const settings = {
      inFeatures,
      outFeatures,
      rank: 1 + draw.below(Math.min(4, inFeatures)),
      modelId: MODEL,
    };
    const step = [2, 3, 4, 0, 1][i % 5];
    const each = new lora.MicroLoraWasm(Object.assign(new lora.MicroLoraConfigWasm(), settings, { step }));
    for (let event = 0; event < i % 7; event += 1) {
      const rows = [1, 2, 3].map(() => unit(draw, outFeatures));
      each.adaptChoice(unit(draw, inFeatures), rows, event % 3, { base: unit(draw, outFeatures) });
      if (!draw.oneIn(3)) each.applyUpdates(0.02);
    }
    made.push(["adapter", each.toJson()]);
    each.free();
  }
  const settings = { inFeatures: WIDTH, outFeatures: OUT, modelId: MODEL, rank: 2 };
  for (const kind of ["int8", "f32"]) {
    const dual = new lora.MicroLoraWasm(Object.assign(new lora.MicroLoraConfigWasm(), settings, { step: 3 }));
    const memory = new learn.Memory(WIDTH, OUT, {
      list: LIST,
      capacity: CAPACITY,
      modelId: MODEL,
      queries: kind,
      documents: kind,
    });
    const ring = new learn.Replay(WIDTH, OUT, LIST, CAPACITY, MODEL);
    const holdback = new learn.Holdback();
    for (let event = 0; event < 7; event += 1) {
      const list = [unit(draw, WIDTH), [unit(draw, OUT), unit(draw, OUT)], [1, 0], { base: unit(draw, OUT) }];
      // One of the lists has no click.
      const [query, rows, clicks, base] = list;
      memory.learn(dual, query, rows, event === 4 ? [0, 0] : clicks, base);
      ring.push(...list);
      holdback.recordClicks(holdback.interleave([1, 2, 3], [3, 2, 1], 3).map(() => draw.below(2)));
      if (event % 3)
        made.push(
          ["memory", memory.toJson()],
          ["memory", older(memory.toJson())],
          ["ring", ring.toJson()],
          ["holdback", holdback.toJson()],
        );
    }
    for (const each of [dual, memory]) each.free();
  }
  made.push([
    "adapter",
    '{"adapter":{"lora_a":[1,2,0.5,0.25],"lora_b":[1,-1],"scaling":2.0,"rank":2,"in_features":2,"out_features":1,' +
      '"grad_a":[],"grad_b":[],"grad_count":0},"samples_seen":1,"quality_sum":1.0}',
  ]);
  return made;
}

const VALUES = [
  "0", "1", "2", "3", "4", "5", "7", "8", "00", "01", "+1", "-1", "-0", "1.0", "1e0", "1E0", "0x1", "null", "true", "false",
  '"1"', '""', "[]", "[1]", "{}", '{"length":1e12}', '{"length":2}', "4294967295", "4294967296", "1048576", "1048577",
  "99999999999999999999", "1e999", "NaN", "-1e-999", '"AAAA"', '"AAAAAA=="', '"====" ', '"\\u0041AAA"', '"\\/\\/\\/\\/"', '"é"', "", " 1 ", "1_0",
]; // prettier-ignore

const NAMES = [
  "__proto__", "constructor", "toString", "hasOwnProperty", "length", "adapter", "format", "crc32", "version", "Rank", "rank ",
  "r\\u0061nk", "", "scalars", "lists", "mean", "é", "dual_flags",
]; // prettier-ignore

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  1e-38,
  3e38,
  1e8,
  1e9,
  1e18,
  1.7e7,
  2,
  4,
  1e-7,
];

/** A document's fields, as `[name, text of the value]`. */
const split = (text) =>
  [...text.matchAll(/"([^"]*)":("[^"]*"|[^,{}"]*)/g)].map(([, name, value]) => [name, value]);

const INTEGER = /^\d+$/;
const isText = ([name, value]) => value.startsWith('"') && name !== "format";

/** The checksum that the fields would have. */
function checksum(fields) {
  let sum = 0;
  const integers = fields.filter(([name, value]) => INTEGER.test(value) && name !== "crc32");
  sum = crc32(
    Uint8Array.from(new Uint8Array(Uint32Array.from(integers, ([, value]) => Number(value)).buffer)),
    sum,
  );
  for (const [, value] of fields.filter(isText)) sum = crc32(Buffer.from(value.slice(1, -1), "base64"), sum);
  return sum >>> 0;
}

/** Changes one value among those of a base64 text. */
function withValue(draw, text) {
  const bytes = Buffer.from(text.slice(1, -1), "base64");
  if (bytes.length >= 4) {
    const at = 4 * draw.below(bytes.length >> 2);
    if (draw.oneIn(3)) bytes.writeUInt32LE(draw.oneIn(2) ? draw.word() : draw.below(9), at);
    else bytes.writeFloatLE(draw.oneIn(3) ? 10 * draw.value() : draw.pick(FLOATS), at);
  }
  return `"${bytes.toString("base64")}"`;
}

/** Damages base64 as a text. */
function withDamage(draw, text) {
  const inner = text.slice(1, -1);
  const at = draw.below(inner.length + 1);
  return `"${draw.pick([
    () => inner.slice(0, -1),
    () => inner.replace(/=+$/, ""),
    () => `${inner}=`,
    () => `${inner}AAAA`,
    () => inner.slice(4),
    () => inner.replaceAll("/", "\\/"),
    () => inner.replaceAll("/", "_").replaceAll("+", "-"),
    () =>
      `${inner.slice(0, at)}${draw.pick([" ", "\\n", "\n", "=", "\\u0041", "é", "\0", "\\", "A", '"'])}${inner.slice(at)}`,
    // Bits under the padding, which have to be zero.
    () => inner.replace(/[A-Za-z](=+)$/, (_, pad) => `B${pad}`),
  ])()}"`;
}

/** Some mutations of a document's fields. */
const FIELD = [
  (draw, fields, at) => (fields[at][1] = draw.pick(VALUES)),
  (draw, fields, at) => (fields[at][1] = draw.pick(VALUES)),
  (draw, fields, at) =>
    INTEGER.test(fields[at][1]) && (fields[at][1] = `${draw.oneIn(2) ? draw.word() : draw.below(9)}`),
  (draw, fields, at) =>
    INTEGER.test(fields[at][1]) && (fields[at][1] = `${Number(fields[at][1]) + draw.pick([1, -1, 4])}`),
  (draw, fields, at) => isText(fields[at]) && (fields[at][1] = withValue(draw, fields[at][1])),
  (draw, fields, at) => isText(fields[at]) && (fields[at][1] = withValue(draw, fields[at][1])),
  (draw, fields, at) => isText(fields[at]) && (fields[at][1] = withValue(draw, fields[at][1])),
  (draw, fields, at) => isText(fields[at]) && (fields[at][1] = withDamage(draw, fields[at][1])),
  (draw, fields, at) => fields.splice(at, 1),
  (draw, fields, at) => fields.push([...fields[at]]),
  (draw, fields) => fields.push([draw.pick(NAMES), draw.pick(VALUES)]),
  (draw, fields, at) => (fields[at][0] = draw.pick(NAMES)),
  (draw, fields, at) => fields.push(...fields.splice(0, at)),
  (draw, fields, at) => (fields[at][1] = fields[draw.below(fields.length)][1]),
];

/** Some mutations of a text. */
const TEXT = [
  (draw, text) => text.slice(0, draw.below(text.length)),
  (draw, text) => text.slice(draw.below(text.length)),
  (draw, text, at) =>
    text.slice(0, at) +
    draw.pick(['"', "\\", ",", ":", "{", "}", "[", "0", " ", "\0", "ÿ", "/"]) +
    text.slice(at),
  (draw, text, at) =>
    text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << draw.below(8))) + text.slice(at + 1),
  (draw, text, at) => text.slice(0, at) + text.slice(at + 1),
  (draw, text) =>
    `${draw.pick(["\u00ef\u00bb\u00bf", " ", "\n\t\r ", "\u000b", "\u00a0", "[", "null", "//"])}${text}`,
  (draw, text) => `${text}${draw.pick([" ", "\n", "}", "{}", "]", "\0", "x", text])}`,
  (draw, text) =>
    text.replaceAll(
      draw.pick([",", ":", "{", "}"]),
      (mark) => `${mark}${draw.pick([" ", "\n", "\t", "\u00a0"])}`,
    ),
  (draw, text) => JSON.stringify(text),
];

/** A document of a kind with up to four things wrong with it; mostly its checksum is right. */
export function damaged(draw, text) {
  const isLegacy = text.includes('"adapter"');
  const fields = isLegacy ? undefined : split(text);
  let changed = text;
  if (fields && !draw.oneIn(6)) {
    for (let n = 1 + draw.below(3); n > 0; n -= 1) {
      if (fields.length) draw.pick(FIELD)(draw, fields, draw.below(fields.length));
    }
    const sum = fields.find(([name]) => name === "crc32");
    if (sum && !draw.oneIn(6)) sum[1] = `${checksum(fields)}`;
    changed = `{${fields.map(([name, value]) => `"${name}":${value}`).join()}}`;
  } else if (isLegacy) {
    changed = text.replaceAll(/[\d.]+|\[[^\]]*\]/g, (value) =>
      draw.oneIn(5) ? draw.pick([...VALUES, "[1,2]", '["1"]', "[null]"]) : value,
    );
  }
  if (changed.length && draw.oneIn(fields ? 12 : 3))
    changed = draw.pick(TEXT)(draw, changed, draw.below(changed.length));
  return changed;
}

/** Whole files of PEFT. */
export function files({ lora, peft }) {
  const draw = new Draw(3);
  return [1, 2, 4].map((rank) => {
    const settings = { inFeatures: 6, outFeatures: 5, rank, cap: Infinity };
    const made = lora.MicroLoraWasm.fromWeights(
      Object.assign(new lora.MicroLoraConfigWasm(), settings),
      draw.vector(6 * rank),
      draw.vector(5 * rank),
    );
    return peft.toBytes(made);
  });
}

const FILE_VALUES = [
  ...VALUES, '"F16"', '"BF16"', '"I8"', "[2,6]", "[6,2]", "[0,0]", "[1e9,1e9]", "[-1,-6]", "[0.5,12]", "[0,48]", "[48,0]", "[0,1e12]",
  '["2",6]', "[2,6,1]", "[[2],6]", "[null,null]", '{"lora_alpha":"8"}', '{"lora_alpha":{}}', '{"lora_alpha":"1e99"}', '{"lora_alpha":"x"}',
]; // prettier-ignore

/** A file of PEFT with something wrong in its header, or in its bytes. */
export function damagedFile(draw, bytes) {
  let file = Buffer.from(bytes);
  if (!draw.oneIn(5)) {
    const length = Number(file.readBigUInt64LE());
    let header = file.toString("utf8", 8, 8 + length);
    for (let n = 1 + draw.below(2); n > 0; n -= 1) {
      const parts = [...header.matchAll(/"[^"]*"|\[[^\]]*\]|\{[^{}]*\}|\d+/g)];
      const part = draw.pick(parts);
      if (part)
        header =
          header.slice(0, part.index) +
          draw.pick([...FILE_VALUES, part[0]]) +
          header.slice(part.index + part[0].length);
    }
    const text = Buffer.from(header);
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(draw.oneIn(9) ? draw.word() : text.length));
    file = Buffer.concat([head, text, file.subarray(8 + length)]);
  }
  if (draw.oneIn(3)) file = file.subarray(0, draw.below(file.length + 1));
  if (file.length && draw.oneIn(3)) file[draw.below(file.length)] ^= 1 << draw.below(8);
  return new Uint8Array(file);
}
