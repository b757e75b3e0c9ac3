//! The mean over the lists, remembered and overwritten ones, of their mean document: each list counts once. A list's documents
//! are compared with it: see [`NoneOfThese`](crate::learn::dual::NoneOfThese).
//!
//! Its words follow the lists':
//!
//! ```text
//! lists counted  S  Sh[4]  m[out_features]            S = sum_i sum_j alpha_ij / (lambda tau_i),  Sh = sum_i h_i sum_j alpha_ij / (lambda tau_i)
//! ```
//!
//! `b` and `C` are sums of `(X_i - m)^T alpha_i`. So when `m` moves by d, `b` moves by `-S d`, and `C` by `-gamma Sh (x) d`:
//! a list can then be removed exactly, although `m` has moved since it was learned.

use crate::adapter::view::AdapterMut;
use crate::kernel;
use crate::learn::dual::AlphaSums;

const COUNT: usize = 0;
const S: usize = 1;
/// Words before the mean itself.
pub(crate) const HEAD: usize = 6;

/// The words of the mean.
pub(super) struct Mean<'a> {
    pub(super) words: &'a mut [u32],
}

impl Mean<'_> {
    /// How many lists it is of.
    pub(super) fn count(&self) -> u32 {
        self.words.get(COUNT).copied().unwrap_or_default()
    }

    /// The L2 norm of the mean.
    pub(super) fn norm(&self) -> f32 {
        let mut squares = 0.0;
        for word in self.words.iter().skip(HEAD) {
            squares += f32::from_bits(*word) * f32::from_bits(*word);
        }
        kernel::sqrt(squares)
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    pub(super) fn sums(&self) -> AlphaSums {
        let [_, s, sh @ ..] =
            self.words.first_chunk::<HEAD>().copied().unwrap_or_default().map(f32::from_bits);
        AlphaSums { s, sh }
    }

    fn set_sums(&mut self, AlphaSums { s, sh }: AlphaSums) {
        let values = [s].into_iter().chain(sh);
        for (word, value) in self.words.iter_mut().skip(S).zip(values) {
            *word = value.to_bits();
        }
    }

    /// Subtracts the mean from each document.
    pub(super) fn centre(&self, documents: &mut [f32]) {
        let mean = self.words.get(HEAD..).unwrap_or_default();
        for document in kernel::rows_mut(documents, mean.len()) {
            for (value, mean) in document.iter_mut().zip(mean) {
                *value -= f32::from_bits(*mean);
            }
        }
    }

    /// A list's part of the sums has changed. Before the first counted list there is nothing to keep: those lists have no
    /// option, so their alphas sum to 0.
    pub(super) fn exchange(&mut self, before: &AlphaSums, after: &AlphaSums) {
        if self.count() == 0 {
            return;
        }
        let AlphaSums { mut s, mut sh } = self.sums();
        s += after.s - before.s;
        for ((sum, before), after) in sh.iter_mut().zip(before.sh).zip(after.sh) {
            *sum += after - before;
        }
        self.set_sums(AlphaSums { s, sh });
    }

    /// All that was learned fades.
    pub(super) fn fade(&mut self, keep: f32) {
        let AlphaSums { s, sh } = self.sums();
        self.set_sums(AlphaSums { s: keep * s, sh: sh.map(|sum| keep * sum) });
    }

    /// Adds a list, whose documents are centred already, to the mean (a sign of -1 removes it), and moves `b` and `C` with it.
    /// `row` is overwritten.
    pub(super) fn count_documents(
        &mut self,
        lora: &mut AdapterMut<'_>,
        documents: &[f32],
        sign: f32,
        row: &mut [f32],
    ) {
        let count = if sign > 0.0 { self.count().saturating_add(1) } else { self.count().saturating_sub(1) };
        if count == 0 {
            // Nothing is left that it could be the mean of.
            self.clear();
            return;
        }
        let rows = kernel::rows(documents, row.len()).len();
        let share = (sign / rows as f32) / count as f32;
        kernel::clear(row);
        for document in kernel::rows(documents, row.len()) {
            kernel::axpy(row, share, document);
        }
        lora.follow_mean(&self.sums(), row);
        for (word, moved) in self.words.iter_mut().skip(HEAD).zip(row) {
            *word = (f32::from_bits(*word) + *moved).to_bits();
        }
        if let Some(word) = self.words.get_mut(COUNT) {
            *word = count;
        }
    }
}
