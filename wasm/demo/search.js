// Search by embedding, as an application would do it, before any adapter comes in.
import { toUnitNorm } from "./data.js";

export const SHOWN = 10;

/** A typed query is the mean of at most this many packages that contain its words. */
const EXEMPLARS = 25;

export class Search {
  constructor({ packages, vectors, size }) {
    Object.assign(this, { packages, vectors, size });
    this.scores = new Float32Array(packages.length);
    this.words = packages.map(({ name, description }) => new Set(wordsOf(`${name} ${description}`)));
    this.frequency = new Map();
    for (const words of this.words) {
      for (const word of words) this.frequency.set(word, (this.frequency.get(word) ?? 0) + 1);
    }
  }

  vector(index) {
    return this.vectors.subarray(index * this.size, (index + 1) * this.size);
  }

  /**
   * No language model runs in the page: the vector of a text is the mean of those that share its rarest
   * words.
   */
  embed(text) {
    const wanted = [...new Set(wordsOf(text))].filter((word) => this.frequency.has(word));
    if (wanted.length === 0) return null;
    const rarity = new Map(
      wanted.map((word) => [word, Math.log(this.packages.length / this.frequency.get(word)) + 0.1]),
    );
    const matches = this.words
      .map((words, index) => ({
        index,
        weight: wanted.reduce((sum, w) => sum + (words.has(w) ? rarity.get(w) : 0), 0),
      }))
      .filter(({ weight }) => weight > 0)
      .sort((a, b) => b.weight - a.weight || a.index - b.index)
      .slice(0, EXEMPLARS);
    const mean = new Float32Array(this.size);
    for (const { index, weight } of matches) {
      this.vector(index).forEach((value, i) => {
        mean[i] += weight * weight * value;
      });
    }
    return toUnitNorm(mean);
  }

  /** The best packages for a vector, best first; `without` is left out: a package is no answer to itself. */
  top(query, without = -1) {
    this.scoreAll(query, without);
    const best = [];
    for (let index = 0; index < this.scores.length; index += 1) {
      const score = this.scores[index];
      if (best.length === SHOWN && score <= this.scores[best[SHOWN - 1]]) continue;
      let at = best.length;
      while (at > 0 && this.scores[best[at - 1]] < score) at -= 1;
      best.splice(at, 0, index);
      best.length = Math.min(best.length, SHOWN);
    }
    return best;
  }

  /** At which place, counted from 1, a vector finds each of the packages. */
  places(query, indices) {
    this.scoreAll(query, -1);
    return indices.map((index) =>
      this.scores.reduce((sum, score) => sum + (score > this.scores[index] ? 1 : 0), 1),
    );
  }

  scoreAll(query, without) {
    const { vectors, size, scores } = this;
    for (let row = 0; row < scores.length; row += 1) {
      const from = row * size;
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let i = 0; i < size; i += 4) {
        a += query[i] * vectors[from + i];
        b += query[i + 1] * vectors[from + i + 1];
        c += query[i + 2] * vectors[from + i + 2];
        d += query[i + 3] * vectors[from + i + 3];
      }
      scores[row] = a + b + c + d;
    }
    if (without >= 0) scores[without] = -Infinity;
  }

  /** The vectors of several packages, one after the other, as the adapter takes candidates. */
  candidates(indices) {
    const rows = new Float32Array(indices.length * this.size);
    indices.forEach((index, at) => rows.set(this.vector(index), at * this.size));
    return rows;
  }
}

const wordsOf = (text) => text.toLowerCase().match(/[a-z0-9+#]+/g) ?? [];
