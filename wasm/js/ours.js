// The check of adapters that are passed to the entries beside `micro-lora`.

import { fail, shown } from "./shared.js";

/** Refuses what is no adapter of `micro-lora`. It is told by a method, since a bundler may have made two copies of the class. */
export const ours = (lora) => {
  if (typeof lora?.adaptListwise === "function") return lora;
  const got = lora?.adaptChoice ? "one of micro-lora/lite" : shown(lora);
  return fail("TYPE", "lora", "an adapter of micro-lora", got);
};
