// The line at the bottom: what has just happened, and one tap to undo it.
export class Toast {
  constructor(status, button) {
    Object.assign(this, { status, button, undo: undefined });
    button.addEventListener("click", () => {
      const { undo } = this;
      this.clear();
      undo?.();
    });
  }

  /** `undo`, if there is a way back, is offered until the next thing happens. */
  say(text, undo) {
    this.status.textContent = text;
    this.status.className = "";
    this.undo = undo;
    this.button.hidden = !undo;
    this.status.parentElement.classList.add("shown");
  }

  problem(text) {
    this.say(text);
    this.status.className = "problem";
  }

  clear() {
    this.say("");
    this.status.parentElement.classList.remove("shown");
  }
}
