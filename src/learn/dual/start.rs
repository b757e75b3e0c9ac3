//! What must hold before the first list: `A` with orthonormal rows, and the units of the first list.

use super::{GAMMA, LAMBDA, PRIOR};
use crate::adapter::config::StepKind;
use crate::adapter::header::{Dual, Header};
use crate::adapter::limits::{LONGEST, SHORTEST};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, check_measured, refuse};
use crate::kernel;

/// How many times longer or shorter than in the first list the vectors of a later one may be.
pub(crate) const APART: f32 = 16.0;

/// L2 norms of a list's input and base, and the rms of its documents' norms.
#[derive(Clone, Copy)]
pub(crate) struct Lengths {
    pub(crate) input: f32,
    pub(crate) base: f32,
    pub(crate) documents: f32,
}

/// What is added to the norms of `b` and of `C`.
pub(crate) struct Growth {
    pub(crate) bias: f32,
    pub(crate) c: f32,
}

impl Header {
    /// Refuses a list whose vectors are far from the length of the first one's.
    pub(crate) fn check_lengths(&self, lengths: Lengths) -> Checked<()> {
        let dual = &self.dual;
        for (what, got, first) in [
            ("length of the input", lengths.input, dual.input_norm),
            ("length of the base", lengths.base, dual.base_norm),
            ("length of the documents", lengths.documents, dual.document_norm),
        ] {
            if self.has_units() {
                check_measured(what, got, first / APART, first * APART)?;
            } else {
                check_measured(what, got, SHORTEST, LONGEST)?;
            }
        }
        Ok(())
    }

    /// Refuses the input of a remembered list that is longer than any that is learned: only a forged list has it.
    pub(crate) fn check_remembered(&self, input: &[f32]) -> Checked<()> {
        check_measured("length of the input", kernel::norm(input), 0.0, self.dual.input_norm * APART)
    }

    /// From the first list on, the units are its own.
    pub(crate) fn take_units(&mut self, lengths: Lengths) {
        if !self.has_units() {
            self.dual.input_norm = lengths.input;
            self.dual.base_norm = lengths.base;
            self.dual.document_norm = lengths.documents;
        }
    }

    /// What `X^T alpha` of a list is multiplied by: `1 / (lambda tau)`, in the units of documents and base.
    pub(crate) fn unit(&self, temperature: f32) -> f32 {
        self.dual.base_norm / ((LAMBDA * temperature) * self.dual.document_norm)
    }

    /// How much of `X^T alpha . document` a list with this `h` adds to the score for an input with that one.
    pub(crate) fn share_of(&self, temperature: f32, input_h: &[f32; 4], list_h: &[f32; 4]) -> f32 {
        self.unit(temperature) * (1.0 + GAMMA * kernel::dot4(input_h, list_h))
    }

    /// `mu = Q * mean_factor`, in the units of the input.
    pub(crate) fn mean_factor(&self) -> f32 {
        self.dual.input_norm / (self.dual.lists as f32 + PRIOR)
    }
}

impl AdapterMut<'_> {
    /// Refuses an adapter that cannot learn from lists by the dual step.
    pub(crate) fn check_dual(&self) -> Checked<()> {
        self.header.check_initialised()?;
        let (rank, in_len) = (self.header.rank as usize, self.header.in_len());
        if rank > in_len {
            return Err(refuse::count("rank of the dual step", rank, 1, in_len));
        }
        if self.bias.is_empty() {
            return Err(refuse::length("bias", self.header.out_len(), 0));
        }
        Ok(())
    }

    /// As [`Self::become_dual`], where a user asks for it.
    pub(crate) fn turn_dual(&mut self) -> Checked<()> {
        self.check_dual()?;
        if self.header.is_dual() {
            return Ok(());
        }
        if self.header.pending > 0 {
            return Err(refuse::count("pending", self.header.pending as usize, 0, 0));
        }
        let of_rows = self.growth_of_rows();
        self.check_growth(of_rows.bias, of_rows.c)?;
        self.become_dual();
        self.header.bump();
        Ok(())
    }

    /// The most that [`Self::become_dual`] adds to the norms of `b` and `C`.
    pub(crate) fn growth_of_rows(&self) -> Growth {
        if self.header.is_dual() {
            return Growth { bias: 0.0, c: 0.0 };
        }
        let centre = &self.header.bias.centre;
        let c = kernel::sqrt(kernel::trace(&self.header.gram));
        Growth { bias: c * kernel::sqrt(kernel::dot4(centre, centre)), c: c * kernel::norm(self.a) }
    }

    /// Makes the rows of `lora_A` orthonormal and changes `lora_B` to match: the outputs stay, to rounding. What the
    /// adapter has learned so far becomes a part that no list is remembered for.
    pub(crate) fn become_dual(&mut self) {
        if self.header.dual.flags & Header::DUAL != 0 {
            return;
        }
        if self.header.step == StepKind::Auto as u32 {
            self.header.dual.flags |= Header::CHOSEN;
        }
        self.clear_pending();
        self.header.step = StepKind::Dual as u32;
        self.header.dual.flags |= Header::DUAL;
        // A bias that comes without the mean of its inputs: what it takes off every output becomes a part of it.
        if self.header.has_bias() {
            let scaling = self.header.scaling;
            let centre = self.header.bias.centre.map(|along| -(scaling * along));
            kernel::up_add(self.bias, centre, self.b);
        }
        self.header.dual = Dual { flags: self.header.dual.flags, ..Header::zeroed().dual };
        kernel::clear(self.input_sum);
        kernel::clear(self.grad_a);
        orthonormalise(self.a, self.b, self.header.in_len(), self.header.out_len());
        self.measure();
    }

    /// `A mu`, of the mean as it is now.
    pub(crate) fn centre(&self) -> [f32; 4] {
        let factor = self.header.mean_factor();
        kernel::down(self.a, self.input_sum).map(|dot| factor * dot)
    }

    /// What a forward pass needs of the weights as they are now.
    pub(crate) fn measure(&mut self) {
        self.header.refresh_gram(self.b);
        self.header.measure_bias(self.b, self.bias);
        // Without a bias a forward pass takes no mean off either.
        self.header.bias.centre = if self.header.has_bias() { self.centre() } else { [0.0; 4] };
    }
}

/// Gram-Schmidt on the rows of `a`, `b` changed so that `b^T a` stays. Inlined, it would add to the stack of what is called after it.
#[inline(never)]
fn orthonormalise(a: &mut [f32], b: &mut [f32], in_len: usize, out_len: usize) {
    let rank = kernel::rows(a, in_len).len();
    for r in 0..rank {
        let split = |len: usize| r.saturating_mul(len);
        let (Some((before, rest)), Some((b_before, b_rest))) =
            (a.split_at_mut_checked(split(in_len)), b.split_at_mut_checked(split(out_len)))
        else {
            return;
        };
        let (Some(row), Some(b_row)) = (rest.get_mut(..in_len), b_rest.get_mut(..out_len)) else { return };
        let length = kernel::norm(row);
        // Zipped, where that is not inlined, they would divide by a length that could be zero.
        let mut b_others = kernel::rows_mut(b_before, out_len);
        for other in kernel::rows(before, in_len) {
            let Some(b_other) = b_others.next() else { break };
            let along = kernel::dot(other, row);
            kernel::axpy(row, -along, other);
            kernel::axpy(b_other, along, b_row);
        }
        let left = kernel::norm(row);
        if left > 1e-3 * length {
            kernel::scale(row, 1.0 / left);
            kernel::scale(b_row, left);
        } else {
            // In the span of those before, to rounding: another direction, which the output does not use.
            fresh_direction(before, row);
            kernel::clear(b_row);
        }
    }
    // Once more, for what rounding left of the other rows.
    super::turn::straighten(a, in_len);
}

/// The axis that is farthest from the rows before, made orthogonal to them.
fn fresh_direction(before: &[f32], row: &mut [f32]) {
    let in_len = row.len();
    let covered = |i: usize| {
        let squares = kernel::rows(before, in_len).map(|other| {
            let value = other.get(i).copied().unwrap_or_default();
            value * value
        });
        squares.sum::<f32>()
    };
    let mut best = (0, f32::INFINITY);
    for i in 0..in_len {
        if covered(i) < best.1 {
            best = (i, covered(i));
        }
    }
    kernel::clear(row);
    if let Some(value) = row.get_mut(best.0) {
        *value = 1.0;
    }
    for other in kernel::rows(before, in_len) {
        let along = kernel::dot(other, row);
        kernel::axpy(row, -along, other);
    }
    let left = kernel::norm(row);
    if left > 0.0 {
        kernel::scale(row, 1.0 / left);
    }
}
