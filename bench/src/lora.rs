//! The input of all contenders: one LoRA and its gradients, in memory with the same alignment.

use std::ops::{Deref, DerefMut};

/// Sizes of one adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub inputs: usize,
    pub outputs: usize,
    pub rank: usize,
}

impl Shape {
    pub fn is_square(self) -> bool {
        self.inputs == self.outputs
    }

    pub fn parameters(self) -> usize {
        self.rank * (self.inputs + self.outputs)
    }
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Values that begin at a cache line: the same alignment for every contender.
#[derive(Clone)]
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    pub fn from_fn(len: usize, value: impl FnMut(usize) -> f32) -> Self {
        let mut buffer = Self::zeros(len);
        for (to, value) in buffer.iter_mut().zip((0..len).map(value)) {
            *to = value;
        }
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is 16 values without padding, and there are at least `len`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Both matrices rank-major.
#[derive(Clone)]
pub struct Lora {
    pub shape: Shape,
    pub scaling: f32,
    pub a: Buffer,
    pub b: Buffer,
    pub grad_a: Buffer,
    pub grad_b: Buffer,
}

/// Numbers in -1..1, the same in every run.
pub struct Noise(u32);

impl Noise {
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    pub fn buffer(&mut self, len: usize, scale: f32) -> Buffer {
        Buffer::from_fn(len, |_| scale * self.next())
    }
}

impl Lora {
    /// `lora_A` reads only the even features and `lora_B` writes only the odd ones, so a residual that is added a
    /// million times to one vector grows linearly, and stays finite. The outputs are many
    /// times as long as the inputs, so that the output guard binds if it is on.
    pub fn new(shape: Shape) -> Self {
        let Shape { inputs, outputs, rank } = shape;
        let mut noise = Noise::new(1);
        let bound = (6.0 / inputs as f32).sqrt();
        let keep = |parity: usize, scale: f32| {
            move |i: usize, noise: &mut Noise| if i % 2 == parity { scale * noise.next() } else { 0.0 }
        };
        let (even, odd) = (keep(0, bound), keep(1, 32.0 / (outputs as f32 / inputs as f32).sqrt()));
        Self {
            shape,
            scaling: 2.0 / rank as f32,
            a: Buffer::from_fn(rank * inputs, |i| even(i, &mut noise)),
            b: Buffer::from_fn(rank * outputs, |i| odd(i, &mut noise)),
            grad_a: Buffer::zeros(rank * inputs),
            grad_b: Buffer::zeros(rank * outputs),
        }
    }
}
