// node screenshots.mjs SITE FOLDER: pictures of the page at both sizes, as somebody who has taught it a little sees it.
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { serve } from "../runner/server.mjs";
import { withBrowser } from "./browser.mjs";
import { Ui } from "./ui.mjs";

/** Comes with transformers.js. */
const sharp = createRequire(new URL("../transformers/package.json", import.meta.url))("sharp");

const MOST = 150_000;
const PICTURES = {
  desktop: { size: [1280, 800], scheme: "light", query: "zip a folder", more: ["#watch summary"] },
  phone: { size: [390, 844], scheme: "light", query: "zip a folder", more: [] },
  "phone-dark": { size: [390, 844], scheme: "dark", query: "edit photos", more: [] },
};

const [site, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const server = await serve(site);
await withBrowser("chromium", async (browser) => {
  for (const [name, { size, scheme, query, more }] of Object.entries(PICTURES)) {
    const ui = new Ui(browser, server.url, size);
    await browser.puppeteer.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    await ui.open();
    await ui.search(query);
    await ui.waitFor("results by meaning", () =>
      /^Searching by meaning/.test(document.querySelector("#source").textContent),
    );
    await ui.waitFor(
      "results",
      (wanted) => document.querySelector("#results").dataset.query === wanted,
      query,
    );
    for (const selector of more) await ui.tap(selector);
    await ui.evaluate(() => (document.querySelector("#watch").open = true));
    await ui.teach("#teach");
    await ui.evaluate((isOpen) => (document.querySelector("#watch").open = isOpen), more.length > 0);
    await ui.tapRow(5, "up");
    await ui.evaluate(() => scrollTo(0, 0));
    if (name === "phone-dark") await ui.tapRow((await ui.moved())[1], "why");
    await ui.evaluate(() => scrollTo(0, 0));
    const file = join(folder, `${name}.png`);
    const picture = await browser.puppeteer.screenshot();
    await sharp(picture).png({ palette: true, effort: 10 }).toFile(file);
    const { size: bytes } = statSync(file);
    console.log(`${file}: ${bytes} bytes`);
    assert.ok(bytes < MOST, `expected less than ${MOST} bytes`);
  }
}).finally(server.close);
