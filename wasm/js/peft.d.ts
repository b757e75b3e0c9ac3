import type { MicroLoraConfigWasm, MicroLoraWasm } from "./index.js";

/** `Uint8Array`, of whichever type your version of TypeScript says that a new one is. */
export type Bytes = ReturnType<typeof Uint8Array.of>;

/**
 * The weights of an adapter of `micro-lora` as `adapter_model.safetensors` of Hugging Face PEFT. The output guard and
 * `strength` are not in it.
 *
 * @param module the whole name of the layer in the base model, as `encoder.layer.0.query`. Default `"micro_lora"`.
 * @throws {MicroLoraError} `SYNTAX` for a name with quotes, backslashes or control characters; `FREED`; `TYPE` for an
 * adapter of `micro-lora/lite`, which does not give its weights out; `UNSUPPORTED` for an adapter with a bias: one that
 * learned lists by the dual step
 *
 * @example
 * import { toBytes } from "micro-lora/peft";
 * const file = new Blob([toBytes(lora)]);
 */
export function toBytes(lora: MicroLoraWasm, module?: string): Bytes;

/**
 * An adapter with the weights of an `adapter_model.safetensors`: as {@link toBytes} writes it, or as PEFT does.
 * Sizes and rank come from the file, whatever the config says. So do alpha and rsLoRA if {@link toBytes} wrote it; for
 * files of PEFT they come from the config: copy `lora_alpha` and `use_rslora` of `adapter_config.json` into it.
 *
 * @param module which one, if the file holds several
 * @throws {MicroLoraError} `SYNTAX`, `MISSING`, `UNSUPPORTED`, `COUNT`, `OUT_OF_RANGE`, `NOT_FINITE`, `TYPE`,
 * `NOT_LOADED`, `MEMORY`
 *
 * @example
 * const config = new MicroLoraConfigWasm();
 * config.alpha = 16; // lora_alpha
 * const lora = fromBytes(await response.arrayBuffer(), config);
 */
export function fromBytes(
  bytes: ArrayBuffer | ArrayBufferView,
  config?: MicroLoraConfigWasm,
  module?: string,
): MicroLoraWasm;

/**
 * As {@link fromBytes}, of a file of any rank up to 64: at the rank of the config (4 without one), by the best
 * approximation of the module's `B A` that there is (Eckart and Young 1936).
 *
 * @returns the adapter; `rank`, that of the file; `kept`, the share of `|B A|` (the Frobenius norm) that it has, 0 to 1
 * @throws {MicroLoraError} as {@link fromBytes}
 *
 * @example
 * const { lora, kept } = fromBytesReduced(await response.arrayBuffer(), config);
 * console.log(`${Math.round(100 * kept)} % of the module's weights`);
 */
export function fromBytesReduced(
  bytes: ArrayBuffer | ArrayBufferView,
  config?: MicroLoraConfigWasm,
  module?: string,
): { lora: MicroLoraWasm; rank: number; kept: number };
