// What the tests of the page do in a browser, the same in puppeteer's two and in WebKit, which WebDriver drives.
import { setTimeout as sleep } from "node:timers/promises";
import { withEngine } from "../runner/engines.mjs";

const TIMEOUT = 120_000;
/** As WebDriver writes them. */
const KEYS = { Tab: "\uE004", Enter: "\uE007" };
const NARROWEST = 600;

/** Gives `use` a browser: `open`, `evaluate`, `run`, `press`, `waitFor`, and `puppeteer` where there is one. */
export const withBrowser = (engine, use) =>
  withEngine(engine, (opened) => {
    const browser = opened.driver ? new WebDriver(opened.driver) : new Puppeteer(opened.page);
    return use(Object.assign(browser, { engine, version: opened.version }));
  });

class Browser {
  /** Polls until a function in the page gives something true, which is returned. */
  async waitFor(what, test, ...values) {
    const end = Date.now() + TIMEOUT;
    for (;;) {
      // A page that is being loaded answers nothing.
      const result = await this.evaluate(test, ...values).catch(() => null);
      if (result) return result;
      if (Date.now() > end) throw new Error(`expected ${what} within ${TIMEOUT / 1000} s, nothing came`);
      await sleep(50);
    }
  }
}

class Puppeteer extends Browser {
  constructor(page) {
    super();
    this.puppeteer = page;
  }

  async open(url, width, height) {
    await this.puppeteer.setViewport({ width, height });
    await this.puppeteer.goto(url);
  }

  evaluate(test, ...values) {
    return this.puppeteer.evaluate(test, ...values);
  }

  /** A script as text, which the page's own policy does not hold up. */
  run(script) {
    return this.puppeteer.evaluate(script);
  }

  press(key) {
    return this.puppeteer.keyboard.press(key);
  }
}

class WebDriver extends Browser {
  constructor(driver) {
    super();
    this.driver = driver;
  }

  /** A window can be no narrower than its tools: the page of a phone stands in a frame. */
  async open(url, width, height) {
    await this.driver.post("/frame", { id: null });
    await this.driver.post("/url", { url });
    if (await this.resize(width, height)) return;
    await this.resize(NARROWEST, height + 20);
    await this.evaluate(
      (width, height) => {
        const frame = document.createElement("iframe");
        frame.src = "/";
        Object.assign(frame.style, { width: `${width}px`, height: `${height}px`, border: 0 });
        document.body.style.padding = 0;
        document.body.replaceChildren(frame);
      },
      width,
      height,
    );
    await this.driver.post("/frame", { id: 0 });
  }

  /** A window's size includes its frame: it is made as large as the page lacks. Says whether that was possible. */
  async resize(width, height) {
    let [outerWidth, outerHeight] = [width, height];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await this.driver.post("/window/rect", { x: 0, y: 0, width: outerWidth, height: outerHeight });
      await sleep(300);
      const [innerWidth, innerHeight] = await this.evaluate(() => [window.innerWidth, window.innerHeight]);
      if (innerWidth === width && innerHeight === height) return true;
      outerWidth += width - innerWidth;
      outerHeight += height - innerHeight;
    }
    return false;
  }

  evaluate(test, ...values) {
    return this.driver.evaluate(`return (${test})(...${JSON.stringify(values)})`);
  }

  run(script) {
    return this.driver.evaluate(script);
  }

  press(key) {
    const actions = ["keyDown", "keyUp"].map((type) => ({ type, value: KEYS[key] }));
    return this.driver.post("/actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }
}
