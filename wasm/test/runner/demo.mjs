// node demo.mjs SITE PICTURES: clicks through the demo page as two users would, and leaves pictures of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withEngine } from "./engines.mjs";
import { serve } from "./server.mjs";

const [site, pictures] = process.argv.slice(2);
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });

const REDUCED = { name: "prefers-reduced-motion", value: "reduce" };

const server = await serve(site);
await withEngine("chromium", async ({ page }) => {
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.setViewport({ width: 1280, height: 1500 });
  // Results that glide would move away from under the pointer.
  await page.emulateMediaFeatures([REDUCED]);
  await page.goto(server.url);
  for (const [title, test] of Object.entries(TESTS(page))) {
    await test();
    console.log(`ok  ${title}`);
  }
}).finally(server.close);

function TESTS(page) {
  const part = (who, name) => `#people > section:nth-of-type(${who}) [data-part="${name}"]`;
  const text = (selector) => page.$eval(selector, (element) => element.textContent.trim());
  const names = (who) =>
    page.$$eval(`${part(who, "results")} [data-part="name"]`, (all) => all.map((e) => e.textContent));
  const number = async (who, name) =>
    Number((await text(part(who, name))).replace("−", "-").replace(/[^-\d.]/g, ""));
  const status = () => text("#status");
  const settled = (who) => page.waitForSelector(`#people > section:nth-of-type(${who})[aria-busy="false"]`);
  const picture = async (name) => {
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  };
  const simulate = async (who) => {
    await page.click(part(who, "simulate"));
    await settled(who);
  };
  const everything = async () => {
    const facts = ["clicks", "score", "once", "bytes", "verdict"].flatMap((name) => [
      part(1, name),
      part(2, name),
    ]);
    return [await names(1), await names(2), await Promise.all(facts.map(text))];
  };
  /** Over the whole curve: replay learns more from few clicks; from many, learning once catches up. */
  const leadOfReplay = (who) =>
    page.evaluate((index) => {
      const { people } = JSON.parse(localStorage.getItem("micro-lora-demo/page"));
      const { curve } = JSON.parse(localStorage.getItem(`micro-lora-demo/${people[index]}`));
      return curve.reduce((sum, [, replayed, once]) => sum + replayed - once, 0) / curve.length;
    }, who - 1);
  const stored = () => page.evaluate(() => Object.entries(localStorage).sort());
  /** What a program would load, short enough to be printed. A load counts as a generation, and nothing else changes. */
  const documents = (items) =>
    items.map(([name, text]) => {
      const { adapter, ring, holdback, once } = JSON.parse(text);
      const hash = createHash("sha256");
      for (const each of [adapter, ring, holdback, once])
        hash.update(JSON.stringify({ ...JSON.parse(each ?? null), generation: 0, crc32: 0 }));
      return [name, hash.digest("hex")];
    });
  let exported;

  return {
    async "two people, the same ten results, nothing learned"() {
      await page.waitForFunction(() => document.querySelectorAll("#people ol > li").length === 20);
      assert.deepEqual(await names(1), await names(2));
      assert.equal(await number(1, "clicks"), 0);
      assert.match(await text(part(1, "arrow")), /·/);
    },
    async "a thumbs-up moves its result up for one person alone"() {
      const [before, others] = [await names(1), await names(2)];
      for (let click = 0; click < 3; click += 1) {
        const place = (await names(1)).indexOf(before[8]);
        await page.click(`${part(1, "results")} > li:nth-child(${place + 1}) [data-part="up"]`);
      }
      const after = await names(1);
      assert.ok(after.indexOf(before[8]) < 8, `${before[8]} was 9th, is ${after.indexOf(before[8]) + 1}.`);
      assert.deepEqual(await names(2), others);
      assert.equal(await number(1, "clicks"), 3);
      assert.match(await status(), /more like .* moved from place/);
      assert.ok((await page.$$(`${part(1, "results")} .arrow.up`)).length > 0, "arrows");
    },
    async "a thumbs-down moves its result down"() {
      const [first] = await names(1);
      for (let click = 0; click < 15 && (await names(1))[0] === first; click += 1)
        await page.click(part(1, "down"));
      assert.notEqual((await names(1))[0], first);
      assert.match(await status(), /less like/);
    },
    async "people with opposite tastes part, and both curves rise"() {
      await page.click(part(1, "reset"));
      for (const who of [1, 2]) {
        for (let time = 0; time < 3; time += 1) await simulate(who);
        assert.ok(
          (await number(who, "score")) > 0.02,
          `gain of person ${who}: ${await number(who, "score")}`,
        );
        assert.ok((await number(who, "clicks")) > 50);
        const [replayed, once] = [await number(who, "score"), await number(who, "once")];
        assert.ok(replayed > once, `person ${who}: ${replayed} with replay, ${once} without`);
        const lead = await leadOfReplay(who);
        assert.ok(lead > 0.01, `person ${who}: replay leads by ${lead} on average`);
        assert.match(await text(part(who, "time")), /^\d+ µs$/);
        assert.match(await text(part(who, "bytes")), /^20\d KB$/);
        assert.match(await text(part(who, "verdict")), /^(not )?applied: \+\d+ % .*, \d+ events$/);
        assert.match(
          await page.$eval(part(who, "curve"), (svg) => svg.getAttribute("aria-label")),
          /after \d+ clicks with replay, .* once/,
        );
        assert.equal((await page.$$(`${part(who, "curve")} path`)).length, 2);
      }
      assert.notDeepEqual(await names(1), await names(2));
      await picture("two-people");
    },
    async "another query is asked by keyboard alone"() {
      await page.focus("#query");
      await page.keyboard.press("Home");
      await page.keyboard.down("Shift");
      await page.keyboard.press("End");
      await page.keyboard.up("Shift");
      await page.keyboard.type("edit photos");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector("#status").textContent.includes("edit photos"));
      await page.focus(part(2, "up"));
      const clicks = await number(2, "clicks");
      await page.keyboard.press("Enter");
      assert.equal(await number(2, "clicks"), clicks + 1);
      assert.equal(
        await page.evaluate(() => document.activeElement.value),
        "1",
        "the focus stays on a thumb",
      );
    },
    async "everything survives a reload"() {
      const seen = await everything();
      await page.reload();
      await page.waitForFunction(() => document.querySelectorAll("#people ol > li").length === 20);
      assert.deepEqual(await everything(), seen);
      // Saved once more, it is the same to the last bit: adapters, rings and holdbacks.
      const kept = await stored();
      assert.equal(kept.length, 3, "the page and two people");
      assert.ok(
        kept.every(([, text]) => text.length < 250_000),
        "twenty people fit into 5 MB",
      );
      await page.select(part(1, "taste"), await page.$eval(part(1, "taste"), (select) => select.value));
      assert.deepEqual(documents(await stored()), documents(kept));
    },
    async "an adapter is exported, and imported by somebody else"() {
      const session = await page.createCDPSession();
      await session.send("Browser.setDownloadBehavior", {
        behavior: "allow",
        downloadPath: resolve(pictures),
      });
      await page.click(part(1, "export"));
      while (!exported) {
        await sleep(50);
        exported = readdirSync(pictures).find((name) => name.endsWith(".micro-lora.json"));
      }
      const saved = JSON.parse(readFileSync(join(pictures, exported), "utf8"));
      assert.deepEqual(
        ["adapter", "ring", "holdback", "once"].map((name) => JSON.parse(saved[name]).format),
        ["micro-lora", "micro-lora-replay", "micro-lora-holdback", "micro-lora"],
      );
      assert.equal(JSON.parse(saved.ring).len, 32);
      const take = async (who, file) => {
        await (await page.$(part(who, "import"))).uploadFile(file);
        await page.waitForFunction(() => document.querySelector("#status").textContent.includes("imported"));
      };
      await take(2, join(pictures, exported));
      assert.deepEqual(await names(2), await names(1));
      for (const fact of ["bytes", "verdict"])
        assert.equal(await text(part(2, fact)), await text(part(1, fact)));
      // An adapter alone, as any program saves it: there is nothing to be replayed then.
      const alone = join(pictures, "adapter.json");
      writeFileSync(alone, saved.adapter);
      await take(2, alone);
      assert.deepEqual(await names(2), await names(1));
      assert.match(await text(part(2, "bytes")), /^17 KB$/);
    },
    async "a damaged file is refused and changes nothing"() {
      const before = await names(2);
      await (await page.$(part(2, "import"))).uploadFile(join(site, "index.html"));
      await page.waitForSelector("#status.problem");
      assert.match(await status(), /not imported: .*expected/);
      assert.deepEqual(await names(2), before);
    },
    async "a reset forgets, and a person can be added and removed"() {
      await page.click(part(1, "reset"));
      assert.equal(await number(1, "clicks"), 0);
      assert.match(await text(part(1, "arrow")), /·/);
      await page.type("#newcomer", "Cleo");
      await page.keyboard.press("Enter");
      assert.equal(await text(part(3, "name")), "Cleo");
      assert.deepEqual(await names(3), await names(1));
      await page.click(part(3, "remove"));
      assert.equal((await page.$$("#people > section")).length, 2);
    },
    async "words that nobody uses are said to be unknown"() {
      await page.$eval("#query", (input) => {
        input.value = "qqqq";
      });
      await page.click("#search .primary");
      assert.match(await status(), /No program/);
      assert.equal((await names(1)).length, 0);
    },
    async "it fits a phone, in the dark too"() {
      await page.click("#suggestions button");
      await simulate(1);
      await page.setViewport({
        width: 375,
        height: 800,
        deviceScaleFactor: 2,
        isMobile: true,
        hasTouch: true,
      });
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= window, `expected at most ${window} pixels across, the page has ${content}`);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }, REDUCED]);
      await picture("phone");
    },
    async "words of the field lead to what they mean"() {
      const words = await page.$$eval("#people > section:first-of-type a", (links) =>
        links.map((link) => [link.textContent, document.querySelector(`${link.hash} dfn`)?.textContent]),
      );
      assert.deepEqual(
        words.map(([word]) => word),
        ["nDCG", "ring", "Holdback"],
      );
      for (const [word, meant] of words) assert.equal(meant?.toLowerCase(), word.toLowerCase());
    },
    async "every control has a name"() {
      const nameless = await page.$$eval("button, input, select, svg[role]", (all) =>
        all
          .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
          .map((e) => e.outerHTML),
      );
      assert.deepEqual(nameless, []);
    },
  };
}
