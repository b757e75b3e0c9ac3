// What was learned, in a sentence: which kinds of programs come higher for any search, and which lower.
import { listOf } from "./why.js";

const NAMES = {
  "interface:commandline": "command-line programs",
  "interface:x11": "graphical programs",
  "interface:text-mode": "full-screen terminal programs",
  "interface:daemon": "background services",
  "interface:web": "web programs",
  "interface:3d": "3D programs",
  "use:gameplaying": "games",
  "use:converting": "converters",
  "use:editing": "editors",
  "use:viewing": "viewers",
  "use:monitor": "monitors",
  "use:configuring": "settings tools",
  "use:learning": "programs for learning",
  "use:playing": "players",
  "use:organizing": "organisers",
  "use:compressing": "compression tools",
  "use:downloading": "download tools",
  "use:chatting": "chat programs",
  "worksWith:text": "programs for text",
  "worksWith:audio": "programs for sound",
  "worksWith:image": "programs for pictures",
  "worksWith:mail": "programs for mail",
  "worksWith:file": "programs for files",
  "worksWith:software:source": "programs for source code",
  "worksWith:db": "programs for databases",
  "worksWith:video": "programs for video",
  "worksWith:archive": "programs for archives",
  "worksWith:network-traffic": "network programs",
};

/** Every so many programs one is a query, to see what the correction does to queries in general. */
const STRIDE = 60;
/** Standard errors from the mean at which a kind is named. */
const CLEAR = 4;

export class Kinds {
  constructor({ packages, rows }) {
    this.rows = rows;
    this.members = new Map(Object.keys(NAMES).map((tag) => [tag, []]));
    packages.forEach((each, index) => {
      const tags = ["interfaces", "uses", "worksWith"].flatMap((field) =>
        each[field].map(
          (value) => `${field === "interfaces" ? "interface" : field === "uses" ? "use" : field}:${value}`,
        ),
      );
      for (const tag of tags) this.members.get(tag)?.push(index);
    });
  }

  /** `{ more, less }`: kinds of programs that the correction lifts most, and lowers most. */
  of(person) {
    const mean = this.meanCorrection(person);
    const lifts = this.rows.map((row) => row.reduce((sum, value, i) => sum + value * mean[i], 0));
    const average = lifts.reduce((sum, lift) => sum + lift, 0) / lifts.length;
    const spread = Math.sqrt(lifts.reduce((sum, lift) => sum + (lift - average) ** 2, 0) / lifts.length);
    if (!(spread > 1e-6)) return { more: [], less: [] };
    const clear = [...this.members]
      .map(([tag, members]) => {
        const lift = members.reduce((sum, index) => sum + lifts[index], 0) / members.length - average;
        return [NAMES[tag], (lift * Math.sqrt(members.length)) / spread];
      })
      .sort(([, a], [, b]) => b - a);
    const names = (wanted) => clear.filter(([, z]) => wanted(z)).map(([name]) => name);
    return {
      more: names((z) => z > CLEAR).slice(0, 2),
      less: names((z) => z < -CLEAR)
        .slice(-2)
        .reverse(),
    };
  }

  /** At full strength, whatever the slider says: what was learned does not depend on how much of it is shown. */
  meanCorrection(person) {
    const mean = new Float32Array(this.rows[0].length);
    const { strength } = person;
    person.strength = 1;
    for (let at = 0; at < this.rows.length; at += STRIDE) {
      const query = this.rows[at];
      person.correct(query).forEach((value, i) => {
        mean[i] += value - query[i];
      });
    }
    person.strength = strength;
    return mean;
  }
}

/** From a few choices a kind of program stands out by chance. */
const ENOUGH = 5;

/** "12 choices so far: command-line programs come higher for you, games lower." */
export function sentence({ choices }, { more, less }) {
  if (choices === 0) return "Nothing yet: nobody has opened or rated anything. The order is the frozen one.";
  const count = `${choices} ${choices === 1 ? "choice" : "choices"} so far`;
  const parts = [
    [more, "come higher"],
    [less, more.length > 0 ? "lower" : "come lower"],
  ].filter(([kinds]) => kinds.length > 0);
  if (choices < ENOUGH || parts.length === 0)
    return `${count}: no clear taste yet, programs like those chosen come higher.`;
  return `${count}: ${parts.map(([kinds, what]) => `${listOf(kinds)} ${what}`).join(", ")}.`;
}
