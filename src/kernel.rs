//! The only loops over weights and vectors.
//!
//! The order of operations is part of the format (`CONTRIBUTING.md` has the rule): a dot
//! product adds element `i` to lane `i mod 32` and then halves the lanes; multiply and add are
//! separate roundings, never fused. Any faster form of a kernel must give the same bits.
//!
//! Where two slices differ in length the kernels stop at the shorter; callers check lengths.

// Small cores: Cortex-M. Everything else holds 32 lanes in vectors.
#[cfg(any(test, target_arch = "arm"))]
mod scalar;

#[cfg(target_arch = "arm")]
pub(crate) use scalar::{dot, squared_norm_of};

const LANES: usize = 32;

/// As many values as there are lanes. Loops over it have a length that the compiler knows.
#[cfg(not(target_arch = "arm"))]
type Block = [f32; LANES];

/// The full blocks of a row; what is left over is `chunks_exact(LANES).remainder()`.
#[cfg(not(target_arch = "arm"))]
fn blocks(row: &[f32]) -> impl Iterator<Item = &Block> {
    // Every chunk is a full block: the other branch is never taken, and never compiled.
    row.chunks_exact(LANES).map(|chunk| chunk.first_chunk().unwrap_or(&[0.0; LANES]))
}

/// `sum a[i] * x[i]` in the fixed order.
#[cfg(not(target_arch = "arm"))]
pub(crate) fn dot(a: &[f32], x: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, x) in blocks(a).zip(blocks(x)) {
        for (lane, (a, x)) in lanes.iter_mut().zip(a.iter().zip(x)) {
            *lane += a * x;
        }
    }
    let tails = a.chunks_exact(LANES).remainder().iter().zip(x.chunks_exact(LANES).remainder());
    for (lane, (a, x)) in lanes.iter_mut().zip(tails) {
        *lane += a * x;
    }
    reduce(&lanes)
}

/// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
#[cfg(not(target_arch = "arm"))]
#[inline(always)]
fn reduce(lanes: &Block) -> f32 {
    let [sum] = halve::<2, 1>(&halve::<4, 2>(&halve::<8, 4>(&halve::<16, 8>(&halve::<32, 16>(lanes)))));
    sum
}

#[cfg(not(target_arch = "arm"))]
#[inline(always)]
fn halve<const FROM: usize, const TO: usize>(lanes: &[f32; FROM]) -> [f32; TO] {
    let mut out = [0.0; TO];
    for (o, (low, high)) in out.iter_mut().zip(lanes.iter().zip(lanes.iter().skip(TO))) {
        *o = low + high;
    }
    out
}

/// `y[i] += k * x[i]`.
#[inline]
pub(crate) fn axpy(y: &mut [f32], k: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += k * x;
    }
}

/// `out = from`. Unlike `copy_from_slice` it has no length to panic over.
pub(crate) fn copy(out: &mut [f32], from: &[f32]) {
    for (o, value) in out.iter_mut().zip(from) {
        *o = *value;
    }
}

/// `y[i] *= k`.
pub(crate) fn scale(y: &mut [f32], k: f32) {
    for y in y {
        *y *= k;
    }
}

/// The rows of a rank-major matrix. A length of zero gives no rows rather than a panic.
pub(crate) fn rows(matrix: &[f32], len: usize) -> core::slice::ChunksExact<'_, f32> {
    matrix.chunks_exact(len.max(1))
}

/// The rows of a rank-major matrix, to write.
pub(crate) fn rows_mut(matrix: &mut [f32], len: usize) -> core::slice::ChunksExactMut<'_, f32> {
    matrix.chunks_exact_mut(len.max(1))
}

/// `h[r] = dot(matrix[r], x)`; entries past the rank stay zero.
pub(crate) fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
    let mut h = [0.0; 4];
    for (h, row) in h.iter_mut().zip(rows(matrix, x.len())) {
        *h = dot(row, x);
    }
    h
}

/// The rows of a rank-major matrix by name; those past the rank are empty.
fn four_rows(matrix: &[f32], len: usize) -> [&[f32]; 4] {
    let mut rows = rows(matrix, len);
    [(); 4].map(|()| rows.next().unwrap_or_default())
}

/// Combines rows: `each(i-th value, ((k0 a[i] + k1 b[i]) + k2 c[i]) + k3 d[i])`.
#[inline(always)]
fn combine(out: &mut [f32], k: [f32; 4], rows: [&[f32]; 4], each: impl Fn(&mut f32, f32)) {
    let [k0, k1, k2, k3] = k;
    match rows {
        [a, [], ..] => {
            for (o, a) in out.iter_mut().zip(a) {
                each(o, k0 * a);
            }
        }
        [a, b, [], _] => {
            for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                each(o, k0 * a + k1 * b);
            }
        }
        [a, b, c, []] => {
            for (((o, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
                each(o, (k0 * a + k1 * b) + k2 * c);
            }
        }
        [a, b, c, d] => {
            for ((((o, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                each(o, ((k0 * a + k1 * b) + k2 * c) + k3 * d);
            }
        }
    }
}

/// `out = k^T matrix`.
pub(crate) fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
    combine(out, k, four_rows(matrix, out.len()), |o, sum| *o = sum);
}

/// `out += k^T matrix`, the sum formed first.
pub(crate) fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
    combine(out, k, four_rows(matrix, out.len()), |o, sum| *o += sum);
}

/// `out = keep * out - factor * (k^T matrix)`: one row of an update.
pub(crate) fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
    combine(out, k, four_rows(matrix, out.len()), |o, sum| *o = keep * *o - factor * sum);
}

/// `|k^T matrix|^2` for rows of `len`: the dot product of the combined row with itself.
#[cfg(not(target_arch = "arm"))]
pub(crate) fn squared_norm_of(k: [f32; 4], matrix: &[f32], len: usize) -> f32 {
    let rows = four_rows(matrix, len);
    let square = |lane: &mut f32, sum: f32| *lane += sum * sum;
    let mut lanes: Block = [0.0; LANES];
    let mut blocks = rows.map(blocks);
    while let [Some(a), b, c, d] = blocks.each_mut().map(Iterator::next) {
        combine(&mut lanes, k, [a, or_empty(b), or_empty(c), or_empty(d)], square);
    }
    let tails = rows.map(|row| row.chunks_exact(LANES).remainder());
    combine(&mut lanes, k, tails, square);
    reduce(&lanes)
}

#[cfg(not(target_arch = "arm"))]
#[inline(always)]
fn or_empty(block: Option<&Block>) -> &[f32] {
    match block {
        Some(block) => block,
        None => &[],
    }
}

/// A symmetric matrix of rank x rank, padded to 4 x 4 with zeros.
pub(crate) type Square = [[f32; 4]; 4];

/// `gram[r][q] = k * dot(matrix[r], matrix[q])`, the lower triangle computed and mirrored.
pub(crate) fn gram(matrix: &[f32], len: usize, k: f32) -> Square {
    let mut lower = [[0.0; 4]; 4];
    for (out, (r, row)) in lower.iter_mut().zip(rows(matrix, len).enumerate()) {
        for (o, other) in out.iter_mut().zip(rows(matrix, len)).take(r.saturating_add(1)) {
            *o = k * dot(row, other);
        }
    }
    mirror(&lower)
}

/// Copies the lower triangle to the upper one.
pub(crate) fn mirror(lower: &Square) -> Square {
    let [[a, ..], [b, c, ..], [d, e, f, _], [g, h, i, j]] = *lower;
    [[a, b, d, g], [b, c, e, h], [d, e, f, i], [g, h, i, j]]
}

/// `v^T square v`, rows in index order.
pub(crate) fn quadratic(square: &Square, v: [f32; 4]) -> f32 {
    let mut sum = 0.0;
    for (v_r, row) in v.iter().zip(square) {
        sum += v_r * dot4(row, &v);
    }
    sum
}

/// `((a0 b0 + a1 b1) + a2 b2) + a3 b3`.
pub(crate) fn dot4(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let [a0, a1, a2, a3] = a;
    let [b0, b1, b2, b3] = b;
    ((a0 * b0 + a1 * b1) + a2 * b2) + a3 * b3
}

/// The sum of the diagonal.
pub(crate) fn trace(square: &Square) -> f32 {
    let [[a, ..], [_, b, ..], [_, _, c, _], [.., d]] = square;
    ((a + b) + c) + d
}

/// Where the first NaN or infinity is.
pub(crate) fn first_not_finite(values: &[f32]) -> Option<usize> {
    values.iter().position(|value| !value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Element by element, as the contract words it.
    fn dot_by_the_book(a: &[f32], x: &[f32]) -> f32 {
        let mut lanes = [0.0f32; 32];
        for (i, (a, x)) in a.iter().zip(x).enumerate() {
            lanes[i % 32] += a * x;
        }
        for width in [16, 8, 4, 2, 1] {
            for j in 0..width {
                lanes[j] += lanes[j + width];
            }
        }
        lanes[0]
    }

    #[test]
    fn dot_follows_the_contract_at_every_length() {
        for n in (0..140).chain([383, 384, 385, 768]) {
            let a: Vec<f32> = (0..n).map(|i| (i as f32 * 0.37).sin() * 3.0).collect();
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 1.13).cos()).collect();
            let expected = dot_by_the_book(&a, &x).to_bits();
            assert_eq!(dot(&a, &x).to_bits(), expected, "length {n}");
            assert_eq!(scalar::dot(&a, &x).to_bits(), expected, "length {n}, scalar");
        }
    }

    #[test]
    fn the_norm_of_a_combined_row_is_the_same_eight_lanes_at_a_time() {
        for n in [1, 7, 8, 31, 32, 33, 100, 384] {
            let matrix: Vec<f32> = (0..4 * n).map(|i| (i as f32 * 0.73).sin()).collect();
            for rank in 1..=4 {
                let rows = &matrix[..rank * n];
                let k = [0.7, -1.3, 0.2, 2.1];
                let expected = squared_norm_of(k, rows, n);
                assert_eq!(scalar::squared_norm_of(k, rows, n).to_bits(), expected.to_bits(), "{rank} x {n}");
                let mut combined = vec![0.0; n];
                up(&mut combined, k, rows);
                assert_eq!(
                    expected.to_bits(),
                    dot_by_the_book(&combined, &combined).to_bits(),
                    "{rank} x {n}"
                );
            }
        }
    }

    #[test]
    fn up_adds_ranks_in_index_order() {
        let matrix = [1e8f32, 1.0, -1e8, 1.0];
        let mut out = [0.0f32];
        up(&mut out, [1.0; 4], &matrix);
        assert_eq!(out[0], ((1e8f32 + 1.0) - 1e8) + 1.0);
        up(&mut out, [1.0; 4], &matrix[..3]);
        assert_eq!(out[0], (1e8f32 + 1.0) - 1e8);
    }

    #[test]
    fn gram_is_symmetric_and_padded() {
        let square = gram(&[1.0, 2.0, 3.0, -1.0], 2, 2.0);
        assert_eq!(square[0], [10.0, 2.0, 0.0, 0.0]);
        assert_eq!(square[1], [2.0, 20.0, 0.0, 0.0]);
        assert_eq!(square[3], [0.0; 4]);
        assert_eq!(trace(&square), 30.0);
        assert_eq!(quadratic(&square, [1.0, 1.0, 0.0, 0.0]), 34.0);
    }
}
