import init, * as lora from "micro-lora";
import { learnOneClick } from "./click.js";

try {
  await init();
  globalThis.outcome = learnOneClick(lora);
} catch (error) {
  globalThis.outcome = { error: String(error?.stack ?? error) };
}
