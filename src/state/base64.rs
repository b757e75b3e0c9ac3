//! Base64 (RFC 4648, section 4) of f32 values, or other words of 32 bits, as little-endian bytes, one at a
//! time.
//!
//! Reading is strict: exactly one text for one sequence of values. The padding is required, the bits it
//! covers must be zero, nothing may follow; `\/` is accepted for `/`, as JSON allows.

use crate::peft::json::Out;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Not a digit of base64.
const NONE: u8 = 0xFF;

const DIGITS: [u8; 128] = digits();

const fn digits() -> [u8; 128] {
    let mut digits = [NONE; 128];
    let mut alphabet: &[u8] = ALPHABET;
    let mut value = 0u8;
    while let [letter, rest @ ..] = alphabet {
        let (_, from_letter) = digits.split_at_mut(*letter as usize);
        if let [digit, ..] = from_letter {
            *digit = value;
        }
        value = value.wrapping_add(1);
        alphabet = rest;
    }
    digits
}

/// Characters for `values` f32.
pub(crate) const fn encoded_len(values: usize) -> usize {
    values.saturating_mul(4).div_ceil(3).saturating_mul(4)
}

/// Writes the characters for some values.
pub(crate) fn encode(values: &[f32], out: &mut Out<'_>) {
    let (groups, rest) = values.as_chunks();
    for group in groups {
        out.bytes(&letters_of(group.map(f32::to_bits)));
    }
    let mut encoder = Encoder::new(|letters: &[u8]| out.bytes(letters));
    rest.iter().for_each(|value| encoder.word(value.to_bits()));
    encoder.finish();
}

/// Three words are twelve bytes and sixteen letters: nothing is carried from group to group.
fn letters_of(words: [u32; 3]) -> [u8; 16] {
    let [a, b, c] = words.map(u32::swap_bytes);
    let triples = [a >> 8, (a << 16) | (b >> 16), (b << 8) | (c >> 24), c];
    let mut letters = [0; 16];
    for (letters, triple) in letters.chunks_exact_mut(4).zip(triples) {
        for (letter, shift) in letters.iter_mut().zip([18, 12, 6, 0]) {
            *letter = ALPHABET.get((triple >> shift & 63) as usize).copied().unwrap_or_default();
        }
    }
    letters
}

/// Writes the characters for words that come one by one.
pub(crate) struct Encoder<W> {
    write: W,
    group: [u32; 3],
    held: usize,
}

impl<W: FnMut(&[u8])> Encoder<W> {
    /// `write` gets the characters, up to sixteen at a time.
    pub(crate) const fn new(write: W) -> Self {
        Self { write, group: [0; 3], held: 0 }
    }

    pub(crate) fn word(&mut self, word: u32) {
        if let Some(place) = self.group.get_mut(self.held) {
            *place = word;
        }
        self.held = self.held.saturating_add(1);
        if self.held == self.group.len() {
            self.flush();
        }
    }

    pub(crate) fn finish(mut self) {
        if self.held > 0 {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut letters = letters_of(self.group);
        let len = encoded_len(self.held);
        let digits = len.saturating_sub(padding(self.held));
        letters.iter_mut().skip(digits).for_each(|letter| *letter = b'=');
        (self.write)(letters.get(..len).unwrap_or_default());
        (self.group, self.held) = ([0; 3], 0);
    }
}

/// The words of a text that has been checked.
pub(crate) fn words(text: &str) -> impl Iterator<Item = u32> {
    let mut decoder = Decoder::new(text);
    core::iter::from_fn(move || decoder.word())
}

/// How many `=` end the text of so many values: 4 bytes leave a rest of 1, 2 or 0 modulo 3.
const fn padding(values: usize) -> usize {
    match values % 3 {
        0 => 0,
        1 => 2,
        _ => 1,
    }
}

/// Reads words one at a time; afterwards [`Decoder::finish`] says whether the text was exactly that.
#[derive(Clone)]
pub(crate) struct Decoder<'a> {
    text: core::slice::Iter<'a, u8>,
    bits: u64,
    held: u32,
    read: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes().iter(), bits: 0, held: 0, read: 0 }
    }

    /// The next word; `None` if the text ends or has something else in it.
    pub(crate) fn word(&mut self) -> Option<u32> {
        while self.held < 32 {
            let digit = self.digit()?;
            self.bits = (self.bits << 6) | u64::from(digit);
            self.held = self.held.saturating_add(6);
        }
        self.held = self.held.saturating_sub(32);
        self.read = self.read.saturating_add(1);
        Some(((self.bits >> self.held) as u32).swap_bytes())
    }

    fn digit(&mut self) -> Option<u8> {
        let mut letter = *self.text.next()?;
        if letter == b'\\' {
            letter = *self.text.next()?;
            if letter != b'/' {
                return None;
            }
        }
        DIGITS.get(usize::from(letter)).copied().filter(|digit| *digit != NONE)
    }

    /// Whether the bits left over are zero, and nothing but the right padding is left.
    pub(crate) fn finish(mut self) -> bool {
        let left_over = self.bits & !(u64::MAX << self.held);
        let padded = (0..padding(self.read)).all(|_| self.text.next() == Some(&b'='));
        left_over == 0 && padded && self.text.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::prelude::{BASE64_STANDARD, Engine as _};

    fn encoded(values: &[f32]) -> String {
        let mut text = vec![0; encoded_len(values.len())];
        encode(values, &mut Out::new(&mut text));
        String::from_utf8(text).unwrap()
    }

    fn decoded(text: &str, n: usize) -> Option<Vec<f32>> {
        let mut decoder = Decoder::new(text);
        let values = (0..n).map(|_| decoder.word().map(f32::from_bits)).collect::<Option<Vec<_>>>()?;
        decoder.finish().then_some(values)
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn agrees_with_the_base64_crate_for_every_length() {
        let mut state = 1u32;
        let mut values = vec![];
        for n in 0..50 {
            let bytes: Vec<u8> = values.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
            let text = encoded(&values);
            assert_eq!(text, BASE64_STANDARD.encode(bytes));
            assert_eq!(text.len(), encoded_len(n));
            assert_eq!(decoded(&text, n).map(|back| bits(&back)), Some(bits(&values)));
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            values.push(f32::from_bits(state));
        }
    }

    #[test]
    fn there_is_one_text_for_one_sequence_of_values() {
        let text = encoded(&[1.0, -2.5]);
        assert_eq!(text, "AACAPwAAIMA=");
        assert!(decoded("AACAPwAAIMA", 2).is_none(), "padding left out");
        assert!(decoded("AACAPwAAIMA==", 2).is_none(), "too much padding");
        assert!(decoded("AACAPwAAIMB=", 2).is_none(), "bits under the padding");
        assert!(decoded("AACAPwAAIMA= ", 2).is_none(), "something after it");
        assert!(decoded("AACAPwAAIM-=", 2).is_none(), "another alphabet");
        assert!(decoded(&text, 1).is_none() && decoded(&text, 3).is_none(), "another length");
    }

    #[test]
    fn a_slash_may_be_escaped_and_nothing_else() {
        let text = encoded(&[-f32::MIN_POSITIVE, f32::from_bits(0xFFFF_FFFF), 1.5]);
        assert!(text.contains('/'), "{text}");
        let escaped = text.replace('/', "\\/");
        assert_eq!(decoded(&escaped, 3).map(|back| bits(&back)), decoded(&text, 3).map(|back| bits(&back)));
        assert!(decoded(&text.replace('/', "\\n"), 3).is_none());
        assert!(decoded("AACAPwAAIMA\\", 2).is_none());
    }
}
