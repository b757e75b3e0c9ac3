// Promises that reject and that nobody waits for: they end a Node process.
import { inNode } from "./setup.js";

/** The rejections that nobody handled while a task ran, and shortly after. */
export async function unhandledIn(task) {
  const unhandled = [];
  const note = (event) => unhandled.push(event);
  const [add, remove] = inNode
    ? [process.on.bind(process), process.off.bind(process)]
    : [addEventListener, removeEventListener];
  const name = inNode ? "unhandledRejection" : "unhandledrejection";
  add(name, note);
  await task();
  await new Promise((done) => {
    setTimeout(done, 50);
  });
  remove(name, note);
  return unhandled;
}
