//! Removing a list, and learning all of them again.

use super::layout::{FINGERPRINT, MemoryLayout, Stored};
use super::mean::Mean;
use super::record::{Lookup, Record, RecordMut, VectorId, fingerprint, nth_mut, quantise};
use super::{MemoryHeader, MemoryMut, VISITS};
use crate::adapter::limits::{LONGEST, SHORTEST};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, Result, public_result, refuse};
use crate::kernel;
use crate::learn::Learn;
use crate::learn::dual::{AlphaSums, Base, List, NoneOfThese};
use crate::learn::sample::MAX_CANDIDATES;

/// What a call to forget did.
///
/// ```
/// use micro_lora::{Config, Forgotten, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
/// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
/// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
/// assert_eq!(memory.view().forget(&mut lora, 1, no_vectors)?, Forgotten::NotRemembered);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Forgotten {
    /// Its part was subtracted from every sum.
    Done = 0,
    /// No list of this number is remembered (any longer): its part of the weights, if any, cannot be separated.
    NotRemembered = 1,
    /// A vector of it has changed or is gone: the list is dropped, and its part of the weights stays.
    LeftBehind = 2,
    /// The host could not read a vector this time; nothing was changed.
    Failed = 3,
}

impl MemoryMut<'_> {
    /// Removes one list: its part is subtracted from `lora_B`, the bias, the directions and the mean, up to rounding. The
    /// other lists have adapted to it; [`settle`](Self::settle) lets them converge again.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    ///
    /// ```
    /// use micro_lora::{
    ///     Apply, Clicks, Config, Forgotten, Memory, MemoryLayout, MicroLora, StepKind, no_vectors,
    /// };
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// let list = Clicks::on(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
    /// let number = memory.view().learn(&mut lora, &[0.6, 0.8], list, 0.01, no_vectors)?.number;
    /// assert_eq!(memory.view().forget(&mut lora, number.unwrap(), no_vectors)?, Forgotten::Done);
    /// let delta = lora.apply(&[0.6, 0.8])?;
    /// assert!(delta.iter().all(|value| value.abs() < 1e-6));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn forget(
        &mut self,
        lora: &mut impl Learn,
        number: u32,
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<Forgotten> {
        self.check()?;
        let mut view = lora.adapter_mut();
        public_result(self.check_ready(&view))?;
        public_result(self.check_pair(&view))?;
        let Some(n) = self.find(|record| record.number() == number) else {
            return Ok(Forgotten::NotRemembered);
        };
        Ok(self.forget_nth(&mut view, n, &mut vectors))
    }

    /// Removes every list in which a document was shown. Returns how many lists were forgotten, and how many were dropped
    /// with their part left in the weights, or could not be read.
    ///
    /// # Errors
    /// As [`settle`](Self::settle); [`Error::Unsupported`](crate::Error::Unsupported) where documents have no ids.
    ///
    /// ```
    /// use micro_lora::{Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_id(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// assert_eq!(memory.view().forget_document(&mut lora, 7, no_vectors)?, (0, 0));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn forget_document(
        &mut self,
        lora: &mut impl Learn,
        id: u32,
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<(u32, u32)> {
        self.check()?;
        let mut view = lora.adapter_mut();
        public_result(self.check_ready(&view))?;
        public_result(self.check_pair(&view))?;
        public_result(self.check_ids())?;
        let (mut done, mut other) = (0u32, 0u32);
        let mut n = 0;
        while n < self.header.len {
            if !self.record(n).shows(id) {
                n = n.saturating_add(1);
                continue;
            }
            match self.forget_nth(&mut view, n, &mut vectors) {
                Forgotten::Done => done = done.saturating_add(1),
                Forgotten::Failed => {
                    other = other.saturating_add(1);
                    n = n.saturating_add(1);
                }
                _ => other = other.saturating_add(1),
            }
        }
        Ok((done, other))
    }

    /// Learns every remembered list again with other embeddings, after the frozen model was replaced. The adapter's
    /// weights start afresh (settings and counters stay), so the parts of all other lists are gone. `vectors` is called
    /// for every document by id, and for every query by the id that it was learned with.
    ///
    /// Returns how many lists were learned again; those whose vectors are gone, or far from the first list's in length, are
    /// dropped.
    ///
    /// # Errors
    /// As [`settle`](Self::settle); [`Error::Missing`](crate::Error::Missing) if the host fails, or finds the vectors of no
    /// list, or all of them shorter than 0.001 or longer than 1000; [`Error::Unsupported`](crate::Error::Unsupported) for an adapter of another step, where documents have no ids,
    /// or if the memory keeps the host's scores, which are of the old model.
    ///
    /// ```
    /// use micro_lora::{Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_id(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// assert_eq!(memory.view().relearn(&mut lora, no_vectors)?, 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn relearn(
        &mut self,
        lora: &mut impl Learn,
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<u32> {
        self.check()?;
        let mut view = lora.adapter_mut();
        public_result(self.check_ready(&view))?;
        public_result(view.check_lists())?;
        public_result(self.check_ids())?;
        public_result(self.check_no_scores())?;
        // All vectors are requested first: if the host fails half-way, or has none of them, nothing is changed.
        let mut found = self.header.is_empty();
        for n in 0..self.header.len {
            match self.look_up(n, &mut vectors) {
                Lookup::Found => found |= self.is_usable(n),
                Lookup::Gone => {}
                Lookup::Failed => {
                    return public_result(Err(refuse::missing("a finite vector for a remembered id")));
                }
            }
        }
        if !found {
            return public_result(Err(refuse::missing("a remembered list with vectors 0.001 to 1000 long")));
        }
        Ok(self.learn_again(&mut view, &mut vectors))
    }

    fn learn_again(
        &mut self,
        lora: &mut AdapterMut<'_>,
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> u32 {
        lora.start_again();
        self.header.turn = 0;
        self.mean().clear();
        let mut n = 0;
        while n < self.header.len {
            if self.look_up(n, vectors) == Lookup::Found && self.renew(lora, n).is_ok() {
                n = n.saturating_add(1);
            } else {
                self.remove(n);
            }
        }
        for _ in 0..self.header.len {
            let _ = self.revisit(lora, VISITS, vectors);
            lora.turn();
        }
        lora.measure();
        lora.header.bump();
        self.header.len
    }

    /// Copies the vectors of the n-th list into the scratch rows; the host is asked for all of them.
    fn look_up(&mut self, n: u32, vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup) -> Lookup {
        let layout = MemoryLayout { queries: Stored::ById, ..self.header.layout() };
        let Parts { record, query, documents, .. } = parts(self.header, self.words, self.scratch, n);
        Record { words: record.words, layout }.load_all(query, documents, vectors)
    }

    /// Whether the n-th list, whose vectors were looked up, could be the first of an adapter. Not part of its caller's stack frame,
    /// which the host's function runs above.
    #[inline(never)]
    fn is_usable(&mut self, n: u32) -> bool {
        let Parts { query, documents, row, .. } = parts(self.header, self.words, self.scratch, n);
        let squares = kernel::dot(documents, documents) / kernel::rows(documents, row.len()).len() as f32;
        [kernel::norm(query), kernel::sqrt(squares)]
            .iter()
            .all(|length| (SHORTEST..=LONGEST).contains(length))
    }

    /// The n-th list as it was before its first visit, of the vectors in the scratch rows.
    fn renew(&mut self, lora: &mut AdapterMut<'_>, n: u32) -> Checked<()> {
        let Parts { mut record, query, row, documents, mut mean } =
            parts(self.header, self.words, self.scratch, n);
        let read = record.read();
        let mut share = [0.0; MAX_CANDIDATES];
        let list = List {
            input: query,
            base: Base::Output(query),
            documents,
            target: read.target(&mut share),
            omega: read.omega(),
            temperature: read.temperature(),
            none: NoneOfThese::NEVER,
        };
        if list.is_zero() {
            return Err(refuse::zero_norm("query or documents"));
        }
        lora.admit(&list, None)?;
        let scales = quantise(&record.layout, query, documents);
        // Rounding to int8 can take a query past the limit that later visits check.
        lora.header.check_remembered(query)?;
        record.set(FINGERPRINT, fingerprint(query, documents));
        record.set_vectors(query, documents, &scales);
        record.set_part(&[0.0; MAX_CANDIDATES], &[0.0; 4], &[0.0; 4]);
        lora.count_input(query, 1.0);
        if record.read().outside() {
            mean.centre(documents);
            mean.count_documents(lora, documents, 1.0, row);
        }
        Ok(())
    }

    /// The place in order of age of the first list for which this holds.
    pub(super) fn find(&self, holds: impl Fn(&Record<'_>) -> bool) -> Option<u32> {
        (0..self.header.len).find(|n| holds(&self.record(*n)))
    }

    /// The n-th list, the oldest first.
    pub(super) fn record(&self, n: u32) -> Record<'_> {
        let layout = self.header.layout();
        let words = self.words.chunks_exact(layout.words_per_list().max(1)).nth(self.header.place(n));
        Record { words: words.unwrap_or_default(), layout }
    }

    fn forget_nth(
        &mut self,
        lora: &mut AdapterMut<'_>,
        n: u32,
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Forgotten {
        let Parts { record, query, row: sum, documents, mut mean } =
            parts(self.header, self.words, self.scratch, n);
        let read = record.read();
        match read.load(query, documents, vectors) {
            Lookup::Failed => return Forgotten::Failed,
            Lookup::Found if read.is_of(query, documents) => {}
            _ => {
                self.remove(n);
                return Forgotten::LeftBehind;
            }
        }
        mean.centre(documents);
        read.sum(sum, documents);
        let part = read.alpha_sums(lora.header);
        let taken = lora
            .check_mean(&mean.sums().less(&part), read.temperature(), 0.0)
            .and_then(|()| lora.take_out(query, sum, read.temperature(), &read.h(), &read.u()));
        if taken.is_ok() {
            mean.exchange(&part, &AlphaSums::default());
            if read.outside() {
                mean.count_documents(lora, documents, -1.0, sum);
            }
        }
        self.remove(n);
        if taken.is_err() {
            return Forgotten::LeftBehind;
        }
        lora.measure();
        lora.header.bump();
        Forgotten::Done
    }

    /// Removes the n-th list from the words, and overwrites the place that becomes free.
    pub(super) fn remove(&mut self, n: u32) {
        let len = self.header.layout().words_per_list();
        for n in n..self.header.len.saturating_sub(1) {
            let (to, from) = (self.header.place(n), self.header.place(n.saturating_add(1)));
            let (to, from) = (to.saturating_mul(len), from.saturating_mul(len));
            for i in 0..len {
                let word = self.words.get(from.saturating_add(i)).copied().unwrap_or_default();
                if let Some(place) = self.words.get_mut(to.saturating_add(i)) {
                    *place = word;
                }
            }
        }
        let last = self.header.place(self.header.len.saturating_sub(1));
        nth_mut(self.words, last, len).fill(0);
        self.header.len = self.header.len.saturating_sub(1);
    }

    fn check_ids(&self) -> Checked<()> {
        match self.header.layout().documents {
            Stored::ById => Ok(()),
            _ => Err(refuse::unsupported("documents of the memory", "known by id")),
        }
    }

    fn check_no_scores(&self) -> Checked<()> {
        match self.header.layout().scores {
            false => Ok(()),
            true => Err(refuse::unsupported("scores of the memory", "not kept")),
        }
    }
}

/// The n-th list, the scratch rows, and the mean of the documents.
pub(super) struct Parts<'a> {
    pub(super) record: RecordMut<'a>,
    pub(super) query: &'a mut [f32],
    /// A row of `out_features`.
    pub(super) row: &'a mut [f32],
    /// As many rows as the list has.
    pub(super) documents: &'a mut [f32],
    pub(super) mean: Mean<'a>,
}

pub(super) fn parts<'a>(
    header: &MemoryHeader,
    words: &'a mut [u32],
    scratch: &'a mut [f32],
    n: u32,
) -> Parts<'a> {
    let layout = header.layout();
    let (lists, mean) = header.split(words);
    let record = RecordMut { words: nth_mut(lists, header.place(n), layout.words_per_list()), layout };
    let (query, rest) = scratch.split_at_mut_checked(layout.in_features).unwrap_or_default();
    let (row, rest) = rest.split_at_mut_checked(layout.out_features).unwrap_or_default();
    let rows = record.read().rows();
    let documents = rest.get_mut(..rows.saturating_mul(layout.out_features)).unwrap_or_default();
    Parts { record, query, row, documents, mean }
}
