import init, * as lora from "micro-lora";
import { learnOneClick } from "./click.js";

try {
  await init();
  postMessage({ ...learnOneClick(lora), worker: typeof WorkerGlobalScope === "function" });
} catch (error) {
  postMessage({ error: String(error?.stack ?? error) });
}
