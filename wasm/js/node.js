// The entry `micro-lora` in Node, which cannot fetch files.

import { readFile } from "node:fs/promises";

import init, { engineUrl } from "./index.js";

export * from "./index.js";

const local = (source) =>
  (source instanceof URL || typeof source === "string") && `${source}`.startsWith("file:");

export default (source = engineUrl()) => init(local(source) ? readFile(new URL(source)) : source);
