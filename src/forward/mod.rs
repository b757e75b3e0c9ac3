//! The forward pass: `h = A x`, the output guard, `delta = m f C^T h`.

pub(crate) mod apply;
mod bias;
mod fused;
mod projection;

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::limits::not_finite;
use crate::adapter::view::Adapter;
use crate::error::{Checked, check_length, refuse};
use crate::kernel;
use projection::{CANCELLED, reach};
pub(crate) use projection::{Projection, centred};

/// `|C^T h|^2` from the sum itself, for the case that its terms cancel and `h^T G h` has lost its digits.
#[cold]
#[inline(never)]
fn delta_squared(header: &Header, b: &[f32], h: [f32; 4]) -> f32 {
    let s = header.scaling;
    let mut squared = [0.0];
    kernel::squares_of(&mut squared, &[h], b, header.out_len());
    let [squared] = squared;
    (s * s) * squared
}

impl Adapter<'_> {
    /// Computes `h` and the guard factor. Refuses an `x` that is not finite or whose output would overflow.
    pub(crate) fn forward(&self, x: &[f32], wants_norm: bool) -> Checked<Projection> {
        let header = self.header;
        header.check_input(x.len())?;
        let is_guarded = header.cap != Config::CAP_OFF;
        let (h, x_squared) = if is_guarded || wants_norm {
            kernel::down_and_square(self.a, x)
        } else {
            (kernel::down(self.a, x), 0.0)
        };
        let (h, projected) = if header.has_bias() {
            let h = centred(h, &header.bias.centre);
            (h, bias::projected(self, h, x_squared))
        } else {
            (h, self.projected::<4>(h, x_squared))
        };
        projected.ok_or_else(|| {
            let result = if reach::<4>(&header.gram, h).is_finite() { "input" } else { "delta" };
            not_finite(&[("input", x)], result)
        })
    }

    /// The projection from `A x` and `|x|^2`; `None` if the input is not finite or the output would not be. Terms
    /// past `RANK` are zero and left out.
    #[inline(always)]
    pub(crate) fn projected<const RANK: usize>(&self, h: [f32; 4], x_squared: f32) -> Option<Projection> {
        // The sum of squares of `|h_r C_r|`: finite means that every partial sum of `delta` is.
        // If a value of `x` is not finite, neither is `h`: one check covers both.
        let reach = reach::<RANK>(&self.header.gram, h);
        if !reach.is_finite() || !x_squared.is_finite() {
            return None;
        }
        let is_guarded = self.header.cap != Config::CAP_OFF;
        let guard = if is_guarded { self.guard::<RANK>(h, x_squared, reach) } else { 1.0 };
        Some(Projection { h, guard, x_squared })
    }

    /// The factor that shortens `delta` to `cap * |x|`. `|C^T h|^2 = h^T G h` saves a second pass over `lora_B`.
    #[inline(always)]
    fn guard<const RANK: usize>(&self, h: [f32; 4], x_squared: f32, reach: f32) -> f32 {
        let (m, cap) = (self.header.strength, self.header.cap);
        let mut squared = kernel::quadratic::<RANK>(&self.header.gram, h);
        if squared < CANCELLED * reach || squared.is_nan() {
            squared = delta_squared(self.header, self.b, h);
        }
        if (m * m) * squared > (cap * cap) * x_squared {
            ((cap * kernel::sqrt(x_squared)) / (m * kernel::sqrt(squared))).min(1.0)
        } else {
            1.0
        }
    }

    pub(crate) fn write_delta(&self, x: &[f32], delta: &mut [f32]) -> Checked<f32> {
        if let Some(guard) = self.write_delta_fused(x, delta) {
            return Ok(guard);
        }
        let projection = self.forward(x, false)?;
        check_length("delta", delta.len(), self.header.out_len())?;
        kernel::up(delta, projection.factors(self.header), self.b);
        self.add_bias(delta, &projection);
        Ok(projection.guard)
    }

    pub(crate) fn add_delta(&self, x: &mut [f32]) -> Checked<f32> {
        if let Some(guard) = self.add_delta_fused(x) {
            return Ok(guard);
        }
        let projection = self.forward(x, false)?;
        let (in_features, out_features) = (self.header.in_len(), self.header.out_len());
        if in_features != out_features {
            return Err(refuse::square_required("residual", "apply_into", in_features, out_features));
        }
        kernel::up_add(x, projection.factors(self.header), self.b);
        self.add_bias(x, &projection);
        Ok(projection.guard)
    }

    /// `out += m f b`, after the rank-r part.
    pub(crate) fn add_bias(&self, out: &mut [f32], projection: &Projection) {
        if self.header.has_bias() {
            kernel::axpy(out, self.header.strength * projection.guard, self.bias);
        }
    }

    pub(crate) fn write_deltas(&self, inputs: &[f32], deltas: &mut [f32]) -> Checked<()> {
        let out_len = self.header.out_len();
        let n = self.count_inputs(inputs)?;
        check_length("deltas", deltas.len(), n.saturating_mul(out_len))?;
        let done = self.write_deltas_fused(inputs, deltas);
        let rows = kernel::rows(inputs, self.header.in_len());
        for (x, delta) in rows.zip(kernel::rows_mut(deltas, out_len)).skip(done) {
            self.write_delta(x, delta)?;
        }
        Ok(())
    }

    /// How many vectors there are, one after the other.
    pub(crate) fn count_inputs(&self, inputs: &[f32]) -> Checked<usize> {
        self.header.check_initialised()?;
        let rows = kernel::rows(inputs, self.header.in_len());
        let n = rows.len();
        if rows.remainder().is_empty() {
            return Ok(n);
        }
        let expected = n.saturating_add(1).saturating_mul(self.header.in_len());
        Err(refuse::length("inputs", expected, inputs.len()))
    }

    /// Rows of `m s B A` one after the other; `base` is added if there is one.
    pub(crate) fn write_delta_weight(&self, base: Option<&[f32]>, out: &mut [f32]) -> Checked<()> {
        self.header.check_initialised()?;
        let in_len = self.header.in_len();
        let expected = self.header.out_len().saturating_mul(in_len);
        check_length("weight", out.len(), expected)?;
        if let Some(base) = base {
            check_length("base weight", base.len(), expected)?;
            if let Some(index) = kernel::first_not_finite(base) {
                return Err(refuse::not_finite_at("base weight", index));
            }
            kernel::copy(out, base);
        } else {
            kernel::clear(out);
        }
        let sm = self.header.scaling * self.header.strength;
        for (o, row) in kernel::rows_mut(out, in_len).enumerate() {
            let mut k = [0.0; 4];
            for (k, b_row) in k.iter_mut().zip(kernel::rows(self.b, self.header.out_len())) {
                *k = sm * b_row.get(o).copied().unwrap_or_default();
            }
            kernel::up_add(row, k, self.a);
        }
        Ok(())
    }
}
