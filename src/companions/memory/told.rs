//! What was clicked, checked and in the form that is stored.

use super::MemoryMut;
use super::clicks::Clicks;
use super::layout::{ALL_BUT, FINGERPRINT, NUMBER, OMEGA, OUTSIDE, QUERY_ID, ROWS, Stored, TEMPERATURE};
use super::record::RecordMut;
use crate::error::{Checked, check_length, refuse};
use crate::kernel;
use crate::learn::dual::list_feedback::ListFeedback;
use crate::learn::sample::{MAX_CANDIDATES, MIN_CANDIDATES};

impl MemoryMut<'_> {
    /// How many documents there are, by id or by value as the layout has it.
    pub(super) fn count_rows(&self, clicks: &Clicks<'_>) -> Checked<usize> {
        let layout = self.header.layout();
        let out_len = layout.out_features;
        let by_id = layout.documents == Stored::ById;
        let rows = if by_id { clicks.ids.len() } else { kernel::rows(clicks.documents, out_len).len() };
        if !by_id && !kernel::rows(clicks.documents, out_len).remainder().is_empty() {
            let expected = rows.saturating_add(1).saturating_mul(out_len);
            return Err(refuse::length("documents", expected, clicks.documents.len()));
        }
        if rows < MIN_CANDIDATES || rows > layout.list {
            let what = match (by_id, rows) {
                (true, 0) => "ids (documents are kept by id)",
                (false, 0) => "documents (kept by value)",
                (true, _) => "ids",
                (false, _) => "documents",
            };
            return Err(refuse::count(what, rows, MIN_CANDIDATES, layout.list));
        }
        if let Some(scores) = clicks.scores {
            check_length("scores", scores.len(), rows)?;
            if let Some(index) = kernel::first_not_finite(scores) {
                return Err(refuse::not_finite_at("scores", index));
            }
            if !layout.scores {
                return Err(refuse::count("scores, in a layout without them", rows, 0, 0));
            }
        }
        Ok(rows)
    }

    /// The feedback as it is stored: weights in steps of 1/255 of the largest.
    pub(super) fn stored_form<'w>(
        &self,
        clicks: &Clicks<'_>,
        rows: usize,
        codes: &mut [u8; MAX_CANDIDATES],
        weights: &'w mut [f32; MAX_CANDIDATES],
    ) -> Checked<ListFeedback<'w>> {
        let feedback = clicks.feedback();
        let ListFeedback::Weights(given) = feedback else {
            if clicks.quality > 0.5
                && let Some(code) = codes.get_mut(clicks.chosen)
            {
                *code = 255;
            }
            return Ok(ListFeedback::Choice { chosen: clicks.chosen, quality: clicks.quality });
        };
        // The values as given are checked first, so that errors name them.
        let _ = feedback.read(rows, clicks.temperature, weights)?;
        let largest = given.iter().copied().fold(0.0, f32::max);
        for ((code, weight), given) in codes.iter_mut().zip(&mut *weights).zip(given) {
            *code = if largest > 0.0 { libm::roundf((given / largest) * 255.0) as u8 } else { 0 };
            *weight = f32::from(*code);
        }
        Ok(ListFeedback::Weights(weights.get(..rows).unwrap_or_default()))
    }
}

/// The second word of a list.
pub(super) fn head(rows: usize, feedback: &ListFeedback<'_>) -> u32 {
    let thumb = match *feedback {
        ListFeedback::Choice { chosen, quality } if quality < 0.5 => ALL_BUT | (chosen as u32) << 16,
        _ => 0,
    };
    rows as u32 | OUTSIDE | thumb
}

/// What is kept of a list besides its vectors and its part of the weights.
pub(super) struct Entry<'a> {
    pub(super) number: u32,
    pub(super) head: u32,
    pub(super) omega: f32,
    pub(super) temperature: f32,
    pub(super) fingerprint: u32,
    pub(super) query_id: u32,
    pub(super) codes: &'a [u8],
    pub(super) ids: &'a [u32],
    pub(super) scores: &'a [f32],
}

impl RecordMut<'_> {
    /// Overwrites whatever list was there.
    pub(super) fn set_entry(&mut self, entry: &Entry<'_>) {
        let layout = self.layout;
        self.words.fill(0);
        self.set(NUMBER, entry.number);
        self.set(ROWS, entry.head);
        self.set(OMEGA, entry.omega.to_bits());
        self.set(TEMPERATURE, entry.temperature.to_bits());
        self.set(FINGERPRINT, entry.fingerprint);
        self.set(QUERY_ID, entry.query_id);
        self.set_weights(entry.codes);
        if layout.documents == Stored::ById {
            for (row, id) in entry.ids.iter().enumerate() {
                self.set(layout.ids_at().saturating_add(row), *id);
            }
        }
        if layout.scores {
            self.set_floats(layout.scores_at(), entry.scores);
        }
    }
}
