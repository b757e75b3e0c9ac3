// node main.mjs SITE ENGINE: uses the demo page in one engine as people would, on a phone's screen and on a desktop's.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { OWN_HOST, serve } from "../runner/server.mjs";
import { withBrowser } from "./browser.mjs";
import { CHOICES } from "./choices.mjs";
import { LOOK } from "./look.mjs";
import { ALONE, BY_WORDS, FOREIGN, MODEL, OFFLINE, OFFLINE_BY_MEANING } from "./model.mjs";
import { Ui } from "./ui.mjs";
import { WATCH } from "./watch.mjs";

const SIZES = [
  [390, 844],
  [1280, 800],
];
const REPORT = "/report";
/** For every answer, so that threads are held to it too. */
const POLICY = `${OWN_HOST}; report-uri ${REPORT}`;

const [site, engine] = process.argv.slice(2);
const hasModel = existsSync(join(site, "model/files.json"));
const server = await serve(site, 0, { "content-security-policy": POLICY });
server.reports = () => server.requests.filter((path) => path === REPORT);

await withBrowser(engine, async (browser) => {
  console.log(browser.version);
  const errors = [];
  browser.puppeteer?.on("pageerror", (error) => errors.push(`${error.message ?? error}`));
  let ui;
  for (const size of SIZES) {
    ui = new Ui(browser, server.url, size);
    await ui.open();
    // The model is loaded once and kept from then on, so that the rest is tried with it.
    if (!hasModel) await check(BY_WORDS, ui);
    else if (size === SIZES[0]) await check(MODEL, ui);
    for (const part of [LOOK, CHOICES, WATCH]) await check(part, ui);
  }
  await check(hasModel ? { ...ALONE, ...OFFLINE_BY_MEANING } : { ...ALONE, ...OFFLINE }, ui);
  const unwanted = errors.filter((message) => !message.includes(FOREIGN));
  if (unwanted.length > 0) throw new Error(`errors in the page: ${unwanted.join("; ")}`);
}).finally(server.close);

async function check(part, ui) {
  for (const [title, test] of Object.entries(part)) {
    try {
      const leftOut = await test(ui, server);
      console.log(
        `  ${leftOut ? "--" : "ok"}  ${ui.width} x ${ui.height}: ${title}${leftOut ? ` (${leftOut})` : ""}`,
      );
    } catch (error) {
      console.error(`FAILED  ${ui.width} x ${ui.height}: ${title}`);
      throw error;
    }
  }
}
