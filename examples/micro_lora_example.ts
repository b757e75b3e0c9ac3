// MicroLoRA in TypeScript: every scenario in the documentation of the package that it replaces, as a running program.
//
// `cargo xtask web-test` checks the types, then runs it in Node and in Chromium. Each scenario ends with a check of its
// promise. Programs written for `@ruvector/ruvllm-wasm` change one line, the import; what is new to them is marked NEW.
import init, { AdaptFeedbackWasm, MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
import { type FindVector, Memory } from "micro-lora/learn";

const SIZE = 64;

/** What the scenarios need of `localStorage`; in Node a Map does. */
type Store = Pick<Storage, "getItem" | "setItem">;

/** Basic usage: an adapter for the hidden states of a model. */
function basicUsage(): string {
  const config = new MicroLoraConfigWasm();
  config.rank = 2; // 1 to 4
  config.alpha = 4.0;
  config.inFeatures = 768; // the model's hidden size
  config.outFeatures = 768;

  const lora = new MicroLoraWasm(config);
  const hiddenState = new Float32Array(768).fill(0.1);
  const output = lora.apply(hiddenState);

  check(output.length === 768, "one value for each output feature");
  check(
    output.every((value) => Math.abs(value) === 0),
    "a fresh adapter changes nothing",
  );
  check(config.memoryBytes() === 12_288 && config.computeScaling() === 2, "sizes as documented");
  lora.free();
  return `${config.memoryBytes()} bytes of weights, scaling ${config.computeScaling()}`;
}

/** Real-time adaptation: only the quality of an output is known. The weakest kind of feedback. */
function realTimeAdaptation(): string {
  const lora = adapter();
  const hiddenState = vector(1);
  // A quality strengthens or weakens the correction that the adapter already makes, so it needs one.
  lora.adaptTarget(hiddenState, vector(2));
  lora.applyUpdates(0.01);

  const feedback = new AdaptFeedbackWasm(0.8); // 0 to 1
  feedback.learningRate = 0.01;
  const receipt = lora.adapt(hiddenState, feedback); // NEW: it says whether it did anything
  const step = lora.applyUpdates(0.01); // NEW: and how far the weights went

  const stats = lora.stats();
  check(receipt === 0 && step > 0, "the event was taken, the weights moved");
  check(stats.samplesSeen === 2 && Math.abs(stats.avgQuality - 0.8) < 1e-6, "statistics");
  return `average quality ${stats.avgQuality.toFixed(2)}, samples seen ${stats.samplesSeen}`;
}

/** Online learning loop (NEW: it really learns): what the user picks rises, from event to event. */
function onlineLearningLoop(): string {
  const lora = adapter();
  const query = vector(3);
  const results = [vector(10), vector(11), vector(12), vector(13)];
  const wanted = last(rank(query, results));
  let rounds = 0;
  while (rank(lora.applyResidual(query), results)[0] !== wanted) {
    check(rounds < 50, "the wanted result comes first within 50 clicks");
    lora.adaptChoice(query, results, wanted);
    lora.applyUpdates(0.01);
    rounds += 1;
  }
  return `clicks until the last of four results came first: ${rounds}`;
}

/** Serialisation: all of it, bit for bit, and checked before it is loaded. */
function serialisation(): string {
  const lora = taught(4);
  const json = lora.toJson();
  const restored = MicroLoraWasm.fromJson(json);
  const x = vector(5);
  check(same(restored.apply(x), lora.apply(x)), "the same output, bit for bit");

  let code = "";
  try {
    MicroLoraWasm.fromJson(json.replace('"rank":2', '"rank":3'));
  } catch (error) {
    code = (error as { code: string }).code; // NEW: a damaged state is refused, with a stable code
  }
  check(code !== "", "a damaged state is refused");
  return `${json.length} characters; a damaged copy was refused: ${code}`;
}

/** Browser storage: the adapter survives a reload. */
function browserStorage(store: Store): string {
  const lora = taught(6);
  store.setItem("lora-state", lora.toJson());

  const saved = store.getItem("lora-state");
  check(saved !== null, "it was stored");
  const restored = MicroLoraWasm.fromJson(saved ?? "");
  check(restored.stats().samplesSeen === lora.stats().samplesSeen, "nothing is lost");
  return `${restored.stats().samplesSeen} samples survived`;
}

/** Several users: one adapter each; they learn nothing from each other. */
function multiUser(store: Store): string {
  const getUserLora = (user: string): MicroLoraWasm => {
    const saved = store.getItem(`lora-${user}`);
    return saved === null ? adapter() : MicroLoraWasm.fromJson(saved);
  };
  const results = [vector(20), vector(21), vector(22)];
  const query = vector(7);
  for (const [user, likes] of [
    ["alice", 0],
    ["bob", 2],
  ] as const) {
    for (let click = 0; click < 30; click += 1) {
      const lora = getUserLora(user);
      lora.adaptChoice(query, results, likes);
      lora.applyUpdates(0.01);
      store.setItem(`lora-${user}`, lora.toJson());
      lora.free(); // NEW: its memory is given back at once; forgotten adapters are collected, too
    }
  }
  const first = (user: string) => rank(getUserLora(user).applyResidual(query), results)[0];
  check(first("alice") === 0 && first("bob") === 2, "each user finds first what they like");
  return `the same search: alice sees result ${first("alice")} first, bob ${first("bob")}`;
}

/** Personalised chat: thumbs on one of several replies, an update after every five. */
function personalisedChat(store: Store): string {
  const lora = adapter();
  const replies = [vector(30), vector(31), vector(32)];
  let interactions = 0;
  const handleUserFeedback = (hidden: Float32Array, shown: number, wasHelpful: boolean): void => {
    // NEW: with the candidates at hand a thumb has a direction. Without them: adapt(hidden, new
    // AdaptFeedbackWasm(..)).
    lora.adaptChoice(hidden, replies, shown, { quality: wasHelpful ? 0.9 : 0.1 });
    interactions += 1;
    if (interactions % 5 === 0) {
      lora.applyUpdates(0.02);
      store.setItem("chat-lora", lora.toJson());
    }
  };
  const hidden = vector(8);
  for (let turn = 0; turn < 60; turn += 1) handleUserFeedback(hidden, turn % 3, turn % 3 === 1);
  check(rank(lora.applyResidual(hidden), replies)[0] === 1, "the helpful kind of reply comes first");
  return `after ${interactions} thumbs the helpful kind of reply comes first`;
}

/** Fine-tuning to a domain: a batch of conversations, one update. */
function domainFineTuning(): string {
  const lora = taught(9);
  const conversations = [
    { input: vector(40), quality: 0.85 },
    { input: vector(41), quality: 0.92 },
    { input: vector(42), quality: 0.3 },
  ];
  for (const { input, quality } of conversations) lora.adapt(input, new AdaptFeedbackWasm(quality));
  const pending = lora.pendingUpdates();
  const step = lora.applyUpdates(0.01);
  check(pending === 3 && step > 0 && lora.pendingUpdates() === 0, "three events, one step");
  return `${pending} conversations, a step of ${step.toFixed(4)}`;
}

/** Learning rates: longer steps for feedback that varies more. */
function adaptiveLearningRate(): string {
  const step = (rate: number): number => {
    const lora = taught(10);
    lora.adaptTarget(vector(50), vector(51));
    return lora.applyUpdates(rate);
  };
  const qualities = [0.2, 0.9, 0.4, 1.0];
  const mean = qualities.reduce((sum, quality) => sum + quality, 0) / qualities.length;
  const variance = qualities.reduce((sum, quality) => sum + (quality - mean) ** 2, 0) / qualities.length;
  const adaptiveRate = 0.01 * (1 + variance);
  check(step(adaptiveRate) > step(0.01), "a higher rate is a longer step");
  return `rate ${adaptiveRate.toFixed(4)}`;
}

/** Integration with a base model: its hidden state, the correction, its own projection to tokens. */
function baseModelIntegration(): string {
  const vocabulary = Array.from({ length: 8 }, (_, token) => vector(60 + token));
  const baseModel = {
    generate: (prompt: string) => ({ hiddenState: vector(prompt.length) }),
    projectToTokens: (hidden: Float32Array) => rank(hidden, vocabulary),
  };
  const generateWithLora = (prompt: string, lora: MicroLoraWasm): number[] => {
    const { hiddenState } = baseModel.generate(prompt);
    const correction = lora.apply(hiddenState);
    const finalHidden = hiddenState.map((value, i) => value + (correction[i] ?? 0));
    check(same(finalHidden, lora.applyResidual(hiddenState)), "applyResidual is the same in one call"); // NEW
    return baseModel.projectToTokens(finalHidden);
  };

  const lora = adapter();
  const prompt = "a prompt";
  const before = generateWithLora(prompt, lora);
  const wanted = last(before);
  for (let event = 0; event < 40; event += 1) {
    // NEW: the exact gradient of any loss of the host's own; here cross-entropy by hand.
    const hidden = baseModel.generate(prompt).hiddenState;
    lora.adaptGradient(hidden, crossEntropyGradient(lora.applyResidual(hidden), vocabulary, wanted));
    lora.applyUpdates(0.01);
  }
  const after = generateWithLora(prompt, lora);
  check(after[0] === wanted, "the wanted token comes first");
  return `token ${wanted} went from place ${before.indexOf(wanted) + 1} to ${after.indexOf(wanted) + 1}`;
}

/** Troubleshooting: how much memory an adapter takes, and whether its feedback is one-sided. */
function troubleshooting(): string {
  const config = new MicroLoraConfigWasm();
  config.rank = 1; // instead of 2 or 4
  const lora = new MicroLoraWasm(config);
  const { memoryBytes, paramCount } = lora.stats();
  check(memoryBytes === 6_144 && paramCount === 1_536, "as documented");

  const [worst, best, raw] = [1, 5, 4]; // stars, say
  const feedback = new AdaptFeedbackWasm(0);
  feedback.quality = (raw - worst) / (best - worst);
  check(feedback.quality === 0.75, "qualities are from 0 to 1");
  return `${memoryBytes} bytes, ${paramCount} parameters`;
}

function adapter(step?: number): MicroLoraWasm {
  const config = new MicroLoraConfigWasm();
  config.inFeatures = SIZE;
  config.outFeatures = SIZE;
  if (step !== undefined) config.step = step;
  return new MicroLoraWasm(config);
}

/** An adapter that has learned something already, by the step that takes all kinds of feedback (NEW: 2). */
function taught(seed: number): MicroLoraWasm {
  const lora = adapter(2);
  for (let event = 0; event < 10; event += 1) {
    lora.adaptChoice(vector(seed + event), [vector(70), vector(71)], event % 2);
    lora.applyUpdates();
  }
  return lora;
}

/** A vector of unit norm, the same for the same seed. */
function vector(seed: number): Float32Array {
  let state = seed * 2_654_435_761;
  const values = Float32Array.from({ length: SIZE }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}

const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/** Indices of the rows, the one with the largest dot product first. */
function rank(query: Float32Array, rows: Float32Array[]): number[] {
  const scores = rows.map((row) => dot(query, row));
  return [...rows.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

/** dL/dy of the cross-entropy of `softmax(rows . y)` with one row as the target. */
function crossEntropyGradient(y: Float32Array, rows: Float32Array[], target: number): Float32Array {
  const exps = rows.map((row) => Math.exp(dot(y, row)));
  const sum = exps.reduce((total, value) => total + value, 0);
  const gradient = new Float32Array(y.length);
  rows.forEach((row, r) => {
    const p = (exps[r] ?? 0) / sum - (r === target ? 1 : 0);
    row.forEach((value, i) => {
      gradient[i] = (gradient[i] ?? 0) + p * value;
    });
  });
  return gradient;
}

/** NEW: clicks that are remembered. Each teaches more, says what it did, and can be taken back. */
function rememberedClicks(store: Store): string {
  const documents = Array.from({ length: 40 }, (_, id) => vector(100 + id));
  const vectors: FindVector = (id, kind) => (kind === "document" ? documents[id] : undefined);
  const lora = adapter();
  const memory = new Memory(SIZE, SIZE, { documents: "id", vectors });

  const numbers: number[] = [];
  for (let search = 0; search < 20; search += 1) {
    const shown = [search, search + 7, search + 14]; // ids
    const { number } = memory.learn(lora, vector(200 + search), shown, search % 3);
    if (number !== undefined) numbers.push(number);
  }
  const [query, result] = [vector(205), documents[19] ?? new Float32Array(SIZE)]; // clicked in the search of id 5
  const why = memory.why(lora, query, [result]);
  const most = why.lists.reduce((a, b) => ((a.shares[0] ?? 0) > (b.shares[0] ?? 0) ? a : b));
  check(most.number === numbers[5], "the click on this result moved it most");

  const before = dot(lora.apply(query), result);
  check(memory.forget(lora, most.number) === "forgotten", "the click is taken back");
  memory.settle(lora);
  check(dot(lora.apply(query), result) < before, "and what it did is undone");

  store.setItem("clicks", memory.toJson()); // with the adapter's own text
  const loaded = Memory.fromJson(store.getItem("clicks") ?? "", { vectors });
  check(loaded.length === 19 && loaded.toJson() === memory.toJson(), "a saved memory goes on");
  return `${loaded.length} clicks remembered, number ${most.number} taken back`;
}

const last = (indices: number[]): number => indices[indices.length - 1] ?? 0;
const same = (a: Float32Array, b: Float32Array): boolean => a.every((value, i) => Object.is(value, b[i]));

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected: ${what}`);
}

function memoryStore(): Store {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      items.set(key, value);
    },
  };
}

/** Runs every scenario; returns one line for each. */
export async function main(store: Store = memoryStore()): Promise<string[]> {
  await init();
  const scenarios = [
    basicUsage,
    realTimeAdaptation,
    onlineLearningLoop,
    serialisation,
    browserStorage,
    multiUser,
    personalisedChat,
    domainFineTuning,
    adaptiveLearningRate,
    baseModelIntegration,
    troubleshooting,
    rememberedClicks,
  ];
  return scenarios.map((scenario) => `${scenario.name}: ${scenario(store)}`);
}
