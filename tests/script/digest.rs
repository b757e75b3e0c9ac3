//! The inputs of the script of operations, and the hash of its results.

use micro_lora::{Learn, Receipt};

/// Rows of candidates in the script.
pub const CANDIDATES: usize = 5;

/// FNV-1a over the bits of all results.
pub struct Digest(pub u64);

impl Digest {
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub fn word(&mut self, word: u32) {
        self.bytes(&word.to_le_bytes());
    }

    pub fn values(&mut self, values: &[f32]) {
        for value in values {
            self.word(value.to_bits());
        }
    }

    pub fn receipt(&mut self, receipt: Receipt) {
        self.word(receipt.outcome.code());
        self.values(&[receipt.grad_norm, receipt.step_norm, receipt.guard]);
        self.word(receipt.generation);
    }
}

pub struct Inputs(pub u32);

impl Inputs {
    pub fn fill(&mut self, values: &mut [f32], scale: f32) {
        for value in values {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = ((self.0 >> 8) as f32 / 8_388_608.0 - 1.0) * scale;
        }
    }
}

/// The hashes of one shape.
pub struct Outcome {
    pub shape: &'static str,
    /// All results of training and applying.
    pub script: u64,
    /// Every saved byte, and the results after loading it.
    pub save: u64,
}

pub fn norms(lora: &impl Learn) -> [f32; 4] {
    let stats = lora.stats();
    [stats.norm_a, stats.norm_b, stats.norm_delta_weight, stats.mean_quality]
}
