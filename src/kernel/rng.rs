//! The seeded start of `lora_A`: integer arithmetic and exact conversions only, so that a seed
//! gives the same bits on every machine, and `const`, so that an adapter can be a `static`.

/// Fills a matrix with uniform values in `+-bound`. For `lora_A` that is `sqrt(3 / in_features)`: variance
/// `1 / in_features`.
pub(crate) const fn fill_uniform(values: &mut [f32], bound: f32, seed: u32) {
    let start = mix(seed);
    let mut counter = 0u32;
    let mut rest = values;
    while let [value, tail @ ..] = rest {
        counter = counter.wrapping_add(1);
        // 24 random bits: every value of the grid is exact in f32, and so is the shift to -1..1.
        let bits = mix(start.wrapping_add(counter.wrapping_mul(STRIDE))) >> 8;
        *value = (bits as f32 * UNIT - 1.0) * bound;
        rest = tail;
    }
}

/// From one value's place in the sequence to the next one's: 2^32 over the golden ratio.
pub(crate) const STRIDE: u32 = 0x9E37_79B9;

/// Takes 24 bits to 0..2.
pub(crate) const UNIT: f32 = 1.0 / 8_388_608.0;

/// What [`mix`] multiplies by.
pub(crate) const FACTORS: [u32; 2] = [0x85EB_CA6B, 0xC2B2_AE35];

/// The finaliser of MurmurHash3 (Appleby, public domain): every input bit reaches every output bit.
pub(crate) const fn mix(mut z: u32) -> u32 {
    z ^= z >> 16;
    z = z.wrapping_mul(FACTORS[0]);
    z ^= z >> 13;
    z = z.wrapping_mul(FACTORS[1]);
    z ^ (z >> 16)
}

/// Correctly rounded square root of a positive normal number; `libm::sqrtf`, which gives the same, is not
/// `const`.
pub(crate) const fn sqrt(value: f32) -> f32 {
    let bits = value.to_bits();
    // Make the exponent even, then take the root of the significand as an integer of 24 bits.
    let exponent = (bits >> 23).wrapping_sub(127);
    let odd = exponent & 1;
    let significand = ((bits & 0x007F_FFFF) | 0x0080_0000) as u64;
    let square = significand << 23 << odd;
    let mut root = 0u64;
    let mut bit = 1u64 << 23;
    while bit != 0 {
        let trial = root | bit;
        if trial.wrapping_mul(trial) <= square {
            root = trial;
        }
        bit >>= 1;
    }
    let round_up = square.wrapping_sub(root.wrapping_mul(root)) > root;
    let half = (exponent as i32) >> 1;
    let biased = (half.wrapping_add(127) as u32) << 23;
    f32::from_bits(biased.wrapping_add((root as u32).wrapping_sub(0x0080_0000)).wrapping_add(round_up as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqrt_equals_libm_for_every_in_features() {
        for n in (1..=70_000u32).chain([1 << 20, (1 << 20) - 1]) {
            let value = 3.0 / n as f32;
            assert_eq!(sqrt(value).to_bits(), libm::sqrtf(value).to_bits(), "3 / {n}");
        }
    }

    #[test]
    fn values_have_the_stated_range_and_variance() {
        let mut values = vec![0.0; 40_000];
        let bound = 0.03f32.sqrt();
        fill_uniform(&mut values, bound, 1);
        assert!(values.iter().all(|v| v.abs() <= bound));
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 40_000.0;
        let variance = values.iter().map(|v| f64::from(v * v)).sum::<f64>() / 40_000.0;
        assert!(mean.abs() < 0.002, "mean {mean}");
        assert!((variance - 0.01).abs() < 0.0003, "variance {variance}");
    }

    #[test]
    fn neighbouring_seeds_share_nothing() {
        let (mut a, mut b) = (vec![0.0; 1000], vec![0.0; 1000]);
        fill_uniform(&mut a, 1.0, 1);
        fill_uniform(&mut b, 1.0, 2);
        assert!(a.iter().zip(&b).filter(|(a, b)| a == b).count() < 3);
        assert!(!a.iter().any(|value| b[..10].contains(value)));
    }
}
