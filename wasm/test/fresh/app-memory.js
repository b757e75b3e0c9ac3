import init, * as lora from "micro-lora";
import { Memory } from "micro-lora/learn";
import { rememberOneClick } from "./click.js";

try {
  await init();
  globalThis.outcome = rememberOneClick(lora, Memory);
} catch (error) {
  globalThis.outcome = { error: String(error?.stack ?? error) };
}
