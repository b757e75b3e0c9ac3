// One user's column: results with thumbs, what the adapter costs, its learning curve.
import { drawCurve } from "./chart.js";
import { TASTES } from "./taste.js";

const template = document.querySelector("#column");
const resultTemplate = document.querySelector("#result");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Column {
  /** `act(name, detail)` is told what the user does. */
  constructor(person, act) {
    this.person = person;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.setAttribute("aria-label", person.name);
    this.part("name").textContent = person.name;
    this.part("taste").append(
      ...Object.entries(TASTES).map(([value, { label }]) => new Option(label, value)),
    );
    this.part("taste").value = person.taste;
    this.part("taste").addEventListener("change", ({ target }) => act("taste", target.value));
    for (const name of ["simulate", "export", "reset", "remove"]) {
      this.part(name).addEventListener("click", () => act(name));
    }
    this.part("import").addEventListener("change", async ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) act("import", await file.text());
    });
    this.part("results").addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      const place = [...this.part("results").children].indexOf(button.closest("li"));
      act("feedback", { place, quality: Number(button.value) });
    });
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  /**
   * `results` are `{ package, place, frozen }`: where the adapter and where the frozen model finds a package.
   */
  showResults(results) {
    const list = this.part("results");
    const before = new Map([...list.children].map((item) => [item.dataset.name, item]));
    const tops = new Map([...before].map(([name, item]) => [name, item.getBoundingClientRect().top]));
    const focused = list.contains(document.activeElement)
      ? [document.activeElement.closest("li").dataset.name, document.activeElement.value]
      : null;
    list.replaceChildren(...results.map((result) => renderResult(result, before.get(result.package.name))));
    if (!calm.matches) slide(list, tops);
    if (focused) refocus(list, ...focused);
  }

  /** What was learned, and what it costs. */
  showFacts(base) {
    const { person } = this;
    const { adapter, ring } = person.documents();
    this.part("clicks").textContent = person.clicks;
    this.part("bytes").textContent = `${((adapter.length + ring.length) / 1000).toFixed(0)} KB`;
    this.part("time").textContent =
      person.microseconds === null ? "–" : `${person.microseconds.toFixed(0)} µs`;
    const [, replayed, once] = person.curve.at(-1) ?? [0, base, base];
    this.part("score").textContent = gain(replayed - base);
    this.part("once").textContent = gain(once - base);
    this.part("verdict").textContent =
      person.holdback.report().events > 0 ? `${person.holdback}` : "nothing compared yet";
    drawCurve(this.part("curve"), person.curve, base);
  }

  showBusy(busy) {
    this.part("simulate").disabled = busy;
    this.element.setAttribute("aria-busy", String(busy));
  }
}

const gain = (by) => `${by >= 0 ? "+" : "−"}${Math.abs(by).toFixed(3)}`;

function renderResult({ package: found, place, frozen }, item) {
  const row = item ?? resultTemplate.content.firstElementChild.cloneNode(true);
  const part = (name) => row.querySelector(`[data-part="${name}"]`);
  row.dataset.name = found.name;
  part("name").textContent = found.name;
  part("description").textContent = found.description;
  part("badge").textContent =
    Object.entries(TASTES)
      .filter(([tag]) => found.interfaces.includes(tag))
      .map(([, { badge }]) => badge)
      .join(", ") || "other";
  const moved = frozen - place;
  const [arrow, words] =
    moved > 0
      ? [`▲ ${moved}`, `up ${moved}`]
      : moved < 0
        ? [`▼ ${-moved}`, `down ${-moved}`]
        : ["·", "not moved"];
  part("arrow").textContent = arrow;
  part("arrow").className = moved > 0 ? "arrow up" : moved < 0 ? "arrow down" : "arrow";
  part("moved").textContent = `, ${words} from place ${frozen} of the frozen model`;
  for (const [name, what] of [
    ["open", "open"],
    ["up", "thumbs up"],
    ["down", "thumbs down"],
  ]) {
    part(name).setAttribute("aria-label", name === "open" ? `${found.name}: open` : `${found.name}: ${what}`);
  }
  return row;
}

/** Lets each result glide from where it was. */
function slide(list, tops) {
  for (const item of list.children) {
    const from = tops.get(item.dataset.name);
    const by = from === undefined ? 24 : from - item.getBoundingClientRect().top;
    if (by === 0) continue;
    // Nobody means to click on what moves there just now.
    item.style.pointerEvents = "none";
    const start = { transform: `translateY(${by}px)`, opacity: from === undefined ? 0 : 1 };
    const glide = item.animate([start, { transform: "none", opacity: 1 }], {
      duration: 350,
      easing: "ease-out",
    });
    glide.onfinish = () => {
      item.style.pointerEvents = "";
    };
    glide.oncancel = glide.onfinish;
  }
}

/** A keyboard user stays on the same button of the same result, or the same place if it has left the list. */
function refocus(list, name, value) {
  const item = [...list.children].find((each) => each.dataset.name === name) ?? list.firstElementChild;
  const button = [...(item?.querySelectorAll("button") ?? [])].find((each) => each.value === value);
  button?.focus({ preventScroll: true });
}
