//! Writing a document: the head by serde-json-core, the sections in base64 of our own.
//!
//! Through a serializer every character of a section would be looked at for what must be escaped: 2.5 times the time.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json_core::str::EscapedStr;

use crate::error::{Error, Result};
use crate::peft::json::Out;
use crate::state::base64::Encoder;
use crate::state::schema::{Outline, Schema};

/// What has the words of a document's sections.
pub(crate) trait Sections {
    /// Gives the words of one section, in order.
    fn put(&self, section: usize, put: impl FnMut(u32));

    /// The bytes of one section, if memory holds them as they are saved.
    fn memory(&self, _section: usize) -> Option<&[u8]> {
        None
    }

    /// Writes one section in base64.
    fn encode(&self, section: usize, out: &mut Out<'_>) {
        let mut encoder = Encoder::new(|letters: &[u8]| out.bytes(letters));
        self.put(section, |word| encoder.word(word));
        encoder.finish();
    }
}

impl Schema {
    /// The checksum over all of a document.
    pub(crate) fn crc32(outline: &Outline<'_>, sections: &impl Sections) -> u32 {
        let mut crc = Self::checksum(outline);
        (0..outline.words.len()).for_each(|section| sections.put(section, |word| crc.word(word)));
        crc.finish()
    }

    /// Characters of a document.
    pub(crate) fn len(&self, outline: &Outline<'_>, crc32: u32) -> usize {
        let unused = |value: u32| 9u32.saturating_sub(value.checked_ilog10().unwrap_or(0)) as usize;
        let integers = outline.integers.iter().copied().chain([crc32]);
        integers.fold(self.max_len(outline.words), |len, value| len.saturating_sub(unused(value)))
    }

    /// Writes a document into the start of a buffer and gives its length. A buffer that is too small stays as it is.
    pub(crate) fn write(
        &self,
        buffer: &mut [u8],
        outline: &Outline<'_>,
        sections: &impl Sections,
    ) -> Result<usize> {
        let crc32 = Self::crc32(outline, sections);
        let (needed, got) = (self.len(outline, crc32), buffer.len());
        if got < needed {
            return Err(Error::Buffer { needed, got });
        }
        let head = serde_json_core::to_slice(&Head { schema: self, outline, crc32 }, buffer);
        let head = head.map_err(|_| Error::Buffer { needed, got })?;
        // The sections take the place of the closing brace.
        let mut out = Out::after(buffer, head.saturating_sub(1));
        for (section, (name, _)) in self.sections.iter().zip(outline.words).enumerate() {
            out.text(",\"");
            out.text(name);
            out.text("\":\"");
            sections.encode(section, &mut out);
            out.text("\"");
        }
        out.text("}");
        Ok(out.len())
    }
}

/// A document without its sections.
struct Head<'a> {
    schema: &'a Schema,
    outline: &'a Outline<'a>,
    crc32: u32,
}

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        let Self { schema, outline, crc32 } = *self;
        let mut fields = serializer.serialize_struct("State", outline.integers.len().saturating_add(3))?;
        serialize_head(&mut fields, schema, outline, &EscapedStr(schema.format), crc32)?;
        fields.end()
    }
}

pub(crate) fn serialize_head<F: SerializeStruct>(
    fields: &mut F,
    schema: &Schema,
    outline: &Outline<'_>,
    format: &impl Serialize,
    crc32: u32,
) -> core::result::Result<(), F::Error> {
    fields.serialize_field("format", format)?;
    fields.serialize_field("version", &outline.version)?;
    for (integer, value) in schema.integers.iter().zip(outline.integers) {
        fields.serialize_field(integer.name, value)?;
    }
    fields.serialize_field("crc32", &crc32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fields::ADAPTER;

    impl Sections for [u32; 3] {
        fn put(&self, section: usize, put: impl FnMut(u32)) {
            self[..section.min(3)].iter().copied().for_each(put);
        }
    }

    #[test]
    fn len_is_what_is_written() {
        for value in [0, 9, 10, 12_345, 999_999_999, u32::MAX] {
            let integers = [value; 13];
            let outline = Outline { version: 1, integers: &integers, words: &[0, 1, 2, 3, 3] };
            let sections = [value, 1, 2];
            let len = ADAPTER.len(&outline, Schema::crc32(&outline, &sections));
            let mut buffer = vec![b'#'; len + 1];
            assert_eq!(ADAPTER.write(&mut buffer, &outline, &sections), Ok(len));
            assert_eq!((buffer[len - 1], buffer[len]), (b'}', b'#'));
            assert!(len <= ADAPTER.max_len(outline.words));
            let refused = Err(Error::Buffer { needed: len, got: len - 1 });
            assert_eq!(ADAPTER.write(&mut buffer[..len - 1], &outline, &sections), refused);
        }
    }
}
