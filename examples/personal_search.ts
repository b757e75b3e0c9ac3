// Personal semantic search: embeddings by transformers.js, a ranking that learns what its user opens.
//
// The embedding model stays frozen, and so do the embeddings of the documents: only the query is corrected,
// which costs microseconds. `cargo xtask web-test` checks the types against the real package; `cargo xtask
// personal-search` runs it.
import { pipeline, type FeatureExtractionPipeline } from "@huggingface/transformers";
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
import { type FindVector, Memory } from "micro-lora/learn";

const MODEL = "Xenova/all-MiniLM-L6-v2";
/** Your number for the embedding model: a state that was made for another one is refused. */
const MODEL_ID = 6_384;
const SHOWN = 5;

export interface Result {
  text: string;
  score: number;
}

export class PersonalSearch {
  private constructor(
    private readonly extractor: FeatureExtractionPipeline,
    private readonly texts: readonly string[],
    private readonly rows: Float32Array[],
    private readonly lora: MicroLoraWasm,
    private readonly memory: Memory,
  ) {}

  /** @param saved what `save()` gave, on any machine */
  static async create(texts: readonly string[], saved?: string, model = MODEL): Promise<PersonalSearch> {
    const [extractor] = await Promise.all([pipeline("feature-extraction", model, { dtype: "q8" }), init()]);
    const rows = await embed(extractor, texts);
    const size = rows[0]?.length ?? 0;
    // Documents are remembered by their index, so one must not change. Queries are kept: only `relearn` would ask for one.
    const vectors: FindVector = (id, kind) => (kind === "document" ? rows[id] : undefined);
    const options = { modelId: MODEL_ID, vectors };
    if (saved === undefined) {
      const memory = new Memory(size, size, { documents: "id", list: SHOWN, ...options });
      return new PersonalSearch(extractor, texts, rows, freshAdapter(size), memory);
    }
    const { lora, memory } = JSON.parse(saved) as Record<"lora" | "memory", string>;
    const adapter = MicroLoraWasm.fromJson(lora, MODEL_ID);
    return new PersonalSearch(extractor, texts, rows, adapter, Memory.fromJson(memory, options));
  }

  async search(query: string): Promise<{ results: Result[]; opened: (index: number) => void }> {
    const [frozen] = await embed(this.extractor, [query]);
    if (frozen === undefined) throw new Error("expected one embedding for one query, got none");
    const corrected = this.lora.applyResidual(frozen);
    const scored = this.rows
      .map((row, index) => ({ index, score: dot(row, corrected) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, SHOWN);
    const shown = scored.map(({ index }) => index);
    return {
      results: scored.map(({ index, score }) => ({ text: this.texts[index] ?? "", score })),
      /** To be called when the user opens one of the results. */
      opened: (index) => {
        this.memory.learn(this.lora, frozen, shown, index);
      },
    };
  }

  save(): string {
    return JSON.stringify({ lora: this.lora.toJson(), memory: this.memory.toJson() });
  }
}

async function embed(
  extractor: FeatureExtractionPipeline,
  texts: readonly string[],
): Promise<Float32Array[]> {
  const output = await extractor([...texts], { pooling: "mean", normalize: true });
  const [count = 0, size = 0] = output.dims;
  const data = output.data as Float32Array;
  return Array.from({ length: count }, (_, i) => data.slice(i * size, (i + 1) * size));
}

function freshAdapter(size: number): MicroLoraWasm {
  const config = new MicroLoraConfigWasm();
  config.inFeatures = config.outFeatures = size;
  config.rank = 4;
  config.modelId = MODEL_ID;
  return new MicroLoraWasm(config);
}

const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
