//! The fields of a document that have been read: its integers, and which of all have come.

use core::ops::Range;

use crate::error::Error;
use crate::state::schema::{MAX_INTEGERS, Outline, Schema, check_equal};

/// The version and the checksum, which every document has. Its schema's integers follow.
const FIXED: usize = 2;

/// Which field a name is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Field {
    /// The version, the checksum, then the schema's.
    Integer(usize),
    /// The format, then the schema's sections.
    Text(usize),
}

pub(crate) struct Head {
    pub(crate) schema: &'static Schema,
    integers: [u32; FIXED + MAX_INTEGERS],
    /// A bit for each integer and for each text that has been read.
    seen: [u32; 2],
}

impl Head {
    pub(crate) const fn new(schema: &'static Schema) -> Self {
        Self { schema, integers: [0; _], seen: [0; 2] }
    }

    pub(crate) fn find(&self, name: &str) -> Result<Field, &'static str> {
        match name {
            "version" => return Ok(Field::Integer(0)),
            "crc32" => return Ok(Field::Integer(1)),
            "format" => return Ok(Field::Text(0)),
            _ => {}
        }
        let Schema { integers, sections, .. } = *self.schema;
        if let Some(index) = integers.iter().position(|own| own.name == name) {
            return Ok(Field::Integer(index.saturating_add(FIXED)));
        }
        let section = sections.iter().position(|own| *own == name);
        section.map(|index| Field::Text(index.saturating_add(1))).ok_or(self.schema.unknown)
    }

    /// Notes that a field has come, which may happen once.
    pub(crate) fn once(&mut self, field: Field) -> Result<(), &'static str> {
        let [integers, texts] = &mut self.seen;
        let (seen, index) = match field {
            Field::Integer(index) => (integers, index),
            Field::Text(index) => (texts, index),
        };
        let bit = 1u32.wrapping_shl(index as u32);
        if *seen & bit != 0 {
            return Err("something twice that may be there once");
        }
        *seen |= bit;
        Ok(())
    }

    pub(crate) fn put(&mut self, index: usize, value: u32) {
        if let Some(slot) = self.integers.get_mut(index) {
            *slot = value;
        }
    }

    pub(crate) const fn version(&self) -> u32 {
        let [version, ..] = self.integers;
        version
    }

    pub(crate) const fn has_version(&self) -> bool {
        let [integers, _texts] = self.seen;
        integers & 1 == 1
    }

    /// Refuses a version that this library does not know.
    pub(crate) fn check_version(&self) -> Result<(), Error> {
        let [version, ..] = self.integers;
        match self.schema.version(version) {
            Some(_) => Ok(()),
            None => check_equal("version", self.schema.versions.len() as u32, version),
        }
    }

    /// What is wrong if not every field of the version has come, or others too.
    pub(crate) fn check_complete(&self) -> Result<(), &'static str> {
        let [version, ..] = self.integers;
        let ([integers, texts], Some(version)) = (self.seen, self.schema.version(version)) else {
            return Err("too few fields");
        };
        let first =
            |fixed: usize, more: u8| !u32::MAX.wrapping_shl((fixed as u32).saturating_add(more.into()));
        let all = [first(FIXED, version.integers), first(1, version.sections)];
        let [all_integers, all_texts] = all;
        // Of a later version.
        if integers & !all_integers != 0 || texts & !all_texts != 0 {
            return Err(self.schema.unknown);
        }
        if self.seen == all { Ok(()) } else { Err("too few fields") }
    }

    /// Those of the schema; 0 where the version has none.
    pub(crate) const fn integers(&self) -> &[u32] {
        let [_version, _crc32, integers @ ..] = &self.integers;
        integers
    }

    /// The indices of the integers and of the sections that the version has.
    pub(crate) fn fields(&self) -> (Range<usize>, Range<usize>) {
        let [version, ..] = self.integers;
        let (integers, sections) =
            self.schema.version(version).map_or((0, 0), |version| (version.integers, version.sections));
        (FIXED..FIXED.saturating_add(integers.into()), 1..usize::from(sections).saturating_add(1))
    }

    /// What it says of a document whose sections have so many words.
    pub(crate) fn outline<'a>(&'a self, words: &'a [usize]) -> Outline<'a> {
        let [version, _crc32, integers @ ..] = &self.integers;
        let used = self.schema.version(*version).map_or(0, |version| usize::from(version.integers));
        Outline { version: *version, integers: integers.get(..used).unwrap_or_default(), words }
    }

    /// Refuses a checksum that is not that of the values, then an integer outside its range.
    pub(crate) fn check_values(&self, crc32: u32) -> Result<(), Error> {
        let [_version, expected, ..] = self.integers;
        // A fuzzer changes bytes at random; it must get past this to reach what follows.
        if !cfg!(fuzzing) && crc32 != expected {
            return Err(Error::Checksum { expected, got: crc32 });
        }
        self.schema.check_integers(self.outline(&[]).integers)
    }
}
