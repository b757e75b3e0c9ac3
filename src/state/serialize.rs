//! Documents in any format of serde: what a human reads gets the document of `docs/state-format.md`, a binary format
//! the same fields with bytes in place of base64.

use core::fmt;

use serde::ser::{Serialize, SerializeSeq as _, SerializeStruct as _, Serializer};

use crate::state::base64::Encoder;
use crate::state::schema::{Outline, Schema};
use crate::state::write::{Sections, serialize_head};

/// The most bytes of a section that is gathered first because memory does not hold it as it is saved.
const GATHERED: usize = 128;

/// A document to be serialized.
pub(crate) struct Saved<'a, S> {
    pub(crate) schema: &'static Schema,
    pub(crate) outline: Outline<'a>,
    pub(crate) sections: &'a S,
}

impl<S: Sections> Serialize for Saved<'_, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let Self { schema, ref outline, sections } = *self;
        let is_text = serializer.is_human_readable();
        let len = outline.integers.len().saturating_add(outline.words.len()).saturating_add(3);
        let mut fields = serializer.serialize_struct(schema.format, len)?;
        serialize_head(&mut fields, schema, outline, &schema.format, Schema::crc32(outline, sections))?;
        for (section, (name, words)) in schema.sections.iter().zip(outline.words).enumerate() {
            let section = Section { sections, section, words: *words };
            if is_text {
                fields.serialize_field(name, &Text(section))?;
            } else {
                fields.serialize_field(name, &Bytes(section))?;
            }
        }
        fields.end()
    }
}

struct Section<'a, S> {
    sections: &'a S,
    section: usize,
    words: usize,
}

/// In base64.
struct Text<'a, S>(Section<'a, S>);

impl<S: Sections> Serialize for Text<'_, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_str(self)
    }
}

impl<S: Sections> fmt::Display for Text<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Ok(());
        let mut encoder = Encoder::new(|letters: &[u8]| {
            // Base64 is ASCII.
            let letters = str::from_utf8(letters).unwrap_or_default();
            written = written.and_then(|()| f.write_str(letters));
        });
        self.0.sections.put(self.0.section, |word| encoder.word(word));
        encoder.finish();
        written
    }
}

/// As they would come out of the base64.
struct Bytes<'a, S>(Section<'a, S>);

impl<S: Sections> Serialize for Bytes<'_, S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let Section { sections, section, words } = self.0;
        if let Some(bytes) = sections.memory(section) {
            return serializer.serialize_bytes(bytes);
        }
        let len = words.saturating_mul(4);
        let mut gathered = [0; GATHERED];
        if let Some(gathered) = gathered.get_mut(..len) {
            let mut places = gathered.chunks_exact_mut(4);
            sections.put(section, |word| {
                if let Some(place) = places.next() {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            });
            return serializer.serialize_bytes(gathered);
        }
        // On a big-endian machine. Who reads it takes either.
        let mut sequence = serializer.serialize_seq(Some(len))?;
        let mut written = Ok(());
        sections.put(section, |word| {
            for byte in word.to_le_bytes() {
                if written.is_ok() {
                    written = sequence.serialize_element(&byte);
                }
            }
        });
        written?;
        sequence.end()
    }
}

/// Values as the bytes that are saved, if that is how memory holds them.
pub(crate) fn bytes_of<T: bytemuck::NoUninit>(values: &[T]) -> Option<&[u8]> {
    (cfg!(target_endian = "little") || size_of::<T>() == 1).then(|| bytemuck::cast_slice(values))
}
