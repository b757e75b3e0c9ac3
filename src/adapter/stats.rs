//! Receipts and statistics.

use crate::adapter::config::StepKind;

/// Why a valid call changed no weight and no pending gradient. Counters and running means of the
/// qualities go on all the same.
///
/// ```
/// use micro_lora::{Config, Learn, MicroLora, Outcome, Skip};
/// let mut lora = MicroLora::<4, 4, 1>::new(Config::new())?;
/// let receipt = lora.apply_updates(0.01)?;
/// assert_eq!(receipt.outcome, Outcome::Skipped(Skip::NoPending));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u32)]
#[non_exhaustive]
pub enum Skip {
    /// A quality of exactly 0.5 says neither better nor worse.
    NeutralQuality = 1,
    /// Every candidate has the same positive weight, so none is preferred.
    AllChosen = 2,
    /// Every candidate has the weight 0.
    NothingChosen = 3,
    /// The gradient is zero, or the input is.
    ZeroGradient = 4,
    /// The sample's weight is 0.
    ZeroWeight = 5,
    /// No event is pending.
    NoPending = 6,
    /// The learning rate is 0; the pending gradients are kept.
    ZeroLearningRate = 7,
}

/// Whether a call took effect.
///
/// ```
/// use micro_lora::{Config, Learn, MicroLora, Outcome, Skip};
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
/// match lora.adapt_gradient(&[1.0, 0.0], &[0.0, 0.0])?.outcome {
///     Outcome::Skipped(reason) => assert_eq!(reason, Skip::ZeroGradient),
///     Outcome::Applied => unreachable!(),
/// }
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// It took effect.
    Applied,
    /// It changed nothing, for this reason. The call was valid.
    Skipped(Skip),
}

impl Outcome {
    /// 0 for applied, else the number of the reason; the numbers never change.
    ///
    /// ```
    /// use micro_lora::{Outcome, Skip};
    /// assert_eq!(Outcome::Applied.code(), 0);
    /// assert_eq!(Outcome::Skipped(Skip::NoPending).code(), 6);
    /// ```
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Applied => 0,
            Self::Skipped(skip) => skip as u32,
        }
    }
}

/// What a call to learn did. No call is a silent no-op.
///
/// ```
/// use micro_lora::{Config, Learn, MicroLora, Outcome};
/// let mut lora = MicroLora::<4, 4, 1>::new(Config::new())?;
/// let receipt = lora.adapt_gradient(&[1.0, 0.0, 0.0, 0.0], &[0.0, 3.0, 0.0, 4.0])?;
/// assert_eq!(receipt.outcome, Outcome::Applied);
/// assert_eq!(receipt.grad_norm, 5.0);
/// assert_eq!(receipt.guard, 1.0); // the output guard did not bind
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Receipt {
    /// Applied, or skipped and why.
    pub outcome: Outcome,
    /// After an adapt call: the L2 norm of `dL/dy`, before the sample's weight. After an update:
    /// the L2 norm of the weighted mean gradient over `lora_A` and `s * lora_B`.
    pub grad_norm: f32,
    /// After an update: the L2 norm of the change of `lora_A` and `lora_B` together (decay not
    /// counted). After an adapt call: 0.
    pub step_norm: f32,
    /// After an adapt call: the factor `f`, `0.0..=1.0`, by which the output guard shortened the
    /// correction; 1 when it did not bind. After an update: 1.
    pub guard: f32,
    /// The adapter's generation after the call.
    pub generation: u32,
    /// The step that the adapter learns by, after the call.
    pub step: StepKind,
}

impl Receipt {
    /// Whether the outcome is [`Outcome::Applied`].
    ///
    /// ```
    /// use micro_lora::{Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// assert!(!lora.apply_updates(0.01)?.applied());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn applied(&self) -> bool {
        matches!(self.outcome, Outcome::Applied)
    }
}

/// A snapshot of an adapter's counters and norms.
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora};
/// let lora = MicroLora::<768, 768, 2>::new(Config::new())?;
/// let stats = lora.stats();
/// assert_eq!(stats.param_count, 3_072);
/// assert_eq!(stats.weight_bytes, 12_288);
/// assert_eq!(stats.norm_b, 0.0);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Stats {
    /// Valid feedback events, skipped ones included.
    pub samples_seen: u32,
    /// The number of those events that had a quality.
    pub rated: u32,
    /// Mean of those qualities, `0.0..=1.0`; 0 while there is none.
    pub mean_quality: f32,
    /// The number of those events in which the output guard shortened the correction.
    pub capped: u32,
    /// Updates applied since the start or the last reset.
    pub updates: u32,
    /// Changes whenever an output may have changed: bumped by every update, reset, load of weights
    /// and change of strength.
    pub generation: u32,
    /// Events waiting for the next update.
    pub pending: u32,
    /// `rank * (in_features + out_features)`.
    pub param_count: u32,
    /// `4 * param_count`.
    pub weight_bytes: u32,
    /// Frobenius norm of `lora_A`.
    pub norm_a: f32,
    /// Frobenius norm of `lora_B`.
    pub norm_b: f32,
    /// Frobenius norm of `delta W = m s B A`, without the output guard.
    pub norm_delta_weight: f32,
}

/// How well what is chosen could be predicted, before it was learned: a logistic regression of the choices on the base's
/// scores and on the correction's, over about the last hundred lists of the dual step. Errors are
/// standard errors. It starts at 0.5 and 1, and again whenever the adapter forgets what misleads.
///
/// ```
/// use micro_lora::{Apply, Config, Learn, Listwise, MicroLora, StepKind};
/// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
/// assert_eq!(lora.predictions(), None);
/// for _ in 0..20 {
///     lora.adapt_listwise(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, /* and */ 0.0, 1.0], &[1.0, 0.0]))?;
///     lora.apply_updates(0.01)?;
/// }
/// let seen = lora.predictions().unwrap();
/// assert!(seen.trust < 0.5 && seen.strength > 1.0);
/// println!("{seen}");
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Predictions {
    /// How strongly choices follow the base, `0.0..=2.0`: 1 as a softmax at the lists' temperature, 0 not at all.
    pub trust: f32,
    /// Standard error of `trust`.
    pub trust_error: f32,
    /// How strongly choices follow the correction, `-1.0..=5.0`: 1 as strongly as it was learned, more if it could be
    /// served more strongly, 0 not at all, below 0 it misleads.
    pub strength: f32,
    /// Standard error of `strength`.
    pub strength_error: f32,
}

impl core::fmt::Display for Predictions {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { trust, trust_error, strength, strength_error } = self;
        write!(
            f,
            "choices follow the frozen order at {trust:.2} ± {trust_error:.2} (1: fully, 0: not at all) and what was \
             learned at {strength:.2} ± {strength_error:.2} (1: as strongly as it was learned, 0: not at all)"
        )
    }
}
