//! Documents from any format of serde, read into a new owner that is dropped on an error.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::Error;
use crate::state::base64::Decoder;
use crate::state::head::{Field, Head};
use crate::state::schema::{MAX_SECTIONS, Schema};

/// Where the words of a document's sections go.
pub(crate) trait Places {
    /// Keeps a word; `false` if there is no place for it.
    fn put(&mut self, section: usize, index: usize, word: u32) -> bool;

    /// Whether a section is of single bytes, so that its last word may lack some, which are 0.
    fn is_of_bytes(&self, _section: usize) -> bool {
        false
    }
}

/// What has been read besides the sections.
pub(crate) struct Reading<'p, P> {
    pub(crate) head: Head,
    /// How many words each section has had.
    words: [usize; MAX_SECTIONS],
    is_text: bool,
    places: &'p mut P,
}

impl<'p, P: Places> Reading<'p, P> {
    /// Reads a document. Of its values only the version has been checked.
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        schema: &'static Schema,
        names: &'static [&'static str],
        places: &'p mut P,
        deserializer: D,
    ) -> Result<(Head, [usize; MAX_SECTIONS]), D::Error> {
        let is_text = deserializer.is_human_readable();
        let mut reading = Self { head: Head::new(schema), words: [0; _], is_text, places };
        deserializer.deserialize_struct(schema.format, names, &mut reading)?;
        reading.head.check_complete().map_err(|problem| D::Error::custom(syntax(problem)))?;
        Ok((reading.head, reading.words))
    }

    fn section(&mut self, index: usize) -> Option<Section<'_, P>> {
        let Self { head, words, is_text, places } = self;
        let section = index.checked_sub(1)?;
        let name = head.schema.sections.get(section)?;
        Some(Section { name, section, is_text: *is_text, words: words.get_mut(section)?, places })
    }

    /// Takes note of a field whose value has been read.
    fn note<E: serde::de::Error>(&mut self, field: Field) -> Result<(), E> {
        self.head.once(field).map_err(|problem| E::custom(syntax(problem)))?;
        match field {
            Field::Integer(0) => self.head.check_version().map_err(E::custom),
            _ => Ok(()),
        }
    }
}

/// Refuses sections that are not of these lengths.
pub(crate) fn check_words(schema: &Schema, words: &[usize], expected: &[usize]) -> Result<(), Error> {
    for ((what, got), expected) in schema.sections.iter().zip(words).zip(expected) {
        if got != expected {
            return Err(Error::Length { what, expected: *expected, got: *got });
        }
    }
    Ok(())
}

/// The names of all fields, in the order in which they are written.
pub(crate) const fn names<const N: usize>(schema: &Schema) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut rest, mut integers, mut sections): (&mut [_], _, _) =
        (&mut names, schema.integers, schema.sections);
    let mut index = 0usize;
    while let [name, others @ ..] = rest {
        *name = match (index, integers, sections) {
            (0, ..) => "format",
            (1, ..) => "version",
            (_, [integer, more @ ..], _) => {
                integers = more;
                integer.name
            }
            (_, [], [section, more @ ..]) if index > schema.integers.len().saturating_add(2) => {
                sections = more;
                section
            }
            _ => "crc32",
        };
        index = index.saturating_add(1);
        rest = others;
    }
    names
}

const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "state", problem }
}

impl<'de, P: Places> Visitor<'de> for &mut Reading<'_, P> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a document of the format {}", self.head.schema.format)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Name(&self.head))? {
            match field {
                Field::Integer(index) => {
                    let value = map.next_value()?;
                    self.head.put(index, value);
                }
                Field::Text(0) => map.next_value_seed(Format(self.head.schema.format))?,
                Field::Text(index) => {
                    if let Some(section) = self.section(index) {
                        map.next_value_seed(section)?;
                    }
                }
            }
            self.note(field)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        const SHORT: Error = syntax("too few fields");
        sequence.next_element_seed(Format(self.head.schema.format))?.ok_or(A::Error::custom(SHORT))?;
        self.note(Field::Text(0))?;
        let mut integer = |reading: &mut Self, index| {
            let value = sequence.next_element()?.ok_or(A::Error::custom(SHORT))?;
            reading.head.put(index, value);
            reading.note(Field::Integer(index))
        };
        let reading = &mut { self };
        integer(reading, 0)?;
        let (integers, sections) = reading.head.fields();
        for index in integers {
            integer(reading, index)?;
        }
        integer(reading, 1)?;
        for index in sections {
            if let Some(section) = reading.section(index) {
                sequence.next_element_seed(section)?.ok_or(A::Error::custom(SHORT))?;
            }
            reading.note(Field::Text(index))?;
        }
        Ok(())
    }
}

/// The name of a field.
struct Name<'h>(&'h Head);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Field, E> {
        self.0.find(name).map_err(|problem| E::custom(syntax(problem)))
    }
}

/// The format, which must be this one.
struct Format(&'static str);

impl<'de> DeserializeSeed<'de> for Format {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Format {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the format {}", self.0)
    }

    fn visit_str<E: serde::de::Error>(self, format: &str) -> Result<(), E> {
        if format == self.0 { Ok(()) } else { Err(E::custom(Error::Format { expected: self.0 })) }
    }
}

/// One section, on its way to its place.
struct Section<'a, P> {
    name: &'static str,
    section: usize,
    is_text: bool,
    words: &'a mut usize,
    places: &'a mut P,
}

impl<P: Places> Section<'_, P> {
    fn put<E: serde::de::Error>(&mut self, word: u32) -> Result<(), E> {
        if !self.places.put(self.section, *self.words, word) {
            let problem = "more values than the sizes allow";
            return Err(E::custom(Error::Syntax { what: self.name, problem }));
        }
        *self.words = self.words.saturating_add(1);
        Ok(())
    }

    /// Puts bytes together to words.
    fn bytes<E: serde::de::Error>(
        &mut self,
        mut next: impl FnMut() -> Result<Option<u8>, E>,
    ) -> Result<(), E> {
        loop {
            let (mut word, mut count) = ([0; 4], 0usize);
            for place in &mut word {
                let Some(byte) = next()? else { break };
                *place = byte;
                count = count.saturating_add(1);
            }
            if count == 0 {
                return Ok(());
            }
            if count < word.len() && !self.places.is_of_bytes(self.section) {
                let problem = "bytes that are no whole values";
                return Err(E::custom(Error::Syntax { what: self.name, problem }));
            }
            self.put(u32::from_le_bytes(word))?;
        }
    }
}

impl<'de, P: Places> DeserializeSeed<'de> for Section<'_, P> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.is_text { deserializer.deserialize_str(self) } else { deserializer.deserialize_bytes(self) }
    }
}

impl<'de, P: Places> Visitor<'de> for Section<'_, P> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_text { "base64" } else { "bytes" })
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        let mut decoder = Decoder::new(text);
        loop {
            // The end is where there is no whole word any more; what is left must be an end.
            let mut ahead = decoder.clone();
            let Some(word) = ahead.word() else { break };
            self.put(word)?;
            decoder = ahead;
        }
        if decoder.finish() && !text.contains('\\') {
            return Ok(());
        }
        Err(E::custom(Error::Base64 { what: self.name, values: *self.words }))
    }

    fn visit_bytes<E: serde::de::Error>(mut self, bytes: &[u8]) -> Result<(), E> {
        let mut bytes = bytes.iter().copied();
        self.bytes(|| Ok(bytes.next()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        self.bytes(|| sequence.next_element())
    }
}
