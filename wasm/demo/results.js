// The list of results: ten rows that stay where they are. A ranking that changes puts other programs into them, so that
// nothing below moves.
import { SHOWN } from "./search.js";

const template = document.querySelector("#result");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const BADGES = [
  ["commandline", "command line"],
  ["x11", "graphical"],
  ["text-mode", "terminal"],
  ["web", "web"],
  ["daemon", "service"],
];

export class Results {
  /** `act(name, id)` is told what the user does: "open", "up", "down" or "why", to the program `id`. */
  constructor(list, act) {
    this.list = list;
    this.shown = [];
    this.rows = Array.from({ length: SHOWN }, () => template.content.firstElementChild.cloneNode(true));
    list.replaceChildren(...this.rows);
    list.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      const at = button ? this.rows.indexOf(button.closest("li")) : -1;
      if (at >= 0 && this.shown[at]) act(button.dataset.part, this.shown[at].id);
    });
  }

  /** `results` are `{ id, program, place, frozen, rating }`, ten or none; `frozen` is the place in the frozen order. */
  show(results) {
    const places = new Map(this.shown.map(({ id }, at) => [id, at]));
    const focused = this.focus();
    const tops = this.rows.map((row) => row.offsetTop);
    this.shown = results;
    this.rows.forEach((row, at) => fill(row, results[at]));
    if (!calm.matches && places.size > 0) this.glide(places, tops);
    if (focused) this.refocus(focused);
  }

  /** Which button of which program has the focus. */
  focus() {
    const row = document.activeElement?.closest?.("li");
    const at = this.rows.indexOf(row);
    return at < 0 ? null : { at, id: this.shown[at]?.id, part: document.activeElement.dataset.part };
  }

  /** A keyboard user stays with the program, or with the place if it has left the list. */
  refocus({ at, id, part }) {
    const now = this.shown.findIndex((result) => result.id === id);
    const row = this.rows[now < 0 ? at : now];
    const button = row.querySelector(`[data-part="${part}"]`);
    (button.hidden ? row.querySelector('[data-part="open"]') : button).focus({ preventScroll: true });
  }

  focusOn(id, part) {
    this.refocus({ at: 0, id, part });
  }

  /** Each program comes from where it was: a picture of motion, and no motion of the page. */
  glide(places, tops) {
    this.shown.forEach(({ id }, at) => {
      const before = places.get(id);
      if (before === at) return;
      const by = before === undefined ? 0 : tops[before] - tops[at];
      this.rows[at].firstElementChild.animate(
        [
          { transform: `translateY(${by}px)`, opacity: before === undefined ? 0 : 1 },
          { transform: "none", opacity: 1 },
        ],
        { duration: 350, easing: "ease-out" },
      );
    });
  }
}

function fill(row, result) {
  row.classList.toggle("empty", !result);
  if (!result) return;
  const { program, place, frozen, rating } = result;
  const part = (name) => row.querySelector(`[data-part="${name}"]`);
  part("place").textContent = place;
  part("open").textContent = program.name;
  part("description").textContent = program.description;
  part("badge").textContent = badgeOf(program);
  for (const [name, what] of [
    ["up", "more like this"],
    ["down", "less like this"],
  ]) {
    part(name).setAttribute("aria-label", `${program.name}: ${what}`);
    part(name).setAttribute("aria-pressed", String(rating === name));
  }
  const moved = frozen - place;
  const why = part("why");
  why.hidden = moved === 0;
  why.className = moved > 0 ? "why up" : "why down";
  part("moved").textContent = moved > 0 ? `▲ ${moved}` : `▼ ${-moved}`;
  part("said").textContent = `${program.name}, ${moved > 0 ? "up" : "down"} ${Math.abs(moved)}:`;
}

export const badgeOf = ({ interfaces, section }) =>
  BADGES.filter(([tag]) => interfaces.includes(tag))
    .map(([, badge]) => badge)
    .join(", ") || section;
