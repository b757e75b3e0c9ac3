//! Gradients of many vectors in one call: the bits of one call for each, in less time.

use crate::adapter::limits::WEIGHT_LIMIT;
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, check_length, refuse};
use crate::kernel;
use crate::learn::event::Gradient;
use crate::learn::sample::Sample;

/// A margin below the limits of a single event, so that rounding cannot matter.
const SURELY: f32 = 1e20;

/// What [`adapt_gradients`](crate::Learn::adapt_gradients) did.
///
/// ```
/// use micro_lora::{Config, Learn, MicroLora};
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
/// // The second of two gradients is zero.
/// let receipt = lora.adapt_gradients(&[1.0, 0.0, 0.0, 1.0], &[0.5, 0.5, 0.0, 0.0])?;
/// assert_eq!((receipt.applied, receipt.skipped), (1, 1));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct BatchReceipt {
    /// Vectors whose gradient is now pending.
    pub applied: u32,
    /// Vectors with nothing to learn: the input or the gradient is zero.
    pub skipped: u32,
    /// For how many the output guard shortens the correction.
    pub capped: u32,
    /// The adapter's generation after the call.
    pub generation: u32,
}

impl AdapterMut<'_> {
    pub(crate) fn learn_gradients(&mut self, inputs: &[f32], grad_outputs: &[f32]) -> Checked<BatchReceipt> {
        let (in_len, out_len) = (self.header.in_len(), self.header.out_len());
        let n = self.as_adapter().count_inputs(inputs)?;
        check_length("grad_outputs", grad_outputs.len(), n.saturating_mul(out_len))?;
        self.check_scaled("gradient")?;
        if !self.surely_fit(inputs, grad_outputs, n) {
            self.check_each(inputs, grad_outputs)?;
        }
        if n > 0 {
            self.header.choose_scaled();
        }
        let (samples, pending, capped) = (self.header.samples, self.header.pending, self.header.capped);
        let (mut xs, mut gs) = (inputs, grad_outputs);
        loop {
            let done = self.learn_gradients_fused(xs, gs);
            xs = xs.get(done.saturating_mul(in_len)..).unwrap_or_default();
            gs = gs.get(done.saturating_mul(out_len)..).unwrap_or_default();
            let (Some((x, rest)), Some((g, rest_of_gs))) =
                (xs.split_at_checked(in_len), gs.split_at_checked(out_len))
            else {
                break;
            };
            self.learn_gradient(&Sample::new(x), g)?;
            (xs, gs) = (rest, rest_of_gs);
        }
        let applied = self.header.pending.saturating_sub(pending);
        Ok(BatchReceipt {
            applied,
            skipped: self.header.samples.saturating_sub(samples).saturating_sub(applied),
            capped: self.header.capped.saturating_sub(capped),
            generation: self.header.generation,
        })
    }

    /// Whether one bound for the whole batch shows that no vector of it can be refused. `false` proves nothing.
    fn surely_fit(&self, inputs: &[f32], grad_outputs: &[f32], n: usize) -> bool {
        let header = &*self.header;
        // At least the square of any norm.
        let x = kernel::square_bound(inputs, header.in_len());
        let g = kernel::square_bound(grad_outputs, header.out_len());
        let (a, c) = (kernel::dot(self.a, self.a), kernel::trace(&header.gram));
        // Then each is finite; and weights of 1 add up exactly below the limit.
        [x, g, (a * x) * c, (a * x) * g, (c * g) * x].iter().all(|bound| *bound < SURELY)
            && header.weight_sum + 2.0 * (n as f32) < WEIGHT_LIMIT
    }

    /// Refuses the batch if one of its vectors would be refused alone.
    fn check_each(&self, inputs: &[f32], grad_outputs: &[f32]) -> Checked<()> {
        for (what, values) in [("inputs", inputs), ("grad_outputs", grad_outputs)] {
            if let Some(index) = kernel::first_not_finite(values) {
                return Err(refuse::not_finite_at(what, index));
            }
        }
        let mut weight_sum = self.header.weight_sum;
        let mut gs = kernel::rows(grad_outputs, self.header.out_len());
        for x in kernel::rows(inputs, self.header.in_len()) {
            // Zipped, where that is not inlined, they would divide by a length that could be zero.
            let Some(g) = gs.next() else { break };
            let seen = self.as_adapter().forward(x, true)?;
            let (_, g_squared) = kernel::down_and_square(self.b, g);
            let blame = || Gradient::Given(g).not_finite();
            let event = self.header.check_event(&seen, g_squared, 1.0, weight_sum, blame)?;
            weight_sum = event.weight_sum.unwrap_or(weight_sum);
        }
        Ok(())
    }
}
