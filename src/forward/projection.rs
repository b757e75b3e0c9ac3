//! The projection `h = A x` of an input, and the arithmetic that the output guard needs with and without a bias.

use crate::adapter::header::Header;
use crate::kernel;

/// Below this share of its terms' squares a sum of squares in f32 has fewer than three digits left.
pub(super) const CANCELLED: f32 = 1e-4;

/// The projection of an input: what is needed to write its output, or to learn from it.
#[derive(Clone, Copy)]
pub(crate) struct Projection {
    /// `A x`, less `A mu` where there is a bias.
    pub(crate) h: [f32; 4],
    /// `f` of the output guard.
    pub(crate) guard: f32,
    /// `|x|^2`, if it was asked for or the guard needs it.
    pub(crate) x_squared: f32,
}

impl Projection {
    /// `((s m) h_r) f`: what each row of `lora_B` is multiplied by.
    pub(crate) fn factors(&self, header: &Header) -> [f32; 4] {
        let sm = header.scaling * header.strength;
        self.h.map(|h_r| (sm * h_r) * self.guard)
    }
}

/// `h - A mu`.
pub(crate) fn centred(h: [f32; 4], centre: &[f32; 4]) -> [f32; 4] {
    let mut centred = h;
    for (h, centre) in centred.iter_mut().zip(centre) {
        *h -= centre;
    }
    centred
}

/// The sum of `|h_r C_r|^2`.
pub(super) fn reach<const RANK: usize>(gram: &kernel::Square, h: [f32; 4]) -> f32 {
    let [[g0, ..], [_, g1, ..], [_, _, g2, _], [.., g3]] = *gram;
    kernel::dot_of::<RANK>(&h.map(|h_r| h_r * h_r), &[g0, g1, g2, g3])
}
