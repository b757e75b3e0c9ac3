// The whole API as TypeScript sees it, under the strictest settings. The lines below `@ts-expect-error` must
// not compile.
import init, {
  AdaptFeedbackWasm,
  MicroLoraConfigWasm,
  MicroLoraStatsWasm,
  MicroLoraWasm,
  engineUrl,
  initSync,
  isSimd,
  type ChoiceOptions,
  type MicroLoraError,
  type MicroLoraErrorCode,
  type Receipt,
  type SampleOptions,
  type Vectors,
} from "micro-lora";
import {
  Explore,
  Memory,
  Replay,
  predictions,
  principalDirections,
  pullTowards,
  type FindVector,
  type MemoryReceipt,
  type Predictions,
  type Why,
} from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { fromBytes, toBytes } from "micro-lora/peft";

export async function everything(input: Float32Array, rows: Vectors): Promise<string> {
  await init();
  const urls: URL[] = [engineUrl(), lite.engineUrl()];
  await init(urls[0]);
  await init({ module_or_path: new URL("https://example.org/micro_lora.wasm") });
  initSync(new Uint8Array(8));
  const config = new MicroLoraConfigWasm();
  config.rank = 2;
  config.alpha = 4;
  config.inFeatures = config.outFeatures = 768;
  config.useRslora = false;
  config.cap = Infinity;
  config.seed = config.modelId = 7;
  const sizes: number = config.memoryBytes() + config.computeScaling();

  using lora = new MicroLoraWasm(config);
  const options: ChoiceOptions = { quality: 1, temperature: 0.1, weight: 1, base: input };
  const sample: SampleOptions = { weight: 2 };
  const receipts: Receipt[] = [
    lora.adapt(input, new AdaptFeedbackWasm(0.8)),
    lora.adaptGradient(input, [1, 2, 3], sample),
    lora.adaptChoice(input, rows, 0, options),
    lora.adaptChoice(
      input,
      [
        [1, 2],
        [3, 4],
      ],
      0,
    ),
    lora.adaptListwise(input, rows, [1, 0], { temperature: 0.2 }),
    lora.adaptTarget(input, input, -1),
    lora.adaptAttractRepel(input, input, rows),
  ];
  const step: number = lora.applyUpdates(0.01) + lora.applyUpdates();
  const guard: number = lora.applyInto(input, input) + lora.run();
  lora.inputView.set(lora.apply(lora.applyResidual(lora.applyBatch([input]))));
  lora.outputView.fill(0);
  lora.strength = 0.5;
  const counted: number = lora.pendingUpdates() + lora.generation + sizes + step + guard + receipts.length;
  const stats: MicroLoraStatsWasm = lora.stats();
  const ring = new Replay(768, 768, 10, 64, config.modelId);
  const kept: Receipt | 7 = ring.learn(lora, input, rows, [1, 0], { learningRate: 0.01 });
  const rehearsed: number = ring.rehearse(lora) + ring.rehearse(lora, 0.01, 8) + kept;
  const vectors: FindVector = (id, kind) => (kind === "document" ? [id] : null);
  const memory = new Memory(768, 768, { documents: "id", queries: "int8", capacity: 9, vectors });
  const learned: MemoryReceipt = memory.learn(lora, input, [4, 2], [0, 1], { learningRate: 0.02 });
  memory.learn(lora, input, rows, 1, { quality: 0, queryId: 5 });
  const { lists, rest }: Why = memory.why(lora, input, rows);
  const taken: "forgotten" | "not remembered" | "left behind" = memory.forget(lora, learned.number ?? 1);
  const { forgotten, leftBehind } = memory.forgetDocument(lora, 4);
  const settled: number = memory.settle(lora) + memory.settle(lora, 3) + memory.relearn(lora, vectors);
  memory.clear();
  const again: Memory = Memory.fromJson(memory.toJson(), { vectors, modelId: 7 });
  again.free();
  const seen: Predictions | undefined = predictions(lora);
  const said = `${lists[0]?.number} ${rest[0]} ${taken} ${forgotten + leftBehind + settled} ${lora.bias[0]} ${seen?.strength}`;
  const explore = new Explore(0.3, 1);
  const eps = explore.draw(principalDirections([input, [1, 2]], 16));
  const explored: Receipt = explore.adapt(lora, input, eps, 0.7, 0.2, sample);
  pullTowards(lora, lora.loraA, lora.loraB, explored + explore.spread);
  const file = toBytes(lora, "encoder.layer.0");
  const other: MicroLoraWasm = fromBytes(file, lora.getConfig(), "encoder.layer.0");
  other.discardPending();
  MicroLoraWasm.fromWeights(lora.getConfig(), lora.loraA, [1, 2]).free();
  other.reset();
  other.free();
  const small: lite.MicroLoraWasm = lite.MicroLoraWasm.fromJson(
    MicroLoraWasm.fromJson(lora.toJson(), 7).toJson(),
  );
  return `${said} ${counted} ${stats.step} ${rehearsed} ${stats.avgQuality} ${stats.toJson()} ${isSimd()} ${small.generation}`;
}

export function code(error: unknown): MicroLoraErrorCode {
  return (error as MicroLoraError).code;
}

export function mistakes(lora: MicroLoraWasm, small: lite.MicroLoraWasm): void {
  // @ts-expect-error an adapter of micro-lora/lite does not give its weights out
  toBytes(small);
  // @ts-expect-error and has none to be pulled
  pullTowards(small, [1], [1], 0.1);
  // @ts-expect-error one flat array does not say how long a direction is
  new Explore(0.3, 1).draw([1, 2, 3, 4]);
  // @ts-expect-error a string is no vector
  lora.apply("text");
  // @ts-expect-error feedback is an AdaptFeedbackWasm
  lora.adapt(new Float32Array(4), 0.8);
  // @ts-expect-error statistics are made by the adapter
  new MicroLoraStatsWasm();
  // @ts-expect-error the output must be an array that can be written to in place
  lora.applyInto(new Float32Array(4), [0, 0, 0, 0]);
  // @ts-expect-error codes are a closed list
  const wrong: MicroLoraErrorCode = "NO_SUCH_CODE";
  void wrong;
}
