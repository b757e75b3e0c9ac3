//! Reading a document: one serde visitor for every schema, over the deserializer of serde-json-core.
//!
//! What it takes: integers that fit 32 bits, strings that are not yet decoded, each field once, in any order.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json_core::de;

use crate::error::{Error, Result};
use crate::state::base64::Decoder;
use crate::state::schema::{MAX_INTEGERS, MAX_SECTIONS, Outline, Schema, check_equal};

/// Integers that every document has, before those of its schema.
const FIXED: [&str; 2] = ["version", "crc32"];
/// The one text that every document has.
const FORMAT: &str = "format";

const BROKEN: &str = "a text that is broken or has another value than expected";

/// What a document says. Its sections are still base64.
pub(crate) struct Document<'a> {
    schema: &'static Schema,
    /// [`FIXED`], then those of the schema.
    integers: [u32; FIXED.len() + MAX_INTEGERS],
    /// The format, then the sections of the schema.
    texts: [&'a str; 1 + MAX_SECTIONS],
    /// A bit for each integer and each text that has been read.
    seen: [u32; 2],
    problem: Option<&'static str>,
}

impl<'a> Document<'a> {
    /// Reads the JSON. A wrong format or version is told first: it explains what else is wrong.
    pub(crate) fn parse(schema: &'static Schema, json: &'a [u8]) -> Result<Self> {
        let mut document = Self { schema, integers: [0; _], texts: [""; _], seen: [0; 2], problem: None };
        let mut deserializer = de::Deserializer::new(json, None);
        let read = document.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        document.check(read.err())?;
        Ok(document)
    }

    fn check(&self, error: Option<de::Error>) -> Result<()> {
        let Schema { format, versions, .. } = *self.schema;
        let ([numbers, texts], [found, ..]) = (self.seen, self.texts);
        if texts & 1 == 1 && found != format {
            return Err(Error::Format { expected: format });
        }
        let version = self.schema.version(self.version());
        if numbers & 1 == 1 && version.is_none() {
            return check_equal("version", versions.len() as u32, self.version());
        }
        if let Some(error) = error {
            return Err(syntax(self.problem.unwrap_or_else(|| describe(error))));
        }
        let all = |count: usize| !u32::MAX.wrapping_shl(count as u32);
        let complete = version.map(|version| {
            [all(FIXED.len().saturating_add(version.integers)), all(version.sections.saturating_add(1))]
        });
        match complete {
            Some(complete) if complete == self.seen => Ok(()),
            // A field of a later version.
            Some([integers, sections]) if numbers & !integers != 0 || texts & !sections != 0 => {
                Err(syntax(self.schema.unknown))
            }
            _ => Err(const { syntax("too few fields") }),
        }
    }

    pub(crate) const fn version(&self) -> u32 {
        let [version, ..] = self.integers;
        version
    }

    /// Those of the schema; 0 for those that this version does not have.
    pub(crate) fn integers<const N: usize>(&self) -> [u32; N] {
        let mut integers = [0; N];
        integers.iter_mut().zip(self.integers.iter().skip(FIXED.len())).for_each(|(to, from)| *to = *from);
        integers
    }

    /// Those of the schema, not decoded; empty if this version does not have them.
    pub(crate) fn sections<const N: usize>(&self) -> [&'a str; N] {
        let mut sections = [""; N];
        sections.iter_mut().zip(self.texts.iter().skip(1)).for_each(|(to, from)| *to = from);
        sections
    }

    /// Decodes the sections without keeping them: each must hold so many words and the checksum must be right.
    /// `each` gets every word, with the index of its section. Then the integers are held to their ranges.
    pub(crate) fn scan(&self, words: &[usize], mut each: impl FnMut(usize, u32)) -> Result<()> {
        let [version, crc32, integers @ ..] = &self.integers;
        let used = self.schema.version(*version).map_or(0, |version| version.integers);
        let integers = integers.get(..used).unwrap_or_default();
        let mut crc = Schema::checksum(&Outline { version: *version, integers, words });
        let [_format, texts @ ..] = &self.texts;
        for (section, ((what, text), words)) in self.schema.sections.iter().zip(texts).zip(words).enumerate()
        {
            let refused = Error::Base64 { what, values: *words };
            let mut decoder = Decoder::new(text);
            for _ in 0..*words {
                let word = decoder.word().ok_or(refused)?;
                crc.word(word);
                each(section, word);
            }
            if !decoder.finish() {
                return Err(refused);
            }
        }
        // A fuzzer changes bytes at random; it must get past this to reach what follows.
        if !cfg!(fuzzing) && crc.finish() != *crc32 {
            return Err(Error::Checksum { expected: *crc32, got: crc.finish() });
        }
        self.schema.check_integers(integers)
    }

    fn refuse<T, E: serde::de::Error>(&mut self, problem: &'static str) -> core::result::Result<T, E> {
        self.problem = Some(problem);
        Err(E::custom(""))
    }

    /// Notes that a field has been read, which may happen once.
    fn once<E: serde::de::Error>(&mut self, kind: usize, index: usize) -> core::result::Result<(), E> {
        let bit = 1u32.wrapping_shl(index as u32);
        let is_first = self.seen.get_mut(kind).is_some_and(|seen| {
            let is_first = *seen & bit == 0;
            *seen |= bit;
            is_first
        });
        if is_first { Ok(()) } else { self.refuse("something twice that may be there once") }
    }
}

impl<'a> DeserializeSeed<'a> for &mut Document<'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> core::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for &mut Document<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.schema.format)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> core::result::Result<(), A::Error> {
        let Schema { integers, sections, .. } = *self.schema;
        while let Some(name) = map.next_key::<&str>()? {
            let mut numbers = FIXED.into_iter().chain(integers.iter().map(|integer| integer.name));
            let mut texts = [FORMAT].into_iter().chain(sections.iter().copied());
            if let Some(index) = numbers.position(|own| own == name) {
                let value = map.next_value()?;
                self.once(0, index)?;
                if let Some(slot) = self.integers.get_mut(index) {
                    *slot = value;
                }
            } else if let Some(index) = texts.position(|own| own == name) {
                let text = map.next_value::<&str>()?;
                if !is_string(text) {
                    return self.refuse(BROKEN);
                }
                self.once(1, index)?;
                if let Some(slot) = self.texts.get_mut(index) {
                    *slot = text;
                }
            } else {
                return self.refuse(self.schema.unknown);
            }
        }
        Ok(())
    }
}

/// Whether this may stand between quotes: serde-json-core takes control characters and any escape.
fn is_string(text: &str) -> bool {
    // Nearly no text has one of these; looking for both at once is a few instructions for many bytes.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'\\'));
    is_plain || escapes_are_right(text.as_bytes())
}

fn escapes_are_right(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let is_right = match byte {
            b'\\' => match bytes.next() {
                Some(b'u') => (0..4).all(|_| bytes.next().is_some_and(u8::is_ascii_hexdigit)),
                Some(kind) => b"\"\\/bfnrt".contains(kind),
                None => false,
            },
            byte => *byte >= b' ',
        };
        if !is_right {
            return false;
        }
    }
    true
}

const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "JSON", problem }
}

const fn describe(error: de::Error) -> &'static str {
    use de::Error::{
        EofWhileParsingNumber, EofWhileParsingObject, EofWhileParsingString, EofWhileParsingValue,
        TrailingCharacters,
    };
    match error {
        EofWhileParsingObject | EofWhileParsingString | EofWhileParsingNumber | EofWhileParsingValue => {
            "the end of the text"
        }
        TrailingCharacters => "something after the end",
        _ => BROKEN,
    }
}
