//! The dual step: stochastic dual coordinate ascent on lists (SDCA, Shalev-Shwartz and Zhang 2013; the list-wise form,
//! the share, the turn of `lora_A` and the removal of lists are this project's).
//!
//! ```text
//! y = base + m f (b + C^T A (x - mu))          A [r, in] orthonormal rows, C = s lora_B [r, out], mu = Q / (N + 10)
//!
//! sum_i omega_i CE(w_i, softmax((beta X_i base_i + X_i (b + C^T A (x_i - mu))) / tau_i)) + lambda / 2 (|b|^2 + |C|^2 / gamma)
//!
//! b = sum_i X_i^T alpha_i / (lambda tau_i)     C = gamma sum_i h_i (x) X_i^T alpha_i / (lambda tau_i)     T = sum_i u_i (x) (x_i - mu)
//!
//! a visit of list i:  h_i = A (x_i - mu);  z = (beta X base + X (b + C^T h_i)) / tau;  p = softmax(z);  q = (p + w) / 2
//!                     v = sum_j q_j |X_j - X^T q|^2;  share = 1 / (1 + omega (1 + gamma |h_i|^2) v / (lambda tau^2))
//!                     alpha_i += share (omega (w - p) - alpha_i);  b, C follow;  u_i = C X^T alpha_i / (lambda tau)
//! after the visits:   A <- rows of A + eta (T - T A^T A) sqrt(r) / |T|, orthonormal again
//! ```
//!
//! `alpha_i` are the dual variables of a list, one per document; at the optimum `alpha_i = omega_i (w_i - p_i)`. The
//! curvature that the share comes from is taken at (p + w) / 2: at p alone a list whose p is near 1 for the wrong document
//! does not converge. `T = S - U (x) mu` is kept as S and U, so that a list can be removed although mu has changed since.
//!
//! In a memory's lists "none of these" is one option more. It stands for m, the mean over the lists of their mean document. Below, X is
//! already X - m, so the correction adds 0 to the option's logit:
//!
//! ```text
//! z_none = ln sum_j exp(beta X_j base / tau) + ln(P / (1 - P))     P = min(.9, |mean_j X_j|^2 / mean_j |X_j|^2)
//! alpha_j = omega (1 - P / 2) (w_j - p_j) at the optimum; the option needs no alpha, since its X is 0
//! ```
//!
//! A click then says that its document is better than what lists show, and a list without a click that its documents are worse.
//! P is the option's probability without a correction: near 0 where every list has the same documents. The option and its logit
//! are this project's.
//!
//! All of it is computed in units of the first list: inputs over its length, documents over the rms of theirs, the
//! correction over the length of its base. So vectors of any common length teach the same.
//!
//! Every list with a click is predicted before it is learned (`evidence.rs`): where the correction misleads, all of it fades.

mod evidence;
mod list;
pub(crate) mod list_feedback;
mod mean;
mod pending;
mod start;
mod turn;

pub(crate) use evidence::{DOUBT_LIMIT, FADED, Fading, LIMIT_ALONE};
pub(crate) use list::{Base, Destination, List, MOST_U, NoneOfThese, Part, Target};
pub(crate) use mean::AlphaSums;
pub(crate) use pending::{MAX_SCORE, apply_updates};

/// The L2 penalty: the weight of `|b|^2 / 2` and `|C|^2 / (2 gamma)` relative to the lists' losses.
const LAMBDA: f32 = 50.0;
/// The inverse penalty of `C` relative to `b`: a larger value lets `C` change more.
const GAMMA: f32 = 5.0;
/// Weight of the base in the loss: clicks follow the frozen order about half as strongly as the temperature says.
const BETA: f32 = 0.5;
/// The step of the rows of `A` towards the leading right singular vectors of `T` after each list.
const ETA: f32 = 0.1;
/// The number of zero inputs that the mean of the inputs starts with.
const PRIOR: f32 = 10.0;
/// The largest weight `omega` of a list.
pub(crate) const MAX_OMEGA: f32 = 16.0;
/// The learning rate at which omega is the weight of the clicks; omega is proportional to the rate.
pub(crate) const UNIT_RATE: f32 = 0.01;
