//! One remembered list: its words, and its vectors as they are visited.

use super::layout::{
    ALL_BUT, ALPHA, FINGERPRINT, H, MemoryLayout, NUMBER, OMEGA, OUTSIDE, QUERY_ID, QUERY_SCALE, ROWS,
    Stored, TEMPERATURE, U,
};
use crate::adapter::header::Header;
use crate::companions::replay::codes::{CODE_MAX, inverse_of};
use crate::kernel;
use crate::learn::dual::{AlphaSums, Target};
use crate::learn::sample::MAX_CANDIDATES;

/// Which vector a memory asks the host for.
///
/// ```
/// use micro_lora::VectorId;
/// assert_ne!(VectorId::Document(7), VectorId::Query(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorId {
    /// The document of this id, `out_features` values.
    Document(u32),
    /// The query of this id, `in_features` values.
    Query(u32),
}

/// The host's answer to a request for a vector.
///
/// ```
/// use micro_lora::{Lookup, VectorId};
/// let documents = [[1.0, 0.0], [0.0, 1.0]];
/// let mut vectors = |id: VectorId, out: &mut [f32]| match id {
///     VectorId::Document(id) => match documents.get(id as usize) {
///         Some(document) => {
///             out.copy_from_slice(document);
///             Lookup::Found
///         }
///         None => Lookup::Gone,
///     },
///     VectorId::Query(_) => Lookup::Gone,
/// };
/// assert_eq!(vectors(VectorId::Document(2), &mut [0.0; 2]), Lookup::Gone);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Lookup {
    /// The vector has been written.
    Found = 0,
    /// The vector no longer exists. The lists with it are dropped: what they taught stays, and can no longer be
    /// forgotten.
    Gone = 1,
    /// It could not be read this time, as when a database does not answer: its lists stay as they are.
    Failed = 2,
}

/// For a memory that keeps all vectors itself and asks for none. The answer is that the vector cannot be read now, so
/// that a memory that does ask drops no list by mistake.
///
/// ```
/// use micro_lora::{Lookup, VectorId, no_vectors};
/// assert_eq!(no_vectors(VectorId::Document(0), &mut []), Lookup::Failed);
/// ```
pub fn no_vectors(_: VectorId, _: &mut [f32]) -> Lookup {
    Lookup::Failed
}

/// A list that is read.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) words: &'a [u32],
    pub(super) layout: MemoryLayout,
}

impl<'a> Record<'a> {
    pub(super) fn word(&self, at: usize) -> u32 {
        self.words.get(at).copied().unwrap_or_default()
    }

    pub(super) fn float(&self, at: usize) -> f32 {
        f32::from_bits(self.word(at))
    }

    pub(super) fn number(&self) -> u32 {
        self.word(NUMBER)
    }

    pub(super) fn rows(&self) -> usize {
        ((self.word(ROWS) & 0xFF) as usize).min(self.layout.list)
    }

    pub(super) fn temperature(&self) -> f32 {
        self.float(TEMPERATURE)
    }

    pub(super) fn outside(&self) -> bool {
        self.word(ROWS) & OUTSIDE != 0
    }

    pub(super) fn omega(&self) -> f32 {
        self.float(OMEGA)
    }

    pub(super) fn four(&self, at: usize) -> [f32; 4] {
        let mut four = [0.0; 4];
        self.floats(at, &mut four);
        four
    }

    pub(super) fn floats(&self, at: usize, out: &mut [f32]) {
        for (out, word) in out.iter_mut().zip(self.words.get(at..).unwrap_or_default()) {
            *out = f32::from_bits(*word);
        }
    }

    pub(super) fn h(&self) -> [f32; 4] {
        self.four(H)
    }

    pub(super) fn u(&self) -> [f32; 4] {
        self.four(U)
    }

    pub(super) fn alpha(&self, out: &mut [f32]) {
        self.floats(ALPHA, out);
    }

    pub(super) fn id(&self, row: usize) -> u32 {
        self.word(self.layout.ids_at().saturating_add(row))
    }

    /// What was wanted; shares go to `share`.
    pub(super) fn target<'s>(&self, share: &'s mut [f32; MAX_CANDIDATES]) -> Target<'s> {
        let head = self.word(ROWS);
        if head & ALL_BUT != 0 {
            return Target::AllBut((head >> 16) as usize);
        }
        let rows = self.rows();
        let mut sum = 0.0;
        for (row, share) in share.iter_mut().enumerate().take(rows) {
            *share = f32::from(self.weight(row));
            sum += *share;
        }
        // Without a click every share is 0.
        if sum > 0.0 {
            for share in share.iter_mut().take(rows) {
                *share /= sum;
            }
        }
        Target::Share(share.get(..rows).unwrap_or_default())
    }

    pub(super) fn weight(&self, row: usize) -> u8 {
        let word = self.word(self.layout.weights_at().saturating_add(row / 4));
        word.to_le_bytes().get(row % 4).copied().unwrap_or_default()
    }

    pub(super) fn scores(&self, out: &mut [f32]) {
        self.floats(self.layout.scores_at(), out);
    }

    /// Copies the remembered query and documents into `query` and `documents`.
    pub(super) fn load(
        &self,
        query: &mut [f32],
        documents: &mut [f32],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Lookup {
        let found = self.load_query(query, vectors);
        if found != Lookup::Found {
            return found;
        }
        self.load_documents(documents, vectors)
    }

    /// The same, the host asked for all of it.
    pub(super) fn load_all(
        &self,
        query: &mut [f32],
        documents: &mut [f32],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Lookup {
        match find(VectorId::Query(self.word(QUERY_ID)), query, vectors) {
            Lookup::Found => self.load_documents(documents, vectors),
            answer => answer,
        }
    }

    /// `X^T alpha`.
    pub(super) fn sum(&self, sum: &mut [f32], documents: &[f32]) {
        let mut alpha = [0.0; MAX_CANDIDATES];
        let alpha = alpha.get_mut(..self.rows()).unwrap_or_default();
        self.alpha(alpha);
        kernel::clear(sum);
        kernel::mix(sum, 0.0, alpha, documents);
    }

    pub(super) fn alpha_sums(&self, header: &Header) -> AlphaSums {
        let mut sum = 0.0;
        for word in self.words.iter().skip(ALPHA).take(self.rows()) {
            sum += f32::from_bits(*word);
        }
        header.alpha_sums(self.temperature(), sum, &self.h())
    }

    /// Whether a document was shown in it.
    pub(super) fn shows(&self, id: u32) -> bool {
        (0..self.rows()).any(|row| self.id(row) == id)
    }

    fn load_query(
        &self,
        query: &mut [f32],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Lookup {
        let at = self.layout.query_at();
        match self.layout.queries {
            Stored::F32 => self.floats(at, query),
            Stored::Int8 => {
                let words = self.words.get(at..).unwrap_or_default();
                kernel::unpack_codes(query, words, self.float(QUERY_SCALE));
            }
            Stored::ById => return find(VectorId::Query(self.word(QUERY_ID)), query, vectors),
        }
        Lookup::Found
    }

    fn load_documents(
        &self,
        documents: &mut [f32],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Lookup {
        let out_len = self.layout.out_features;
        let at = self.layout.documents_at();
        if self.layout.documents == Stored::F32 {
            self.floats(at, documents);
            return Lookup::Found;
        }
        let codes_at = at.saturating_add(self.layout.list);
        let mut codes = self.words.get(codes_at..).unwrap_or_default().chunks(out_len.div_ceil(4).max(1));
        for (row, document) in kernel::rows_mut(documents, out_len).enumerate() {
            if self.layout.documents == Stored::Int8 {
                let words = codes.next().unwrap_or_default();
                kernel::unpack_codes(document, words, self.float(at.saturating_add(row)));
            } else {
                let found = find(VectorId::Document(self.id(row)), document, vectors);
                if found != Lookup::Found {
                    return found;
                }
            }
        }
        Lookup::Found
    }

    /// Whether the vectors are those that the list was learned with.
    pub(super) fn is_of(&self, query: &[f32], documents: &[f32]) -> bool {
        !self.layout.asks() || self.word(FINGERPRINT) == fingerprint(query, documents)
    }
}

impl MemoryLayout {
    /// Whether the host is asked for vectors.
    pub(super) fn asks(&self) -> bool {
        self.queries == Stored::ById || self.documents == Stored::ById
    }
}

/// Asks the host; a vector that is not finite counts as one that could not be read.
pub(super) fn find(
    id: VectorId,
    out: &mut [f32],
    vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
) -> Lookup {
    kernel::clear(out);
    match vectors(id, out) {
        Lookup::Found if !kernel::largest(out).is_finite() => Lookup::Failed,
        answer => answer,
    }
}

/// A list that is written.
pub(super) struct RecordMut<'a> {
    pub(super) words: &'a mut [u32],
    pub(super) layout: MemoryLayout,
}

impl RecordMut<'_> {
    pub(super) fn read(&self) -> Record<'_> {
        Record { words: self.words, layout: self.layout }
    }

    pub(super) fn set(&mut self, at: usize, word: u32) {
        if let Some(place) = self.words.get_mut(at) {
            *place = word;
        }
    }

    pub(super) fn set_floats(&mut self, at: usize, values: &[f32]) {
        for (place, value) in self.words.get_mut(at..).unwrap_or_default().iter_mut().zip(values) {
            *place = value.to_bits();
        }
    }

    pub(super) fn set_part(&mut self, alpha: &[f32], h: &[f32; 4], u: &[f32; 4]) {
        self.set_floats(ALPHA, alpha.get(..self.layout.list).unwrap_or(alpha));
        self.set_floats(H, h);
        self.set_floats(U, u);
    }

    pub(super) fn set_weights(&mut self, codes: &[u8]) {
        let at = self.layout.weights_at();
        for (place, codes) in self.words.get_mut(at..).unwrap_or_default().iter_mut().zip(codes.chunks(4)) {
            *place = word_of(codes.iter().copied());
        }
    }

    /// Stores vectors that [`quantise`] has rounded.
    pub(super) fn set_vectors(&mut self, query: &[f32], documents: &[f32], scales: &Scales) {
        let layout = self.layout;
        let at = layout.query_at();
        match layout.queries {
            Stored::F32 => self.set_floats(at, query),
            Stored::Int8 => {
                self.set_floats(QUERY_SCALE, &[scales.query]);
                let words = self.words.get_mut(at..).unwrap_or_default();
                kernel::pack_codes(words, query, inverse_of(scales.query));
            }
            Stored::ById => {}
        }
        let at = layout.documents_at();
        match layout.documents {
            Stored::F32 => self.set_floats(at, documents),
            Stored::Int8 => {
                self.set_floats(at, scales.documents.get(..layout.list).unwrap_or_default());
                let codes_at = at.saturating_add(layout.list);
                let row = layout.out_features.div_ceil(4).max(1);
                let codes = self.words.get_mut(codes_at..).unwrap_or_default().chunks_mut(row);
                let rows = kernel::rows(documents, layout.out_features);
                for ((codes, document), scale) in codes.zip(rows).zip(scales.documents) {
                    kernel::pack_codes(codes, document, inverse_of(scale));
                }
            }
            Stored::ById => {}
        }
    }
}

/// Scales of the vectors of one list.
pub(super) struct Scales {
    query: f32,
    documents: [f32; MAX_CANDIDATES],
}

/// Rounds vectors to the values that will be stored.
pub(super) fn quantise(layout: &MemoryLayout, query: &mut [f32], documents: &mut [f32]) -> Scales {
    let mut scales = Scales { query: 0.0, documents: [0.0; MAX_CANDIDATES] };
    if layout.queries == Stored::Int8 {
        scales.query = round(query);
    }
    if layout.documents == Stored::Int8 {
        let rows = kernel::rows_mut(documents, layout.out_features);
        for (document, scale) in rows.zip(&mut scales.documents) {
            *scale = round(document);
        }
    }
    scales
}

/// Rounds to multiples of a scale, which it gives.
fn round(vector: &mut [f32]) -> f32 {
    let scale = kernel::largest(vector) / CODE_MAX;
    kernel::round_to_codes(vector, inverse_of(scale), scale);
    scale
}

fn word_of(bytes: impl Iterator<Item = u8>) -> u32 {
    let mut word = [0; 4];
    word.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    u32::from_le_bytes(word)
}

/// Of 32 lanes, as a dot product has them: one changed bit changes it, and so does another order.
pub(super) fn fingerprint(query: &[f32], documents: &[f32]) -> u32 {
    let mut lanes = [0x811C_9DC5_u32; 32];
    for values in [query, documents] {
        let (blocks, rest) = values.as_chunks::<32>();
        for block in blocks {
            for (lane, value) in lanes.iter_mut().zip(block) {
                *lane = stir(*lane, value.to_bits());
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane = stir(*lane, value.to_bits());
        }
    }
    lanes.iter().fold(0, |all, lane| stir(all, *lane))
}

/// The multiplier of FNV-1a (Fowler, Noll, Vo), on words; the rotation brings high bits down.
const fn stir(lane: u32, word: u32) -> u32 {
    (lane.rotate_left(7) ^ word).wrapping_mul(0x0100_0193)
}

/// The n-th of equal pieces; empty if there is none.
pub(super) fn nth_mut<T>(pieces: &mut [T], n: usize, len: usize) -> &mut [T] {
    pieces.chunks_exact_mut(len.max(1)).nth(n).unwrap_or_default()
}
