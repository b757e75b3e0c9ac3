// Pulling weights back towards ones that were kept (`src/learn/pull.rs` in the Rust crate).

import { f32, range } from "./documents.js";
import { DUAL_STEP, NORM_LIMIT } from "./generated/adapter.js";
import { ours } from "./ours.js";
import { fail, sized } from "./shared.js";
import { axpy, dot, notFinite, scale } from "./vectors.js";

const NAMES = ["loraA", "loraB"];

export const pullTowards = (lora, loraA, loraB, share) => {
  const read = () => [ours(lora).loraA, lora.loraB];
  const given = [loraA, loraB];
  const kept = read().map(({ length }, i) => new Float32Array(sized(NAMES[i], given[i], length)));
  share = f32(range("share", share, 0, 1));
  // Only now: to read an array may run code that trains the adapter.
  const own = read();
  const config = lora.getConfig();
  if (config.step === DUAL_STEP) fail("UNSUPPORTED", "step", "0 to 2, which can be pulled", "3: use forget of Memory");
  const scaling = f32(config.computeScaling());
  kept.forEach((values, i) => {
    const norm = Math.sqrt(dot(values, values));
    if (!(f32(norm) <= f32(NORM_LIMIT / [1, scaling][i]))) notFinite(NAMES[i], values);
  });
  // Between two matrices within the limit there are none beyond it.
  own.forEach((values, i) => {
    scale(values, f32(1 - share));
    axpy(values, share, kept[i]);
  });
  lora.takeWeights(...own);
};
