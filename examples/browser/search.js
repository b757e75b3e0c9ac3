// Personal search in a page. IndexedDB keeps the documents' embeddings, as one ArrayBuffer, and what was learned.
//
// A site may be open in two tabs, each with its own adapter in memory. A click takes a lock that all tabs of the site
// share, reads what another tab has learned in the meantime, learns, and writes, so no click is lost.
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
import { Memory } from "micro-lora/learn";

const STORE = "personal";
/** Your number for the embedding model: what was learned for another one is refused. */
const MODEL_ID = 384;
const SHOWN = 10;

export class PersonalSearch {
  #db;
  #name;
  #features;
  #embeddings;
  #lora;
  #memory;
  /** Of what was learned: counts the clicks of all tabs. */
  #version = 0;

  /** @param embed gives the embeddings, one after the other, of unit length; asked where the browser has none yet */
  static async open(name, features, embed) {
    await init();
    const db = await opened(name);
    const found = await done(db.transaction(STORE).objectStore(STORE).get("embeddings"));
    const values = found ?? (await embed()).buffer;
    if (!found) await put(db, { embeddings: values });
    return new PersonalSearch(db, name, features, new Float32Array(values));
  }

  constructor(db, name, features, embeddings) {
    [this.#db, this.#name, this.#features, this.#embeddings] = [db, name, features, embeddings];
    this.#begin();
  }

  #begin() {
    const config = new MicroLoraConfigWasm();
    config.inFeatures = config.outFeatures = this.#features;
    config.rank = 4;
    config.modelId = MODEL_ID;
    this.#lora = new MicroLoraWasm(config);
    this.#memory = new Memory(this.#features, this.#features, {
      list: SHOWN,
      documents: "id",
      ...this.#options(),
    });
    this.#version = 0;
  }

  /** How many clicks were learned, in all tabs. */
  get clicks() {
    return this.#version;
  }

  /** The ids of the best documents, with all that any tab has learned. */
  async search(query, count = SHOWN) {
    // A shared lock: searches do not wait for each other, but none sees an adapter in the middle of a click.
    await navigator.locks.request(this.#name, { mode: "shared" }, () => this.#catchUp());
    const corrected = this.#lora.applyResidual(query);
    const scores = Array.from({ length: this.#embeddings.length / this.#features }, (_, id) => ({
      id,
      score: this.#row(id).reduce((sum, value, i) => sum + value * corrected[i], 0),
    }));
    return scores
      .sort((a, b) => b.score - a.score)
      .slice(0, count)
      .map(({ id }) => id);
  }

  /** Learns that one of the documents that were shown was opened. When it has resolved, the browser has kept it. */
  async click(query, shown, clicked) {
    await navigator.locks.request(this.#name, async () => {
      await this.#catchUp();
      try {
        this.#memory.learn(this.#lora, query, shown, shown.indexOf(clicked));
        this.#version += 1;
        await put(this.#db, {
          learned: {
            version: this.#version,
            lora: this.#lora.save(),
            memory: this.#memory.save(),
          },
        });
      } catch (error) {
        // The browser has not kept it: the next call reads what it has, if anything.
        this.#begin();
        throw error;
      }
    });
  }

  async #catchUp() {
    const learned = await done(this.#db.transaction(STORE).objectStore(STORE).get("learned"));
    if (!learned || learned.version === this.#version) return;
    this.#lora = MicroLoraWasm.load(learned.lora, MODEL_ID);
    this.#memory = Memory.load(learned.memory, this.#options());
    this.#version = learned.version;
  }

  #options() {
    return { modelId: MODEL_ID, vectors: (id, kind) => (kind === "document" ? this.#row(id) : undefined) };
  }

  #row(id) {
    return this.#embeddings.subarray(id * this.#features, (id + 1) * this.#features);
  }
}

function opened(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves once all values are on the disk, by their keys. */
function put(db, values) {
  const transaction = db.transaction(STORE, "readwrite", { durability: "strict" });
  for (const [key, value] of Object.entries(values)) transaction.objectStore(STORE).put(value, key);
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
