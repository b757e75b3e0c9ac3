// Pulling weights back towards ones that were kept (`src/learn/pull.rs` in the Rust crate).

import { f32, range } from "./documents.js";
import { DUAL_STEP, NORM_LIMIT } from "./generated/adapter.js";
import { ours } from "./ours.js";
import { fail, sized } from "./shared.js";
import { axpy, dot, notFinite, scale } from "./vectors.js";

export const pullTowards = (lora, loraA, loraB, share) => {
  const own = [ours(lora).loraA, lora.loraB];
  const config = lora.getConfig();
  if (config.step === DUAL_STEP) fail("UNSUPPORTED", "step", "0 to 2, which can be pulled", "3: use forget of Memory");
  const scaling = f32(config.computeScaling());
  const names = ["loraA", "loraB"];
  const kept = [loraA, loraB].map((values, i) => new Float32Array(sized(names[i], values, own[i].length)));
  share = f32(range("share", share, 0, 1));
  kept.forEach((values, i) => {
    const norm = Math.sqrt(dot(values, values));
    if (!(f32(norm) <= f32(NORM_LIMIT / [1, scaling][i]))) notFinite(names[i], values);
  });
  // Between two matrices within the limit there are none beyond it.
  own.forEach((values, i) => {
    scale(values, f32(1 - share));
    axpy(values, share, kept[i]);
  });
  lora.takeWeights(...own);
};
