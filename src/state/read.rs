//! Reading a document: one serde visitor for every schema, over the deserializer of serde-json-core.
//!
//! What it takes: integers that fit 32 bits, strings that are not yet decoded, each field once, in any order.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json_core::de;

use crate::error::Error;
use crate::state::base64::Decoder;
use crate::state::head::{Field, Head};
use crate::state::schema::{MAX_SECTIONS, Schema};

const BROKEN: &str = "a text that is broken or has another value than expected";

/// What a document says. Its sections are still base64.
pub(crate) struct Document<'a> {
    head: Head,
    /// The format, then the sections.
    texts: [&'a str; 1 + MAX_SECTIONS],
    problem: Option<&'static str>,
}

impl<'a> Document<'a> {
    /// Reads the JSON. A wrong format or version is reported first, since it explains other errors.
    pub(crate) fn parse(schema: &'static Schema, json: &'a [u8]) -> Result<Self, Error> {
        let mut texts = [""; 1 + MAX_SECTIONS];
        let [format, ..] = &mut texts;
        *format = schema.format;
        let mut document = Self { head: Head::new(schema), texts, problem: None };
        let mut deserializer = de::Deserializer::new(json, None);
        let read = document.deserialize(&mut deserializer).and_then(|()| deserializer.end());
        let [format, ..] = document.texts;
        if format != schema.format {
            return Err(Error::Format { expected: schema.format });
        }
        if document.head.has_version() {
            document.head.check_version()?;
        }
        if let Err(error) = read {
            return Err(syntax(document.problem.unwrap_or_else(|| describe(error))));
        }
        document.head.check_complete().map_err(syntax)?;
        Ok(document)
    }

    /// The version that the document is of.
    pub(crate) const fn version(&self) -> u32 {
        self.head.version()
    }

    /// Those of the schema; 0 where this version has none.
    pub(crate) const fn integers(&self) -> &[u32] {
        self.head.integers()
    }

    /// Those of the schema, not decoded.
    pub(crate) fn sections<const N: usize>(&self) -> [&'a str; N] {
        let mut sections = [""; N];
        sections.iter_mut().zip(self.texts.iter().skip(1)).for_each(|(to, from)| *to = from);
        sections
    }

    /// Decodes the sections without keeping them: each must hold so many words and the checksum must be right.
    /// `each` gets every word, with the index of its section. Then the integers are held to their ranges.
    pub(crate) fn scan(&self, words: &[usize], mut each: impl FnMut(usize, u32)) -> Result<(), Error> {
        let mut crc = Schema::checksum(&self.head.outline(words));
        let [_format, texts @ ..] = &self.texts;
        let names = self.head.schema.sections;
        for (section, ((what, text), words)) in names.iter().zip(texts).zip(words).enumerate() {
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
        self.head.check_values(crc.finish())
    }

    /// Keeps the error: one of the deserializer cannot hold it.
    fn note<T, E: serde::de::Error>(&mut self, found: Result<T, &'static str>) -> Result<T, E> {
        found.map_err(|problem| {
            self.problem = Some(problem);
            E::custom("")
        })
    }
}

impl<'a> DeserializeSeed<'a> for &mut Document<'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for &mut Document<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.head.schema.format)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<&str>()? {
            let field = self.note(self.head.find(name))?;
            match field {
                Field::Integer(index) => {
                    let value = map.next_value()?;
                    self.head.put(index, value);
                }
                Field::Text(index) => {
                    let text = map.next_value::<&str>()?;
                    self.note(if is_string(text) { Ok(()) } else { Err(BROKEN) })?;
                    if let Some(slot) = self.texts.get_mut(index) {
                        *slot = text;
                    }
                }
            }
            let first = self.head.once(field);
            self.note(first)?;
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
                kind => matches!(kind, Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')),
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
    if matches!(
        error,
        EofWhileParsingObject | EofWhileParsingString | EofWhileParsingNumber | EofWhileParsingValue
    ) {
        "the end of the text"
    } else if matches!(error, TrailingCharacters) {
        "something after the end"
    } else {
        BROKEN
    }
}
