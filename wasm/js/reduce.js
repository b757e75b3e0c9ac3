// A module of PEFT's of a larger rank at one of rank 1 to 4: the best approximation of `B A` that there is. As
// `../../src/peft/reduce.rs` does, which says why: in the file's own matrices, without the product itself.

/** A rotation that changes less than this changes nothing. */
const CLOSE = 1e-15;
/** Of the rotations of all pairs of rows: eight are usual. */
const SWEEPS = 40;
/** A row that is so far a sum of those before, as a share of its square, is one: rounding gave the rest. */
const DEPENDENT = 4e-15;

const dot = (one, two) => one.reduce((sum, value, i) => sum + value * two[i], 0);

const add = (to, factor, from) => from.forEach((value, i) => (to[i] += factor * value));

const zeros = (length) => new Float64Array(length);

/** The upper Cholesky factor of the sum of `v v^T`. A row that depends on those before becomes 0. */
const factor = (rank, vectors) => {
  const rows = Array.from({ length: rank }, () => zeros(rank));
  for (const v of vectors) rows.forEach((row, i) => add(row, v[i], v));
  const squares = rows.map((row, i) => row[i]);
  rows.forEach((row, i) => {
    const inverse = row[i] > squares[i] * DEPENDENT ? 1 / Math.sqrt(row[i]) : 0;
    row.forEach((value, j) => (row[j] = j < i ? 0 : value * inverse));
    for (let j = i + 1; j < rank; j++) add(rows[j], -row[j], row);
  });
  return rows;
};

/** Makes two rows orthogonal; whether they were so already. */
const rotate = (one, two) => {
  const [square1, square2, product] = [dot(one, one), dot(two, two), dot(one, two)];
  if (Math.abs(product) <= CLOSE * Math.sqrt(square1 * square2)) return true;
  const zeta = (square2 - square1) / (2 * product);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  one.forEach((value, i) => {
    const other = two[i];
    one[i] = cosine * value - sine * other;
    two[i] = sine * value + cosine * other;
  });
  return false;
};

/** Rotates rows, two at a time, until all are orthogonal to one another. */
const orthogonalise = (rows) => {
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let isDone = true;
    rows.forEach((one, i) => {
      for (const two of rows.slice(i + 1)) isDone = rotate(one, two) && isDone;
    });
    if (isDone) return;
  }
};

/**
 * The largest directions of `B A`: of each its row for `lora_A` and its row for `lora_B` (a column of B), both as long
 * as the root of `scaling` times the singular value, B's without the scaling; and the share of `|B A|` that they have.
 *
 * `columnsOfA` are `[in][r]`, `rowsOfB` `[out][r]`.
 */
export const reduce = (fileRank, columnsOfA, rowsOfB, rank, scaling) => {
  const factorA = factor(fileRank, columnsOfA);
  const k = factor(fileRank, rowsOfB).map((row) => Float64Array.from(factorA, (other) => dot(row, other)));
  orthogonalise(k);
  const found = k.map((row) => [dot(row, row), row]);
  const total = found.reduce((sum, [square]) => sum + square, 0);
  // What rounding leaves of a value that is 0 is no direction.
  const largest = found.sort((one, two) => two[0] - one[0]).slice(0, rank);
  const kept = largest.filter(([square]) => square > total * 1e-28);
  const directions = kept.map(([square, row]) => {
    const sigma = Math.sqrt(square);
    const column = zeros(fileRank);
    row.forEach((value, j) => add(column, value / sigma, factorA[j]));
    const length = Math.sqrt(sigma * scaling);
    const left = zeros(fileRank);
    const b = rowsOfB.map((from) => {
      const value = dot(from, column);
      add(left, value, from);
      return value / length;
    });
    return { a: columnsOfA.map((from) => (dot(from, left) / square) * length), b };
  });
  const sum = kept.reduce((sum, [square]) => sum + square, 0);
  return { directions, kept: total > 0 ? Math.sqrt(Math.min(sum / total, 1)) : 1 };
};
