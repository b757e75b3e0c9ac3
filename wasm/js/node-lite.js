// The entry `micro-lora/lite` in Node, which cannot fetch files.

import { readFile } from "node:fs/promises";

import init, { engineUrl } from "./lite.js";

export * from "./lite.js";

const local = (source) =>
  (source instanceof URL || typeof source === "string") && `${source}`.startsWith("file:");

export default (source = engineUrl()) => init(local(source) ? readFile(new URL(source)) : source);
