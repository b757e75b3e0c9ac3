// The entry `micro-lora`: what `lite` has, and the rest.

import {
  MicroLoraConfigWasm,
  MicroLoraWasm as Lite,
  SAMPLE,
  arrays,
  ask,
  filled,
  flat,
  header,
  learn,
  live,
  loaded,
} from "./adapter.js";
import { clamped, disposable } from "./config.js";
import { asking, idle, number, put, release, room, sized, take, use } from "./engine.js";
import { known, mistyped } from "./fail.js";
import { LIST_TEMPERATURE } from "./generated/adapter.js";
import * as call from "./generated/calls.js";
import * as word from "./generated/header.js";
import { check } from "./refusal.js";
import { savable } from "./state.js";

export { init as default, engineUrl, initSync, isSimd } from "./engine.js";
export { MicroLoraConfigWasm };

/** Not in the declarations: what `micro-lora/learn` makes a memory of lists with. It has an engine of its own. */
export const engine = {
  asking,
  check,
  exports: loaded,
  idle,
  release,
  room,
  take,
  use,
};

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

const NONE = [];

const putWeights = (lora, loraA, loraB) => {
  const [a, b] = arrays(lora);
  put("loraA", loraA, a.length, a.byteOffset);
  put("loraB", loraB, b.length, b.byteOffset);
};

export class MicroLoraWasm extends Lite {
  applyBatch(inputs) {
    const [inFeatures, outFeatures] = live(this)._sizes;
    let given = flat("inputs", inputs, inFeatures);
    const n = Math.ceil(given.length / inFeatures);
    given = sized("inputs", given, n * inFeatures);
    const outputs = new Float32Array(n * outFeatures);
    for (let i = 0; i < n; i++) {
      // Plain arrays have no subarray.
      const input = (given.subarray ?? given.slice).call(given, i * inFeatures, (i + 1) * inFeatures);
      this.applyInto(input, outputs.subarray(i * outFeatures, (i + 1) * outFeatures));
    }
    return outputs;
  }

  adapt(input, feedback) {
    if (!(feedback instanceof AdaptFeedbackWasm)) {
      mistyped("feedback", "an AdaptFeedbackWasm", feedback);
    }
    return learn(
      this,
      call.QUALITY,
      input,
      "",
      NONE,
      "",
      NONE,
      { weight: number("learningRate", feedback.learningRate) / 0.01 },
      feedback.quality,
    );
  }

  adaptGradient(input, gradOutput, options) {
    return learn(this, call.GRADIENT, input, "gradOutput", gradOutput, "", NONE, known(options, SAMPLE));
  }

  adaptListwise(input, candidates, weights, options, kind = call.LISTWISE) {
    const { _sizes } = live(this);
    options = known(options, [...SAMPLE, "temperature", ...(kind === call.REHEARSE ? ["learningRate"] : [])]);
    const what = "candidates";
    const vectors = flat(what, candidates, _sizes[1]);
    const { learningRate = 0.01, temperature = LIST_TEMPERATURE } = options;
    number("learningRate", learningRate);
    return learn(this, kind, input, what, vectors, "weights", weights, options, learningRate, temperature);
  }

  rehearse(input, candidates, weights, options) {
    return this.adaptListwise(input, candidates, weights, options, call.REHEARSE);
  }

  adaptTarget(input, target, weight = 1, options) {
    return learn(this, call.TARGET, input, "target", target, "", NONE, known(options, ["base"]), number("weight", weight));
  }

  adaptAttractRepel(input, attract, repel, options) {
    const vectors = flat("repel", repel, live(this)._sizes[1]);
    return learn(this, call.ATTRACT_REPEL, input, "repel", vectors, "attract", attract, known(options, SAMPLE));
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

  /** Not in the declarations: for `Memory`, from where to where its memory goes. */
  block() {
    return live(this)._block;
  }

  /** Not in the declarations: for `pullTowards`, which has seen to it that nothing here is refused. */
  takeWeights(loraA, loraB) {
    putWeights(this, loraA, loraB);
    ask(call.TAKE_UP, this);
  }

  static fromWeights(config, loraA, loraB) {
    return filled(this, config, (lora) => putWeights(lora, loraA, loraB));
  }
}
savable(MicroLoraWasm);
