//! Learning when only the quality of an output is observed.
//!
//! The direction of improvement is unknown, so outputs are tried in pairs, `y + eps` and `y - eps`.
//! The difference of the two qualities estimates the slope along `eps` (evolution strategies with antithetic
//! sampling: Salimans et al. 2017, arXiv:1703.03864). In all 384 dimensions of an embedding that teaches
//! nothing; in up to 16 directions in which better is likely to lie it does, after some 500 pairs.

use crate::adapter::limits::not_finite;
use crate::adapter::stats::Receipt;
use crate::error::{Error, Result, check_length, check_range, public_result};
use crate::kernel;
use crate::learn::Learn;
use crate::learn::sample::Sample;

/// The most directions to try at once.
///
/// ```
/// assert_eq!(micro_lora::MAX_DIRECTIONS, 16);
/// ```
pub const MAX_DIRECTIONS: usize = 16;

pub(crate) const MIN_RADIUS: f32 = 1e-6;
pub(crate) const MAX_RADIUS: f32 = 1e6;
/// Share of a new difference in the running spread.
pub(crate) const SPREAD_RATE: f32 = 0.05;
/// The largest difference, in units of their spread.
pub(crate) const CLIP: f32 = 3.0;
/// Power iterations per direction: neighbours closer than 5 % in variance are mixed, which does no harm,
/// for it is the space that counts.
pub(crate) const ITERATIONS: u32 = 60;
/// As a share of the variance along the first direction: anything smaller is rounding.
pub(crate) const LEAST_VARIANCE: f32 = 1e-5;
/// As a share of a vector's square: anything smaller is rounding.
pub(crate) const LEAST_SQUARE: f32 = 1e-6;

/// The generator of perturbations, and the running spread of quality differences. 12 bytes: copy it to save it.
///
/// ```
/// use micro_lora::{Apply, Config, Explore, Learn, MicroLora};
/// let mut lora = MicroLora::<3, 3, 1>::new(Config::new())?;
/// let mut explore = Explore::new(0.2, 7)?;
/// let directions = [1.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0];
/// let x = [0.0, 0.6, 0.8];
/// // Unknown to the adapter: the more of the first value, the better.
/// let quality = |y: &[f32]| (0.5 + 0.5 * y[0]).clamp(0.0, 1.0);
/// let mut eps = [0.0; 3];
/// for _ in 0..200 {
///     explore.draw(&directions, &mut eps)?;
///     let delta = lora.apply(&x)?;
///     let plus: Vec<f32> = (0..3).map(|i| x[i] + delta[i] + eps[i]).collect();
///     let minus: Vec<f32> = (0..3).map(|i| x[i] + delta[i] - eps[i]).collect();
///     explore.adapt(&mut lora, &x, &mut eps, quality(&plus), quality(&minus))?;
///     lora.apply_updates(0.01)?;
/// }
/// assert!(lora.apply(&x)?[0] > 0.5);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Explore {
    radius: f32,
    /// Running mean square of the differences; 0 before the first.
    spread: f32,
    random: u32,
}

impl Explore {
    /// `radius`: the length of `eps`, `1e-6..=1e6`. Large enough for a difference in quality to show,
    /// small enough for the user not to mind: 0.3 for outputs of unit norm, say. The same seed tries the
    /// same things on every machine.
    ///
    /// # Errors
    /// [`Error::OutOfRange`].
    ///
    /// ```
    /// assert!(micro_lora::Explore::new(0.3, 1).is_ok());
    /// assert!(micro_lora::Explore::new(0.0, 1).is_err());
    /// ```
    pub fn new(radius: f32, seed: u32) -> Result<Self> {
        check_range("radius", radius, MIN_RADIUS, MAX_RADIUS)?;
        // Spread over all bits, and never zero.
        let random = seed.wrapping_mul(0x9E37_79B9) | 1;
        Ok(Self { radius, spread: 0.0, random })
    }

    /// Checks an explorer restored from memory of your own, as the C interface does at every call. An explorer made by
    /// [`new`](Self::new) is always valid.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], [`Error::Count`].
    ///
    /// ```
    /// assert!(micro_lora::Explore::new(0.3, 1)?.check().is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        check_range("radius", self.radius, MIN_RADIUS, MAX_RADIUS)?;
        check_range("spread", self.spread, 0.0, f32::MAX)?;
        // Xorshift stays at zero for ever.
        if self.random == 0 {
            return Err(Error::Count { what: "random", got: 0, min: 1, max: u32::MAX as usize });
        }
        Ok(())
    }

    /// Draws the next perturbation: `eps` of `out_features` values, of length `radius`, in the space of the
    /// directions, n x `out_features` values, n = 1 to 16, near unit norm.
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::Length`], [`Error::NotFinite`], [`Error::Overflow`], [`Error::ZeroNorm`] for
    /// directions that cancel; the content of `eps` is then unspecified.
    ///
    /// ```
    /// let mut eps = [0.0; 2];
    /// micro_lora::Explore::new(0.5, 1)?.draw(&[0.0, 1.0], &mut eps)?;
    /// assert_eq!((eps[0], eps[1].abs()), (0.0, 0.5));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn draw(&mut self, directions: &[f32], eps: &mut [f32]) -> Result<()> {
        count_directions(directions.len(), eps.len())?;
        eps.fill(0.0);
        // A draw that is refused has drawn nothing.
        let mut drawn = *self;
        for direction in kernel::rows(directions, eps.len()) {
            kernel::axpy(eps, drawn.uniform(), direction);
        }
        let length = length_of("directions", eps)?;
        kernel::scale(eps, self.radius / length);
        *self = drawn;
        Ok(())
    }

    /// Adds one pair to the pending gradients: `plus` is the quality of `y + eps`, `minus` that of
    /// `y - eps`, in any unit. `g = -clip((plus - minus) / spread, 3) eps / |eps|`, which overwrites
    /// `eps`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for the qualities, [`Error::Overflow`] if the square of their difference is
    /// infinite, [`Error::ZeroNorm`] for `eps`; as [`Learn::adapt_gradient`].
    ///
    /// ```
    /// use micro_lora::{Config, Explore, MicroLora, Outcome, Skip};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// let mut explore = Explore::new(0.5, 1)?;
    /// let mut eps = [0.3, 0.4];
    /// let receipt = explore.adapt(&mut lora, &[1.0, 0.0], &mut eps, 0.7, 0.7)?;
    /// assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroGradient)); // as good as each other
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn adapt<'s>(
        &mut self,
        lora: &mut impl Learn,
        sample: impl Into<Sample<'s>>,
        eps: &mut [f32],
        plus: f32,
        minus: f32,
    ) -> Result<Receipt> {
        let difference = plus - minus;
        let squared = difference * difference;
        // An infinite spread would scale every later difference to zero, and stay infinite.
        if !squared.is_finite() {
            return public_result(Err(not_finite(&[("qualities", &[plus, minus])], "qualities")));
        }
        let length = length_of("eps", eps)?;
        let spread =
            if self.spread > 0.0 { self.spread + SPREAD_RATE * (squared - self.spread) } else { squared };
        let slope = if spread > 0.0 { (difference / kernel::sqrt(spread)).clamp(-CLIP, CLIP) } else { 0.0 };
        kernel::scale(eps, -(slope / length));
        let receipt = lora.adapt_gradient(sample, eps)?;
        self.spread = spread;
        Ok(receipt)
    }

    /// -1 to 1.
    fn uniform(&mut self) -> f32 {
        // Xorshift (Marsaglia 2003).
        self.random ^= self.random.wrapping_shl(13);
        self.random ^= self.random.wrapping_shr(17);
        self.random ^= self.random.wrapping_shl(5);
        self.random.wrapping_shr(8) as f32 / 8_388_608.0 - 1.0
    }
}

/// The directions in which example vectors differ most: their first principal components, by power
/// iteration with deflation, without allocation.
///
/// The mean of the examples is taken off first, as it is for principal components: what all of them
/// share is no direction in which one is better than another. To try that too, put the mean among the
/// directions, brought to unit norm.
///
/// `examples`: n x `out_features` values, documents or outputs; 100 or more are best.
/// `directions`: n x `out_features` values to fill, n = 1 to 16, of unit norm and at right angles.
/// `scratch`: `2 * out_features` values.
/// Returns the number of directions found: fewer than n if the examples span fewer; the others are zero.
/// Cost: 60 passes over the examples per direction.
///
/// # Errors
/// [`Error::Count`], [`Error::Length`], [`Error::NotFinite`], [`Error::Overflow`]; the content of `directions`
/// is then unspecified.
///
/// ```
/// use micro_lora::principal_directions;
/// // Four points on a line, and a fifth off it.
/// let examples = [-2.0, 0.0, -1.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.1];
/// let (mut directions, mut scratch) = ([0.0; 2], [0.0; 4]);
/// assert_eq!(principal_directions(&examples, 2, &mut directions, &mut scratch)?, 1);
/// assert!(directions[0].abs() > 0.999 && directions[1].abs() < 0.01);
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn principal_directions(
    examples: &[f32],
    out_features: usize,
    directions: &mut [f32],
    scratch: &mut [f32],
) -> Result<usize> {
    let rows = kernel::rows(examples, out_features);
    let n = rows.len();
    if !rows.remainder().is_empty() || n < 2 {
        let expected = n.max(2).saturating_mul(out_features);
        return Err(Error::Length { what: "examples", expected, got: examples.len() });
    }
    let wanted = count_directions(directions.len(), out_features)?;
    check_length("scratch", scratch.len(), out_features.saturating_mul(2))?;
    if let Some(index) = kernel::first_not_finite(examples) {
        return Err(Error::NotFinite { what: "examples", index });
    }
    let (mean, row) = scratch.split_at_mut_checked(out_features).unwrap_or_default();
    mean.fill(0.0);
    for example in rows {
        kernel::axpy(mean, 1.0 / n as f32, example);
    }
    directions.fill(0.0);
    let mut random = Explore { radius: 1.0, spread: 0.0, random: 1 };
    let mut first_variance = 0.0;
    for found in 0..wanted {
        let (before, rest) =
            directions.split_at_mut_checked(found.saturating_mul(out_features)).unwrap_or_default();
        let Some(direction) = rest.get_mut(..out_features) else { break };
        direction.fill_with(|| random.uniform());
        let mut variance = 0.0;
        for _ in 0..ITERATIONS {
            if !settle(direction, before) {
                variance = 0.0;
                break;
            }
            variance = spread_along(examples, mean, direction, row);
            if !variance.is_finite() {
                return Err(Error::Overflow { what: "examples" });
            }
            kernel::copy(direction, row);
        }
        first_variance = if found == 0 { variance } else { first_variance };
        // What is left is rounding: the examples span no more directions.
        if variance <= LEAST_VARIANCE * first_variance || !settle(direction, before) {
            direction.fill(0.0);
            return Ok(found);
        }
    }
    Ok(wanted)
}

/// `row = sum ((x - mean) . v) (x - mean)` over the examples; its length is their scatter along `v`, once
/// `v` has settled.
fn spread_along(examples: &[f32], mean: &[f32], v: &[f32], row: &mut [f32]) -> f32 {
    let along_mean = kernel::dot(mean, v);
    let mut sum = 0.0;
    row.fill(0.0);
    for example in kernel::rows(examples, v.len()) {
        let along = kernel::dot(example, v) - along_mean;
        kernel::axpy(row, along, example);
        sum += along;
    }
    kernel::axpy(row, -sum, mean);
    kernel::norm(row)
}

/// Brings `v` to unit norm and to right angles with the directions found before; false if nothing of it is
/// left. Twice, for where little is left after the first time, that is mostly rounding.
fn settle(v: &mut [f32], before: &[f32]) -> bool {
    for _ in 0..2 {
        let all = kernel::dot(v, v);
        for direction in kernel::rows(before, v.len()) {
            let along = kernel::dot(direction, v);
            kernel::axpy(v, -along, direction);
        }
        // As little as this is rounding, and would lie along the directions that there are.
        if kernel::dot(v, v) <= LEAST_SQUARE * all {
            return false;
        }
        let Ok(length) = length_of("examples", v) else { return false };
        kernel::scale(v, 1.0 / length);
    }
    true
}

fn count_directions(values: usize, out_features: usize) -> Result<usize> {
    let n = values.checked_div(out_features).unwrap_or_default();
    if !(1..=MAX_DIRECTIONS).contains(&n) {
        return Err(Error::Count { what: "directions", got: n, min: 1, max: MAX_DIRECTIONS });
    }
    check_length("directions", values, n.saturating_mul(out_features))?;
    Ok(n)
}

/// `|v|`, refused if it is not finite or gives no direction.
fn length_of(what: &'static str, v: &[f32]) -> Result<f32> {
    let squared = kernel::dot(v, v);
    if !squared.is_finite() {
        return public_result(Err(not_finite(&[(what, v)], what)));
    }
    if squared > 0.0 { Ok(kernel::sqrt(squared)) } else { Err(Error::ZeroNorm { what }) }
}
