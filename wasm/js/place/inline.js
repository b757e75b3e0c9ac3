// The engine of an entry that has it with it, as an address that needs no network. `engine-bytes` is the file itself.
import bytes from "engine-bytes";

import { fail } from "../fail.js";

export default (hasSimd) =>
  hasSimd()
    ? bytes
    : fail("NOT_LOADED", "engine", "simd128, which the build in this entry needs", "none: give init() another .wasm file of the package");
