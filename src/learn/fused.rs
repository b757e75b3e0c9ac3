//! Learning from gradients by a fused kernel, which declines wherever there is an error or a skip to report.

use core::cell::Cell;

use crate::adapter::header::Header;
use crate::adapter::stats::{Outcome, Receipt};
use crate::adapter::view::{Adapter, AdapterMut};
use crate::error::{check_length, refuse};
use crate::kernel::{self, BackwardFactors, Operands};
use crate::learn::event::Tally;
use crate::learn::feedback::Needs;
use crate::learn::limits::check_weight;
use crate::learn::sample::Sample;

/// What a fused kernel computes between the dot products and the gradient sums.
struct Accumulated<'s, 'a> {
    header: &'s Header,
    /// References to the view's slices: copies would wait until the view has been stored.
    a: &'s &'a mut [f32],
    b: &'s &'a mut [f32],
    weight: f32,
    so_far: Cell<SoFar>,
}

/// What is known of the events accumulated so far.
#[derive(Clone, Copy)]
struct SoFar {
    capped: u32,
    weight_sum: f32,
    /// Of the last event: the guard's factor and `|g|`.
    guard: f32,
    grad_norm: f32,
}

impl Accumulated<'_, '_> {
    #[inline(always)]
    fn adapter(&self) -> Adapter<'_> {
        Adapter {
            header: self.header,
            a: self.a,
            b: self.b,
            grad_a: &[],
            grad_c: &[],
            bias: &[],
            grad_bias: &[],
            input_sum: &[],
        }
    }
}

impl BackwardFactors for Accumulated<'_, '_> {
    #[inline(always)]
    fn operands(&self) -> Operands<'_> {
        self.adapter().operands(true)
    }

    #[inline(always)]
    fn factors<const N: usize>(&self, h: ([f32; N], f32), b_g: ([f32; N], f32)) -> Option<[[f32; N]; 2]> {
        let ((h, x_squared), (b_g, g_squared)) = (h, b_g);
        let (header, so_far) = (self.header, self.so_far.get());
        if header.has_bias() {
            return None;
        }
        let seen = self.adapter().projected::<N>(kernel::pad(h), x_squared)?;
        let declined = || refuse::overflow("gradient");
        let event = header.check_event(&seen, g_squared, self.weight, so_far.weight_sum, declined).ok()?;
        self.so_far.set(SoFar {
            capped: so_far.capped.saturating_add(u32::from(seen.guard < 1.0)),
            weight_sum: event.weight_sum?,
            guard: seen.guard,
            grad_norm: event.grad_norm,
        });
        Some(header.gradient_factors(h, b_g, self.weight))
    }
}

impl AdapterMut<'_> {
    /// Learns from a gradient, or changes nothing and declines.
    #[inline(always)]
    pub(super) fn learn_gradient_fused(&mut self, sample: &Sample<'_>, g: &[f32]) -> Option<Receipt> {
        let Sample { input, weight, .. } = *sample;
        let fits = self.header.check_input(input.len()).is_ok()
            && check_length("grad_output", g.len(), self.header.out_len()).is_ok()
            && self.check_base(sample, Needs::Gradient).is_ok()
            && !self.learns_by_dual();
        if !fits || weight == 0.0 || check_weight("", weight).is_err() {
            return None;
        }
        let (done, SoFar { guard, grad_norm, .. }) = self.accumulate_fused(weight, |grad_c, grad_a, by| {
            usize::from(kernel::fused_backward(grad_c, grad_a, input, g, by))
        });
        (done > 0).then(|| Receipt { grad_norm, guard, ..self.header.receipt(Outcome::Applied) })
    }

    /// Learns from vectors one after the other, with weights of 1. Gives the number of vectors done: all before the
    /// first that it declines.
    pub(super) fn learn_gradients_fused(&mut self, inputs: &[f32], gradients: &[f32]) -> usize {
        let lens = [self.header.in_len(), self.header.out_len()];
        let (done, _) = self.accumulate_fused(1.0, |grad_c, grad_a, by| {
            kernel::fused_backward_each(grad_c, grad_a, inputs, gradients, lens, by)
        });
        done
    }

    #[inline(always)]
    fn accumulate_fused(
        &mut self,
        weight: f32,
        backward: impl FnOnce(&mut [f32], &mut [f32], &Accumulated<'_, '_>) -> usize,
    ) -> (usize, SoFar) {
        let header = &*self.header;
        let so_far = SoFar { capped: 0, weight_sum: header.weight_sum, guard: 0.0, grad_norm: 0.0 };
        let by = Accumulated { header, a: &self.a, b: &self.b, weight, so_far: Cell::new(so_far) };
        let done = backward(self.grad_c, self.grad_a, &by);
        let (count, so_far) = (u32::try_from(done).unwrap_or(u32::MAX), by.so_far.get());
        let SoFar { capped, weight_sum, .. } = so_far;
        self.header.count(Tally { samples: count, pending: count, capped, weight_sum });
        (done, so_far)
    }
}
