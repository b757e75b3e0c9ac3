// People who like one kind of program: to watch learning without clicking a hundred times, and to measure it
// on searches that nobody clicked in. Their clicks follow the lab of the repository.
import { SHOWN } from "./search.js";

export const TASTES = {
  commandline: { label: "likes the command line", badge: "command line" },
  x11: { label: "likes windows and buttons", badge: "graphical" },
};

const HELD_OUT = 120;
const RELEVANT_MIN = 3;

/**
 * Queries are packages; what fits has a purpose in common with the query and the interface that the person
 * likes.
 */
export class Judge {
  constructor(search, taste) {
    Object.assign(this, { search, taste });
    this.liked = new Map();
    search.packages.forEach(({ interfaces, uses }, index) => {
      if (!interfaces.includes(taste)) return;
      for (const use of uses) this.liked.set(use, [...(this.liked.get(use) ?? []), index]);
    });
    const answerable = search.packages
      .map((_, index) => index)
      .filter((index) => this.fitting(index).size >= RELEVANT_MIN);
    this.random = mulberry(1);
    shuffle(answerable, this.random);
    this.heldOut = answerable.slice(0, HELD_OUT);
    this.queries = answerable.slice(HELD_OUT);
  }

  /** Every package that fits a query. */
  fitting(query) {
    const found = new Set(this.search.packages[query].uses.flatMap((use) => this.liked.get(use) ?? []));
    found.delete(query);
    return found;
  }

  /** One search by the person: a query, what is shown, and a 1 for each click. */
  event(person) {
    const query = this.queries[Math.floor(this.random() * this.queries.length)];
    const vector = this.search.vector(query);
    const [frozen, adapted] = [vector, person.correct(vector)].map((each) => this.search.top(each, query));
    const shown = person.merge(frozen, adapted);
    const fitting = this.fitting(query);
    const clicks = shown.map((index, place) => {
      const looks = this.random() < 1 / Math.sqrt(place + 1);
      return looks && this.random() < (fitting.has(index) ? 0.9 : 0.05) ? 1 : 0;
    });
    return { vector, candidates: this.search.candidates(shown), clicks };
  }

  /** Mean nDCG@10 over the held-out searches. */
  score(correct) {
    const scores = this.heldOut.map((query) => {
      const shown = this.search.top(correct(this.search.vector(query)), query);
      const fitting = this.fitting(query);
      const gained = shown.reduce((sum, index, place) => sum + (fitting.has(index) ? discount(place) : 0), 0);
      return gained / ideal(fitting.size);
    });
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  }

  /** What the frozen model reaches; it never changes. */
  get base() {
    this.frozen ??= this.score((vector) => vector);
    return this.frozen;
  }
}

const discount = (place) => 1 / Math.log2(place + 2);

function ideal(count) {
  let sum = 0;
  for (let place = 0; place < Math.min(count, SHOWN); place += 1) sum += discount(place);
  return sum;
}

function shuffle(list, random) {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
}

/** Numbers from a seed: everybody sees the same queries. */
function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
