import { expect, test } from "vitest";
import { render } from "./render.js";

test("learns", async () => {
  expect(await render()).toEqual({ learned: true, simd: true });
});
