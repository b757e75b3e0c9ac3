// The entry `micro-lora/lite` in Node, which cannot fetch files.

import { readFile } from "node:fs/promises";

import init, { engineUrl } from "./lite.js";

export * from "./lite.js";
export default (source) => init(source ?? readFile(engineUrl()));
