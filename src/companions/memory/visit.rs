//! Visiting remembered lists again, and what fades between visits.

use super::layout::OMEGA;
use super::record::{Lookup, Record, RecordMut, VectorId};
use super::removal::{Parts, parts};
use super::{MemoryHeader, MemoryMut};
use crate::adapter::view::AdapterMut;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, public_result};
use crate::learn::Learn;
use crate::learn::dual::{
    Base, DOUBT_LIMIT, Destination, FADED, Fading, LIMIT_ALONE, List, NoneOfThese, Part,
};
use crate::learn::sample::MAX_CANDIDATES;

/// The result of visiting a remembered list.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Revisit {
    Done,
    /// Not possible this time: the list is unchanged.
    Passed,
    /// A vector has changed or is gone.
    Lost,
}

impl MemoryMut<'_> {
    /// Visits remembered lists in a cycle, the oldest first, and turns `lora_A` if any was visited. Use it after a list was
    /// forgotten, so that the others converge again. Returns the number of visits.
    ///
    /// # Errors
    /// [`Error::Length`] for a memory of other sizes than the adapter's, [`Error::NotInitialised`],
    /// [`Error::Count`] while events are pending, and for a memory of more lists than the adapter has learned: it was
    /// reset, loaded for inference alone, or saved at another time. [`clear`](Self::clear) the memory, or
    /// [`relearn`](Self::relearn). [`Error::OutOfRange`] if the mean document of the memory is far longer than the
    /// adapter's documents.
    ///
    /// ```
    /// use micro_lora::{Clicks, Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// let list = Clicks::on(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
    /// memory.view().learn(&mut lora, &[0.6, 0.8], list, 0.01, no_vectors)?;
    /// assert_eq!(memory.view().settle(&mut lora, 20, no_vectors)?, 20);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn settle(
        &mut self,
        lora: &mut impl Learn,
        visits: u32,
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<u32> {
        self.check()?;
        let mut view = lora.adapter_mut();
        public_result(self.check_ready(&view))?;
        public_result(self.check_pair(&view))?;
        let (visits, _) = self.revisit(&mut view, visits, &mut vectors);
        if visits > 0 {
            view.turn();
            view.measure();
            view.header.bump();
        }
        Ok(visits)
    }

    /// Visits so many lists in a cycle. Returns how many were visited, and how many were dropped.
    pub(super) fn revisit(
        &mut self,
        lora: &mut AdapterMut<'_>,
        visits: u32,
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> (u32, u32) {
        let (mut done, mut left_behind) = (0u32, 0u32);
        let centre = lora.centre();
        for _ in 0..visits {
            let Some(turn) = self.header.turn.wrapping_add(1).checked_rem(self.header.len) else { break };
            self.header.turn = turn;
            match self.visit(lora, turn, &centre, vectors) {
                Revisit::Done => done = done.saturating_add(1),
                Revisit::Passed => {}
                Revisit::Lost => {
                    self.remove(turn);
                    left_behind = left_behind.saturating_add(1);
                }
            }
        }
        (done, left_behind)
    }

    /// Visits the n-th list, the oldest first.
    fn visit(
        &mut self,
        lora: &mut AdapterMut<'_>,
        n: u32,
        centre: &[f32; 4],
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Revisit {
        let Parts { record: mut written, query, row: after, documents, mut mean } =
            parts(self.header, self.words, self.scratch, n);
        let layout = written.layout;
        let record = written.read();
        let rows = record.rows();
        match record.load(query, documents, vectors) {
            Lookup::Found if record.is_of(query, documents) => {}
            Lookup::Found | Lookup::Gone => return Revisit::Lost,
            Lookup::Failed => return Revisit::Passed,
        }
        if lora.header.check_remembered(query).is_err() {
            return Revisit::Passed;
        }
        mean.centre(documents);
        let before = record.alpha_sums(lora.header);
        let (mut share, mut scores, mut alpha) =
            ([0.0; MAX_CANDIDATES], [0.0; MAX_CANDIDATES], [0.0; MAX_CANDIDATES]);
        let scores = scores.get_mut(..rows).unwrap_or_default();
        let alpha = alpha.get_mut(..rows).unwrap_or_default();
        record.alpha(alpha);
        if layout.scores {
            record.scores(scores);
        }
        let (mut h, mut u) = (record.h(), record.u());
        let mut list = List {
            input: query,
            base: if layout.scores { Base::Scores(scores) } else { Base::Output(query) },
            documents,
            target: record.target(&mut share),
            omega: record.omega(),
            temperature: record.temperature(),
            none: NoneOfThese::NEVER,
        };
        if record.outside() {
            match lora.none_of_these(&list) {
                Ok(none) => list.none = none,
                Err(_) => return Revisit::Passed,
            }
        }
        let part = Part { alpha, h: &mut h, u: &mut u };
        if lora.visit(&list, part, centre, Destination::Served(after)).is_err() {
            return Revisit::Passed;
        }
        written.set_part(alpha, &h, &u);
        mean.exchange(&before, &written.read().alpha_sums(lora.header));
        Revisit::Done
    }

    /// Decay, and doubt, on all that was learned: remembered lists are brought back by their visits. Lists that are
    /// older than the doubt weigh less from then on, and are brought back no further than that.
    pub(super) fn fade(&mut self, lora: &mut AdapterMut<'_>) {
        let limit = if self.is_younger_than_doubt(lora) { LIMIT_ALONE } else { DOUBT_LIMIT };
        let fading = lora.header.fading(limit);
        lora.fade(fading);
        fade_lists(self.header, self.words, fading);
    }

    /// Whether the doubt rose before this memory's first list: it has little to bring back.
    fn is_younger_than_doubt(&mut self, lora: &AdapterMut<'_>) -> bool {
        let [.., since] = lora.header.dual.trust;
        // Lists that the memory has dropped are counted in its mean.
        self.header.len.max(self.mean().count()) as f32 <= since
    }
}

/// What [`AdapterMut::fade`] does to the weights, on the parts of the remembered lists.
pub(super) fn fade_lists(header: &MemoryHeader, words: &mut [u32], Fading { keep, young }: Fading) {
    if keep >= 1.0 {
        return;
    }
    let layout = header.layout();
    let (lists, mut mean) = header.split(words);
    mean.fade(keep);
    for words in lists.chunks_exact_mut(layout.words_per_list().max(1)) {
        let record = Record { words, layout };
        let mut alpha = [0.0; MAX_CANDIDATES];
        let alpha = alpha.get_mut(..record.rows()).unwrap_or_default();
        record.alpha(alpha);
        let (h, u) = (record.h(), record.u());
        alpha.iter_mut().for_each(|alpha| *alpha *= keep);
        let (age, omega) = (header.last.wrapping_sub(record.number()), record.omega());
        let mut written = RecordMut { words, layout };
        written.set_part(alpha, &h, &u.map(|u| keep * u));
        if young.is_some_and(|young| age >= young) {
            // A smaller one could not be loaded; the empty places have none.
            let least = if omega > 0.0 { f32::MIN_POSITIVE } else { 0.0 };
            written.set(OMEGA, (FADED * omega).max(least).to_bits());
        }
    }
}
