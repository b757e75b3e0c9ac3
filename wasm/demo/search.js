// Search by embedding, as an application would do it, before any learning comes in.
import { toUnitNorm } from "./data.js";

export const SHOWN = 10;

/** A query by words is the mean of at most this many programs that contain them. */
const EXEMPLARS = 25;

export class Search {
  constructor({ packages, vectors, size }) {
    Object.assign(this, { packages, size });
    this.rows = packages.map((_, index) => vectors.subarray(index * size, (index + 1) * size));
    this.scores = new Float32Array(packages.length);
    this.words = packages.map(({ name, description }) => new Set(wordsOf(`${name} ${description}`)));
    this.frequency = new Map();
    for (const words of this.words) {
      for (const word of words) this.frequency.set(word, (this.frequency.get(word) ?? 0) + 1);
    }
  }

  /** Without a sentence model: the mean of the programs that share the rarest words of a text, or null. */
  embedByWords(text) {
    const wanted = [...new Set(wordsOf(text))].filter((word) => this.frequency.has(word));
    if (wanted.length === 0) return null;
    const rarity = new Map(
      wanted.map((word) => [word, Math.log(this.packages.length / this.frequency.get(word)) + 0.1]),
    );
    const matches = this.words
      .map((words, index) => ({
        index,
        weight: wanted.reduce((sum, word) => sum + (words.has(word) ? rarity.get(word) : 0), 0),
      }))
      .filter(({ weight }) => weight > 0)
      .sort((a, b) => b.weight - a.weight || a.index - b.index)
      .slice(0, EXEMPLARS);
    const mean = new Float32Array(this.size);
    for (const { index, weight } of matches) {
      this.rows[index].forEach((value, i) => {
        mean[i] += weight * weight * value;
      });
    }
    return toUnitNorm(mean);
  }

  /** The best programs for a vector, best first; `without` is left out: a program is no answer to itself. */
  top(query, without = -1) {
    this.scoreAll(query);
    const best = [];
    for (let index = 0; index < this.scores.length; index += 1) {
      const score = this.scores[index];
      if (index === without || (best.length === SHOWN && score <= this.scores[best[SHOWN - 1]])) continue;
      let at = best.length;
      while (at > 0 && this.scores[best[at - 1]] < score) at -= 1;
      best.splice(at, 0, index);
      best.length = Math.min(best.length, SHOWN);
    }
    return best;
  }

  /** At which place, counted from 1, a vector finds each of the programs. */
  places(query, indices) {
    this.scoreAll(query);
    return indices.map((index) =>
      this.scores.reduce((sum, score) => sum + (score > this.scores[index] ? 1 : 0), 1),
    );
  }

  scoreAll(query) {
    this.rows.forEach((row, index) => {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let i = 0; i < row.length; i += 4) {
        a += query[i] * row[i];
        b += query[i + 1] * row[i + 1];
        c += query[i + 2] * row[i + 2];
        d += query[i + 3] * row[i + 3];
      }
      this.scores[index] = a + b + c + d;
    });
  }
}

const wordsOf = (text) => text.toLowerCase().match(/[a-z0-9+#]+/g) ?? [];
