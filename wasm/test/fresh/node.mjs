import { render } from "./render.js";

const { learned, simd } = await render();
if (!learned || !simd) throw new Error("it did not remember");
