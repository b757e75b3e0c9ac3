// The entry `micro-lora`.

import {
  MicroLoraConfigWasm,
  MicroLoraWasm as Lite,
  NONE,
  SAMPLE,
  arrays,
  ask,
  filled,
  header,
  learn,
  live,
  loaded,
} from "./adapter.js";
import { count, flat, lengthOf, number, sized, whole } from "./arrays.js";
import { clamped, disposable } from "./config.js";
import { asking, idle, release, room, take, use, within } from "./engine.js";
import { bytesIn } from "./bytes.js";
import { fail, known, mistyped, shown } from "./fail.js";
import { LIST_TEMPERATURE, MAX_CANDIDATES, MAX_FEATURES } from "./generated/adapter.js";
import * as call from "./generated/calls.js";
import * as word from "./generated/header.js";
import { check } from "./refusal.js";
import { fields } from "./own.js";
import { crc32, decode, encode, formatted, parse, savable, summed, written } from "./state.js";

export { init as default, engineUrl, initSync, isSimd } from "./engine.js";
export { MicroLoraConfigWasm };

/** Not in the declarations: what the entries beside this one share with it. `shared.js` names it, in this order. */
export const shared = [
  asking,
  bytesIn,
  check,
  count,
  crc32,
  decode,
  encode,
  loaded,
  fail,
  fields,
  flat,
  formatted,
  idle,
  known,
  mistyped,
  number,
  parse,
  release,
  room,
  savable,
  shown,
  sized,
  summed,
  take,
  use,
  whole,
  within,
  written,
];

const nothing = () => {};

const qualityOf = clamped("quality", (quality) => Math.min(Math.max(quality, 0), 1));

export class AdaptFeedbackWasm {
  constructor(quality) {
    qualityOf(this, quality);
    this.learningRate = 0.01;
  }
}
disposable(AdaptFeedbackWasm.prototype, nothing);

export class MicroLoraStatsWasm {
  toJson() {
    return JSON.stringify({
      samples_seen: this.samplesSeen,
      avg_quality: this.avgQuality,
      memory_bytes: this.memoryBytes,
      param_count: this.paramCount,
    });
  }
}
disposable(MicroLoraStatsWasm.prototype, nothing);

/** An array of `outFeatures` numbers. */
const output = (lora, what, values) => sized(what, values, live(lora)._sizes[1]);

/** The most values of one batch: as many as the largest list has. */
const MOST = MAX_CANDIDATES * MAX_FEATURES;

/** The options that a list takes. */
const LIST = [...SAMPLE, "temperature"];

const learnList = (lora, kind, input, candidates, weights, options) => {
  const out = live(lora)._sizes[1];
  const { learningRate = 0.01, temperature = LIST_TEMPERATURE } = options;
  number("learningRate", learningRate);
  const vectors = flat("candidates", candidates, out);
  weights = sized("weights", weights, lengthOf(vectors) / out);
  return learn(lora, kind, input, vectors, weights, options, learningRate, temperature);
};

/** Writes lora_A and lora_B. */
const putWeights = (lora, matrices) => {
  const into = arrays(lora);
  matrices.forEach((values, i) => into[i].set(values));
};

export class MicroLoraWasm extends Lite {
  applyBatch(inputs) {
    const [inFeatures, outFeatures] = live(this)._sizes;
    const given = new Float32Array(flat("inputs", inputs, inFeatures, 0, MOST / inFeatures));
    const n = given.length / inFeatures;
    const outputs = new Float32Array(n * outFeatures);
    for (let i = 0; i < n; i++) {
      const input = given.subarray(i * inFeatures, (i + 1) * inFeatures);
      this.applyInto(input, outputs.subarray(i * outFeatures, (i + 1) * outFeatures));
    }
    return outputs;
  }

  adapt(input, feedback) {
    if (!(feedback instanceof AdaptFeedbackWasm)) {
      mistyped("feedback", "an AdaptFeedbackWasm", feedback);
    }
    known(feedback, ["quality", "learningRate"], "feedback");
    const weight = number("learningRate", feedback.learningRate) / 0.01;
    return learn(this, call.QUALITY, input, NONE, NONE, { weight }, feedback.quality);
  }

  adaptGradient(input, gradOutput, options) {
    return learn(this, call.GRADIENT, input, output(this, "gradOutput", gradOutput), NONE, known(options, SAMPLE));
  }

  adaptListwise(input, candidates, weights, options) {
    return learnList(this, call.LISTWISE, input, candidates, weights, known(options, LIST));
  }

  rehearse(input, candidates, weights, options) {
    return learnList(this, call.REHEARSE, input, candidates, weights, known(options, [...LIST, "learningRate"]));
  }

  adaptTarget(input, target, weight = 1, options) {
    target = output(this, "target", target);
    return learn(this, call.TARGET, input, target, NONE, known(options, ["base"]), number("weight", weight));
  }

  adaptAttractRepel(input, attract, repel, options) {
    attract = output(this, "attract", attract);
    repel = flat("repel", repel, lengthOf(attract), 1);
    return learn(this, call.ATTRACT_REPEL, input, repel, attract, known(options, SAMPLE));
  }

  discardPending() {
    ask(call.DISCARD, this);
  }

  get strength() {
    return header(this)[1][word.STRENGTH];
  }

  set strength(strength) {
    ask(call.STRENGTH, this, number("strength", strength));
  }

  stats() {
    const [words, numbers] = header(this);
    const memoryBytes = this.getConfig().memoryBytes();
    return Object.assign(new MicroLoraStatsWasm(), {
      samplesSeen: words[word.SAMPLES],
      avgQuality: numbers[word.MEAN_QUALITY],
      memoryBytes,
      paramCount: memoryBytes / 4,
      rated: words[word.RATED],
      capped: words[word.CAPPED],
      updates: words[word.UPDATES],
      step: words[word.STEP],
    });
  }

  get loraA() {
    return arrays(this)[0].slice();
  }

  get loraB() {
    return arrays(this)[1].slice();
  }

  get bias() {
    const numbers = header(this)[1];
    const [, b, , , bias] = arrays(this);
    // The input's mean, along each row of lora_A.
    const centre = word.DUAL_WORDS.slice(7, 11).map((place) => numbers[word.SCALING] * numbers[place]);
    const merged = bias.slice();
    b.forEach((value, i) => (merged[i % merged.length] -= centre[Math.floor(i / merged.length)] * value));
    return merged;
  }

  /** Not in the declarations: the adapter's block, [start, end], for `Memory`. */
  block() {
    return live(this)._block;
  }

  /** Not in the declarations: sets both matrices, for `pullTowards`, which has checked them. */
  takeWeights(...matrices) {
    putWeights(this, matrices);
    ask(call.TAKE_UP, this);
  }

  static fromWeights(config, loraA, loraB) {
    return filled(this, config, putWeights, [loraA, loraB]);
  }
}
savable(MicroLoraWasm);
