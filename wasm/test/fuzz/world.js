// What a sequence of calls works on: a few adapters and what stands beside them, all of one build.
import { Fault, outcome, same, sound, textOf } from "./oracle.js";
import { Values } from "./values.js";

export const MODEL = 7;
const SHAPES = [
  [4, 4, 2],
  [4, 4, 4],
  [5, 3, 2],
  [1, 1, 1],
  [33, 33, 1],
];
/** Adapters at once. */
const MOST = 4;
/** Words of an adapter's header. */
const HEADER = 65;
/** Of a memory of lists and a ring. */
export const LIST = 4;
export const CAPACITY = 5;

/** Whether it was freed: then whatever is asked of it is refused so. */
function isFreed(object) {
  const { error, text } = outcome("is it freed", () => object.pendingUpdates?.() ?? object.length);
  if (error && !["FREED", "BUSY"].includes(error.code)) throw new Fault(text);
  return Boolean(error);
}

export class World {
  /** `strangeness`: one argument in so many is a strange one. */
  constructor(library, draw, strangeness) {
    Object.assign(this, { library, draw, strangeness });
    this.values = new Values(this, draw);
    this.calls = [];
    const [width, out, rank] = draw.pick(SHAPES);
    Object.assign(this, { width, out, rank });
    this.adapters = [this.adapter(2), this.adapter(draw.pick([2, 3, 4])), this.adapter(4)];
    this.liteAdapter = this.lite();
    this.memory = this.remembering();
    const { Replay, Holdback, Explore } = library.learn;
    this.ring = new Replay(width, out, LIST, CAPACITY, MODEL);
    this.holdback = new Holdback();
    this.explore = new Explore(0.3, draw.word());
    this.isThorough = draw.oneIn(8);
  }

  settings(step) {
    const { width, out, rank, draw } = this;
    const settings = { inFeatures: width, outFeatures: out, rank, step, modelId: MODEL, seed: draw.below(9) };
    if (draw.oneIn(4)) settings.cap = draw.pick([0.5, 2, Infinity]);
    if (draw.oneIn(4)) settings.useRslora = true;
    if (draw.oneIn(4)) settings.decay = 0.01;
    return settings;
  }

  config(step) {
    return Object.assign(new this.library.lora.MicroLoraConfigWasm(), this.settings(step));
  }

  adapter(step) {
    return new this.library.lora.MicroLoraWasm(this.config(step));
  }

  lite() {
    const { MicroLoraConfigWasm, MicroLoraWasm } = this.library.lite;
    return new MicroLoraWasm(Object.assign(new MicroLoraConfigWasm(), this.settings(4)));
  }

  /** Finds what is kept by id: always the same, but for what is gone or strange. */
  find(id, kind) {
    if (this.draw.oneIn(this.strangeness))
      return this.values.vector(kind === "query" ? this.width : this.out);
    if (id === 8) return undefined;
    const width = kind === "query" ? this.width : this.out;
    return Float32Array.from({ length: width }, (_, i) => Math.cos(7 * id + i + (kind === "query" ? 3 : 0)));
  }

  remembering() {
    const { draw } = this;
    const options = {
      list: LIST,
      capacity: CAPACITY,
      modelId: MODEL,
      vectors: (...given) => this.find(...given),
    };
    options.queries = draw.pick(["f32", "int8", "id"]);
    options.documents = draw.pick(["f32", "int8", "id"]);
    if (draw.oneIn(2) || this.width !== this.out) options.scores = true;
    return new this.library.learn.Memory(this.width, this.out, options);
  }

  /** A view of the engine's memory: of an adapter, which a call may be about or not. */
  view() {
    const alive = this.adapters.filter((lora) => !isFreed(lora));
    const name = this.draw.pick(["inputView", "outputView"]);
    return alive.length ? this.draw.pick(alive)[name] : new Float32Array(0);
  }

  /** Something that is saved, whatever it is. */
  other() {
    return this.draw.pick([...this.adapters, this.memory, this.ring, this.holdback, this.explore]);
  }

  /** What the caller's own getters and callbacks do in the middle of a call. */
  intrude() {
    const { draw, library } = this;
    const lora = draw.pick(this.adapters);
    // Whether the memory grows then depends on what was there before.
    this.wasIntruded = this.isOfItsOwn = true;
    draw.pick([
      () => lora.free(),
      () => {
        lora.free();
        this.adapters.push(this.adapter(4));
      },
      // Growth of the memory empties every view of it.
      () => {
        const large = Object.assign(new library.lora.MicroLoraConfigWasm(), {
          inFeatures: 6000,
          outFeatures: 6000,
          rank: 4,
        });
        const made = Array.from({ length: 3 }, () => new library.lora.MicroLoraWasm(large));
        for (const each of made) each.free();
      },
      () => lora.applyUpdates(),
      () => lora.reset(),
      () => lora.apply(new Float32Array(this.width).fill(0.5)),
      () => lora.adaptChoice(new Float32Array(this.width), new Float32Array(3 * this.out).fill(0.25), 1),
      () => lora.toJson(),
      () => (this.liteAdapter = this.lite()),
      () => this.liteAdapter.free(),
      () => this.memory.free(),
      () => this.memory.clear(),
      () => this.ring.clear(),
      () => this.holdback.next(),
    ])();
    return 0.5;
  }

  /** All that a call may change, by the first word of the call's name. */
  get #beside() {
    const { liteAdapter: lite, memory, ring, holdback, explore } = this;
    const { radius, spread, random } = explore;
    const numbers = [radius, spread, random].map((value) =>
      typeof value === "number" ? value : typeof value,
    );
    return { lite, memory, ring, holdback, explore: numbers };
  }

  /**
   * What an adapter is made of, to the last bit: its block but for the vectors that go in and out, and what is pending
   * for the bias, which an event may use before it is refused. In some worlds the text that has that, too.
   */
  #bits(lora) {
    if (this.isThorough) return lora.toJson();
    const { inFeatures, outFeatures, rank } = lora.getConfig();
    const floats = HEADER + (2 * rank + 1) * (inFeatures + outFeatures);
    return Buffer.from(lora.inputView.buffer, lora.block()[0], 4 * floats).toString("latin1");
  }

  /** Everything that a call has to leave as it is if it is refused; in some worlds all there is. */
  #snapshot(name) {
    const bits = this.adapters.map((lora) => isFreed(lora) || this.#bits(lora));
    const beside = Object.entries(this.#beside).filter(
      ([kind]) => this.isThorough || name.startsWith(`${kind}.`),
    );
    return [...bits, ...beside.map(([, each]) => isFreed(each) || textOf(each))];
  }

  /** Makes a call of which `prepare` makes the arguments, and looks at everything afterwards. */
  call(name, prepare) {
    this.wasIntruded = false;
    const before = this.#snapshot(name);
    const { error, text } = outcome(name, () => prepare(this)());
    this.calls.push(text);
    // What callbacks have done stays; and a ring whose update overflows leaves the event pending, as it says.
    const mayChange = this.wasIntruded || (name === "ring.learn" && error?.code === "OVERFLOW");
    if (error && !mayChange) {
      this.#snapshot(name).forEach((bits, i) =>
        same(`${text}\n  and yet changed (${i})`, `${before[i]}`, `${bits}`),
      );
    }
    if (this.isThorough) this.look();
    this.#renew();
  }

  look() {
    for (const lora of this.adapters) if (!isFreed(lora)) sound(this.calls.at(-1), lora);
  }

  /** Puts others in the place of what was freed, now and then: calls on what is freed are calls, too. */
  #renew() {
    const { draw } = this;
    for (const each of this.adapters.slice(0, -MOST)) each.free();
    this.adapters = this.adapters
      .slice(-MOST)
      .map((lora) => (isFreed(lora) && draw.oneIn(3) ? this.adapter(draw.pick([2, 3, 4])) : lora));
    if (isFreed(this.liteAdapter) && draw.oneIn(3)) this.liteAdapter = this.lite();
    if (isFreed(this.memory) && draw.oneIn(3)) this.memory = this.remembering();
  }

  free() {
    for (const each of [...this.adapters, this.liteAdapter, this.memory]) each.free();
  }
}
