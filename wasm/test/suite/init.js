// How the engine is loaded. Each test takes a copy of the module that has not been loaded yet.
import { Random, build, expect, inNode, lora } from "./setup.js";

let copies = 0;
/** The package's main module once more, as new. */
async function fresh() {
  copies += 1;
  const made = await import(`${new URL("index.js", import.meta.resolve("micro-lora"))}?copy=${copies}`);
  if (!inNode) return made;
  // The entry for Node only adds where the file is read from; a copy of it would share the rest with all
  // others.
  const { readFile } = await import("node:fs/promises");
  return { ...made, default: (source) => made.default(source ?? readFile(made.engineUrl())) };
}

const file = (name) => new URL(`${name}.wasm`, import.meta.resolve("micro-lora"));

async function bytesOf(name) {
  if (!inNode) return (await fetch(file(name))).arrayBuffer();
  return (await import("node:fs/promises")).readFile(file(name));
}

/** It learns, so it works. */
function works(made) {
  const lora = new made.MicroLoraWasm(new made.MicroLoraConfigWasm());
  const random = new Random(2);
  lora.adaptTarget(random.unit(768), random.unit(768));
  expect(lora.applyUpdates()).to.be.above(0);
}

describe("loading", () => {
  it("has loaded the build that this run is about", () => {
    expect(lora.isSimd()).to.equal(build !== "baseline");
  });

  it("is needed before anything else, and the error says so", async () => {
    const made = await fresh();
    for (const call of [
      () => new made.MicroLoraWasm(new made.MicroLoraConfigWasm()),
      () => made.MicroLoraWasm.fromJson("{}"),
    ]) {
      expect(call).to.throw(Error, /init/).with.property("code", "NOT_LOADED");
    }
  });

  it("happens once, however often it is asked for", async () => {
    const made = await fresh();
    const [one, two] = [made.default(), made.default()];
    expect(one).to.equal(two);
    await one;
    const state = new made.MicroLoraWasm(new made.MicroLoraConfigWasm());
    await made.default();
    expect(state.pendingUpdates()).to.equal(0);
  });

  it("takes the baseline build where the engine has no SIMD, and downloads only that", async () => {
    const made = await fresh();
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      await made.default();
    } finally {
      WebAssembly.validate = validate;
    }
    expect(made.isSimd()).to.equal(false);
    works(made);
  });

  it("takes bytes, a compiled module, an address, a response or a promise", async () => {
    const bytes = await bytesOf("micro_lora_simd");
    const sources = [
      bytes,
      new Uint8Array(bytes),
      await WebAssembly.compile(bytes),
      Promise.resolve(bytes),
      { module_or_path: bytes },
      ...(inNode ? [] : [file("micro_lora_simd"), file("micro_lora_simd").href]),
      new Response(bytes, { headers: { "content-type": "application/wasm" } }),
      new Response(bytes),
    ];
    for (const source of sources) {
      const made = await fresh();
      await made.default(source);
      expect(made.isSimd()).to.equal(true);
      works(made);
    }
  });

  it("takes the address of a file in Node, too", async function () {
    // Browsers have been given addresses above.
    if (!inNode) return;
    const { default: initInNode, isSimd } = await import(`${import.meta.resolve("micro-lora")}?copy=file`);
    await initInNode(file("micro_lora_simd"));
    await initInNode(file("micro_lora_simd").href);
    expect(isSimd()).to.be.a("boolean");
  });

  it("can be done at once, from bytes or a compiled module", async () => {
    const bytes = await bytesOf("micro_lora");
    const module = await WebAssembly.compile(bytes);
    for (const source of [module, { module }, ...(inNode ? [bytes, { module: bytes }] : [])]) {
      const made = await fresh();
      made.initSync(source);
      expect(made.isSimd()).to.equal(false);
      works(made);
    }
  });

  it("gives a memory of its own, which may grow under arrays that are views of it", async () => {
    const made = await fresh();
    await made.default();
    const settings = Object.assign(new made.MicroLoraConfigWasm(), {
      inFeatures: 400_000,
      outFeatures: 400_000,
      rank: 1,
    });
    const [one, two] = [new made.MicroLoraWasm(settings), new made.MicroLoraWasm(settings)];
    const view = one.inputView.fill(0.001);
    const copy = view.slice();
    expect(one.adaptGradient(view, view)).to.equal(0);
    expect(view.length, "the memory grew").to.equal(0);
    expect(two.adaptGradient(copy, copy)).to.equal(0);
    expect(one.applyUpdates()).to.equal(two.applyUpdates()).and.above(0);
  });

  it("that fails says why, and can be tried again", async () => {
    const made = await fresh();
    const nothing = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    const garbage = new Uint8Array([1, 2, 3, 4]);
    for (const [source, says] of [
      [() => garbage, /CompileError/],
      // A module, but another.
      [() => nothing, /TypeError/],
      [() => WebAssembly.compile(nothing), /TypeError/],
      [() => new Response("", { status: 404 }), /404/],
      [() => (inNode ? bytesOf("no-such-file") : file("no-such-file")), /ENOENT|no-such-file.wasm: 404/],
      [() => Promise.reject(new Error("offline")), /offline/],
      [() => 7, /./],
    ]) {
      const error = await made.default(source()).catch((thrown) => thrown);
      expect(error).to.be.instanceOf(Error).with.property("code", "NOT_LOADED");
      expect(error.message)
        .to.match(/^engine: expected a module of micro-lora, got /)
        .and.match(says);
    }
    for (const source of [garbage, nothing, null]) {
      expect(() => made.initSync(source))
        .to.throw(Error, /^engine: expected a module of micro-lora, got /)
        .with.property("code", "NOT_LOADED");
    }
    await made.default(await bytesOf("micro_lora_simd"));
    works(made);
  });

  it("keeps copies of the module apart", async () => {
    const [one, two] = [await fresh(), await fresh()];
    await one.default();
    expect(() => new two.MicroLoraWasm(new two.MicroLoraConfigWasm()))
      .to.throw()
      .with.property("code", "NOT_LOADED");
  });
});
