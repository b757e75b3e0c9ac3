// The engine of an entry that has it with it, as an address that needs no network. `engine-bytes` is the file itself.
import bytes from "engine-bytes";

import { fail } from "../fail.js";

export default (hasSimd) =>
  hasSimd()
    ? bytes
    : fail("NOT_LOADED", "this entry has the build with simd128 alone: give init() the other one, a .wasm file of the package");
