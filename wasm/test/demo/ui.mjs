// The page as a person uses it: what they see, and what they tap.
import assert from "node:assert/strict";

const ROW = (place) => `#results > li:nth-child(${place})`;

export class Ui {
  constructor(browser, url, [width, height]) {
    Object.assign(this, { browser, url, width, height });
  }

  get isPhone() {
    return this.width < 600;
  }

  /** Somebody who was never here before; what the browser keeps for offline use stays. */
  async open() {
    await this.browser.open(this.url, this.width, this.height);
    await this.ready();
    await this.evaluate(() => localStorage.clear());
    await this.reload();
  }

  async reload() {
    await this.evaluate(() => {
      globalThis.isOld = true;
      location.reload();
    });
    await this.ready();
  }

  ready() {
    return this.browser.waitFor(
      "results on a page that is loaded",
      () =>
        !globalThis.isOld &&
        document.querySelector("#results > li:not(.empty)") !== null &&
        // Every module has run by then, and the worker for offline use has answered.
        document.documentElement.dataset.offline !== undefined,
    );
  }

  evaluate(test, ...values) {
    return this.browser.evaluate(test, ...values);
  }

  waitFor(what, test, ...values) {
    return this.browser.waitFor(what, test, ...values);
  }

  text(selector) {
    return this.evaluate((at) => document.querySelector(at).textContent.trim(), selector);
  }

  status() {
    return this.text("#status");
  }

  names(selector = '#results > li:not(.empty) [data-part="open"]') {
    return this.evaluate(
      (at) => [...document.querySelectorAll(at)].map((each) => each.textContent),
      selector,
    );
  }

  /** Results glide to where they go. */
  still() {
    return this.waitFor("results that stay", () => document.getAnimations().length === 0);
  }

  /** What is tapped has to be on top where it is. */
  async tap(selector) {
    await this.still();
    const result = await this.evaluate((at) => {
      const element = document.querySelector(at);
      if (!element) return "is not there";
      element.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element.getBoundingClientRect();
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      if (!element.contains(hit)) return `is covered by ${hit?.outerHTML.slice(0, 100)}`;
      element.click();
      return "";
    }, selector);
    assert.equal(result, "", `${selector} ${result}`);
  }

  tapRow(place, part) {
    return this.tap(`${ROW(place)} [data-part="${part}"]`);
  }

  pressed(place, part) {
    return this.evaluate(
      (at) => document.querySelector(at).getAttribute("aria-pressed") === "true",
      `${ROW(place)} [data-part="${part}"]`,
    );
  }

  /** The places of results that have a way to ask why they are there. */
  async moved() {
    const hidden = await this.evaluate(() =>
      [...document.querySelectorAll("#results .why")].map((each) => each.hidden),
    );
    return hidden.flatMap((isHidden, at) => (isHidden ? [] : [at + 1]));
  }

  async setStrength(value) {
    await this.evaluate((to) => {
      const slider = document.querySelector("#strength");
      slider.value = to;
      slider.dispatchEvent(new Event("input"));
    }, value);
  }

  async kept() {
    const text = await this.text("#kept");
    assert.match(text, /^\d+ of the 10 frozen results kept$/);
    return Number.parseInt(text, 10);
  }

  async search(text) {
    await this.evaluate((query) => {
      document.querySelector("#query").value = query;
      document.querySelector("#search").requestSubmit();
    }, text);
  }

  /** Where everything is that must not move, in the page's own coordinates. */
  positions() {
    return this.evaluate(() =>
      ["header", "#search", "#results > li", ".right > *", "#learned", "#save", "footer"]
        .flatMap((selector) => [...document.querySelectorAll(selector)])
        .map((element) => {
          const { top, left, height } = element.getBoundingClientRect();
          return [top + scrollY, left + scrollX, height].map(Math.round).join(" ");
        }),
    );
  }

  /** Has a simulated person search, and waits until they have done. */
  async teach(button) {
    await this.tap(button);
    await this.waitFor(
      "a simulated person to have searched",
      (at) =>
        !document.querySelector(at).disabled &&
        /choices made/.test(document.querySelector("#status").textContent),
      button,
    );
    return this.status();
  }
}
