// Bytes, as callers give them.

import { mistyped } from "./fail.js";

/** The bytes that a view is of. */
export const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

/** The bytes of a buffer or of a view of one. */
export const bytesIn = (bytes, hint) => {
  try {
    if (bytes.byteLength >= 0) return ArrayBuffer.isView(bytes) ? bytesOf(bytes) : new Uint8Array(bytes);
  } catch {}
  return mistyped("bytes", "a Uint8Array", bytes, hint?.(bytes));
};
