const lora = require("micro-lora");
const { Memory } = require("micro-lora/learn");

lora.initSync();
import("./click.js").then(({ rememberOneClick }) => {
  const { learned, simd } = rememberOneClick(lora, Memory);
  if (!learned || !simd) throw new Error("it did not remember");
});
