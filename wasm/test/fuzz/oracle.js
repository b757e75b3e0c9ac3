// What must hold of every call: an error that is documented, or a result; and after an error nothing has changed.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Thousands of errors a second are made here.
Error.stackTraceLimit = 5;

/** A rule that does not hold. */
export class Fault extends Error {}

/** What a getter or a callback of the caller's throws: the call has to pass it on as it is. */
export class Own extends Error {}

/** The codes that the declarations name. */
const declared = readFileSync(
  fileURLToPath(new URL("../node_modules/micro-lora/lite.d.ts", import.meta.url)),
  "utf8",
);
const CODES = new Set(
  declared
    .match(/export type MicroLoraErrorCode =([^;]*);/)[1]
    .match(/"[A-Z0-9_]+"/g)
    .map((code) => code.slice(1, -1)),
);

/** Runs a call. Gives what came of it as text: the bits of a result, or an error's code and message. */
export function outcome(what, call) {
  let result;
  try {
    result = call();
  } catch (error) {
    return { error, text: refused(what, error) };
  }
  return { result, text: `${what} = ${textOf(result)}` };
}

function refused(what, error) {
  if (error instanceof Own) return `${what} threw what the caller threw`;
  const wrong = (rule) => {
    throw new Fault(`${what}: expected ${rule}, got ${error?.stack ?? String(error)}`);
  };
  if (!(error instanceof Error)) wrong("an Error");
  if (error instanceof WebAssembly.RuntimeError) wrong("no trap of the engine");
  const { code, message } = error;
  if (!CODES.has(code)) wrong(`a documented code, not ${code}`);
  if (!/^[^:]+: .*expected .+, got .+/s.test(message) || /undefined values|NaN values/.test(message))
    wrong("a message of what was expected and what came");
  return `${what} refused: ${code}: ${message}`;
}

const bitsOf = (values) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");

/** The bits of a result. */
export function textOf(result) {
  if (result instanceof Float32Array || result instanceof Uint8Array) return bitsOf(result);
  if (typeof result === "number") return Object.is(result, -0) ? "-0" : `${result}`;
  if (typeof result !== "object" || result === null) return String(result);
  if (Array.isArray(result)) return `[${result.map(textOf).join()}]`;
  // An object of the package's is compared by what it saves.
  if (typeof result.toJson === "function") return result.toJson();
  return `{${Object.entries(result).map(([key, value]) => `${key}: ${textOf(value)}`)}}`;
}

/** Weights of an adapter: finite, whatever has happened to it. */
export function sound(what, lora) {
  for (const name of ["loraA", "loraB", "bias"])
    if (!lora[name].every(Number.isFinite)) throw new Fault(`${what}: ${name} is not finite: ${lora[name]}`);
}

export function same(what, one, other) {
  if (one !== other) throw new Fault(`${what}:\n    ${one.slice(0, 1500)}\n    ${other.slice(0, 1500)}`);
}
