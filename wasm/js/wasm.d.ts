import type { InitSource } from "./lite.js";

/** What your bundler makes of an imported `.wasm` file: an address, or a compiled module. `init` takes either. */
declare const engine: InitSource;
export default engine;
