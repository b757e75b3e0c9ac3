const { default: init, ...lora } = require("micro-lora");
const { Memory } = require("micro-lora/learn");
const { rememberOneClick } = require("./click.js");

test("learns", async () => {
  await init();
  expect(rememberOneClick(lora, Memory)).toEqual({ learned: true, simd: true });
});
