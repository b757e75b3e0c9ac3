// Watching it learn, comparing, and what is kept.
import assert from "node:assert/strict";

/** How often a simulated person is let loose. */
const TURNS = 2;

export const WATCH = {
  async "a simulated person searches, with progress; the curves show what is gained and what is kept"(ui) {
    const before = await ui.names();
    await ui.tap("#watch summary");
    await ui.evaluate(() => {
      globalThis.steps = new Set();
      new MutationObserver(() => globalThis.steps.add(document.querySelector("#taught").value)).observe(
        document.querySelector("#taught"),
        { attributes: true },
      );
    });
    for (let turn = 0; turn < TURNS; turn += 1) await ui.teach("#teach");
    assert.ok((await ui.evaluate(() => globalThis.steps.size)) >= 5, "steps of the progress bar");
    const [gain, kept] = await Promise.all(
      ["#gain", "#keeps"].map((at) =>
        ui.evaluate(
          (svg) =>
            document
              .querySelector(svg)
              .getAttribute("aria-label")
              .match(/[\d.]+/g)
              .map(Number),
          at,
        ),
      ),
    );
    const [suits, choices, base] = gain;
    assert.ok(suits > base + 0.1, `${suits} results suit them after ${choices} choices, ${base} before`);
    assert.ok(kept[0] > 4 && kept[0] < 10, `${kept[0]} results are kept`);
    assert.match(await ui.text("#learned"), new RegExp(`^${choices} choices so far: command-line programs`));
    console.log(
      `      ${suits} results of ten suit them after ${choices} choices, ${base} before; ${kept[0]} are kept`,
    );
    const after = await ui.names();
    assert.notDeepEqual(after, before);
    const [moved] = await ui.moved();
    await ui.tapRow(moved, "why");
    assert.match(await ui.text("#sheet .reasons"), /a simulated person chose/);
    await ui.tap('#sheet [data-part="close"]');
  },

  async "everything survives a reload, and a file brings it back after a reset"(ui) {
    const seen = async () => [await ui.names(), await ui.text("#learned"), await ui.text("#kept")];
    const before = await seen();
    await ui.reload();
    assert.deepEqual(await seen(), before);
    // What would go to the disk stays in the page.
    await ui.evaluate(() => {
      URL.createObjectURL = (blob) => {
        blob.text().then((text) => (globalThis.saved = text));
        return "#";
      };
    });
    await ui.tap("#save");
    await ui.waitFor("a file", () => globalThis.saved !== undefined);
    await ui.tap("#reset");
    assert.match(await ui.text("#learned"), /^Nothing yet/);
    assert.equal(await ui.kept(), 10);
    await load(ui, "");
    assert.deepEqual(await seen(), before);
    assert.match(await ui.status(), /^Loaded: \d+ choices\.$/);
    for (const damage of [
      "xx",
      "5",
      '{"format":"micro-lora-demo-2","log":[],"choices":1,"strength":1,"lora":"{}"}',
    ]) {
      await load(ui, damage);
      assert.match(await ui.status(), /^Not loaded, nothing has changed: /, damage);
      assert.deepEqual(await seen(), before);
    }
    await ui.tap("#reset");
    await ui.tap("#undo");
    assert.deepEqual(await seen(), before);
  },

  async "what was kept and is damaged is said so, and the page starts anew"(ui) {
    await ui.evaluate(() => localStorage.setItem("micro-lora-demo/you", '{"format":"micro-lora-demo-2"}'));
    await ui.reload();
    assert.match(await ui.status(), /^What was learned is damaged, and starts anew: /);
    assert.match(await ui.text("#learned"), /^Nothing yet/);
    assert.equal(await ui.kept(), 10);
  },

  async "beside the frozen order and a second person, who learns for themselves"(ui) {
    await ui.tap("#compare summary");
    await ui.tapRow(9, "up");
    const yours = await ui.names();
    const frozen = await ui.names("#frozen li");
    await ui.setStrength(0);
    assert.deepEqual(await ui.names(), frozen);
    await ui.setStrength(1);
    assert.deepEqual(await ui.names(), yours);
    assert.deepEqual(await ui.names("#other li"), frozen, "nothing learned yet");
    await ui.teach("#other-teach");
    const theirs = await ui.names("#other li");
    assert.notDeepEqual(theirs, frozen);
    assert.deepEqual(await ui.names(), yours);
    await ui.tap("#swap");
    assert.deepEqual([await ui.names(), await ui.names("#other li")], [theirs, yours]);
    await ui.tap("#undo");
    assert.deepEqual([await ui.names(), await ui.names("#other li")], [yours, theirs]);
    await ui.tap("#reset");
  },
};

/** Gives a file to the page: what it saved, or something else. */
async function load(ui, text) {
  await ui.evaluate((other) => {
    document.querySelector("#status").textContent = "";
    const files = new DataTransfer();
    files.items.add(new File([other || globalThis.saved], "file.json"));
    const input = document.querySelector("#load");
    input.files = files.files;
    input.dispatchEvent(new Event("change"));
  }, text);
  await ui.waitFor("an answer", () => document.querySelector("#status").textContent !== "");
}
