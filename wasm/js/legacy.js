import { number, sized, whole } from "./arrays.js";
import { MAX_FEATURES, MAX_RANK } from "./generated/adapter.js";
import * as word from "./generated/header.js";

/** Reads what `@ruvector/ruvllm-wasm` has saved: its lora_A is feature-major, and it has no output guard. */
export const readLegacy = ({ adapter, samples_seen, quality_sum }, modelId) => {
  const { rank, in_features, out_features, scaling, lora_a, lora_b } = adapter;
  whole("rank", rank, 1, MAX_RANK);
  whole("in_features", in_features, 1, MAX_FEATURES);
  whole("out_features", out_features, 1, MAX_FEATURES);
  whole("samples_seen", samples_seen);
  number("quality_sum", quality_sum);
  const savedA = sized("lora_a", lora_a, rank * in_features);
  const savedB = sized("lora_b", lora_b, rank * out_features);
  const fill = (words, numbers, [a, b]) => {
    for (let i = 0; i < a.length; i++) a[i] = savedA[(i % in_features) * rank + Math.floor(i / in_features)];
    b.set(savedB);
    words[word.SAMPLES] = words[word.RATED] = samples_seen;
    numbers[word.MEAN_QUALITY] = samples_seen ? quality_sum / samples_seen : 0;
  };
  const settings = { alpha: number("scaling", scaling) * rank, cap: Infinity, modelId };
  return [{ inFeatures: in_features, outFeatures: out_features, rank, ...settings }, fill];
};
