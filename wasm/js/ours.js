// What the entries beside `micro-lora` are given.

import { fail, shown } from "./shared.js";

/** An adapter of `micro-lora`, whichever copy of it a bundler has put there. Those of `micro-lora/lite` can do less. */
export const ours = (lora) => {
  if (typeof lora?.adaptListwise === "function") return lora;
  const got = lora?.adaptChoice ? "one of micro-lora/lite" : shown(lora);
  return fail("TYPE", "lora", "an adapter of micro-lora", got);
};
