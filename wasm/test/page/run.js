// Runs the suite in a browser and leaves the outcome for the runner to fetch.
import { Collect } from "/suite/collect.js";

// Firefox's automation leaves names of its own behind, now and then.
const checkLeaks = !navigator.userAgent.includes("Firefox");
// Chromium's are known; on a slow machine they come while tests run.
const globals = ["puppeteer*", "__ariaQuerySelector*"];
mocha.setup({ ui: "bdd", reporter: Collect, timeout: 120_000, checkLeaks, globals });
try {
  await import("/suite/all.js");
  mocha.run(() => {
    globalThis.outcome = { ...Collect.outcome, loaded: Collect.loaded };
  });
} catch (error) {
  globalThis.outcome = {
    tests: 0,
    failures: [{ title: "loading the suite", message: String(error?.stack ?? error) }],
  };
}
