// How the engine is loaded. Each test takes a copy of the module that has not been loaded yet.
import { Random, build, expect, inNode, lora } from "./setup.js";
import { unhandledIn } from "./unhandled.js";

let copies = 0;
/** The package's main module once more, as new. */
async function fresh() {
  copies += 1;
  return import(`${import.meta.resolve("micro-lora")}?copy=${copies}`);
}

const file = (name) => new URL(import.meta.resolve(`micro-lora/${name}.wasm`));
const nowhere = () => new URL("no-such-file.wasm", file("micro_lora"));

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
    let error;
    try {
      await made.default().catch((thrown) => (error = thrown));
    } finally {
      WebAssembly.validate = validate;
    }
    if (inNode) {
      // The modules for Node have the other build in them.
      expect(error?.message).to.match(
        /expected simd128, which the build in this entry needs, got none: give init\(\)/,
      );
      await made.default(file("micro_lora"));
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

  it("takes addresses and paths of files in Node, too", async function () {
    // Browsers have been given addresses above.
    if (!inNode) return;
    const path = (await import("node:url")).fileURLToPath(file("micro_lora"));
    const relative = (await import("node:path")).relative(process.cwd(), path);
    for (const source of [
      file("micro_lora"),
      file("micro_lora").href,
      path,
      relative,
      { module_or_path: path },
    ]) {
      const made = await fresh();
      await made.default(source);
      expect(made.isSimd()).to.equal(false);
      works(made);
    }
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
      [
        () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
        /answered 200 text.html/,
      ],
      [nowhere, /(ENOENT.*|got no file), from (file|http):.*no-such-file.wasm(, which answered 404|$)/],
      [() => ({ module_or_path: nowhere().href }), /from .*no-such-file.wasm/],
      [() => Promise.reject(new Error("offline")), /offline/],
      [() => 7, /./],
      [() => null, /got null/],
      [() => ({}), /./],
      [() => Symbol("engine"), /./],
      [() => Promise.reject(), /got undefined/],
    ]) {
      const error = await made.default(source()).catch((thrown) => thrown);
      expect(error).to.be.instanceOf(Error).with.property("code", "NOT_LOADED");
      expect(error).to.have.property("cause");
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

  it("never throws at once where there is no WebAssembly, and can be tried again", async () => {
    const made = await fresh();
    const there = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly");
    delete globalThis.WebAssembly;
    try {
      const error = await made.default().catch((thrown) => thrown);
      expect(error).to.have.property("code", "NOT_LOADED");
      expect(error.message).to.match(/got ReferenceError/);
    } finally {
      Object.defineProperty(globalThis, "WebAssembly", there);
    }
    await made.default(await bytesOf("micro_lora_simd"));
    works(made);
  });

  it("never throws at once from a bundle that does not know where it is", async () => {
    // Node has the engine in its modules.
    if (inNode) return;
    const text = await (await fetch(import.meta.resolve("micro-lora"))).text();
    expect(text).to.include("import.meta.url");
    const module = new Blob([text.replaceAll("import.meta.url", '"bundle.js"')], { type: "text/javascript" });
    const made = await import(URL.createObjectURL(module));
    const error = await made.default().catch((thrown) => thrown);
    expect(error).to.have.property("code", "NOT_LOADED");
    expect(error.message).to.match(/URL/);
  });

  it("says so where a policy forbids WebAssembly", async () => {
    const made = await fresh();
    const { compile, instantiate } = WebAssembly;
    const forbidden = () => Promise.reject(new WebAssembly.CompileError("blocked by CSP"));
    Object.assign(WebAssembly, { compile: forbidden, instantiate: forbidden });
    try {
      const error = await made.default().catch((thrown) => thrown);
      expect(error.message).to.match(/CompileError: blocked by CSP.*'wasm-unsafe-eval'/);
    } finally {
      Object.assign(WebAssembly, { compile, instantiate });
    }
    const other = await made.default(new Uint8Array(4)).catch((thrown) => thrown);
    expect(other.message).not.to.match(/wasm-unsafe-eval/);
  });

  it("reads nothing once it has loaded, and leaves no second source to fail by itself", async () => {
    const made = await fresh();
    await made.default();
    const unhandled = await unhandledIn(() => {
      const later = Array.from({ length: 2000 }, () => made.default(nowhere()));
      later.push(made.default(Promise.reject(new Error("late"))), made.default(null));
      later.push(made.default({ module_or_path: Promise.reject(new Error("later")) }));
      return Promise.all(later);
    });
    expect(unhandled).to.deep.equal([]);
  });

  it("keeps copies of the module apart", async () => {
    const [one, two] = [await fresh(), await fresh()];
    await one.default();
    expect(() => new two.MicroLoraWasm(new two.MicroLoraConfigWasm()))
      .to.throw()
      .with.property("code", "NOT_LOADED");
  });
});
