// What an entry beside `micro-lora` uses of it: the same functions, which are not downloaded twice. In the order of
// `index.js`: names would be downloaded as well.

import { shared } from "./index.js";

export const [
  asking,
  bytesIn,
  check,
  count,
  crc32,
  decode,
  encode,
  loaded,
  fail,
  fields,
  flat,
  formatted,
  idle,
  known,
  mistyped,
  number,
  parse,
  release,
  room,
  savable,
  shown,
  sized,
  summed,
  take,
  use,
  whole,
  within,
  written,
] = shared;
