//! "None of these": the option beside a list's documents, which stands for the mean of the lists so far.
//!
//! The documents of such a list are centred by that mean. `b` and `C` are sums of `(X_i - m)^T alpha_i`: when `m` moves by
//! d, `b` moves by `-S d`, and `C` by `-gamma Sh (x) d`.

use super::GAMMA;
use super::list::{List, NoneOfThese};
use super::start::APART;
use crate::adapter::header::Header;
use crate::adapter::view::AdapterMut;
use crate::error::Checked;
use crate::kernel;
use crate::learn::sample::MAX_CANDIDATES;
use crate::learn::softmax::exponentials;

/// The largest probability of the option without a correction.
const MOST: f32 = 0.9;

/// `S = sum_i sum_j alpha_ij / (lambda tau_i)` and `Sh = sum_i h_i sum_j alpha_ij / (lambda tau_i)`.
#[derive(Clone, Copy, Default)]
pub(crate) struct AlphaSums {
    pub(crate) s: f32,
    pub(crate) sh: [f32; 4],
}

impl AlphaSums {
    /// Without a list's part.
    pub(crate) fn less(&self, part: &Self) -> Self {
        let mut sh = self.sh;
        sh.iter_mut().zip(part.sh).for_each(|(sum, part)| *sum -= part);
        Self { s: self.s - part.s, sh }
    }
}

impl Header {
    /// Of one list.
    pub(crate) fn alpha_sums(&self, temperature: f32, alphas: f32, h: &[f32; 4]) -> AlphaSums {
        // Before the first list there are no units, so no parts.
        if self.dual.document_norm == 0.0 {
            return AlphaSums::default();
        }
        let s = self.unit(temperature) * alphas;
        AlphaSums { s, sh: h.map(|h| h * s) }
    }
}

impl AdapterMut<'_> {
    /// The option for a list whose documents are centred: without a correction its probability is the share of the
    /// documents' spread about the mean which lies between lists.
    #[inline(never)]
    pub(crate) fn none_of_these(&mut self, list: &List<'_>) -> Checked<NoneOfThese> {
        let count = kernel::rows(list.documents, self.header.out_len()).len();
        let mut row = [0.0; MAX_CANDIDATES];
        let row = row.get_mut(..count).unwrap_or_default();
        self.list_logits(list, None, row)?;
        let (largest, sum) = exponentials(row);
        row.fill(1.0 / count as f32);
        self.mix_into_scratch(row, list.documents);
        let spread = kernel::dot(list.documents, list.documents) / count as f32;
        let between = kernel::dot(self.scratch, self.scratch).min(MOST * spread);
        let odds = between / (spread - between).max(f32::MIN_POSITIVE);
        Ok(NoneOfThese { logit: largest + libm::logf(sum * odds), chance: odds / (1.0 + odds) })
    }

    /// The mean of the documents has moved by so much.
    pub(crate) fn follow_mean(&mut self, AlphaSums { s, sh }: &AlphaSums, moved: &[f32]) {
        let input_norm = self.header.dual.input_norm;
        if input_norm == 0.0 {
            return;
        }
        kernel::axpy(self.bias, -s, moved);
        let to_b = (GAMMA / input_norm) / self.header.scaling;
        kernel::add_outer(self.b, sh.map(|sh| -(to_b * sh)), moved);
    }

    /// Refuses sums by which a norm of the weights could pass its limit, wherever the mean moves. `more` is what a list of
    /// this temperature and weight can add.
    pub(crate) fn check_mean(&self, sums: &AlphaSums, temperature: f32, omega: f32) -> Checked<()> {
        let dual = &self.header.dual;
        // The mean, before and after it moves, is shorter than the longest document that is learned.
        let longest = (2.0 * APART) * dual.document_norm;
        let more = (2.0 * omega) * self.header.unit(temperature);
        let s = sums.s.abs() + more;
        let sh = kernel::sqrt(kernel::dot4(&sums.sh, &sums.sh)) + (2.0 * APART) * more;
        self.check_growth(s * longest, ((GAMMA / dual.input_norm) * sh) * longest)
    }
}
