//! The schemas of saved documents: names of fields, their places in memory, their ranges.
//!
//! A document is one JSON object: `format`, `version`, integers, `crc32`, and sections of 32-bit words in base64.
//! A [`Schema`] describes one kind of document; reading, writing and checking follow from it. The adapter's is in
//! [`super::fields`], those of the ring and of the holdback are in the files of these types.
//!
//! A new version is one more entry of [`Schema::versions`]: how many integers and sections, from the first on, it
//! has. So the fields that it adds are appended to the tables. The length of a section follows from the integers; a
//! section that a document does not need has length 0.

use crate::error::{Error, Result};
use crate::state::base64::encoded_len;
use crate::state::crc::Crc;

/// The most integers and sections that any document has.
pub(crate) const MAX_INTEGERS: usize = 15;
pub(crate) const MAX_SECTIONS: usize = 9;

/// An integer of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Integer {
    /// As in the document.
    pub name: &'static str,
    /// The largest value.
    pub max: u32,
    /// The smallest value.
    pub min: u16,
    /// Bytes from the start of the struct that holds it; [`Integer::ELSEWHERE`] if none does.
    pub offset: u16,
}

impl Integer {
    /// The offset of an integer that is not kept in memory.
    pub const ELSEWHERE: u16 = u16::MAX;
}

/// An f32 of an adapter's header, saved in the section `scalars`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scalar {
    /// As in error messages.
    pub name: &'static str,
    /// Bytes from the start of the header.
    pub offset: u16,
    /// The smallest value.
    pub min: f32,
    /// The largest value.
    pub max: f32,
}

/// A table of the integers that are fields of a struct, and functions that get and set all of them.
macro_rules! integers {
    ($(#[$attribute:meta])* $vis:vis $table:ident of $owner:ty, $get:ident, $set:ident;
     $($name:literal: $($field:ident).+, $min:expr, $max:expr;)*) => {
        $(#[$attribute])*
        $vis const $table: [$crate::state::schema::Integer; [$($name),*].len()] = [$(
            $crate::state::schema::Integer {
                name: $name,
                max: $max,
                min: $min,
                offset: ::core::mem::offset_of!($owner, $($field).+) as u16,
            }
        ),*];

        fn $get(owner: &$owner) -> [u32; $table.len()] {
            [$(owner.$($field).+),*]
        }

        fn $set(owner: &mut $owner, values: [u32; $table.len()]) {
            [$(owner.$($field).+),*] = values;
        }
    };
}
pub(crate) use integers;

/// How many of a schema's integers and sections one version has.
pub(crate) struct Version {
    pub(crate) integers: u8,
    pub(crate) sections: u8,
}

/// One kind of document.
pub(crate) struct Schema {
    pub(crate) format: &'static str,
    /// Between `version` and `crc32`, in the order in which they are written and enter the checksum.
    pub(crate) integers: &'static [Integer],
    /// After `crc32`, in order.
    pub(crate) sections: &'static [&'static str],
    /// Version 1, 2 and so on.
    pub(crate) versions: &'static [Version],
    /// What is said of a field that is none of these.
    pub(crate) unknown: &'static str,
}

/// What a document says besides its sections.
#[derive(Clone, Copy)]
pub(crate) struct Outline<'a> {
    pub(crate) version: u32,
    pub(crate) integers: &'a [u32],
    /// How long each section is.
    pub(crate) words: &'a [usize],
}

impl Schema {
    /// The most characters of a document with such sections.
    pub(crate) const fn max_len(&self, words: &[usize]) -> usize {
        // {"format":"","version":1,"crc32":4294967295}
        let mut len = 44usize.saturating_add(self.format.len());
        let mut integers = self.integers;
        if let Some(version) = self.of_sections(words.len())
            && let Some((own, _)) = integers.split_at_checked(version.integers as usize)
        {
            integers = own;
        }
        while let [Integer { name, .. }, rest @ ..] = integers {
            // ,"":4294967295
            len = len.saturating_add(name.len()).saturating_add(14);
            integers = rest;
        }
        let (mut names, mut words) = (self.sections, words);
        while let ([name, more_names @ ..], [count, more_words @ ..]) = (names, words) {
            // ,"":""
            len = len.saturating_add(name.len()).saturating_add(6).saturating_add(encoded_len(*count));
            (names, words) = (more_names, more_words);
        }
        len
    }

    /// The first version with so many sections.
    const fn of_sections(&self, sections: usize) -> Option<&'static Version> {
        let mut versions = self.versions;
        while let [version, rest @ ..] = versions {
            if version.sections as usize == sections {
                return Some(version);
            }
            versions = rest;
        }
        None
    }

    /// How much of the tables a version has; `None` if there is no such version.
    pub(crate) fn version(&self, version: u32) -> Option<&'static Version> {
        self.versions.get((version as usize).checked_sub(1)?)
    }

    /// The checksum of what comes before the sections.
    pub(crate) fn checksum(outline: &Outline<'_>) -> Crc {
        let mut crc = Crc::new();
        crc.word(outline.version);
        outline.integers.iter().for_each(|word| crc.word(*word));
        crc
    }

    /// Refuses an integer outside its range.
    pub(crate) fn check_integers(&self, values: &[u32]) -> Result<()> {
        for (Integer { name: what, max, min, .. }, got) in self.integers.iter().zip(values) {
            let [got, min, max] = [*got, u32::from(*min), *max].map(|value| value as usize);
            if got < min || got > max {
                return Err(Error::Count { what, got, min, max });
            }
        }
        Ok(())
    }
}

/// Refuses a document made for something else than what loads it.
pub(crate) fn check_equal(what: &'static str, expected: u32, got: u32) -> Result<()> {
    if expected == got { Ok(()) } else { Err(Error::Mismatch { what, expected, got }) }
}
