// The buttons that have a simulated person search, for you and for the second person, and the curve of it.
import { drawCurve } from "./chart.js";
import { TASTES } from "./taste.js";
import { judgeOf, teach } from "./teach.js";

export class Teaching {
  /** `people()` are who there is now; `change()` is called when one of them has learned. */
  constructor($, search, { toast, people, change }) {
    Object.assign(this, { $, search, toast, people, change, curve: [] });
    for (const [name, taste] of [
      ["taste", "commandline"],
      ["other-taste", "x11"],
    ]) {
      $(`#${name}`).append(...Object.entries(TASTES).map(([value, label]) => new Option(label, value)));
      $(`#${name}`).value = taste;
    }
    $("#taste").addEventListener("change", () => this.draw([]));
    $("#teach").addEventListener("click", () => this.run("you", "taste", "taught"));
    $("#other-teach").addEventListener("click", () => this.run("other", "other-taste", "other-taught"));
    $("#watch").addEventListener("toggle", () => this.draw(this.curve));
  }

  async run(who, tasteId, progressId) {
    const { $, search } = this;
    const person = this.people()[who];
    const taste = $(`#${tasteId}`).value;
    const before = person.save();
    const first = person.choices;
    this.disable(true);
    // A curve goes on while choices do; after a reset, an undo or another file it begins anew.
    const points = who === "you" && this.curve.at(-1)?.choices === first ? this.curve.slice(0, -1) : [];
    await teach(person, search, taste, ({ done, point }) => {
      points.push(point);
      $(`#${progressId}`).value = done;
      if (who === "you") this.draw(points);
      this.change();
    });
    this.disable(false);
    const whose = who === "you" ? "for you" : "for the second person";
    this.toast.say(`${person.choices - first} choices made ${whose}.`, () => {
      person.load(before);
      if (who === "you") this.draw([]);
      $(`#${progressId}`).value = 0;
      this.change();
      this.toast.say("Undone.");
    });
  }

  disable(busy) {
    for (const name of ["teach", "other-teach", "swap", "reset", "save", "load", "taste", "other-taste"]) {
      this.$(`#${name}`).disabled = busy;
    }
  }

  /** Measured when the curve is in sight: it takes a tenth of a second. */
  draw(points) {
    const { $ } = this;
    this.curve = points;
    if (!$("#watch").open) return;
    const judge = judgeOf(this.search, $("#taste").value);
    const { you } = this.people();
    if (points.length === 0) this.curve = [{ choices: you.choices, ...judge.measure(you) }];
    const line = (name) => this.curve.map((point) => [point.choices, point[name]]);
    drawCurve($("#gain"), {
      points: line("fitting"),
      base: judge.base,
      low: judge.base - 0.3,
      high: judge.base + 0.8,
      what: "Results that suit them, of the first ten",
    });
    drawCurve($("#keeps"), {
      points: line("kept"),
      base: 10,
      low: 0,
      high: 10,
      what: "Frozen results kept, of the first ten",
    });
  }
}
