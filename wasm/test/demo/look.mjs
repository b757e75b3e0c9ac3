// What is seen at first, and that it can be seen and used by everybody.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WORDS = 60;
const TAB_STOPS = 8;

export const LOOK = {
  async "the first result is in view, and nothing is wider than the screen"(ui) {
    const { bottom, height, content, width } = await ui.evaluate(() => ({
      bottom: document.querySelector("#results > li").getBoundingClientRect().bottom + scrollY,
      height: innerHeight,
      content: document.documentElement.scrollWidth,
      width: innerWidth,
    }));
    assert.deepEqual([width, height], [ui.width, ui.height], "the size of the screen");
    assert.ok(bottom <= height, `the first result ends at ${bottom} of ${height}`);
    assert.ok(content <= width, `the page is ${content} pixels wide, the screen ${width}`);
  },

  async "at most sixty words and eight tab stops come before it"(ui) {
    const { words, stops } = await ui.evaluate(() => {
      const first = document.querySelector("#results > li");
      const isBefore = (node) =>
        Boolean(first.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_PRECEDING);
      const isSeen = (element) => element.getClientRects().length > 0;
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let text = "";
      while (walker.nextNode()) {
        const { currentNode: node } = walker;
        if (isBefore(node) && isSeen(node.parentElement)) text += ` ${node.textContent}`;
      }
      const controls = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")];
      const stops = controls.filter(
        (each) => isBefore(each) && isSeen(each) && each.tabIndex >= 0 && !each.disabled,
      );
      return { words: text.split(/\s+/).filter((word) => /\w/.test(word)).length, stops: stops.length };
    });
    assert.ok(words <= WORDS, `${words} words`);
    assert.ok(stops <= TAB_STOPS, `${stops} tab stops`);
    console.log(`      ${words} words, ${stops} tab stops`);
  },

  async "the tab key reaches the first result after them, and the thumbs"(ui) {
    const at = () => ui.evaluate(() => document.activeElement.dataset.part ?? document.activeElement.id);
    await ui.evaluate(() => document.activeElement.blur());
    let stops = 0;
    while ((await at()) !== "open") {
      await ui.browser.press("Tab");
      stops += 1;
      assert.ok(stops <= TAB_STOPS + 1, "the first result is too far");
    }
    const [name] = await ui.names();
    assert.equal(await ui.evaluate(() => document.activeElement.textContent), name);
    await ui.browser.press("Tab");
    assert.equal(await at(), "up");
    await ui.browser.press("Enter");
    assert.match(await ui.status(), /^More like this\./);
    assert.equal(await at(), "up", "the focus stays on the thumb");
    await ui.browser.press("Enter");
    assert.match(await ui.status(), /taken back/);
  },

  async "it is described to those who do not see it: axe finds no violation"(ui) {
    const check = async (what) => {
      await ui.still();
      await ui.browser.run(AXE);
      assert.ok(await ui.evaluate(() => globalThis.axe !== undefined), "axe-core runs");
      await ui.evaluate(() => {
        globalThis.found = undefined;
        axe.run(document, { resultTypes: ["violations"] }).then(
          ({ violations, passes }) => {
            globalThis.found = { violations, passes: passes.length };
          },
          (error) => {
            globalThis.found = { problem: `${error}` };
          },
        );
      });
      await ui.waitFor("an answer of axe", () => globalThis.found !== undefined);
      const found = await ui.evaluate(() => ({
        problem: globalThis.found.problem ?? "",
        passes: globalThis.found.passes,
        violations: (globalThis.found.violations ?? []).map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`,
        ),
      }));
      assert.deepEqual([found.problem, found.violations], ["", []], what);
      assert.ok(found.passes > 10, `${found.passes} rules passed`);
    };
    await check("as it is");
    await ui.tapRow(9, "up");
    await openDetails(ui, true);
    await ui.tapRow((await ui.moved())[0], "why");
    await check("with everything open");
    await dark(ui, "dark");
    const [red] = await ui.evaluate(() =>
      getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number),
    );
    if (ui.browser.engine === "chromium") {
      assert.ok(red < 64, "a dark page");
      await check("in the dark");
    }
    await dark(ui, "light");
    await ui.tap('#sheet [data-part="close"]');
    await ui.tap("#undo");
    await openDetails(ui, false);
  },

  async "results glide to where they go, but not for those who want less motion"(ui) {
    if (ui.browser.engine !== "chromium") return "left out: only Chromium is told so here";
    const moving = async (wish) => {
      await ui.browser.puppeteer.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: wish }]);
      await ui.reload();
      const count = await ui.evaluate(() => {
        document.querySelector('#results > li:nth-child(9) [data-part="up"]').click();
        return document.getAnimations().length;
      });
      await ui.tap("#undo");
      return count;
    };
    assert.ok((await moving("no-preference")) > 0);
    assert.equal(await moving("reduce"), 0);
    return "";
  },
};

const openDetails = (ui, isOpen) =>
  ui.evaluate((open) => {
    for (const each of document.querySelectorAll("details")) each.open = open;
  }, isOpen);

async function dark(ui, scheme) {
  if (ui.browser.engine !== "chromium") return;
  await ui.browser.puppeteer.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
}
