// The entry `micro-lora` in Node, which cannot fetch files.

import { readFile } from "node:fs/promises";

import init, { engineUrl } from "./index.js";

export * from "./index.js";
export default (source) => init(source ?? readFile(engineUrl()));
