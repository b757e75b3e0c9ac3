//! How base and correction predict what is chosen: every list is predicted before it is learned.
//!
//! ```text
//! x_j = score_j / tau,  y_j = X_j (b + C^T h) / tau            p0 = softmax(beta x)    p1 = softmax(beta x + y)
//!
//! doubt <- max(0, doubt + min(1, 2 omega) sum_j w_j ln(p0_j / p1_j)),   above 6 (9 without a memory, or with a younger one): all that was learned fades to a tenth, doubt = 0
//!
//! (trust, strength) = argmax sum_i 0.99^age omega_i sum_j w_j ln softmax(trust x + strength y)_j - 5 |. - (1/2, 1)|^2
//! ```
//!
//! The first is the cumulative sum test of Page (1954, Continuous inspection schemes, Biometrika 41): it stays near zero
//! while the correction predicts better than the base alone, and rises when it misleads: another taste, or clicks that
//! follow nothing. Lists from before the last zero of the sum weigh a tenth from then on; newer ones are learned again.
//! The second is a logistic regression by one Newton step a list, for display; a strength below 0.6 is a doubt as well.

use super::BETA;
use super::list::{List, Target};
use crate::adapter::header::Header;
use crate::adapter::stats::Predictions;
use crate::adapter::view::AdapterMut;
use crate::error::Checked;
use crate::forward::centred;
use crate::kernel;
use crate::learn::sample::MAX_CANDIDATES;
use crate::learn::softmax::exponentials;

/// The doubt, in nats, above which everything learned is multiplied by the factor below.
pub(crate) const DOUBT_LIMIT: f32 = 6.0;
/// The same for an adapter without a memory, or with one that is younger than the doubt: nothing brings back what a false alarm took, so it has to be surer.
pub(crate) const LIMIT_ALONE: f32 = 9.0;
/// The strength of the correction, as choices follow it, below which the same happens.
const LEAST_STRENGTH: f32 = 0.6;
/// That factor.
pub(crate) const FADED: f32 = 0.1;
/// The largest contribution of one list, in nats: one unusual click is not a change of taste.
const MOST: f32 = 5.0;
/// The prior of trust (in the base) and strength (of the correction): mean and weight.
const PRIOR: [f32; 2] = [BETA, 1.0];
const PRECISION: f32 = 10.0;
/// The factor by which each list weighs less in the regression after the next one.
const FORGETTING: f32 = 0.99;
/// The largest weight of a list in it.
const MOST_OMEGA: f32 = 2.0;

/// The largest entry of a list's Hessian and gradient: the determinant of a sum of larger ones is lost in rounding.
const MOST_CURVATURE: f32 = 1e6;

/// How well a list was predicted before it was learned: made by [`AdapterMut::predict`], kept by [`AdapterMut::keep_evidence`].
#[derive(Clone, Copy)]
pub(crate) struct Prediction {
    /// `min(1, 2 omega) sum_j w_j ln(p0_j / p1_j)`: above zero, the base alone predicted better.
    doubt: f32,
    /// `-omega` times the gradient and the Hessian of the list's log likelihood, by trust and strength.
    gradient: [f32; 2],
    hessian: [f32; 3],
}

/// How everything that was learned fades.
#[derive(Clone, Copy)]
pub(crate) struct Fading {
    /// The factor on weights and on the parts of remembered lists.
    pub(crate) keep: f32,
    /// In doubt, the lists since it was zero: those before them weigh less from then on.
    pub(crate) young: Option<u32>,
}

impl Header {
    /// Trust in the base and strength of the correction, and the inverse of the regularised Hessian's diagonal.
    fn fitted(&self) -> ([f32; 2], [f32; 2]) {
        let [h00, h01, h11, g0, g1, ..] = self.dual.trust;
        // Below zero by rounding only.
        let (a, b, d) = (h00.max(0.0) + PRECISION, h01, h11.max(0.0) + PRECISION);
        // At least `PRECISION (a + d - PRECISION)`; rounding of large products can lose that.
        let determinant = (a * d - b * b).max((0.5 * PRECISION) * (a + d));
        let [right_0, right_1] = [PRECISION * PRIOR[0] - g0, PRECISION * PRIOR[1] - g1];
        let trust = (d * right_0 - b * right_1) / determinant;
        let strength = (a * right_1 - b * right_0) / determinant;
        ([trust.clamp(0.0, 2.0), strength.clamp(-1.0, 5.0)], [d / determinant, a / determinant])
    }

    pub(crate) fn predictions(&self) -> Option<Predictions> {
        let [h00, _, h11, ..] = self.dual.trust;
        if h00 <= 0.0 || h11 <= 0.0 {
            return None;
        }
        let ([trust, strength], [trust_variance, strength_variance]) = self.fitted();
        Some(Predictions {
            trust,
            trust_error: kernel::sqrt(trust_variance.max(0.0)),
            strength,
            strength_error: kernel::sqrt(strength_variance.max(0.0)),
        })
    }

    /// Whether the correction predicts worse than the base alone, by a doubt above the limit.
    fn is_in_doubt(&self, limit: f32) -> bool {
        let [.., doubt, _] = self.dual.trust;
        let ([_, strength], _) = self.fitted();
        doubt > limit || strength < LEAST_STRENGTH
    }

    /// What is due: the decay that is set, and a doubt above the limit.
    pub(crate) fn fading(&self, limit: f32) -> Fading {
        let keep = 1.0 - self.decay;
        let [.., since] = self.dual.trust;
        if self.is_in_doubt(limit) {
            Fading { keep: FADED * keep, young: Some(since as u32) }
        } else {
            Fading { keep, young: None }
        }
    }
}

impl AdapterMut<'_> {
    /// Predicts a list that has not been visited yet. Nothing is written.
    #[inline(never)]
    pub(crate) fn predict(&mut self, list: &List<'_>, centre: &[f32; 4]) -> Checked<Prediction> {
        let count = kernel::rows(list.documents, self.header.out_len()).len();
        let (mut corrected, mut base) = ([0.0; MAX_CANDIDATES], [0.0; MAX_CANDIDATES]);
        let (corrected, base) =
            (corrected.get_mut(..count).unwrap_or_default(), base.get_mut(..count).unwrap_or_default());
        let h = centred(kernel::down(self.a, list.input), centre);
        self.list_logits(list, Some(h), corrected)?;
        self.list_logits(list, None, base)?;
        for (y, x) in corrected.iter_mut().zip(&mut *base) {
            *y -= *x;
            *x /= BETA;
        }
        Ok(compare(base, corrected, list, self.header.fitted().0))
    }

    /// Stores a prediction after its list is learned.
    pub(crate) fn keep_evidence(&mut self, prediction: Prediction) {
        let [h00, h01, h11, g0, g1, doubt, since] = &mut self.header.dual.trust;
        let Prediction { doubt: more, hessian, gradient } = prediction;
        if hessian.iter().chain(&gradient).all(|value| value.abs() <= MOST_CURVATURE) {
            for (sum, value) in [h00, h01, h11].into_iter().zip(hessian) {
                *sum = FORGETTING * *sum + value;
            }
            for (sum, value) in [g0, g1].into_iter().zip(gradient) {
                *sum = FORGETTING * *sum + value;
            }
        }
        *doubt = (*doubt + more).max(0.0);
        *since = if *doubt > 0.0 { *since + 1.0 } else { 0.0 };
    }

    /// Fades all that was learned.
    pub(crate) fn fade(&mut self, Fading { keep, young }: Fading) {
        if keep < 1.0 {
            kernel::scale(self.b, keep);
            kernel::scale(self.bias, keep);
            kernel::scale(self.grad_a, keep);
            self.header.dual.u = self.header.dual.u.map(|u| keep * u);
        }
        if young.is_some() {
            // What was seen was of another correction: it starts again.
            self.header.dual.trust = [0.0; 7];
        }
    }
}

/// `x` and `y` of each document, as in the module's documentation.
fn compare(x: &[f32], y: &[f32], list: &List<'_>, fitted: [f32; 2]) -> Prediction {
    let [base, corrected, fit] =
        [[BETA, 0.0], [BETA, 1.0], fitted].map(|factors| moments(x, y, factors, list.target));
    let worse = base.log_chance - corrected.log_chance;
    let doubt = if worse.is_finite() { (2.0 * list.omega).min(1.0) * worse.clamp(-MOST, MOST) } else { 0.0 };
    let omega = list.omega.min(MOST_OMEGA);
    let [x, y] = fit.mean;
    let [xx, xy, yy] = fit.squares;
    let hessian = [xx - x * x, xy - x * y, yy - y * y].map(|variance| omega * variance);
    let ([h00, h01, h11], [trust, strength]) = (hessian, fitted);
    let [wanted_x, wanted_y] = fit.wanted;
    let gradient = [
        omega * (x - wanted_x) - (h00 * trust + h01 * strength),
        omega * (y - wanted_y) - (h01 * trust + h11 * strength),
    ];
    Prediction { doubt, gradient, hessian }
}

/// Of `p = softmax(trust x + strength y)` and the target `w`.
struct Moments {
    /// `sum_j w_j ln p_j`, or the logarithm of the chance that the document turned down is not chosen.
    log_chance: f32,
    /// Means of `x` and `y` by `p`.
    mean: [f32; 2],
    /// Means of `x x`, `x y` and `y y` by `p`.
    squares: [f32; 3],
    /// Means of `x` and `y` by `w`.
    wanted: [f32; 2],
}

// Once in the program: it is called for three distributions of each list.
#[inline(never)]
fn moments(x: &[f32], y: &[f32], [trust, strength]: [f32; 2], target: Target<'_>) -> Moments {
    let mut p = [0.0; MAX_CANDIDATES];
    let p = p.get_mut(..x.len()).unwrap_or_default();
    for ((p, x), y) in p.iter_mut().zip(x).zip(y) {
        *p = trust * x + strength * y;
    }
    let (share, turned_down) = match target {
        Target::Share(share) => (share, usize::MAX),
        Target::AllBut(index) => (&[] as &[f32], index),
    };
    let along = share.iter().zip(&*p).fold(0.0, |sum, (w, z)| sum + w * z);
    let (largest, sum) = exponentials(p);
    let (mut mean, mut squares, mut wanted, mut others) = ([0.0; 2], [0.0; 3], [0.0; 2], 0.0);
    for (j, ((p, x), y)) in p.iter().zip(x).zip(y).enumerate() {
        let (p, [mean_x, mean_y], [xx, xy, yy]) = (p / sum, &mut mean, &mut squares);
        (*mean_x, *mean_y) = (*mean_x + p * x, *mean_y + p * y);
        (*xx, *xy, *yy) = (*xx + p * (x * x), *xy + p * (x * y), *yy + p * (y * y));
        let w = match share.get(j) {
            Some(w) => *w,
            None if j == turned_down => 0.0,
            None => p,
        };
        others += w;
        let [wanted_x, wanted_y] = &mut wanted;
        (*wanted_x, *wanted_y) = (*wanted_x + w * x, *wanted_y + w * y);
    }
    // Of a document turned down, the rest of `p`; 1 to rounding of what was given.
    let others = others.max(f32::MIN_POSITIVE);
    let log_chance = if share.is_empty() { libm::logf(others) } else { (along - largest) - libm::logf(sum) };
    Moments { log_chance, mean, squares, wanted: wanted.map(|sum| sum / others) }
}
