// Three browser engines behind one function: visit a page, wait for the outcome that it leaves behind.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { startWebKit } from "./webkit.mjs";

/** Milliseconds for a whole suite, on a busy machine. */
const TIMEOUT = 600_000;

const CHROMIUM_FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox",
];

// `performance.memory` rounds to megabytes unless told otherwise, and `gc` is how a test of leaks asks for an
// answer.
const PRECISE_MEMORY = ["--enable-precise-memory-info", "--js-flags=--expose-gc"];

export const ENGINES = {
  chromium: (profile) =>
    startPuppeteer({
      executablePath: "/usr/bin/chromium",
      args: [...CHROMIUM_FLAGS, ...PRECISE_MEMORY],
      userDataDir: profile,
    }),
  firefox: (profile) =>
    startPuppeteer({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      // It writes to its home whatever its profile.
      env: { ...process.env, HOME: profile },
    }),
  webkit: startWebKit,
};

/**
 * Gives `use` an open browser: `{ version, visit(url), page }`. `visit` resolves to what the page puts
 * into `globalThis.outcome`; `page` is puppeteer's, where there is one.
 */
export async function withEngine(name, use) {
  const profile = await mkdtemp(join(tmpdir(), `micro-lora-${name}-`));
  const browser = await ENGINES[name](profile);
  try {
    return await use(browser);
  } finally {
    await browser.close();
    // A browser that is closing may still write to its profile.
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

async function startPuppeteer(options) {
  const browser = await puppeteer.launch({ headless: true, protocolTimeout: TIMEOUT, ...options });
  const page = await browser.newPage();
  page.on("console", (message) => console.log(`  [page] ${message.text()}`));
  page.on("pageerror", (error) => console.log(`  [page error] ${error.message ?? error}`));
  return {
    page,
    version: await browser.version(),
    close: () => browser.close(),
    async visit(url, timeout = TIMEOUT) {
      await page.goto(url);
      const outcome = await page.waitForFunction("globalThis.outcome", { polling: 200, timeout });
      return outcome.jsonValue();
    },
  };
}
