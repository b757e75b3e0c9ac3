// As TypeScript sees the package without the DOM: in a worker's or a server's own settings.
import init, { MicroLoraConfigWasm, MicroLoraWasm, engineUrl, initSync } from "micro-lora";
import engine from "micro-lora/micro_lora_simd.wasm";
import { Holdback, Memory, Replay } from "micro-lora/learn";
import * as lite from "micro-lora/lite";
import { fromBytes, toBytes } from "micro-lora/peft";
import start, { MicroLoraWasm as Inline } from "micro-lora/inline";

export async function everything(bytes: Uint8Array): Promise<string> {
  await init(engine);
  await start(bytes);
  initSync(bytes);
  const lora: MicroLoraWasm = fromBytes(bytes, new MicroLoraConfigWasm());
  const other: Inline = fromBytes(toBytes(lora));
  const [memory, ring] = [new Memory(8, 8), new Replay(8, 8)];
  const loaded: MicroLoraWasm = MicroLoraWasm.load(lora.save(), 7);
  const kept: [Memory, Replay, Holdback] = [
    Memory.load(memory.save(), { modelId: 7 }),
    Replay.load(ring.save()),
    Holdback.load(new Holdback().save()),
  ];
  const shown: { id: number }[] = kept[2].interleave([{ id: 1 }], [{ id: 1 }], 2, ({ id }) => id);
  const small = new lite.MicroLoraWasm(new lite.MicroLoraConfigWasm());
  // @ts-expect-error a config of micro-lora/lite does less
  new MicroLoraWasm(new lite.MicroLoraConfigWasm());
  // @ts-expect-error a misspelt option
  lora.adaptChoice([1], [[1], [2]], 0, { Temperature: 1 });
  // @ts-expect-error a number is no engine
  await init(7);
  return `${engineUrl().href} ${memory.length} ${ring.length} ${small.generation} ${other.generation} ${loaded.generation} ${shown[0]?.id}`;
}
