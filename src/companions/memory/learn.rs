//! Learning a list and remembering it.

use super::clicks::{Clicks, MemoryReceipt};
use super::gather::{gather, score};
use super::record::{Lookup, RecordMut, VectorId, fingerprint, nth_mut, quantise};
use super::told::{Entry, head};
use super::visit::fade_lists;
use super::{MemoryMut, VISITS};
use crate::adapter::stats::{Outcome, Skip};
use crate::adapter::view::AdapterMut;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Checked, Result, check_length, check_measured, public_result, refuse};
use crate::learn::Learn;
use crate::learn::dual::list_feedback::WeightedTarget;
use crate::learn::dual::{
    AlphaSums, Base, Destination, LIMIT_ALONE, List, NoneOfThese, Part, Target, UNIT_RATE,
};
use crate::learn::limits::check_learning_rate;
use crate::learn::sample::{MAX_CANDIDATES, Sample};

/// The most that a mean of documents is longer than those of the first list, and rounding.
const LONGEST_MEAN: f32 = 17.0;
/// The weight of a list in which nothing was clicked: half of that of one click.
const NOTHING_CHOSEN: f32 = 0.25;

impl MemoryMut<'_> {
    /// Learns a list at once and remembers it: it visits the list, then [`VISITS`] remembered lists, in a cycle, and
    /// turns `lora_A`. When the memory is full, the oldest list is dropped; its part of the weights stays.
    ///
    /// A list without a click says that its documents are worse than what lists usually show, with half the weight of a click:
    /// pass it if a person saw it. Before any other list it is skipped.
    ///
    /// `vectors` is called for vectors that the layout keeps by id; pass [`no_vectors`](crate::no_vectors) if it keeps
    /// all vectors itself. Pending events of the adapter are applied first. `learning_rate` is the weight of the list: 0.01
    /// counts its clicks once; the weight of the clicks times the sample's times `rate / 0.01` is at most 16. No
    /// [`Learn::apply_updates`] is needed afterwards.
    ///
    /// # Errors
    /// As [`Learn::adapt_listwise`] and [`Learn::apply_updates`]; also [`Error::Count`] for more documents than the
    /// layout has room for and as [`settle`](Self::settle), [`Error::Missing`] if the host does not find a vector, [`Error::OutOfRange`] for vectors
    /// far from the length of the first list's and for a weight of the list above 16. Nothing is then changed.
    ///
    /// ```
    /// use micro_lora::{Apply, Clicks, Config, Lookup, Memory, MemoryLayout, MicroLora, StepKind, VectorId};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_id(2, 2, 2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// let documents = [[1.0, 0.0], [0.0, 1.0]];
    /// let vectors = |id: VectorId, out: &mut [f32]| match id {
    ///     VectorId::Document(id) if (id as usize) < documents.len() => {
    ///         out.copy_from_slice(&documents[id as usize]);
    ///         Lookup::Found
    ///     }
    ///     _ => Lookup::Gone,
    /// };
    /// let query = [0.8, 0.6];
    /// for _ in 0..20 {
    ///     memory.view().learn(&mut lora, &query, Clicks::on_ids(&[0, 1], &[0.0, 1.0]), 0.01, vectors)?;
    /// }
    /// let mut corrected = query;
    /// lora.apply_residual(&mut corrected)?;
    /// assert!(corrected[1] > corrected[0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn learn<'s>(
        &mut self,
        lora: &mut impl Learn,
        sample: impl Into<Sample<'s>>,
        list: Clicks<'_>,
        learning_rate: f32,
        mut vectors: impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Result<MemoryReceipt> {
        self.check()?;
        let mut view = lora.adapter_mut();
        public_result(self.learn_and_remember(&mut view, &sample.into(), &list, learning_rate, &mut vectors))
    }

    fn learn_and_remember(
        &mut self,
        lora: &mut AdapterMut<'_>,
        sample: &Sample<'_>,
        clicks: &Clicks<'_>,
        learning_rate: f32,
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Checked<MemoryReceipt> {
        let (number, moved) = match self.learn_new(lora, sample, clicks, learning_rate, vectors)? {
            Ok(learned) => learned,
            Err(skipped) => return Ok(skipped),
        };
        let (visits, left_behind) = self.revisit(lora, VISITS, vectors);
        self.fade(lora);
        lora.turn();
        lora.measure();
        lora.header.bump();
        Ok(MemoryReceipt {
            outcome: Outcome::Applied,
            number: Some(number),
            moved,
            visits,
            left_behind,
            generation: lora.header.generation,
        })
    }

    /// Visits a list for the first time and remembers it; gives its number and how far the bias moved. A function of its
    /// own: what it keeps for each document is off a chip's stack before the other lists are visited.
    #[inline(never)]
    fn learn_new(
        &mut self,
        lora: &mut AdapterMut<'_>,
        sample: &Sample<'_>,
        clicks: &Clicks<'_>,
        learning_rate: f32,
        vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
    ) -> Checked<core::result::Result<(u32, f32), MemoryReceipt>> {
        self.check_fits(lora)?;
        check_learning_rate(learning_rate)?;
        lora.check_lists()?;
        self.check_pair(lora)?;
        let seen = lora.check_sample(sample)?;
        let rows = self.count_rows(clicks)?;
        let mut codes = [0; MAX_CANDIDATES];
        let mut weights = [0.0; MAX_CANDIDATES];
        let feedback = self.stored_form(clicks, rows, &mut codes, &mut weights)?;
        let mut share = [0.0; MAX_CANDIDATES];
        let weighted = match feedback.read(rows, clicks.temperature, &mut share)? {
            Ok(_) if sample.weight == 0.0 => Err(Skip::ZeroWeight),
            Ok(_) if learning_rate == 0.0 => Err(Skip::ZeroLearningRate),
            weighted => weighted,
        };
        let is_first = self.mean().count() == 0 || self.header.is_empty() && self.is_stale(lora);
        let nothing_chosen = matches!(weighted, Err(Skip::NothingChosen));
        let weighted = match weighted {
            Ok(weighted) => weighted,
            // That nothing was clicked says that all were worse than what other lists show.
            Err(Skip::NothingChosen) if !is_first && sample.weight > 0.0 && learning_rate > 0.0 => {
                WeightedTarget {
                    target: Target::Share(share.get(..rows).unwrap_or_default()),
                    omega: NOTHING_CHOSEN,
                }
            }
            Err(skip) => return Ok(Err(skipped(lora, skip, seen, feedback.quality()))),
        };
        let layout = self.header.layout();
        let number = self.header.last.wrapping_add(1);
        let query_id = clicks.query_id.unwrap_or(number);
        let Self { header, words, scratch } = self;
        let (query, rest) = scratch.split_at_mut_checked(layout.in_features).unwrap_or_default();
        let (after, rest) = rest.split_at_mut_checked(layout.out_features).unwrap_or_default();
        let documents = rest.get_mut(..rows.saturating_mul(layout.out_features)).unwrap_or_default();
        gather(sample, clicks, &layout, query_id, query, documents, vectors)?;
        let scales = quantise(&layout, query, documents);
        let fingerprint = if layout.asks() { fingerprint(query, documents) } else { 0 };
        let mut scores = [0.0; MAX_CANDIDATES];
        let scores = scores.get_mut(..rows).unwrap_or_default();
        score(scores, sample, clicks, &layout, documents);
        let omega = (sample.weight * weighted.omega) * (learning_rate / UNIT_RATE);
        let base = if layout.scores { Base::Scores(scores) } else { Base::Output(query) };
        // Without its documents, which are centred between its admission and its visit.
        let blank = List {
            input: query,
            base,
            documents: &[],
            target: weighted.target,
            omega,
            temperature: clicks.temperature,
            none: NoneOfThese::NEVER,
        };
        let list = List { documents, ..blank };
        if list.is_zero() {
            return Ok(Err(skipped(lora, Skip::ZeroGradient, seen, feedback.quality())));
        }
        lora.admit(&list, sample.base)?;
        let mut mean = header.split(words).1;
        if is_first {
            mean.clear();
        } else {
            lora.check_mean(&mean.sums(), list.temperature, omega)?;
        }
        if lora.header.pending > 0 {
            // As the update of the adapter itself.
            let fading = lora.header.fading(LIMIT_ALONE);
            crate::learn::dual::apply_updates(lora, UNIT_RATE)?;
            fade_lists(header, words, fading);
        }
        let centre = lora.centre_with(query);
        let (mut alpha, mut h, mut u) = ([0.0; MAX_CANDIDATES], [0.0; 4], [0.0; 4]);
        let part = Part { alpha: alpha.get_mut(..rows).unwrap_or_default(), h: &mut h, u: &mut u };
        let prediction = lora.predict(&list, &centre)?;
        let (lists, mut mean) = header.split(words);
        mean.centre(documents);
        let mut list = List { documents, ..blank };
        if !is_first {
            list.none = lora.none_of_these(&list)?;
        }
        let visited = lora.visit(&list, part, &centre, Destination::Served(after))?;
        if !nothing_chosen {
            lora.keep_evidence(prediction);
        }
        lora.count_input(query, 1.0);
        // From here on nothing can fail.
        if header.len == header.capacity {
            header.oldest = header.place(1) as u32;
            header.len = header.len.saturating_sub(1);
        }
        let place = header.place(header.len);
        let mut record = RecordMut { words: nth_mut(lists, place, layout.words_per_list()), layout };
        record.set_entry(&Entry {
            number,
            head: head(rows, &feedback),
            omega,
            temperature: clicks.temperature,
            fingerprint,
            query_id,
            codes: codes.get(..rows).unwrap_or_default(),
            ids: clicks.ids,
            scores,
        });
        record.set_part(&alpha, &h, &u);
        record.set_vectors(query, clicks.documents, &scales);
        mean.exchange(&AlphaSums::default(), &record.read().alpha_sums(lora.header));
        mean.count_documents(lora, documents, 1.0, after);
        header.len = header.len.saturating_add(1);
        header.last = number;
        lora.count_list(seen, feedback.quality());
        lora.header.trace.updates = lora.header.trace.updates.saturating_add(1);
        Ok(Ok((number, visited.moved)))
    }

    /// Refuses an adapter of other sizes, one without weights, and pending events.
    pub(super) fn check_ready(&self, lora: &AdapterMut<'_>) -> Checked<()> {
        self.check_fits(lora)?;
        lora.header.check_initialised()?;
        if lora.header.pending > 0 {
            return Err(refuse::count("pending", lora.header.pending as usize, 0, 0));
        }
        Ok(())
    }

    /// Refuses an adapter that has learned fewer lists than the memory: it was reset, or is another one. Without lists a memory
    /// goes with any adapter: its mean is then of nothing that counts.
    pub(super) fn check_pair(&mut self, lora: &AdapterMut<'_>) -> Checked<()> {
        if self.header.is_empty() {
            return Ok(());
        }
        let dual = lora.header.dual;
        let mean = self.mean();
        let (counted, norm) = (mean.count() as usize, mean.norm());
        let (remembered, learned) = (self.header.len().max(counted), learned(lora) as usize);
        if remembered > learned {
            return Err(refuse::count(
                "lists in the memory, not more than its adapter has learned",
                remembered,
                0,
                learned,
            ));
        }
        // Only the mean of another adapter's lists is longer.
        check_measured("length of the mean document", norm, 0.0, LONGEST_MEAN * dual.document_norm)
    }

    /// Whether the mean is of more lists than the adapter has learned.
    fn is_stale(&mut self, lora: &AdapterMut<'_>) -> bool {
        self.mean().count() > learned(lora)
    }

    fn check_fits(&self, lora: &AdapterMut<'_>) -> Checked<()> {
        let layout = self.header.layout();
        check_length("in_features of the memory", layout.in_features, lora.header.in_len())?;
        check_length("out_features of the memory", layout.out_features, lora.header.out_len())
    }
}

/// Lists in the adapter's sums. Loaded for inference, it kept their number without the sums.
fn learned(lora: &AdapterMut<'_>) -> u32 {
    if lora.header.is_dual() { lora.header.dual.lists } else { 0 }
}

fn skipped(lora: &mut AdapterMut<'_>, skip: Skip, guard: f32, quality: Option<f32>) -> MemoryReceipt {
    lora.count_list(guard, quality);
    MemoryReceipt {
        outcome: Outcome::Skipped(skip),
        number: None,
        moved: 0.0,
        visits: 0,
        left_behind: 0,
        generation: lora.header.generation,
    }
}
