// Ends with an error that nobody catches: what a developer then reads has to be readable.
import init, { MicroLoraConfigWasm, MicroLoraWasm } from "micro-lora";

await init();
new MicroLoraWasm(new MicroLoraConfigWasm()).apply([1, 2, 3]);
