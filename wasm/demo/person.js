// One person: an adapter, the memory of what they chose, and in words what each remembered list was about.
import { MicroLoraConfigWasm, MicroLoraWasm } from "./micro-lora/index.js";
import { Memory } from "./micro-lora/learn.js";
import { SHOWN } from "./search.js";

/** Names the frozen model, so that a state made for other embeddings is refused. */
const MODEL_ID = 384_002;
const FORMAT = "micro-lora-demo-2";

/**
 * How much each action counts: the learning rate, 0.01 for a click that counts once. To be opened says little. One that is
 * turned down speaks for all the others, a little for each: it takes more to be seen.
 */
export const RATES = { opened: 0.002, liked: 0.02, disliked: 0.1, simulated: 0.01 };

export class Person {
  /** `vectors(id)` finds the embedding of a program. */
  constructor(size, vectors) {
    Object.assign(this, { size, vectors, choices: 0 });
    this.lora = freshAdapter(size);
    this.memory = new Memory(size, size, memoryOptions(vectors));
    /** What each remembered list was: its number to `{ kind, text, ids }`, ids of what was chosen. */
    this.log = new Map();
  }

  get strength() {
    return this.lora.strength;
  }

  set strength(value) {
    this.lora.strength = value;
  }

  correct(query) {
    return this.lora.applyResidual(query);
  }

  /**
   * Learns at once that one of the programs shown was opened, liked or disliked.
   *
   * @returns the number of the list, or undefined where there was nothing to learn
   */
  choose(kind, text, query, shown, index) {
    const options = { learningRate: RATES[kind], quality: kind === "disliked" ? 0 : 1 };
    const { number } = this.memory.learn(this.lora, query, shown, index, options);
    return this.note(number, kind, text, [shown[index]]);
  }

  /** Learns a search of a simulated person: a 1 for each program that was chosen. */
  chooseAll(text, query, shown, clicks) {
    const { number } = this.memory.learn(this.lora, query, shown, clicks, { learningRate: RATES.simulated });
    return this.note(
      number,
      "simulated",
      text,
      shown.filter((_, at) => clicks[at] > 0),
    );
  }

  note(number, kind, text, ids) {
    if (number === undefined) return undefined;
    this.log.set(number, { kind, text, ids });
    this.choices += ids.length;
    // The oldest list leaves the memory when it is full: it can be neither explained nor taken back then.
    while (this.log.size > this.memory.length) this.log.delete(this.log.keys().next().value);
    return number;
  }

  /** The number of the list in which this person did `kind` to a program found by `text`. */
  numberOf(kind, text, id) {
    for (const [number, entry] of this.log) {
      if (entry.kind === kind && entry.text === text && entry.ids[0] === id) return number;
    }
    return undefined;
  }

  /** Takes one list back; the others adapt to that. Says whether it was still remembered. */
  forget(number) {
    const outcome = this.memory.forget(this.lora, number);
    if (outcome !== "forgotten") return false;
    this.memory.settle(this.lora);
    this.choices -= this.log.get(number)?.ids.length ?? 0;
    this.log.delete(number);
    return true;
  }

  /** Takes back every list in which a program was shown, and says how many. */
  forgetProgram(id) {
    const { forgotten } = this.memory.forgetDocument(this.lora, id);
    this.memory.settle(this.lora);
    const left = new Set(this.shares(this.vectors(id), [id]).lists.map(({ number }) => number));
    for (const [number, { ids }] of this.log) {
      if (left.has(number)) continue;
      this.choices -= ids.length;
      this.log.delete(number);
    }
    return forgotten;
  }

  /** By how much each remembered list moves each program for a query, and what none of them accounts for. */
  shares(query, ids) {
    return this.memory.why(
      this.lora,
      query,
      ids.map((id) => this.vectors(id)),
    );
  }

  /** Knows nothing any more. */
  reset() {
    const { strength } = this;
    this.lora.reset();
    this.memory.clear();
    this.log.clear();
    this.choices = 0;
    this.strength = strength;
  }

  save() {
    const [lora, memory] = [this.lora.toJson(), this.memory.toJson()];
    return {
      format: FORMAT,
      lora,
      memory,
      log: [...this.log],
      choices: this.choices,
      strength: this.strength,
    };
  }

  /** Goes on with what `save` gave. Anything else is refused, and changes nothing. */
  load(saved) {
    const { lora, memory, log, choices, strength } = checked(saved);
    const adapter = MicroLoraWasm.fromJson(lora, MODEL_ID);
    try {
      checkSize(adapter, this.size);
      adapter.strength = strength;
      const lists = Memory.fromJson(memory, { modelId: MODEL_ID, vectors: this.vectors });
      this.free();
      Object.assign(this, { lora: adapter, memory: lists, log: new Map(log), choices });
    } catch (error) {
      adapter.free();
      throw error;
    }
  }

  free() {
    this.lora.free();
    this.memory.free();
  }
}

function freshAdapter(size) {
  const config = new MicroLoraConfigWasm();
  Object.assign(config, { inFeatures: size, outFeatures: size, rank: 4, modelId: MODEL_ID });
  return new MicroLoraWasm(config);
}

const memoryOptions = (vectors) => ({ documents: "id", list: SHOWN, modelId: MODEL_ID, vectors });

function checkSize(adapter, size) {
  const { inFeatures, outFeatures } = adapter.getConfig();
  if (inFeatures === size && outFeatures === size) return;
  throw new Error(`expected an adapter ${size} x ${size}, got ${inFeatures} x ${outFeatures}`);
}

/** The parts that the package does not check itself. */
function checked(saved) {
  if (saved?.format !== FORMAT) throw new Error(`expected a file that this page saved, of format ${FORMAT}`);
  const { log, choices, strength } = saved;
  const isEntry = ([number, entry]) =>
    Number.isInteger(number) && typeof entry.text === "string" && Array.isArray(entry.ids);
  if (!Array.isArray(log) || !log.every(isEntry))
    throw new Error("log: expected what was chosen, list by list");
  for (const [what, value] of Object.entries({ choices, strength })) {
    if (!Number.isFinite(value)) throw new Error(`${what}: expected a number, got ${value}`);
  }
  return saved;
}
