// The verdicts of the native engine, from a program that reads documents and says what came of each.
import { execFileSync } from "node:child_process";
import { Fault } from "./oracle.js";

const KINDS = ["adapter", "memory", "ring", "holdback"];
/** Documents at once. */
const BATCH = 5000;

export class Native {
  #waiting = [];

  /** `program`: where it is; without one nothing is compared. */
  constructor(program) {
    this.program = program;
    this.compared = 0;
  }

  /** Remembers what JavaScript said of a document. */
  add(one) {
    // Only JavaScript reads what the replaced system has saved.
    if (!this.program || !one.bytes || /"adapter"\s*:/.test(one.text)) return;
    this.#waiting.push(one);
    if (this.#waiting.length >= BATCH) this.compare();
  }

  compare() {
    const waiting = this.#waiting.splice(0);
    if (!waiting.length) return;
    const input = waiting.flatMap(({ kind, bytes }) => {
      const head = Buffer.alloc(5);
      head.writeUInt8(KINDS.indexOf(kind));
      head.writeUInt32LE(bytes.length, 1);
      return [head, bytes];
    });
    const output = execFileSync(this.program, {
      input: Buffer.concat(input),
      encoding: "utf8",
      maxBuffer: 1 << 30,
    });
    const verdicts = output.split("\n").slice(0, -1);
    if (verdicts.length !== waiting.length)
      throw new Error(`expected ${waiting.length} verdicts, got ${verdicts.length}`);
    this.compared += waiting.length;
    const wrong = waiting
      .map((one, i) => [one, verdicts[i]])
      .filter(([one, verdict]) => !agree(one, verdict));
    if (wrong.length) {
      const [[{ kind, text, said, number }, verdict]] = wrong;
      throw new Fault(
        `${wrong.length} documents are judged differently, first case ${number}, ${kind}:\n    ${text}\n  JavaScript: ${said}\n  native: ${verdict}`,
      );
    }
  }
}

/** Where among the scalars of an adapter the weight of what is pending is. */
const PENDING_WEIGHT = 16;

/** A new adapter's generation depends on how it was made, and that a pending weight was -0 is lost where nothing is. */
const settled = (json) =>
  json.replaceAll(/"(generation|crc32)":\d+/g, "").replace(/(?<="scalars":")[^"]+/, (text) => {
    const bytes = Buffer.from(text, "base64");
    if (bytes.readFloatLE(PENDING_WEIGHT) === 0) bytes.writeFloatLE(0, PENDING_WEIGHT);
    return bytes.toString("base64");
  });

function agree({ saved }, verdict) {
  if (verdict === "other sizes") return true;
  return verdict.startsWith("{") ? saved && settled(saved) === settled(verdict) : !saved;
}
