// Other rankings of the same search, as short lists: the frozen order, and a second person's.
import { SHOWN } from "./search.js";

export class ShortList {
  constructor(list) {
    this.items = Array.from({ length: SHOWN }, () => document.createElement("li"));
    list.replaceChildren(...this.items);
  }

  /** `own` are the results of the main list: those that are not among them stand out. */
  show(programs, own) {
    this.items.forEach((item, at) => {
      const program = programs[at];
      item.textContent = program?.name ?? "";
      item.title = program?.description ?? "";
      item.classList.toggle("other", program !== undefined && !own.has(program));
    });
  }
}
