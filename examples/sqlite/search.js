// Personal search in one SQLite file: the documents' embeddings in a table of sqlite-vec, and for each person an adapter
// and a memory of lists.
//
// A click, the adapter that has learned from it and the memory are written in one transaction. So if the process is
// killed at any point, the file has a click with all that was learned from it, or neither.
import Database from "better-sqlite3";
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";
import { Memory } from "micro-lora/learn";
import * as sqliteVec from "sqlite-vec";

/** Your number for the embedding model: what was learned for another one is refused. */
const MODEL_ID = 384;
const SHOWN = 10;
/** Lists that a person's memory keeps. */
const CAPACITY = 64;

export class PersonalSearch {
  #db;
  #features;
  #statements;
  /** Adapters that are in use, by person. */
  #open = new Map();

  /** Opens the file, or makes it. */
  static async open(file, features) {
    await init();
    return new PersonalSearch(file, features);
  }

  constructor(file, features) {
    const db = new Database(file);
    sqliteVec.load(db);
    db.pragma("journal_mode = WAL");
    // A committed transaction also survives a power failure.
    db.pragma("synchronous = FULL");
    db.exec(`
      CREATE VIRTUAL TABLE IF NOT EXISTS documents USING vec0(embedding float[${features}]);
      CREATE TABLE IF NOT EXISTS people (
        person INTEGER PRIMARY KEY, adapter BLOB NOT NULL, memory BLOB NOT NULL
      );
      CREATE TABLE IF NOT EXISTS clicks (
        person INTEGER NOT NULL, number INTEGER NOT NULL, query BLOB NOT NULL, shown TEXT NOT NULL,
        clicked INTEGER NOT NULL, PRIMARY KEY (person, number)
      ) WITHOUT ROWID;
    `);
    this.#db = db;
    this.#features = features;
    this.#statements = {
      add: db.prepare("INSERT INTO documents (rowid, embedding) VALUES (?, ?)"),
      find: db.prepare("SELECT embedding FROM documents WHERE rowid = ?").pluck(),
      // For unit vectors the nearest are those with the largest dot product.
      nearest: db
        .prepare("SELECT rowid FROM documents WHERE embedding MATCH ? AND k = ? ORDER BY distance")
        .pluck(),
      load: db.prepare("SELECT adapter, memory FROM people WHERE person = ?"),
      save: db.prepare(
        "INSERT INTO people VALUES (?, ?, ?) " +
          "ON CONFLICT (person) DO UPDATE SET adapter = excluded.adapter, memory = excluded.memory",
      ),
      count: db.prepare("SELECT count(*) FROM clicks WHERE person = ?").pluck(),
      log: db.prepare("INSERT INTO clicks VALUES (?, ?, ?, ?, ?)"),
      clicks: db.prepare("SELECT query, shown, clicked FROM clicks WHERE person = ? ORDER BY number"),
    };
  }

  /** Adds documents, all or none: pairs of an id, from 1 to 2^32 - 1, and an embedding of unit length. */
  add(documents) {
    const { add } = this.#statements;
    this.#db.transaction(() => {
      for (const [id, embedding] of documents) add.run(BigInt(id), embedding);
    })();
  }

  /** The ids of the documents nearest to the query, corrected for the person if one is given. */
  search(person, query, count = SHOWN) {
    const corrected = person === undefined ? query : this.#of(person).lora.applyResidual(query);
    return this.#statements.nearest.all(corrected, count);
  }

  /** Learns that the person opened one of the documents that were shown. When it returns, the file contains the click. */
  click(person, query, shown, clicked) {
    const { lora, memory } = this.#of(person);
    const { save, count, log } = this.#statements;
    try {
      this.#db.transaction(() => {
        memory.learn(lora, query, shown, shown.indexOf(clicked));
        log.run(person, count.get(person) + 1, query, JSON.stringify(shown), clicked);
        save.run(person, Buffer.from(lora.save()), Buffer.from(memory.save()));
      })();
    } catch (error) {
      // The file does not have the click, but the memory does: the next call reads the file again.
      this.#open.delete(person);
      throw error;
    }
  }

  /** What a person has clicked, in order. */
  clicks(person) {
    const rows = this.#statements.clicks.all(person);
    return rows.map(({ query, shown, clicked }) => ({
      query: floats(query),
      shown: JSON.parse(shown),
      clicked,
    }));
  }

  /** The texts in the file: of the adapter and of the memory. */
  state(person) {
    const row = this.#statements.load.get(person);
    return row && [String(row.adapter), String(row.memory)];
  }

  close() {
    this.#db.close();
  }

  #of(person) {
    const found = this.#open.get(person) ?? this.#load(person);
    this.#open.set(person, found);
    return found;
  }

  #load(person) {
    // The memory keeps ids; the vectors stay where they are.
    const vectors = (id, kind) => (kind === "document" ? this.#vector(id) : undefined);
    const options = { modelId: MODEL_ID, vectors };
    const row = this.#statements.load.get(person);
    if (row) {
      const lora = MicroLoraWasm.load(row.adapter, MODEL_ID);
      return { lora, memory: Memory.load(row.memory, options) };
    }
    const config = new MicroLoraConfigWasm();
    config.inFeatures = config.outFeatures = this.#features;
    config.rank = 4;
    config.modelId = MODEL_ID;
    const lists = { list: SHOWN, capacity: CAPACITY, documents: "id" };
    const memory = new Memory(this.#features, this.#features, { ...lists, ...options });
    return { lora: new MicroLoraWasm(config), memory };
  }

  #vector(id) {
    const blob = this.#statements.find.get(BigInt(id));
    return blob && floats(blob);
  }
}

/** Copies the bytes, since those of a row may begin anywhere. */
function floats(blob) {
  return new Float32Array(new Uint8Array(blob).buffer);
}
