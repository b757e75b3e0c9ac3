//! The forward pass by a fused kernel, which declines wherever there is an error to report.

use core::cell::Cell;

use crate::adapter::config::Config;
use crate::adapter::view::Adapter;
use crate::kernel::{self, ForwardFactors, Operands};

/// What a fused kernel computes between `A x` and `lora_B`.
struct Guarded<'a> {
    adapter: &'a Adapter<'a>,
    /// `f` of the last vector.
    guard: Cell<f32>,
}

impl ForwardFactors for Guarded<'_> {
    #[inline(always)]
    fn operands(&self) -> Operands<'_> {
        self.adapter.operands(self.adapter.header.cap != Config::CAP_OFF)
    }

    #[inline(always)]
    fn factors<const N: usize>(&self, h: [f32; N], x_squared: f32) -> Option<[f32; N]> {
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
    pub(crate) fn operands(&self, wants_norm: bool) -> Operands<'a> {
        Operands { a: self.a, b: self.b, rank: self.header.rank as usize, wants_norm }
    }

    /// Writes `delta` and gives the guard's factor, or writes nothing and declines.
    #[inline(always)]
    pub(super) fn write_delta_fused(&self, x: &[f32], delta: &mut [f32]) -> Option<f32> {
        let fits = self.header.check_input(x.len()).is_ok() && delta.len() == self.header.out_len();
        self.fused(fits, |by| kernel::fused_forward(delta, x, by))
    }

    /// Adds `delta` to its own input and gives the guard's factor, or writes nothing and declines.
    #[inline(always)]
    pub(super) fn add_delta_fused(&self, x: &mut [f32]) -> Option<f32> {
        let fits = self.header.check_input(x.len()).is_ok() && self.header.in_len() == self.header.out_len();
        self.fused(fits, |by| kernel::fused_forward_residual(x, by))
    }

    #[inline(always)]
    fn fused(&self, fits: bool, kernel: impl FnOnce(&Guarded<'_>) -> bool) -> Option<f32> {
        let by = Guarded { adapter: self, guard: Cell::new(1.0) };
        (fits && kernel(&by)).then(|| by.guard.get())
    }

    /// Writes the `delta` of each input and gives the number of inputs done: all before the first that it declines.
    pub(super) fn write_deltas_fused(&self, inputs: &[f32], deltas: &mut [f32]) -> usize {
        let lens = [self.header.in_len(), self.header.out_len()];
        kernel::fused_forward_each(deltas, inputs, lens, &Guarded { adapter: self, guard: Cell::new(1.0) })
    }
}
