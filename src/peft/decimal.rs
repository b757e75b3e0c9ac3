//! `lora_alpha` as a decimal, by integer arithmetic: the library's tables for floats would be larger
//! than the engine.

use crate::peft::json::Out;

/// Up to here one more digit cannot overflow.
const MAX_DIGITS: u64 = 1_000_000_000_000_000_000;

/// Any number of 19 digits is too small for an alpha if it has more decimal places than this.
const MAX_PLACES: u32 = 25;

/// The f32 nearest to a JSON number (ties to even), if that is an alpha: `1e-6..=1e6`, at most 19
/// digits.
pub(super) fn parse(number: &[u8]) -> Option<f32> {
    let (digits, exponent) = split(number)?;
    if digits == 0 {
        return None;
    }
    let mut numerator = digits;
    for _ in 0..exponent {
        numerator = numerator.checked_mul(10)?;
    }
    let places = exponent.min(0).unsigned_abs();
    let value = (places <= MAX_PLACES).then(|| divide(numerator.into(), power_of_ten(places)))?;
    (1e-6..=1e6).contains(&value).then_some(value)
}

/// `digits * 10^exponent`.
fn split(number: &[u8]) -> Option<(u64, i32)> {
    let (mut digits, mut exponent, mut step) = (0u64, 0i32, 0i32);
    let mut bytes = number.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'0'..=b'9' if digits < MAX_DIGITS => {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte & 15));
                exponent = exponent.saturating_sub(step);
            }
            b'.' => step = 1,
            b'e' | b'E' => {
                exponent = exponent.saturating_add(signed(&mut bytes));
                break;
            }
            _ => return None,
        }
    }
    Some((digits, exponent))
}

fn signed(bytes: &mut core::slice::Iter<'_, u8>) -> i32 {
    let (mut value, mut negative) = (0i32, false);
    for byte in bytes {
        match byte {
            b'0'..=b'9' => value = value.saturating_mul(10).saturating_add(i32::from(byte & 15)),
            _ => negative = *byte == b'-',
        }
    }
    if negative { value.saturating_neg() } else { value }
}

fn power_of_ten(exponent: u32) -> u128 {
    let mut power = 1u128;
    for _ in 0..exponent {
        power = (power << 3).wrapping_add(power << 1);
    }
    power
}

/// `n / d`, correctly rounded, for `0 < n < 2^64` and `0 < d < 2^84`: long division, one bit at a time.
fn divide(mut n: u128, mut d: u128) -> f32 {
    // Of a significand of 24 bits, biased.
    let mut exponent = 127u32 - 23;
    while n >= d << 1 {
        d <<= 1;
        exponent = exponent.wrapping_add(1);
    }
    while n < d {
        n <<= 1;
        exponent = exponent.wrapping_sub(1);
    }
    let mut significand = 0u32;
    for _ in 0..24 {
        significand <<= 1;
        if n >= d {
            n = n.wrapping_sub(d);
            significand |= 1;
        }
        n <<= 1;
    }
    let round_up = n > d || (n == d && significand & 1 == 1);
    let significand = significand.wrapping_add(u32::from(round_up));
    // Both factors are exact, and so is their product.
    significand as f32 * f32::from_bits(exponent << 23)
}

/// Writes the shortest decimal that reads as this alpha (`1e-6..=1e6`).
pub(super) fn write(out: &mut Out<'_>, alpha: f32) {
    let (digits, places) = shortest(alpha);
    out.decimal(digits, places);
}

/// Alpha as `digits / 10^places`, with the fewest places that tell it from its neighbours.
fn shortest(alpha: f32) -> (u32, u32) {
    let bits = alpha.to_bits();
    // alpha = significand / 2^shift; in the range of an alpha, 4 <= shift <= 43.
    let significand = u64::from((bits & 0x007F_FFFF) | 0x0080_0000);
    let shift = 150u32.wrapping_sub(bits >> 23);
    let mask = 1u64.wrapping_shl(shift).wrapping_sub(1);
    let (mut whole, mut part) = (significand.wrapping_shr(shift), significand & mask);
    let mut places = 0u32;
    loop {
        let rounded = whole.wrapping_add(part.wrapping_shr(shift.wrapping_sub(1)));
        let exact = divide(rounded.max(1).into(), power_of_ten(places)) == alpha;
        if exact || places == MAX_PLACES {
            // Nine digits tell every f32 from its neighbours.
            return (rounded as u32, places);
        }
        part = part.wrapping_mul(10);
        whole = whole.wrapping_mul(10).wrapping_add(part.wrapping_shr(shift));
        part &= mask;
        places = places.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(alpha: f32) -> String {
        let mut buffer = [0; 32];
        let length = Out::fill(&mut buffer, |out| write(out, alpha)).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn check(alpha: f32) {
        let text = print(alpha);
        assert_eq!(parse(text.as_bytes()), Some(alpha), "{text}");
        assert_eq!(text.parse::<f32>(), Ok(alpha), "{text}");
        // As Python and torch read it: first as a float of 64 bits.
        assert_eq!(text.parse::<f64>().unwrap() as f32, alpha, "{text}");
        // The standard library prints the shortest decimal, too.
        assert_eq!(text.len(), alpha.to_string().len(), "{text}, expected {alpha}");
    }

    #[test]
    fn every_alpha_survives_its_decimal() {
        let (smallest, largest) = (1e-6f32.to_bits(), 1e6f32.to_bits());
        let mut state = 1u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let spread = (u64::from(state) * u64::from(largest - smallest + 1)) >> 32;
            check(f32::from_bits(smallest + spread as u32));
        }
        // Around each power of two, where the spacing changes, and at round numbers.
        for exponent in -19..=19 {
            let bits = 2f32.powi(exponent).to_bits();
            (bits - 3..=bits + 3).for_each(|bits| check(f32::from_bits(bits)));
        }
        for step in 1..=1000 {
            check(step as f32);
            check(step as f32 / 100.0);
            check(step as f32 * 1e-6);
        }
        check(1e6);
        check(f32::from_bits(largest - 1));
    }

    #[test]
    fn alphas_look_as_people_write_them() {
        for text in ["16", "0.5", "0.1", "1.5", "1000000", "0.000001", "123456.79", "8.25"] {
            assert_eq!(print(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        // Halfway between two f32 each; up, down, and a hair beside.
        assert_eq!(parse(b"16777217e-2"), Some(167_772.17));
        assert_eq!(divide(16_777_217, 1), 16_777_216.0);
        assert_eq!(divide(16_777_219, 1), 16_777_220.0);
        assert_eq!(divide(167_772_170_000_001, 10_000_000), 16_777_218.0);
        assert_eq!(divide(167_772_189_999_999, 10_000_000), 16_777_218.0);
        // The significand overflows to the next power of two.
        assert_eq!(divide(33_554_431, 1), 33_554_432.0);
    }
}
