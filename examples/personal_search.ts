// Personal semantic search: embeddings by transformers.js, a ranking that learns what its user opens.
//
// The embedding model stays frozen, and so do the embeddings of the documents: only the query is corrected,
// which costs microseconds. `cargo xtask web-test` checks the types against the real package; `cargo xtask
// personal-search` runs it.
import { pipeline, type FeatureExtractionPipeline } from "@huggingface/transformers";
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";

const MODEL = "Xenova/all-MiniLM-L6-v2";
/** Any number of your own: a state that was made for another model is refused. */
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
    private lora: MicroLoraWasm,
  ) {}

  /** @param saved what `save()` gave, on any machine */
  static async create(texts: readonly string[], saved?: string, model = MODEL): Promise<PersonalSearch> {
    const [extractor] = await Promise.all([pipeline("feature-extraction", model, { dtype: "q8" }), init()]);
    const rows = await embed(extractor, texts);
    const lora =
      saved === undefined ? freshAdapter(rows[0]?.length ?? 0) : MicroLoraWasm.fromJson(saved, MODEL_ID);
    return new PersonalSearch(extractor, texts, rows, lora);
  }

  async search(query: string): Promise<{ results: Result[]; opened: (index: number) => void }> {
    const [frozen] = await embed(this.extractor, [query]);
    if (frozen === undefined) throw new Error("expected one embedding for one query, got none");
    const corrected = this.lora.applyResidual(frozen);
    const scored = this.rows
      .map((row, index) => ({ index, score: dot(row, corrected) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, SHOWN);
    const shown = scored.map(({ index }) => this.rows[index] ?? new Float32Array());
    return {
      results: scored.map(({ index, score }) => ({ text: this.texts[index] ?? "", score })),
      /** To be called when the user opens one of the results. */
      opened: (index) => {
        this.lora.adaptChoice(frozen, shown, index);
        this.lora.applyUpdates();
      },
    };
  }

  save(): string {
    return this.lora.toJson();
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
