// People who like one kind of program: to watch learning without clicking a hundred times, and to measure it on searches
// that nobody clicked in. Their clicks follow the lab of the repository.

export const TASTES = { commandline: "the command line", x11: "graphical programs" };

const HELD_OUT = 80;
const RELEVANT_MIN = 3;
/** A person looks at place n with probability 1 / sqrt(n), and takes what fits, or anything by mistake. */
const TAKES = { fitting: 0.9, other: 0.05 };

/**
 * Queries are programs; what fits has a purpose in common with the query and the interface that the person likes.
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
    this.queries = answerable.slice(HELD_OUT);
    this.heldOut = answerable.slice(0, HELD_OUT).map((index) => {
      const [query, fitting] = [search.rows[index], this.fitting(index)];
      const frozen = search.top(query, index);
      return { index, query, fitting, frozen };
    });
    this.base = mean(this.heldOut.map(({ frozen, fitting }) => count(frozen, fitting)));
  }

  /** Every program that fits a query. */
  fitting(query) {
    const found = new Set(this.search.packages[query].uses.flatMap((use) => this.liked.get(use) ?? []));
    found.delete(query);
    return found;
  }

  /** One search by the person: what was asked, what is shown, and a 1 for each choice. */
  event(person) {
    const index = this.queries[Math.floor(this.random() * this.queries.length)];
    const query = this.search.rows[index];
    const shown = this.search.top(person.correct(query), index);
    const fitting = this.fitting(index);
    const clicks = shown.map((each, place) => {
      const looks = this.random() < 1 / Math.sqrt(place + 1);
      return looks && this.random() < (fitting.has(each) ? TAKES.fitting : TAKES.other) ? 1 : 0;
    });
    return { text: this.search.packages[index].description, query, shown, clicks };
  }

  /** Over the held-out searches, of the first ten results: how many fit, and how many the frozen order has too. */
  measure(person) {
    const each = this.heldOut.map(({ index, query, fitting, frozen }) => {
      const shown = this.search.top(person.correct(query), index);
      return [count(shown, fitting), count(shown, new Set(frozen))];
    });
    return { fitting: mean(each.map(([fits]) => fits)), kept: mean(each.map(([, kept]) => kept)) };
  }
}

const count = (indices, wanted) => indices.filter((index) => wanted.has(index)).length;
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

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
