//! Vectors as int8 with a scale, and such codes as words to save.

use crate::state::base64::words;

/// The largest magnitude of a code.
pub(crate) const CODE_MAX: f32 = 127.0;

/// The scale of a vector's codes.
pub(crate) fn scale_of(vector: &[f32]) -> f32 {
    vector.iter().fold(0.0f32, |largest, value| largest.max(value.abs())) / CODE_MAX
}

/// What values are multiplied by; 0 for a scale so small that it underflows: a vector of zeros.
pub(crate) fn inverse_of(scale: f32) -> f32 {
    if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 }
}

/// The code of a value.
pub(crate) fn code_of(value: f32, inverse: f32) -> i8 {
    libm::roundf(value * inverse) as i8
}

/// Writes the codes of a vector and gives their scale.
pub(super) fn pack(codes: &mut [i8], vector: &[f32]) -> f32 {
    let scale = scale_of(vector);
    let inverse = inverse_of(scale);
    for (code, value) in codes.iter_mut().zip(vector) {
        *code = code_of(*value, inverse);
    }
    scale
}

pub(super) fn unpack(row: &mut [f32], codes: &[i8], scale: f32) {
    for (value, code) in row.iter_mut().zip(codes) {
        *value = f32::from(*code) * scale;
    }
}

/// Puts codes four to a word, zeros after the last.
pub(super) fn as_words(codes: &[i8], len: usize, mut put: impl FnMut(u32)) {
    for group in codes.get(..len).unwrap_or_default().chunks(4) {
        let mut bytes = [0; 4];
        bytes.iter_mut().zip(group).for_each(|(byte, code)| *byte = code.cast_unsigned());
        put(u32::from_le_bytes(bytes));
    }
}

pub(super) fn of_words(text: &str) -> impl Iterator<Item = i8> {
    words(text).flat_map(|word| word.to_le_bytes().map(u8::cast_signed))
}
