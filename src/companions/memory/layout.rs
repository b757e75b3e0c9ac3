//! The layout of a remembered list: which word holds what.
//!
//! ```text
//! number  rows | all_but << 8 | outside << 9 | chosen << 16  omega  temperature  fingerprint  query id  query scale  h[4]  u[4]
//! alpha[list]  weights as bytes[list]  ids[list] or none  scores[list] or none  query  documents
//! ```
//!
//! After all lists come the words of [`mean`](super::mean).

use super::mean;
use crate::adapter::config::MAX_FEATURES;
use crate::error::{Error, Result};
use crate::learn::sample::{MAX_CANDIDATES, MIN_CANDIDATES};

/// How the vectors of a list are remembered.
///
/// ```
/// use micro_lora::{MemoryLayout, Stored};
/// assert_eq!(MemoryLayout::by_id(384, 384, 10).queries, Stored::Int8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stored {
    /// As f32, unchanged.
    F32 = 0,
    /// As int8 with one scale a vector, the largest magnitude being 127.
    Int8 = 1,
    /// As a number from which the host finds the vector again.
    ById = 2,
}

/// What a memory keeps of each list.
///
/// ```
/// use micro_lora::MemoryLayout;
/// // 256 lists of ten results in 157 KB, their documents by id; 600 in 111 KB with the queries by id, too.
/// let layout = MemoryLayout::by_id(384, 384, 10);
/// assert_eq!(4 * (layout.words(256) + layout.scratch()), 157_208);
/// let layout = MemoryLayout::all_by_id(384, 384, 10);
/// assert_eq!(4 * (layout.words(600) + layout.scratch()), 111_192);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryLayout {
    /// Values of a query, 1 to 1,048,576.
    pub in_features: usize,
    /// Values of a document, 1 to 1,048,576.
    pub out_features: usize,
    /// The most documents of a list, 2 to 64.
    pub list: usize,
    /// How queries are kept.
    pub queries: Stored,
    /// How documents are kept.
    pub documents: Stored,
    /// Whether the scores by which the host ranked the documents are kept, 4 bytes a document. Always so where
    /// `in_features` and `out_features` differ: there is no other base.
    pub scores: bool,
}

/// Where things are in a list; the arrays follow.
pub(super) const NUMBER: usize = 0;
pub(super) const ROWS: usize = 1;
pub(super) const OMEGA: usize = 2;
pub(super) const TEMPERATURE: usize = 3;
pub(super) const FINGERPRINT: usize = 4;
pub(super) const QUERY_ID: usize = 5;
pub(super) const QUERY_SCALE: usize = 6;
pub(super) const H: usize = 7;
pub(super) const U: usize = 11;
pub(crate) const ALPHA: usize = 15;

/// Bits of the second word.
pub(super) const ALL_BUT: u32 = 0x100;
/// "None of these" is an option of its softmax, and its documents are counted in the mean. A list of a memory that was
/// saved as version 1 has neither.
pub(super) const OUTSIDE: u32 = 0x200;

const MAX_CAPACITY: usize = 65_536;

impl MemoryLayout {
    /// Documents by id, queries as int8.
    ///
    /// ```
    /// use micro_lora::{MemoryLayout, Stored};
    /// assert_eq!(MemoryLayout::by_id(384, 384, 10).documents, Stored::ById);
    /// ```
    #[must_use]
    pub const fn by_id(in_features: usize, out_features: usize, list: usize) -> Self {
        Self::stored(in_features, out_features, list, Stored::Int8, Stored::ById)
    }

    /// Documents and queries by id.
    ///
    /// ```
    /// use micro_lora::{MemoryLayout, Stored};
    /// assert_eq!(MemoryLayout::all_by_id(384, 384, 10).queries, Stored::ById);
    /// ```
    #[must_use]
    pub const fn all_by_id(in_features: usize, out_features: usize, list: usize) -> Self {
        Self::stored(in_features, out_features, list, Stored::ById, Stored::ById)
    }

    /// Documents and queries as int8: the host need not find them again.
    ///
    /// ```
    /// use micro_lora::{MemoryLayout, Stored};
    /// assert_eq!(MemoryLayout::by_value(384, 384, 10).documents, Stored::Int8);
    /// ```
    #[must_use]
    pub const fn by_value(in_features: usize, out_features: usize, list: usize) -> Self {
        Self::stored(in_features, out_features, list, Stored::Int8, Stored::Int8)
    }

    /// Queries and documents stored in different ways.
    ///
    /// ```
    /// use micro_lora::{MemoryLayout, Stored};
    /// let layout = MemoryLayout::stored(384, 384, 10, Stored::F32, Stored::ById);
    /// assert_eq!(layout.queries, Stored::F32);
    /// ```
    #[must_use]
    pub const fn stored(
        in_features: usize,
        out_features: usize,
        list: usize,
        queries: Stored,
        documents: Stored,
    ) -> Self {
        Self { in_features, out_features, list, queries, documents, scores: in_features != out_features }
    }

    /// Keeps the host's scores.
    ///
    /// ```
    /// assert!(micro_lora::MemoryLayout::by_id(384, 384, 10).with_scores().scores);
    /// ```
    #[must_use]
    pub const fn with_scores(mut self) -> Self {
        self.scores = true;
        self
    }

    /// Words of one list.
    ///
    /// ```
    /// assert_eq!(micro_lora::MemoryLayout::all_by_id(384, 384, 10).words_per_list(), 38);
    /// ```
    #[must_use]
    pub const fn words_per_list(&self) -> usize {
        self.documents_at().saturating_add(match self.documents {
            Stored::F32 => self.list.saturating_mul(self.out_features),
            Stored::Int8 => self.list.saturating_add(self.list.saturating_mul(self.out_features.div_ceil(4))),
            Stored::ById => 0,
        })
    }

    /// Words of so many lists, and of the mean of their documents.
    ///
    /// ```
    /// assert_eq!(micro_lora::MemoryLayout::all_by_id(384, 384, 10).words(2), 2 * 38 + 390);
    /// ```
    #[must_use]
    pub const fn words(&self, capacity: usize) -> usize {
        self.words_of_lists(capacity).saturating_add(self.words_of_mean())
    }

    pub(super) const fn words_of_lists(&self, lists: usize) -> usize {
        self.words_per_list().saturating_mul(lists)
    }

    pub(super) const fn words_of_mean(&self) -> usize {
        self.out_features.saturating_add(mean::HEAD)
    }

    /// How long the sections of a saved memory are.
    pub(super) const fn sections(&self, lists: usize) -> [usize; 2] {
        [self.words_of_lists(lists), self.words_of_mean()]
    }

    /// Values of scratch memory: the vectors of one list, and a row more.
    ///
    /// ```
    /// assert_eq!(micro_lora::MemoryLayout::by_id(384, 384, 10).scratch(), 12 * 384);
    /// ```
    #[must_use]
    pub const fn scratch(&self) -> usize {
        self.list.saturating_add(1).saturating_mul(self.out_features).saturating_add(self.in_features)
    }

    pub(super) const fn weights_at(&self) -> usize {
        ALPHA.saturating_add(self.list)
    }

    pub(super) const fn ids_at(&self) -> usize {
        self.weights_at().saturating_add(self.list.div_ceil(4))
    }

    pub(super) const fn scores_at(&self) -> usize {
        let has_ids = matches!(self.documents, Stored::ById);
        self.ids_at().saturating_add(if has_ids { self.list } else { 0 })
    }

    pub(super) const fn query_at(&self) -> usize {
        self.scores_at().saturating_add(if self.scores { self.list } else { 0 })
    }

    pub(super) const fn documents_at(&self) -> usize {
        self.query_at().saturating_add(match self.queries {
            Stored::F32 => self.in_features,
            Stored::Int8 => self.in_features.div_ceil(4),
            Stored::ById => 0,
        })
    }

    /// The words of a list that hold f32: vectors, scales and scores. All others are int8 codes, or checked separately.
    pub(super) fn float_words(&self) -> [core::ops::Range<usize>; 4] {
        let query = if self.queries == Stored::F32 { self.in_features } else { 0 };
        let documents = match self.documents {
            Stored::F32 => self.list.saturating_mul(self.out_features),
            Stored::Int8 => self.list,
            Stored::ById => 0,
        };
        let scores = if self.scores { self.list } else { 0 };
        let at = |start: usize, len: usize| start..start.saturating_add(len);
        [
            at(QUERY_SCALE, 1),
            at(self.scores_at(), scores),
            at(self.query_at(), query),
            at(self.documents_at(), documents),
        ]
    }

    pub(super) const fn kinds(&self) -> u32 {
        (self.queries as u32) | (self.documents as u32) << 2 | (self.scores as u32) << 4
    }

    pub(super) const fn of(sizes: [usize; 3], kinds: u32) -> Self {
        const fn stored(kind: u32) -> Stored {
            match kind & 3 {
                0 => Stored::F32,
                1 => Stored::Int8,
                _ => Stored::ById,
            }
        }
        let [in_features, out_features, list] = sizes;
        Self {
            in_features,
            out_features,
            list,
            queries: stored(kinds),
            documents: stored(kinds >> 2),
            scores: kinds & 16 != 0,
        }
    }

    /// Refuses sizes outside their ranges.
    pub(super) const fn check(&self, capacity: usize) -> Result<()> {
        let mut left: &[(&'static str, usize, usize, usize)] = &[
            ("list", self.list, MIN_CANDIDATES, MAX_CANDIDATES),
            ("capacity", capacity, 1, MAX_CAPACITY),
            ("in_features", self.in_features, 1, MAX_FEATURES),
            ("out_features", self.out_features, 1, MAX_FEATURES),
            (
                "scores where in_features and out_features differ",
                self.scores as usize,
                self.least_scores(),
                1,
            ),
        ];
        while let [(what, got, min, max), rest @ ..] = left {
            if *got < *min || *got > *max {
                return Err(Error::Count { what, got: *got, min: *min, max: *max });
            }
            left = rest;
        }
        Ok(())
    }

    const fn least_scores(&self) -> usize {
        (self.in_features != self.out_features) as usize
    }
}
