//! The short way through a call, for x86-64: everything in one function that is compiled for certain
//! instructions. It does nothing and says so wherever there is more to say than that all went well; the long
//! way, in `forward` and `feedback`, then says it.

use core::cell::Cell;

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::stats::{Outcome, Receipt};
use crate::adapter::view::{Adapter, AdapterMut, Norms};
use crate::kernel::{self, Pass};
use crate::learn::feedback::check_weight;
use crate::learn::sample::Sample;

/// The middle of a forward pass.
struct Applied<'a> {
    adapter: &'a Adapter<'a>,
    guard: Cell<f32>,
}

impl kernel::Settle for Applied<'_> {
    #[inline(always)]
    fn pass(&self) -> Pass<'_> {
        self.adapter.pass(self.adapter.header.cap != Config::CAP_OFF)
    }

    #[inline(always)]
    fn settle<const N: usize>(&self, h: [f32; N], x_squared: f32) -> Option<[f32; N]> {
        if self.adapter.header.has_bias() {
            return None;
        }
        let projection = self.adapter.projected::<N>(kernel::pad(h), x_squared)?;
        self.guard.set(projection.guard);
        Some(kernel::pad(projection.factors(self.adapter.header)))
    }
}

impl<'a> Adapter<'a> {
    #[inline(always)]
    fn pass(&self, wants_norm: bool) -> Pass<'a> {
        Pass { a: self.a, b: self.b, rank: self.header.rank as usize, wants_norm }
    }

    /// Forward, to `out`; or from `out`, and added to it. Gives the guard.
    #[inline(always)]
    pub(crate) fn applied_through<const ADD: bool>(&self, x: &[f32], out: &mut [f32]) -> Option<f32> {
        let input_len = if ADD { out.len() } else { x.len() };
        if self.header.check_initialised().is_err() || input_len != self.header.in_len() {
            return None;
        }
        let applied = Applied { adapter: self, guard: Cell::new(1.0) };
        let is_done =
            if ADD { kernel::through_onto(out, &applied) } else { kernel::through(out, x, &applied) };
        is_done.then(|| applied.guard.get())
    }

    /// [`applied_through`](Self::applied_through) for vectors one after the other. Gives how many it has done.
    pub(crate) fn applied_to_each(&self, inputs: &[f32], deltas: &mut [f32]) -> usize {
        let lens = [self.header.in_len(), self.header.out_len()];
        kernel::through_each(deltas, inputs, lens, &Applied { adapter: self, guard: Cell::new(1.0) })
    }
}

/// The middle of learning from gradients.
struct Learned<'s, 'a> {
    header: &'s Header,
    /// Where the view has them, rather than copies: those would wait for the view to be in memory.
    a: &'s &'a mut [f32],
    b: &'s &'a mut [f32],
    weight: f32,
    said: Cell<Said>,
}

/// What is left to say of the events that were learned from.
#[derive(Clone, Copy, Default)]
struct Said {
    /// Of the last of them.
    guard: f32,
    grad_norm: f32,
    /// Of all that are pending now.
    weight_sum: f32,
    capped: u32,
}

impl Learned<'_, '_> {
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

impl kernel::SettleBoth for Learned<'_, '_> {
    #[inline(always)]
    fn pass(&self) -> Pass<'_> {
        self.adapter().pass(true)
    }

    #[inline(always)]
    fn settle<const N: usize>(&self, h: ([f32; N], f32), b_g: ([f32; N], f32)) -> Option<[[f32; N]; 2]> {
        let ((h, x_squared), (b_g, g_squared)) = (h, b_g);
        let (header, said) = (self.header, self.said.get());
        if header.has_bias() {
            return None;
        }
        let seen = self.adapter().projected::<N>(kernel::pad(h), x_squared)?;
        let norms = Norms { x: kernel::sqrt(x_squared), g: kernel::sqrt(g_squared) };
        if !g_squared.is_finite() || norms.x == 0.0 || norms.g == 0.0 {
            return None;
        }
        let weight_sum = header.check_event(seen.h, self.weight, norms, said.weight_sum).ok()?;
        let capped = said.capped.saturating_add(u32::from(seen.guard < 1.0));
        self.said.set(Said { guard: seen.guard, grad_norm: norms.g, weight_sum, capped });
        let s = header.scaling;
        Some([h.map(|h_r| self.weight * h_r), b_g.map(|b_g| (self.weight * s) * b_g)])
    }
}

impl AdapterMut<'_> {
    /// `learn_gradient` of a sample that is learned from.
    #[inline(always)]
    pub(crate) fn learned_through(&mut self, sample: &Sample<'_>, g: &[f32]) -> Option<Receipt> {
        let Sample { input, base, weight } = *sample;
        let header = &*self.header;
        let is_usual = header.check_initialised().is_ok()
            && !self.learns_by_dual()
            && [input.len(), g.len()] == [header.in_len(), header.out_len()]
            && base.is_none_or(|base| base.len() == header.out_len());
        if !is_usual || weight == 0.0 || check_weight("", weight).is_err() {
            return None;
        }
        let (done, Said { guard, grad_norm, .. }) = self.learn_by(weight, |grad_c, grad_a, by| {
            usize::from(kernel::backward(grad_c, grad_a, input, g, by))
        });
        (done > 0).then(|| Receipt { grad_norm, guard, ..self.header.receipt(Outcome::Applied) })
    }

    /// `learn_gradient` for vectors one after the other. Gives how many of them it has learned from: all before the
    /// first of which there is more to say.
    pub(crate) fn learn_through(&mut self, inputs: &[f32], gradients: &[f32]) -> usize {
        let lens = [self.header.in_len(), self.header.out_len()];
        let (done, _) = self.learn_by(1.0, |grad_c, grad_a, by| {
            kernel::backward_each(grad_c, grad_a, inputs, gradients, lens, by)
        });
        done
    }

    #[inline(always)]
    fn learn_by(
        &mut self,
        weight: f32,
        backward: impl FnOnce(&mut [f32], &mut [f32], &Learned<'_, '_>) -> usize,
    ) -> (usize, Said) {
        let said = Said { weight_sum: self.header.weight_sum, ..Said::default() };
        let learned = Learned { header: self.header, a: &self.a, b: &self.b, weight, said: Cell::new(said) };
        let done = backward(self.grad_c, self.grad_a, &learned);
        let (count, said) = (u32::try_from(done).unwrap_or(u32::MAX), learned.said.get());
        let header = &mut *self.header;
        header.weight_sum = said.weight_sum;
        header.pending = header.pending.saturating_add(count);
        header.samples = header.samples.saturating_add(count);
        header.capped = header.capped.saturating_add(said.capped);
        (done, said)
    }
}
