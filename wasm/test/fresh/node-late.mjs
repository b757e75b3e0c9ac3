import init from "micro-lora";

await init();
const { Memory } = await import("micro-lora/learn");
let error;
try {
  new Memory(4, 4);
} catch (thrown) {
  error = thrown;
}
if (error?.code !== "NOT_LOADED" || !error.message.includes("import micro-lora/learn before init()"))
  throw new Error("the smaller engine has no memory", { cause: error });
