//! The output guard of a correction that has a bias: `|b + C^T h|` from the Gram matrix of `b` and the rows of `C`.

use super::projection::{CANCELLED, Projection, reach};
use crate::adapter::config::Config;
use crate::adapter::view::Adapter;
use crate::error::{Checked, check_length};
use crate::kernel;

impl Adapter<'_> {
    /// `m (b - C^T A mu)`: the bias for inputs that are not centred.
    pub(crate) fn write_merged_bias(&self, out: &mut [f32]) -> Checked<()> {
        let header = self.header;
        header.check_initialised()?;
        check_length("bias", out.len(), header.out_len())?;
        if !header.has_bias() {
            kernel::clear(out);
            return Ok(());
        }
        kernel::copy(out, self.bias);
        kernel::up_add(out, header.bias.centre.map(|along| -(header.scaling * along)), self.b);
        kernel::scale(out, header.strength);
        Ok(())
    }
}

/// As [`Adapter::projected`], with a bias; `h` is centred.
pub(super) fn projected(adapter: &Adapter<'_>, h: [f32; 4], x_squared: f32) -> Option<Projection> {
    let header = adapter.header;
    let sums = &header.bias;
    // As without a bias: finite means that every partial sum of the output is.
    let reach = reach::<4>(&header.gram, h) + sums.squared;
    if !reach.is_finite() || !x_squared.is_finite() {
        return None;
    }
    let (m, cap) = (header.strength, header.cap);
    let mut guard = 1.0;
    if cap != Config::CAP_OFF {
        let c_b = kernel::dot4(&h, &sums.c_b);
        let mut squared = (kernel::quadratic::<4>(&header.gram, h) + 2.0 * c_b) + sums.squared;
        if squared < CANCELLED * reach || squared.is_nan() {
            squared = squared_of_sum(adapter, h);
        }
        if (m * m) * squared > (cap * cap) * x_squared {
            guard = ((cap * kernel::sqrt(x_squared)) / (m * kernel::sqrt(squared))).min(1.0);
        }
    }
    Some(Projection { h, guard, x_squared })
}

/// `|b + C^T h|^2` from the sum itself, column by column: where the terms cancel, the Gram matrix has lost its
/// digits. The order is that of a dot product: column i goes to lane i mod 32.
#[cold]
#[inline(never)]
fn squared_of_sum(adapter: &Adapter<'_>, h: [f32; 4]) -> f32 {
    let factors = h.map(|h_r| adapter.header.scaling * h_r);
    let mut lanes = [0.0_f32; 32];
    for (i, bias) in adapter.bias.iter().enumerate() {
        let mut sum = 0.0;
        for (k, row) in factors.iter().zip(kernel::rows(adapter.b, adapter.header.out_len())) {
            sum += k * row.get(i).copied().unwrap_or_default();
        }
        sum += bias;
        if let Some(lane) = lanes.get_mut(i % 32) {
            *lane += sum * sum;
        }
    }
    for half in [16, 8, 4, 2, 1] {
        if let Some((low, high)) = lanes.split_at_mut_checked(half) {
            for (low, high) in low.iter_mut().zip(high.iter()) {
                *low += high;
            }
        }
    }
    let [sum, ..] = lanes;
    sum
}
