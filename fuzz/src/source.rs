//! Numbers made from the fuzzer's bytes, most of them at the limits of what the library accepts.

use arbitrary::Unstructured;
use micro_lora::{Config, StepKind};

use super::common::Noise;

const EDGES: &[f32] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    0.01,
    0.1,
    1e-3,
    1e-6,
    1e-7,
    -1e-6,
    100.0,
    1e3,
    1e6,
    -1e6,
    16_777_216.0,
    1e9,
    1e11,
    1e15,
    -1e15,
    1.8e19,
    1.9e19,
    -1e30,
    f32::EPSILON,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1e-45,
    1e-20,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

/// Sizes around those of the kernels' blocks.
const SIZES: &[usize] = &[1, 2, 3, 4, 5, 8, 31, 33, 40];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub in_features: usize,
    pub out_features: usize,
    pub rank: usize,
}

/// When the bytes run out, every draw returns its first option.
pub struct Source<'a>(Unstructured<'a>);

impl<'a> Source<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// 0 to `n - 1`.
    pub fn below(&mut self, n: u8) -> u8 {
        self.0.int_in_range(0..=n - 1).unwrap_or(0)
    }

    pub fn one_in(&mut self, n: u8) -> bool {
        self.below(n) == n - 1
    }

    pub fn word(&mut self) -> u32 {
        self.0.arbitrary().unwrap_or(0)
    }

    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        self.0.choose(from).copied().unwrap_or(from[0])
    }

    pub fn number(&mut self) -> f32 {
        match self.below(5) {
            0 => f32::from(self.0.arbitrary::<i8>().unwrap_or(0)) / 64.0,
            1 | 2 => self.choose(EDGES),
            3 => {
                let exponent = i32::from(self.below(85)) - 45;
                let sign = if self.one_in(2) { -1.0 } else { 1.0 };
                sign * 10f32.powi(exponent)
            }
            _ => f32::from_bits(self.word()),
        }
    }

    /// Mostly noise of one magnitude, so that a few bytes make a long, valid vector.
    pub fn vector(&mut self, len: usize) -> Vec<f32> {
        match self.below(6) {
            0..=2 => Noise(self.word()).vec(len),
            3 => {
                let magnitude = self.number();
                Noise(self.word()).vec(len).iter().map(|value| value * magnitude).collect()
            }
            4 => vec![self.number(); len],
            _ => (0..len).map(|_| self.number()).collect(),
        }
    }

    /// As [`vector`](Self::vector), but sometimes of another length.
    pub fn vector_of_about(&mut self, len: usize) -> Vec<f32> {
        let len =
            if self.one_in(40) { self.choose(&[0, len + 1, len.saturating_sub(1), 2 * len]) } else { len };
        self.vector(len)
    }

    pub fn shape(&mut self) -> Shape {
        let in_features = self.choose(SIZES);
        let out_features = if self.one_in(2) { self.choose(SIZES) } else { in_features };
        Shape { in_features, out_features, rank: usize::from(self.below(4)) + 1 }
    }

    pub fn config(&mut self) -> Config {
        let mut config = Config::new().with_seed(self.word()).with_rslora(self.one_in(2));
        if self.one_in(2) {
            config = config.with_alpha(self.choose(&[4.0, 1e-6, 1e6, 0.3, 1e3]));
        }
        if self.one_in(2) {
            config = config.with_cap(self.choose(&[Config::CAP_OFF, 1e-6, 1e6, 0.3, 1e3]));
        }
        if self.one_in(4) {
            config = config.with_step(StepKind::Sgd);
        }
        if self.one_in(4) {
            config = config.with_decay(self.choose(&[0.5, 0.01, 1e-45]));
        }
        if self.one_in(4) {
            config = config.with_model_id(self.word());
        }
        if self.one_in(16) {
            config = config.with_alpha(self.number()).with_cap(self.number()).with_decay(self.number());
        }
        config
    }
}
