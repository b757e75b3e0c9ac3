// What a server renders.
import init, * as lora from "micro-lora";
import { Memory } from "micro-lora/learn";
import { rememberOneClick } from "./click.js";

export async function render() {
  await init();
  return rememberOneClick(lora, Memory);
}
