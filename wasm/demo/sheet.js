// The panel beside the results, at the bottom of a phone: a program that was opened, or why it is where it is. The results
// stay in use while it is open, so that what a choice does is seen at once.
import { badgeOf } from "./results.js";
import { inWords } from "./why.js";

export class Sheet {
  /** `onClose()` is called when it closes, for the focus to go back. */
  constructor(element, onClose) {
    this.element = element;
    this.onClose = onClose;
    this.about = null;
    this.part("close").addEventListener("click", () => this.close());
    element.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.close();
    });
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  get isOpen() {
    return this.about !== null;
  }

  close() {
    if (!this.isOpen) return;
    const { about } = this;
    this.about = null;
    this.element.hidden = true;
    this.onClose(about);
  }

  /** What it is about: `{ kind, id }`. The focus goes to its title, unless it is open on the same already. */
  open(about, title, content) {
    const isSame = this.about?.kind === about.kind && this.about?.id === about.id;
    const inside = this.element.contains(document.activeElement);
    this.about = about;
    this.part("title").textContent = title;
    this.part("content").replaceChildren(...content);
    this.element.hidden = false;
    if (!isSame || (inside && !this.element.contains(document.activeElement))) this.part("title").focus();
  }

  /** A program, and what opening it has done. `actions` are `[label, act]`. */
  showProgram(id, program, actions) {
    const facts = [
      ["What", program.description],
      ["Kind", badgeOf(program)],
      ["For", [...program.uses, ...program.worksWith].join(", ") || "–"],
      ["Install", `apt install ${program.name}`],
    ];
    const list = make(
      "dl",
      {},
      ...facts.flatMap(([what, fact]) => [make("dt", {}, what), make("dd", {}, fact)]),
    );
    this.open({ kind: "open", id }, program.name, [list, row(actions)]);
  }

  /** `moved` says from where to where; each reason has a button that forgets it. */
  showWhy(id, { title, moved, reasons, older, nameOf, forget }) {
    const because = reasons.length > 0 ? `, because ${inWords(reasons, nameOf)}.` : ".";
    const content = [make("p", { className: "because" }, `${moved}${because}`)];
    if (older) content.push(make("p", {}, "Mostly by older choices, which are no longer kept one by one."));
    const items = reasons.map((reason) => {
      const button = make("button", { type: "button" }, "Forget this");
      const what = `${VERBS[reason.kind]} ${reason.ids.map(nameOf).join(", ")}`;
      button.setAttribute("aria-label", `Forget this: ${what}`);
      button.addEventListener("click", () => forget(reason));
      const text = make(
        "span",
        {},
        make("strong", {}, what),
        make("small", {}, `searching “${reason.text}”`),
      );
      return make("li", {}, text, button);
    });
    if (items.length > 0) content.push(make("ul", { className: "reasons" }, ...items));
    this.open({ kind: "why", id }, title, content);
  }
}

const VERBS = {
  opened: "opened",
  liked: "liked",
  disliked: "turned down",
  simulated: "a simulated person chose",
};

function row(actions) {
  return make(
    "div",
    { className: "row" },
    ...actions.map(([label, act]) => {
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", act);
      return button;
    }),
  );
}

function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}
