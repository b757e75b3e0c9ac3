//! Every kernel with every set of instructions that this machine has, against the portable code: the
//! same bits for any shape, tail and alignment.

use super::body::Kernels;
use super::lanes::Block;
use super::simd::Simd;
use super::*;

/// Values of many magnitudes and both signs, zeros among them; in memory at any multiple of 4 bytes.
struct Values(u32);

impl Values {
    fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    fn below(&mut self, end: usize) -> usize {
        self.word() as usize % end
    }

    fn value(&mut self) -> f32 {
        let scale = [0.0, -0.0, 1e-30, 1e-3, 1.0, 1.0, 1.0, 1e6][self.below(8)];
        (self.word() as f32 / 8_388_608.0 - 1.0) * scale
    }

    fn vector(&mut self, len: usize) -> Unaligned {
        let start = self.below(16);
        let values = (0..start + len).map(|_| self.value()).collect();
        Unaligned { start, values }
    }

    fn four(&mut self) -> [f32; 4] {
        [(); 4].map(|()| self.value())
    }
}

#[derive(Clone)]
struct Unaligned {
    start: usize,
    values: Vec<f32>,
}

impl Unaligned {
    fn get(&self) -> &[f32] {
        &self.values[self.start..]
    }

    fn get_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..]
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The kernel's result in `out`, dispatched and portable, from the same beginning.
fn same(what: &str, begin: &Unaligned, dispatched: impl Fn(&mut [f32]), portable: impl Fn(&mut [f32])) {
    let (mut came, mut expected) = (begin.clone(), begin.clone());
    dispatched(came.get_mut());
    portable(expected.get_mut());
    assert_eq!(bits(came.get()), bits(expected.get()), "{what} with {}", Simd::current().name());
}

fn compare(values: &mut Values, len: usize, rank: usize) {
    let shape = format!("length {len}, rank {rank}");
    let (x, out) = (values.vector(len), values.vector(len));
    let (matrix, rows) = (values.vector(rank * len), values.below(12));
    let (vectors, factors) = (values.vector(rows * len), values.vector(rows));
    let (k, square) = (values.four(), [(); 4].map(|()| values.four()));
    let (keep, factor) = (values.value(), values.value());
    let (x, m) = (x.get(), matrix.get());

    let dots = [dot(&m[..len], x), Block::dot(&m[..len], x)];
    assert_eq!(dots[0].to_bits(), dots[1].to_bits(), "dot, {shape}");
    assert_eq!(bits(&down(m, x)), bits(&Block::down(m, x)), "down, {shape}");
    let (came, expected) = (down_and_square(m, x), Block::down_and_square(m, x));
    assert_eq!((bits(&came.0), came.1.to_bits()), (bits(&expected.0), expected.1.to_bits()), "{shape}");

    let (v, f) = (vectors.get(), factors.get());
    same("dot_rows", &factors, |sums| dot_rows(sums, v, x), |sums| Block::dot_rows(sums, v, x));
    let sums = values.vector(rank);
    let squares = |sums: &mut [f32]| squares_of(sums, &square, m, len);
    same("squares_of", &sums, squares, |sums| Block::squares_of(sums, &square, m, len));
    same("up", &out, |out| up(out, k, m), |out| Block::up(out, k, m));
    same("up_add", &out, |out| up_add(out, k, m), |out| Block::up_add(out, k, m));
    same("up_onto", &out, |out| up_onto(out, x, k, m), |out| Block::up_onto(out, x, k, m));
    let update = |out: &mut [f32]| update_row(out, keep, factor, k, m);
    same("update_row", &out, update, |out| Block::update_row(out, keep, factor, k, m));
    same("add_outer", &matrix, |rows| add_outer(rows, k, x), |rows| Block::add_outer(rows, k, x));
    same("axpy", &out, |out| axpy(out, keep, x), |out| Block::axpy(out, keep, x));
    same("mix", &out, |out| mix(out, keep, f, v), |out| Block::mix(out, keep, f, v));
}

// One test: the instructions are the whole program's.
#[test]
fn every_kernel_gives_the_same_bits_with_any_instructions() {
    for simd in [Simd::Portable, Simd::Avx2, Simd::Avx512] {
        if simd > Simd::best() {
            eprintln!("skipped: this machine has no {}", simd.name());
            continue;
        }
        simd.limit();
        assert_eq!(Simd::current(), simd);
        let mut values = Values(7);
        for len in (1..70).chain([95, 96, 97, 127, 128, 383, 384, 385, 768, 1000]) {
            for rank in 1..=4 {
                compare(&mut values, len, rank);
            }
        }
    }
}
