//! Sums for cores without vectors, which have no registers for 32 lanes at once: eight lanes at a time.
//! Each lane adds up what it always does, so the bits are the same.

use super::{LANES, rows};

/// As many lanes as there are registers for, beside what they multiply.
const AT_ONCE: usize = 8;

type Eight = [f32; AT_ONCE];

/// `sum a[i] * x[i]` in the fixed order.
pub(crate) fn dot(a: &[f32], x: &[f32]) -> f32 {
    let len = a.len().min(x.len());
    let mut sums = [Eight::default(); LANES / AT_ONCE];
    let mut first = 0usize;
    for sums in &mut sums {
        eight_lanes(sums, a.get(first..len).unwrap_or_default(), x.get(first..len).unwrap_or_default());
        first = first.saturating_add(AT_ONCE);
    }
    reduce(&mut sums)
}

/// The sums of the first eight lanes.
#[inline(never)]
fn eight_lanes(sums: &mut Eight, a: &[f32], x: &[f32]) {
    let [mut s0, mut s1, mut s2, mut s3, mut s4, mut s5, mut s6, mut s7] = Eight::default();
    let (mut a, mut x) = (a.chunks_exact(LANES), x.chunks_exact(LANES));
    for (a, x) in a.by_ref().zip(x.by_ref()) {
        if let (Some(a), Some(x)) = (a.first_chunk(), x.first_chunk()) {
            // By name: at opt-level s a loop over them would go through memory.
            let ([a0, a1, a2, a3, a4, a5, a6, a7], [x0, x1, x2, x3, x4, x5, x6, x7]): (&Eight, &Eight) =
                (a, x);
            s0 += a0 * x0;
            s1 += a1 * x1;
            s2 += a2 * x2;
            s3 += a3 * x3;
            s4 += a4 * x4;
            s5 += a5 * x5;
            s6 += a6 * x6;
            s7 += a7 * x7;
        }
    }
    *sums = [s0, s1, s2, s3, s4, s5, s6, s7];
    for (sum, (a, x)) in sums.iter_mut().zip(a.remainder().iter().zip(x.remainder())) {
        *sum += a * x;
    }
}

/// `|k^T matrix|^2` for rows of `len`: the dot product of the combined row with itself.
pub(crate) fn squared_norm_of(k: [f32; 4], matrix: &[f32], len: usize) -> f32 {
    let mut sums = [Eight::default(); LANES / AT_ONCE];
    let mut start = 0usize;
    while start < len {
        for sums in &mut sums {
            // Past the end it stays zero, which adds nothing to a lane: none of them is ever -0.
            let mut combined = Eight::default();
            for (k, row) in k.iter().zip(rows(matrix, len)) {
                let rest = row.get(start..).unwrap_or_default();
                match rest.first_chunk::<AT_ONCE>() {
                    // A loop whose length the compiler knows.
                    Some(values) => add_times(&mut combined, *k, values),
                    None => add_times(&mut combined, *k, rest),
                }
            }
            for (sum, value) in sums.iter_mut().zip(combined) {
                *sum += value * value;
            }
            start = start.saturating_add(AT_ONCE);
        }
    }
    reduce(&mut sums)
}

#[inline(always)]
fn add_times<'a>(sums: &mut Eight, k: f32, values: impl IntoIterator<Item = &'a f32>) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += k * value;
    }
}

/// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
fn reduce([a, b, c, d]: &mut [Eight; LANES / AT_ONCE]) -> f32 {
    add(a, c);
    add(b, d);
    add(a, b);
    let [a, b, c, d, e, f, g, h] = a;
    ((*a + *e) + (*c + *g)) + ((*b + *f) + (*d + *h))
}

fn add(to: &mut Eight, from: &Eight) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
