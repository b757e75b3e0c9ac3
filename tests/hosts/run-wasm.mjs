// Runs the wasm host: `node run-wasm.mjs hosts.wasm`.
import { readFileSync, writeSync } from "node:fs";

let memory;
const print = (start, length) => writeSync(1, new Uint8Array(memory.buffer, start, length));

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), { host: { print } });
memory = instance.exports.memory;
instance.exports.run();
