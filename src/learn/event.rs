//! One event: the check whether it can be learned from, what it adds to the pending gradients, and what it adds
//! to the counters. The general path, fused kernels and batches all come here.

use crate::adapter::header::Header;
use crate::adapter::limits::{GRADIENT_LIMIT, WEIGHT_LIMIT, not_finite};
use crate::adapter::stats::{Outcome, Skip};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, Refusal, refuse};
use crate::forward::Projection;
use crate::kernel;

/// Where an event's `dL/dy` is.
#[derive(Clone, Copy)]
pub(crate) enum Gradient<'a> {
    Given(&'a [f32]),
    Scratch,
}

impl Gradient<'_> {
    /// The error for a gradient whose square is not finite.
    #[cold]
    pub(crate) fn not_finite(self) -> Refusal {
        match self {
            Gradient::Given(g) => not_finite(&[("grad_output", g)], "grad_output"),
            Gradient::Scratch => refuse::overflow("gradient"),
        }
    }
}

/// An event that may be learned from.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    /// `|g|`.
    pub(crate) grad_norm: f32,
    /// The sum of the pending weights with this event; none if `x` or `g` is zero, which adds nothing.
    pub(crate) weight_sum: Option<f32>,
}

/// What one event or several add to the counters.
#[derive(Clone, Copy)]
pub(crate) struct Tally {
    /// Valid events.
    pub(crate) samples: u32,
    /// Those whose gradient is now pending.
    pub(crate) pending: u32,
    /// Those whose correction the output guard shortened.
    pub(crate) capped: u32,
    /// The sum of all pending weights afterwards.
    pub(crate) weight_sum: f32,
}

impl Header {
    /// Checks an event of this projection and `|g|^2`, before anything is written; `weight_sum` is the sum of the
    /// pending weights without it. Refused if a pending sum could overflow.
    #[inline(always)]
    pub(crate) fn check_event(
        &self,
        seen: &Projection,
        g_squared: f32,
        weight: f32,
        weight_sum: f32,
        not_finite: impl FnOnce() -> Refusal,
    ) -> Checked<Event> {
        if !g_squared.is_finite() {
            return Err(not_finite());
        }
        let (x_norm, grad_norm) = (kernel::sqrt(seen.x_squared), kernel::sqrt(g_squared));
        if x_norm == 0.0 || grad_norm == 0.0 {
            return Ok(Event { grad_norm, weight_sum: None });
        }
        let h_norm = kernel::sqrt(kernel::dot4(&seen.h, &seen.h));
        let c_norm = kernel::sqrt(kernel::trace(&self.gram));
        let largest = (h_norm * grad_norm).max((c_norm * grad_norm) * x_norm);
        if largest.is_nan() || largest > GRADIENT_LIMIT {
            return Err(refuse::overflow("gradient"));
        }
        let sum = weight_sum + weight;
        // Where rounding would lose this weight, the mean over the pending events would be wrong.
        if sum >= WEIGHT_LIMIT || sum == weight_sum {
            return Err(refuse::PENDING_FULL);
        }
        Ok(Event { grad_norm, weight_sum: Some(sum) })
    }

    /// What an event adds: `gC[r] += k[0][r] g` and `gA[r] += k[1][r] x`, so `w h[r]` and `w (C[r] . g)`, with
    /// `b_g[r] = B[r] . g`.
    #[inline(always)]
    pub(crate) fn gradient_factors<const N: usize>(
        &self,
        h: [f32; N],
        b_g: [f32; N],
        weight: f32,
    ) -> [[f32; N]; 2] {
        [h.map(|h_r| weight * h_r), b_g.map(|b_g| (weight * self.scaling) * b_g)]
    }

    /// The only place that counts events.
    #[inline(always)]
    pub(crate) fn count(&mut self, tally: Tally) {
        self.samples = self.samples.saturating_add(tally.samples);
        self.pending = self.pending.saturating_add(tally.pending);
        self.capped = self.capped.saturating_add(tally.capped);
        self.weight_sum = tally.weight_sum;
    }

    /// Counts the quality that an event carried.
    pub(crate) fn count_quality(&mut self, quality: f32) {
        self.rated = self.rated.saturating_add(1);
        self.mean_quality += (quality - self.mean_quality) / self.rated as f32;
    }
}

impl AdapterMut<'_> {
    /// Checks an event and adds it to the pending gradients; gives its outcome and `|g|`. Nothing is written if it
    /// is refused or skipped.
    pub(crate) fn accumulate(
        &mut self,
        x: &[f32],
        seen: &Projection,
        weight: f32,
        gradient: Gradient<'_>,
        tally: &mut Tally,
    ) -> Checked<(Outcome, f32)> {
        let g = match gradient {
            Gradient::Given(g) => g,
            Gradient::Scratch => &*self.scratch,
        };
        let (b_g, squared) = kernel::down_and_square(self.b, g);
        let blame = || gradient.not_finite();
        let Event { grad_norm, weight_sum } =
            self.header.check_event(seen, squared, weight, tally.weight_sum, blame)?;
        let Some(weight_sum) = weight_sum else {
            return Ok((Outcome::Skipped(Skip::ZeroGradient), grad_norm));
        };
        let [k_c, k_a] = self.header.gradient_factors(seen.h, b_g, weight);
        kernel::add_outer(self.grad_c, k_c, g);
        kernel::add_outer(self.grad_a, k_a, x);
        (tally.weight_sum, tally.pending) = (weight_sum, 1);
        Ok((Outcome::Applied, grad_norm))
    }
}
