// The engine as a `data:` address, for entries that contain it. The build replaces `engine-bytes` by the file.
import bytes from "engine-bytes";

import { fail } from "../fail.js";

export default (hasSimd) =>
  hasSimd()
    ? bytes
    : fail("NOT_LOADED", "engine", "simd128, which the build in this entry needs", "none: give init() another .wasm file of the package");
