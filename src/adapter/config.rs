//! The settings that an adapter is made with.

use crate::error::{Error, Range, Result, check_ranges};
use crate::profile::REFUSES_STEPS;

/// The largest `in_features` or `out_features`: above any model's hidden size, and small enough
/// that no size computed from it overflows 32 bits.
///
/// ```
/// use micro_lora::{Config, Header, MAX_FEATURES};
/// assert!(Header::new(MAX_FEATURES, 1, 1, &Config::new()).is_ok());
/// assert!(Header::new(MAX_FEATURES + 1, 1, 1, &Config::new()).is_err());
/// ```
pub const MAX_FEATURES: usize = 1 << 20;

/// The largest rank.
///
/// ```
/// assert_eq!(micro_lora::MAX_RANK, 4);
/// ```
pub const MAX_RANK: usize = 4;

/// How [`apply_updates`](crate::Learn::apply_updates) turns the pending gradient into a step.
///
/// ```
/// use micro_lora::{Config, StepKind};
/// assert_eq!(Config::new().step, StepKind::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u32)]
#[non_exhaustive]
pub enum StepKind {
    /// The scaled-gradient step with its first constants. Adapters made with it continue with the same bits.
    ScaledGradient = 0,
    /// Plain stochastic gradient descent, as `torch.optim.SGD`: for parity tests and for hosts
    /// that schedule the rate themselves.
    Sgd = 1,
    /// The scaled-gradient step with an outlier guard: one setting for every task, no tuning.
    /// Sources: ScaledGD (Tong, Ma, Chi 2021), Riemannian preconditioned LoRA (Zhang, Pilanci 2024);
    /// the constants are measured, `docs/learning.md` in the repository says how.
    ScaledGradientV2 = 2,
    /// Stochastic dual coordinate ascent on lists, with a bias: for searches and choices. It has no step size,
    /// and takes lists alone (choice, listwise, thumb).
    /// Source: Shalev-Shwartz and Zhang 2013; the list-wise form is this project's (`src/learn/dual/`).
    Dual = 3,
    /// The default. Not chosen: the first feedback chooses. A list (choice, listwise, thumb) chooses
    /// [`StepKind::Dual`], all else [`StepKind::ScaledGradientV2`]. [`Receipt::step`](crate::Receipt::step) and a
    /// saved state say which it was; an adapter of the dual step refuses feedback of the other kind from then on,
    /// until a reset. Where there is no room for a bias
    /// ([`AdapterMut::from_parts`](crate::AdapterMut::from_parts) without
    /// [`with_bias`](crate::AdapterMut::with_bias)), or the rank is above `in_features`, a list chooses
    /// [`StepKind::ScaledGradientV2`] too.
    #[default]
    Auto = 4,
}

impl StepKind {
    /// The step that a stored number stands for, if any.
    ///
    /// ```
    /// use micro_lora::StepKind;
    /// assert_eq!(StepKind::from_code(1), Some(StepKind::Sgd));
    /// assert_eq!(StepKind::from_code(9), None);
    /// ```
    #[must_use]
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::ScaledGradient),
            1 => Some(Self::Sgd),
            2 => Some(Self::ScaledGradientV2),
            3 => Some(Self::Dual),
            4 => Some(Self::Auto),
            _ => None,
        }
    }
}

/// Settings of an adapter. Start from [`Config::new`] and change what differs.
///
/// Every setting has a safe default; none must be tuned for learning to work.
///
/// ```
/// use micro_lora::Config;
/// let config = Config::new().with_alpha(8.0).with_cap(2.0).with_seed(7);
/// assert_eq!(config.alpha, 8.0);
/// assert_eq!(config.cap, 2.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(C)]
#[non_exhaustive]
pub struct Config {
    /// LoRA alpha, `1e-6..=1e6`, default 4. The correction is scaled by `alpha / rank`. Training
    /// does not depend on it.
    pub alpha: f32,
    /// Scale by `alpha / sqrt(rank)` instead (rsLoRA, Kalajdzievski 2023; PEFT's `use_rslora`).
    pub use_rslora: bool,
    /// Output guard: `|delta| <= cap * |x|`. `1e-6..=1e6` or [`Config::CAP_OFF`], default 2.
    pub cap: f32,
    /// Seed of the initial `lora_A`; the same seed gives the same bits on every machine.
    pub seed: u32,
    /// Names the frozen model whose vectors this adapter was trained on; 0 if unused.
    pub model_id: u32,
    /// How feedback becomes a step, default [`StepKind::Auto`]: the first feedback chooses.
    pub step: StepKind,
    /// Share of `lora_B` that every update removes, `0.0..=0.5`, default 0. It adds to what the step removes by
    /// itself: [`StepKind::ScaledGradientV2`] half of what it learned in 2,300 updates, rehearsals included.
    pub decay: f32,
}

impl Config {
    /// The value of [`cap`](Self::cap) that turns the output guard off.
    pub const CAP_OFF: f32 = f32::INFINITY;

    /// In the order of [`Config::check`].
    pub(crate) const RANGES: [Range; 3] = [
        Range { what: "alpha", min: 1e-6, max: 1e6 },
        Range { what: "cap", min: 1e-6, max: 1e6 },
        Range { what: "decay", min: 0.0, max: 0.5 },
    ];

    /// The defaults: alpha 4, cap 2, seed 0, model id 0, a step that the first feedback chooses, no decay.
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().alpha, 4.0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            alpha: 4.0,
            use_rslora: false,
            cap: 2.0,
            seed: 0,
            model_id: 0,
            step: StepKind::Auto,
            decay: 0.0,
        }
    }

    /// Sets [`alpha`](Self::alpha).
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().with_alpha(16.0).scaling(4), 4.0);
    /// ```
    #[must_use]
    pub const fn with_alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets [`use_rslora`](Self::use_rslora).
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().with_rslora(true).scaling(4), 2.0);
    /// ```
    #[must_use]
    pub const fn with_rslora(mut self, use_rslora: bool) -> Self {
        self.use_rslora = use_rslora;
        self
    }

    /// Sets [`cap`](Self::cap).
    ///
    /// ```
    /// use micro_lora::Config;
    /// assert_eq!(Config::new().with_cap(Config::CAP_OFF).cap, f32::INFINITY);
    /// ```
    #[must_use]
    pub const fn with_cap(mut self, cap: f32) -> Self {
        self.cap = cap;
        self
    }

    /// Sets [`seed`](Self::seed).
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().with_seed(7).seed, 7);
    /// ```
    #[must_use]
    pub const fn with_seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// Sets [`model_id`](Self::model_id).
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().with_model_id(42).model_id, 42);
    /// ```
    #[must_use]
    pub const fn with_model_id(mut self, model_id: u32) -> Self {
        self.model_id = model_id;
        self
    }

    /// Sets [`step`](Self::step).
    ///
    /// ```
    /// use micro_lora::{Config, StepKind};
    /// assert_eq!(Config::new().with_step(StepKind::Sgd).step, StepKind::Sgd);
    /// ```
    #[must_use]
    pub const fn with_step(mut self, step: StepKind) -> Self {
        self.step = step;
        self
    }

    /// Sets [`decay`](Self::decay).
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().with_decay(0.01).decay, 0.01);
    /// ```
    #[must_use]
    pub const fn with_decay(mut self, decay: f32) -> Self {
        self.decay = decay;
        self
    }

    /// `s`: `alpha / rank`, or `alpha / sqrt(rank)` with rsLoRA (PEFT, `peft/tuners/lora/layer.py`,
    /// `update_layer`). `rank` is taken as 1..=4.
    ///
    /// ```
    /// assert_eq!(micro_lora::Config::new().scaling(2), 2.0);
    /// ```
    #[must_use]
    pub const fn scaling(&self, rank: usize) -> f32 {
        scaling(self.alpha, self.use_rslora, rank)
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], naming the first setting that is outside its range.
    ///
    /// ```
    /// use micro_lora::Config;
    /// assert!(Config::new().check().is_ok());
    /// assert!(Config::new().with_alpha(f32::NAN).check().is_err());
    /// ```
    pub const fn check(&self) -> Result<()> {
        if REFUSES_STEPS && !matches!(self.step, StepKind::Dual | StepKind::Auto) {
            let expected = "StepKind::Dual or StepKind::Auto, which are what this build has";
            return Err(Error::Unsupported { field: "step", expected });
        }
        let cap = if self.cap == Self::CAP_OFF { 1.0 } else { self.cap };
        check_ranges(&Self::RANGES, &[self.alpha, cap, self.decay])
    }
}

/// As [`Config::scaling`].
#[expect(clippy::excessive_precision, reason = "the nearest f32 to sqrt(3), in full")]
pub(crate) const fn scaling(alpha: f32, use_rslora: bool, rank: usize) -> f32 {
    let rank = if rank < 1 { 1 } else { rank };
    let rank = if rank > MAX_RANK { MAX_RANK } else { rank };
    let root = match rank {
        1 => 1.0,
        2 => core::f32::consts::SQRT_2,
        3 => 1.732_050_807_6,
        _ => 2.0,
    };
    alpha / if use_rslora { root } else { rank as f32 }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
