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
    let bound = square_bound(v, len);
    assert!(v.chunks_exact(len).all(|row| dot(row, row) <= 1.001 * bound), "square_bound {bound}, {shape}");
    let (mut spoiled, at) = (x.to_vec(), values.below(len));
    spoiled[at] = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY][values.below(4)];
    assert!(!square_bound(&spoiled, len).is_finite(), "{} at {at}, {shape}", spoiled[at]);
    same("axpy", &out, |out| axpy(out, keep, x), |out| Block::axpy(out, keep, x));
    same("mix", &out, |out| mix(out, keep, f, v), |out| Block::mix(out, keep, f, v));
    compare_codes(&out, &shape);
}

/// Codes against `rintf`, value after value.
fn compare_codes(vector: &Unaligned, shape: &str) {
    let values = vector.get();
    let magnitude = values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert_eq!(largest(values).to_bits(), magnitude.to_bits(), "largest, {shape}");
    let scale = magnitude / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let codes: Vec<i8> = values.iter().map(|value| libm::rintf(value * inverse) as i8).collect();
    let rounded: Vec<f32> = codes.iter().map(|code| f32::from(*code) * scale).collect();
    let by_the_book = |out: &mut [f32]| out.copy_from_slice(&rounded);
    same("round_to_codes", vector, |out| round_to_codes(out, inverse, scale), by_the_book);
    let mut words = vec![7; values.len().div_ceil(4)];
    pack_codes(&mut words, values, inverse);
    let bytes: Vec<u8> = codes.iter().map(|code| code.cast_unsigned()).collect();
    let expected = bytes.chunks(4).map(|four| {
        let mut word = [0; 4];
        word[..four.len()].copy_from_slice(four);
        u32::from_le_bytes(word)
    });
    assert_eq!(words, expected.collect::<Vec<_>>(), "pack_codes, {shape}");
    same("unpack_codes", vector, |out| unpack_codes(out, &words, scale), by_the_book);
}

#[test]
fn codes_round_as_rintf_does_about_every_half() {
    for half in (-255..256).map(|twice| twice as f32 / 2.0) {
        for step in -3..4 {
            let mut value = [f32::from_bits(half.to_bits().wrapping_add_signed(step))];
            let expected = libm::rintf(value[0]) + 0.0;
            if expected.is_finite() && expected.abs() < 300.0 {
                Block::round_to_codes(&mut value, 1.0, 1.0);
                assert_eq!(value[0], expected, "{half} and {step}");
            }
        }
    }
}

/// Declines at a norm of zero; else something of every argument.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
struct Middle<'a>([&'a [f32]; 2], usize, bool);

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
impl ForwardFactors for Middle<'_> {
    fn operands(&self) -> Operands<'_> {
        let Self([a, b], rank, wants_norm) = *self;
        Operands { a, b, rank, wants_norm }
    }

    fn factors<const N: usize>(&self, h: [f32; N], x_squared: f32) -> Option<[f32; N]> {
        (x_squared != 0.0).then(|| h.map(|h| 0.5 * h + x_squared))
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
impl BackwardFactors for Middle<'_> {
    fn operands(&self) -> Operands<'_> {
        ForwardFactors::operands(self)
    }

    fn factors<const N: usize>(&self, h: ([f32; N], f32), b_g: ([f32; N], f32)) -> Option<[[f32; N]; 2]> {
        (h.1 != 0.0).then(|| [h.0.map(|h| h * b_g.1), b_g.0.map(|b_g| b_g - h.1)])
    }
}

/// Fused kernels against the kernels they are made of.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
fn compare_fused(values: &mut Values, [len, out_len]: [usize; 2], rank: usize) {
    let (x, g, square) = (values.vector(len), values.vector(out_len), values.vector(len));
    let (a, b, c) = (values.vector(rank * len), values.vector(rank * out_len), values.vector(rank * len));
    let (x, g, a, b) = (x.get(), g.get(), a.get(), b.get());
    let middle = |b, wants_norm| Middle([a, b], rank, wants_norm);
    let (h, x_squared) = Block::down_and_square(a, x);
    let apply = |out: &mut [f32]| assert_eq!(fused_forward(out, x, &middle(b, true)), x_squared != 0.0);
    same("fused_forward", &values.vector(out_len), apply, |out| {
        if x_squared != 0.0 {
            Block::up(out, h.map(|h| 0.5 * h + x_squared), b);
        }
    });
    let add = |out: &mut [f32]| _ = fused_forward_residual(out, &middle(c.get(), true));
    same("fused_forward_residual", &square, add, |out| {
        let (h, squared) = Block::down_and_square(a, out);
        if squared != 0.0 {
            Block::up_add(out, h.map(|h| 0.5 * h + squared), c.get());
        }
    });
    same(
        "without a norm",
        &square,
        |out| assert!(!fused_forward_residual(out, &middle(c.get(), false))),
        |_| {},
    );
    let wrong = |out: &mut [f32]| assert!(!fused_forward(out, &x[1..], &middle(b, true)));
    same("a wrong length", &values.vector(out_len + 1), wrong, |_| {});

    let (b_g, g_squared) = Block::down_and_square(b, g);
    let [sums_c, sums_a] = [rank * out_len, rank * len].map(|len| values.vector(len));
    let learn = |grad_c: &mut [f32], grad_a: &mut [f32]| {
        let done = fused_backward(grad_c, grad_a, x, g, &middle(b, true));
        assert_eq!(done, x_squared != 0.0);
    };
    let (k_c, k_a) = (h.map(|h| h * g_squared), b_g.map(|b_g| b_g - x_squared));
    same(
        "fused_backward",
        &sums_c,
        |grad_c| learn(grad_c, sums_a.clone().get_mut()),
        |grad_c| {
            if x_squared != 0.0 {
                Block::add_outer(grad_c, k_c, g);
            }
        },
    );
    same(
        "fused_backward",
        &sums_a,
        |grad_a| learn(sums_c.clone().get_mut(), grad_a),
        |grad_a| {
            if x_squared != 0.0 {
                Block::add_outer(grad_a, k_a, x);
            }
        },
    );
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
                #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
                compare_fused(&mut values, [len, 1 + len * 7 % 130], rank);
            }
        }
    }
}
