//! Reproducible random numbers: NumPy's generator as seeded by `default_rng(seed)`, so that runs here and in NumPy
//! scripts have the same people, queries and clicks.
//!
//! Source: PCG XSL RR 128/64 (O'Neill 2014), seeded as by `numpy.random.SeedSequence`.

const MULTIPLIER: u128 = (2_549_297_995_355_413_924 << 64) | 4_865_540_595_714_422_341;

#[derive(Clone, Debug)]
pub struct Chance {
    state: u128,
    increment: u128,
    /// The upper half of a 64-bit value whose lower half was used.
    half: Option<u32>,
}

impl Chance {
    pub fn new(seed: u32) -> Self {
        let words = seed_words(seed);
        let wide = |i: usize| (u128::from(words[i]) << 64) | u128::from(words[i + 1]);
        let mut new = Self { state: 0, increment: (wide(2) << 1) | 1, half: None };
        new.step();
        new.state = new.state.wrapping_add(wide(0));
        new.step();
        new
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.next_u64();
        self.half = Some((both >> 32) as u32);
        both as u32
    }

    /// At least 0, below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform from 0 to `most` inclusive: bits are drawn again while they exceed it.
    fn up_to(&mut self, most: u32) -> u32 {
        let mask = most.checked_ilog2().map_or(0, |bits| u32::MAX >> (31 - bits));
        loop {
            let value = self.next_u32() & mask;
            if value <= most {
                return value;
            }
        }
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.up_to(u32::try_from(last).unwrap_or(u32::MAX)) as usize;
            items.swap(last, other);
        }
    }

    /// The numbers from 0 to `count - 1`, shuffled.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// A standard normal value (Box and Muller).
    pub fn normal(&mut self) -> f32 {
        // 1 - u is never zero.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()) as f32
    }
}

/// The four 64-bit words that are derived from a seed.
fn seed_words(seed: u32) -> [u64; 4] {
    let mix = |value: u32, constant: &mut u32, factor: u32| {
        let value = value ^ *constant;
        *constant = constant.wrapping_mul(factor);
        let value = value.wrapping_mul(*constant);
        value ^ (value >> 16)
    };
    let mut constant = 0x43b0_d7e5;
    let mut pool = [seed, 0, 0, 0].map(|word| mix(word, &mut constant, 0x931e_8875));
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let hashed = mix(pool[from], &mut constant, 0x931e_8875);
            let mixed = pool[to].wrapping_mul(0xca01_f9dd).wrapping_sub(hashed.wrapping_mul(0x4973_f715));
            pool[to] = mixed ^ (mixed >> 16);
        }
    }
    let mut constant = 0x8b51_f9dd;
    let mut word = |i: usize| u64::from(mix(pool[i % 4], &mut constant, 0x58f3_8ded));
    std::array::from_fn(|i| word(2 * i) | (word(2 * i + 1) << 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_numpy() {
        let mut chance = Chance::new(1000);
        // numpy.random.default_rng(1000): permutation(10), random(3), permutation(5)
        assert_eq!(chance.permutation(10), PERMUTED);
        assert_eq!([(); 3].map(|()| chance.uniform()), UNIFORM);
        assert_eq!(chance.permutation(5), PERMUTED_NEXT);
    }

    #[test]
    fn normal_values_have_unit_variance() {
        let mut chance = Chance::new(5);
        let values: Vec<f32> = (0..20_000).map(|_| chance.normal()).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    const PERMUTED: [usize; 10] = [7, 6, 4, 9, 2, 3, 1, 0, 8, 5];
    const UNIFORM: [f64; 3] = [0.2815455986418517, 0.753681552191594, 0.5516717767312141];
    const PERMUTED_NEXT: [usize; 5] = [2, 0, 3, 1, 4];
}
