//! A weighted running mean with its standard error.

use crate::kernel;

/// The window of the running means, in events.
pub(crate) const WINDOW: u32 = 400;

/// The least variance of a value, a thousandth squared: equal values have no spread, and a few of them prove little.
pub(crate) const LEAST_SPREAD: f32 = 1e-6;

/// A weighted mean and what its standard error needs. Later events weigh more, since an
/// adapter that learns changes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(super) struct Mean {
    pub(super) count: u32,
    /// Sums of `w`, `w v`, `w^2`, `w^2 v` and `w^2 v^2`.
    pub(super) w: f32,
    pub(super) wv: f32,
    pub(super) ww: f32,
    pub(super) wwv: f32,
    pub(super) wwvv: f32,
}

impl Mean {
    pub(super) const EMPTY: Self = Self { count: 0, w: 0.0, wv: 0.0, ww: 0.0, wwv: 0.0, wwvv: 0.0 };

    pub(super) fn add(&mut self, value: f32) {
        self.count = self.count.saturating_add(1);
        // Weights grow with the events up to the window; from there on the old ones shrink instead.
        let w = self.count.min(WINDOW) as f32 / WINDOW as f32;
        let keep = if self.count > WINDOW { 1.0 - 1.0 / WINDOW as f32 } else { 1.0 };
        self.w = keep * self.w + w;
        self.wv = keep * self.wv + w * value;
        let keep = keep * keep;
        self.ww = keep * self.ww + w * w;
        self.wwv = keep * self.wwv + (w * w) * value;
        self.wwvv = keep * self.wwvv + ((w * w) * value) * value;
    }

    pub(super) fn mean(&self) -> f32 {
        if self.w > 0.0 { kernel::divide(self.wv, self.w) } else { 0.0 }
    }

    /// Squared standard error of the mean.
    pub(super) fn error_squared(&self) -> f32 {
        let mean = self.mean();
        let sum = (self.wwvv - (2.0 * mean) * self.wwv) + (mean * mean) * self.ww;
        kernel::divide(kernel::divide(sum.max(LEAST_SPREAD * self.ww), self.w), self.w)
    }
}
