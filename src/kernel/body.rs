//! What each kernel does, written once. [`super::simd`] compiles it for every set of instructions.

use super::dots::{blocks, dots, dots_and_square, pad, rest_of};
use super::lanes::{LANES, Lanes};

/// Declares every kernel by way of the macro `$declare`.
macro_rules! every_kernel {
    ($declare:ident) => {
        $declare! {
            /// `sum a[i] * x[i]` in the fixed order.
            fn dot(a: &[f32], x: &[f32]) -> f32
        }
        $declare! {
            /// `dot(matrix[r], x)` for up to four rows; the rest stays zero.
            fn down(matrix: &[f32], x: &[f32]) -> [f32; 4]
        }
        $declare! {
            /// `sums[r] = dot(matrix[r], x)` for any number of rows as long as `x`.
            fn dot_rows(sums: &mut [f32], matrix: &[f32], x: &[f32])
        }
        $declare! {
            /// `dot(matrix[r], x)` for up to four rows, zero past them; and `dot(x, x)`.
            fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32)
        }
        $declare! {
            /// `sums[i] = |k[i]^T matrix|^2` for rows of `len`: the dot product of the combined row
            /// with itself.
            fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize)
        }
        $declare! {
            /// `out = k^T matrix`.
            fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32])
        }
        $declare! {
            /// `out += k^T matrix`, the sum formed first.
            fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32])
        }
        $declare! {
            /// `out = base + k^T matrix`, the sum formed first.
            fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32])
        }
        $declare! {
            /// `out = keep * out - factor * (k^T matrix)`: one row of an update.
            fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32])
        }
        $declare! {
            /// `matrix[r] += k[r] * x`.
            fn add_outer(matrix: &mut [f32], k: [f32; 4], x: &[f32])
        }
        $declare! {
            /// At least `dot(row, row)` of every row of `len`, roundings aside; not finite if a value is not.
            fn square_bound(values: &[f32], len: usize) -> f32
        }
        $declare! {
            /// `y[i] += k * x[i]`.
            fn axpy(y: &mut [f32], k: f32, x: &[f32])
        }
        $declare! {
            /// `y = keep * y + sum factors[j] * vectors[j]`, in index order.
            fn mix(y: &mut [f32], keep: f32, factors: &[f32], vectors: &[f32])
        }
        $declare! {
            /// The largest magnitude; not finite if a value is not.
            fn largest(values: &[f32]) -> f32
        }
        $declare! {
            /// `values[i] = scale * code(values[i])` with `code(v)` the integer nearest to `inverse * v`, of two as near
            /// the even one; at most 2^22.
            fn round_to_codes(values: &mut [f32], inverse: f32, scale: f32)
        }
        $declare! {
            /// `code(values[i])` as a byte, four to a word.
            fn pack_codes(words: &mut [u32], values: &[f32], inverse: f32)
        }
        $declare! {
            /// `values[i] = scale * code` of the codes that `pack_codes` has written.
            fn unpack_codes(values: &mut [f32], words: &[u32], scale: f32)
        }
    };
}
pub(super) use every_kernel;

/// The kernels, over lanes of some kind. Each is inlined into its caller: that is what is compiled for
/// a certain set of instructions.
pub(crate) trait Kernels: Lanes {
    #[inline(always)]
    fn dot(a: &[f32], x: &[f32]) -> f32 {
        let [sum] = dots::<Self, 1>([a], x);
        sum
    }

    #[inline(always)]
    fn down(matrix: &[f32], x: &[f32]) -> [f32; 4] {
        match first_rows(matrix, x.len()) {
            [a, [], ..] => pad(dots::<Self, 1>([a], x)),
            [a, b, [], _] => pad(dots::<Self, 2>([a, b], x)),
            [a, b, c, []] => pad(dots::<Self, 3>([a, b, c], x)),
            rows => dots::<Self, 4>(rows, x),
        }
    }

    #[inline(always)]
    fn down_and_square(matrix: &[f32], x: &[f32]) -> ([f32; 4], f32) {
        match first_rows(matrix, x.len()) {
            [a, [], ..] => with_pad(dots_and_square::<Self, 1>([a], x)),
            [a, b, [], _] => with_pad(dots_and_square::<Self, 2>([a, b], x)),
            [a, b, c, []] => with_pad(dots_and_square::<Self, 3>([a, b, c], x)),
            rows => dots_and_square::<Self, 4>(rows, x),
        }
    }

    #[inline(always)]
    fn dot_rows(sums: &mut [f32], matrix: &[f32], x: &[f32]) {
        let fours = matrix.chunks(x.len().saturating_mul(4).max(1));
        for (sums, matrix) in sums.chunks_mut(4).zip(fours) {
            for (sum, dot) in sums.iter_mut().zip(Self::down(matrix, x)) {
                *sum = dot;
            }
        }
    }

    #[inline(always)]
    fn squares_of(sums: &mut [f32], k: &[[f32; 4]], matrix: &[f32], len: usize) {
        match first_rows(matrix, len) {
            [a, [], ..] => squares::<Self, 1>(sums, k, [a]),
            [a, b, [], _] => squares::<Self, 2>(sums, k, [a, b]),
            [a, b, c, []] => squares::<Self, 3>(sums, k, [a, b, c]),
            rows => squares::<Self, 4>(sums, k, rows),
        }
    }

    #[inline(always)]
    fn up(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        let rows = first_rows(matrix, out.len());
        combine(out.iter_mut(), k, rows, |o, sum| *o = sum);
    }

    #[inline(always)]
    fn up_add(out: &mut [f32], k: [f32; 4], matrix: &[f32]) {
        let rows = first_rows(matrix, out.len());
        combine(out.iter_mut(), k, rows, |o, sum| *o += sum);
    }

    #[inline(always)]
    fn up_onto(out: &mut [f32], base: &[f32], k: [f32; 4], matrix: &[f32]) {
        let rows = first_rows(matrix, out.len());
        combine(out.iter_mut().zip(base), k, rows, |(o, base), sum| *o = base + sum);
    }

    #[inline(always)]
    fn update_row(out: &mut [f32], keep: f32, factor: f32, k: [f32; 4], matrix: &[f32]) {
        let rows = first_rows(matrix, out.len());
        combine(out.iter_mut(), k, rows, |o, sum| *o = keep * *o - factor * sum);
    }

    #[inline(always)]
    fn add_outer(matrix: &mut [f32], k: [f32; 4], x: &[f32]) {
        let mut rest = matrix;
        for [j, k] in k.as_chunks().0 {
            let (a, after) = rest.split_at_mut(x.len().min(rest.len()));
            let (b, after) = after.split_at_mut(x.len().min(after.len()));
            rest = after;
            match b {
                [] => Self::axpy(a, *j, x),
                b => {
                    for ((a, b), x) in a.iter_mut().zip(b).zip(x) {
                        *a += j * x;
                        *b += k * x;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn square_bound(values: &[f32], len: usize) -> f32 {
        let largest = Self::largest(values);
        len as f32 * (largest * largest)
    }

    #[inline(always)]
    fn largest(values: &[f32]) -> f32 {
        // Without the sign, numbers are in the order of their bits, and what is no number comes last.
        let bits = values.iter().map(|value| value.abs().to_bits().cast_signed());
        f32::from_bits(bits.fold(0, i32::max).cast_unsigned())
    }

    #[inline(always)]
    fn round_to_codes(values: &mut [f32], inverse: f32, scale: f32) {
        for value in values {
            *value = ((*value * inverse + WHOLE) - WHOLE) * scale;
        }
    }

    #[inline(always)]
    fn pack_codes(words: &mut [u32], values: &[f32], inverse: f32) {
        let code = |value: &f32| (*value * inverse + WHOLE).to_bits() & 0xFF;
        let (fours, rest) = values.as_chunks::<4>();
        let (whole, last) = words.split_at_mut_checked(fours.len()).unwrap_or_default();
        for (word, [a, b, c, d]) in whole.iter_mut().zip(fours) {
            *word = code(a) | code(b) << 8 | code(c) << 16 | code(d) << 24;
        }
        if let (Some(word), false) = (last.first_mut(), rest.is_empty()) {
            *word = rest.iter().rev().fold(0, |word, value| word << 8 | code(value));
        }
    }

    #[inline(always)]
    fn unpack_codes(values: &mut [f32], words: &[u32], scale: f32) {
        let (fours, rest) = values.as_chunks_mut::<4>();
        let (whole, last) = words.split_at_checked(fours.len()).unwrap_or_default();
        for (four, word) in fours.iter_mut().zip(whole) {
            *four = word.to_le_bytes().map(|byte| f32::from(byte.cast_signed()) * scale);
        }
        let last = last.first().copied().unwrap_or_default().to_le_bytes();
        for (value, byte) in rest.iter_mut().zip(last) {
            *value = f32::from(byte.cast_signed()) * scale;
        }
    }

    #[inline(always)]
    fn axpy(y: &mut [f32], k: f32, x: &[f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += k * x;
        }
    }

    #[inline(always)]
    fn mix(y: &mut [f32], keep: f32, factors: &[f32], vectors: &[f32]) {
        let len = y.len();
        for y in &mut *y {
            *y *= keep;
        }
        let fours = vectors.chunks(len.saturating_mul(4).max(1));
        for (factors, vectors) in factors.chunks(4).zip(fours) {
            match (factors, first_rows(vectors, len)) {
                ([j, k, l, m], [a, b, c, d @ [_, ..]]) => {
                    for ((((y, a), b), c), d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                        *y = (((*y + j * a) + k * b) + l * c) + m * d;
                    }
                }
                (factors, rows) => {
                    for (k, row) in factors.iter().zip(rows) {
                        Self::axpy(y, *k, row);
                    }
                }
            }
        }
    }
}

/// Numbers of this size have no fraction: what is added to it is rounded to an integer, of two as near to the even one,
/// and its last bits are that integer's. Up to 2^22.
const WHOLE: f32 = 12_582_912.0;

#[inline(always)]
fn with_pad<const N: usize>((dots, square): ([f32; N], f32)) -> ([f32; 4], f32) {
    (pad(dots), square)
}

/// `|k^T rows|^2` for each `k`, two in one pass.
#[inline(always)]
fn squares<L: Kernels, const N: usize>(sums: &mut [f32], k: &[[f32; 4]], rows: [&[f32]; N]) {
    let at_once = if L::WIDE { 2 } else { 1 };
    for (sums, k) in sums.chunks_mut(at_once).zip(k.chunks(at_once)) {
        match (sums, k) {
            ([a, b], [j, k]) if L::WIDE => [*a, *b] = squares_at_once::<L, N, 2>([j, k], rows),
            ([a], [k, ..]) => [*a] = squares_at_once::<L, N, 1>([k], rows),
            _ => {}
        }
    }
}

#[inline(always)]
fn squares_at_once<L: Lanes, const N: usize, const M: usize>(
    k: [&[f32; 4]; M],
    rows: [&[f32]; N],
) -> [f32; M] {
    let mut sums = [L::splat(0.0); M];
    let len = rows.first().map_or(0, |row| row.len());
    let Some(blocks) = blocks(rows, len / LANES) else { return [0.0; M] };
    for i in 0..len / LANES {
        let mut combined = [L::splat(0.0); M];
        for (q, row) in blocks.iter().enumerate() {
            if let Some(block) = row.get(i) {
                add_to_each(&mut combined, k, q, L::load(block));
            }
        }
        add_squares(&mut sums, combined);
    }
    if !len.is_multiple_of(LANES) {
        let mut combined = [L::splat(0.0); M];
        for (q, row) in rows.iter().enumerate() {
            add_to_each(&mut combined, k, q, L::load(&rest_of(row)));
        }
        add_squares(&mut sums, combined);
    }
    sums.map(L::sum)
}

/// `combined[i] += k[i][q] * block`. That they began with `+0` changes no square.
#[inline(always)]
fn add_to_each<L: Lanes, const M: usize>(combined: &mut [L; M], k: [&[f32; 4]; M], q: usize, block: L) {
    for (combined, k) in combined.iter_mut().zip(k) {
        if let Some(k) = k.get(q) {
            *combined = combined.plus_product(L::splat(*k), block);
        }
    }
}

#[inline(always)]
fn add_squares<L: Lanes, const M: usize>(sums: &mut [L; M], combined: [L; M]) {
    for (sum, combined) in sums.iter_mut().zip(combined) {
        *sum = sum.plus_product(combined, combined);
    }
}

/// The first rows of a matrix by name; those that it does not have are empty.
#[inline(always)]
pub(super) fn first_rows(matrix: &[f32], len: usize) -> [&[f32]; 4] {
    // Without the division that `chunks_exact` begins with: half the time of a small kernel.
    let row = |r: usize| {
        let start = len.saturating_mul(r);
        matrix.get(start..start.saturating_add(len)).unwrap_or_default()
    };
    [row(0), row(1), row(2), row(3)]
}

/// `each(i-th target, ((k0 a[i] + k1 b[i]) + k2 c[i]) + k3 d[i])` with rows a to d.
#[inline(always)]
pub(super) fn combine<T>(
    targets: impl Iterator<Item = T>,
    [k0, k1, k2, k3]: [f32; 4],
    rows: [&[f32]; 4],
    each: impl Fn(T, f32),
) {
    match rows {
        [a, [], ..] => {
            for (o, a) in targets.zip(a) {
                each(o, k0 * a);
            }
        }
        [a, b, [], _] => {
            for ((o, a), b) in targets.zip(a).zip(b) {
                each(o, k0 * a + k1 * b);
            }
        }
        [a, b, c, []] => {
            for (((o, a), b), c) in targets.zip(a).zip(b).zip(c) {
                each(o, (k0 * a + k1 * b) + k2 * c);
            }
        }
        [a, b, c, d] => {
            for ((((o, a), b), c), d) in targets.zip(a).zip(b).zip(c).zip(d) {
                each(o, ((k0 * a + k1 * b) + k2 * c) + k3 * d);
            }
        }
    }
}
