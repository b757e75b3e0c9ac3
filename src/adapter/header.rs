//! The header of an adapter: everything but the matrices, in words of 32 bits.

use crate::adapter::config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
use crate::adapter::limits::{LONGEST, MAX_STRENGTH, SHORTEST, WEIGHT_LIMIT};
use crate::adapter::stats::{Outcome, Receipt};
use crate::error::{
    Checked, Error, Range, Result, check_length, check_measured, check_range, check_ranges, public_result,
    refuse,
};
use crate::kernel::Square;
use crate::profile::HOST_CHECKS;

/// The initial baseline of the quality-only rule.
pub(crate) const BASELINE: f32 = 0.5;

/// Settings, counters and cached scalars of one adapter: 260 bytes, the same layout on every
/// machine, with no pointers, so that copying an adapter's memory copies the adapter.
///
/// ```
/// use micro_lora::{Config, Header};
/// let header = Header::new(384, 384, 4, &Config::new())?;
/// assert_eq!(core::mem::size_of_val(&header), 260);
/// assert!(Header::new(384, 384, 5, &Config::new()).is_err());
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Header {
    pub(crate) in_features: u32,
    pub(crate) out_features: u32,
    /// 0 only in zeroed memory.
    pub(crate) rank: u32,

    pub(crate) alpha: f32,
    /// [`Header::RSLORA`], [`Header::READY`].
    pub(crate) flags: u32,
    pub(crate) cap: f32,
    pub(crate) seed: u32,
    pub(crate) model_id: u32,
    pub(crate) step: u32,
    pub(crate) decay: f32,

    /// `s`, from alpha and rank.
    pub(crate) scaling: f32,
    /// `m`.
    pub(crate) strength: f32,

    /// `W` and `n` of the pending events.
    pub(crate) weight_sum: f32,
    pub(crate) pending: u32,

    pub(crate) trace: Trace,

    pub(crate) samples: u32,
    pub(crate) rated: u32,
    pub(crate) capped: u32,
    pub(crate) generation: u32,
    /// Mean of the qualities, for display.
    pub(crate) mean_quality: f32,
    /// Running mean that the quality-only rule compares with.
    pub(crate) baseline: f32,

    /// `C C^T`, refreshed after every change of `lora_B`.
    pub(crate) gram: Square,

    pub(crate) dual: Dual,
    /// What a bias adds to a forward pass; all zero without one.
    pub(crate) bias: BiasSums,
}

/// State of the dual step besides its arrays.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Dual {
    /// [`Header::DUAL`], [`Header::CHOSEN`], [`Header::BIAS`].
    pub(crate) flags: u32,
    /// `N`: inputs in the sum of inputs.
    pub(crate) lists: u32,
    /// L2 norms of the first list's input, base and documents (rms): the units in which the step computes.
    pub(crate) input_norm: f32,
    pub(crate) base_norm: f32,
    pub(crate) document_norm: f32,
    /// `sum u_i`.
    pub(crate) u: [f32; 4],
    /// How far base and correction predict what is chosen: the Hessian's entries 00, 01, 11 and the gradient of the
    /// regression of `learn/dual/evidence.rs`, Page's sum, and the lists since that was zero.
    pub(crate) trust: [f32; 7],
}

impl Dual {
    /// Refuses lengths that no first list has, a doubt below 0 and a number of lists below 0.
    fn check(&self) -> Checked<()> {
        let [.., doubt, since] = self.trust;
        check_measured("doubt", doubt, 0.0, f32::MAX)?;
        check_measured("lists since the doubt was 0", since, 0.0, f32::MAX)?;
        let norms = [self.input_norm, self.base_norm, self.document_norm];
        if norms == [0.0; 3] {
            return Ok(());
        }
        check_measured("length of the input", self.input_norm, SHORTEST, LONGEST)?;
        check_measured("length of the base", self.base_norm, SHORTEST, LONGEST)?;
        check_measured("length of the documents", self.document_norm, SHORTEST, LONGEST)
    }
}

/// Scalars of `b` and `mu` that every forward pass needs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct BiasSums {
    /// `A mu`, subtracted from `A x`.
    pub(crate) centre: [f32; 4],
    /// `C b`.
    pub(crate) c_b: [f32; 4],
    /// `b . b`.
    pub(crate) squared: f32,
}

/// State of the scaled-gradient step: running mean squares of the two directions, the share `c` of
/// the averaging window filled so far, and the number of updates.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Trace {
    pub(crate) v_a: f32,
    pub(crate) v_c: f32,
    pub(crate) c: f32,
    pub(crate) updates: u32,
}

const _: () = assert!(size_of::<Header>() == 260);

/// The ranges of the state that an adapter accumulates, in the order of [`Header::check_values`].
pub(crate) const RANGES: [Range; 6] = [
    Range { what: "strength", min: 0.0, max: MAX_STRENGTH },
    Range { what: "v_a", min: 0.0, max: f32::MAX },
    Range { what: "v_c", min: 0.0, max: f32::MAX },
    Range { what: "c", min: 0.0, max: 1.0 },
    Range { what: "mean_quality", min: 0.0, max: 1.0 },
    Range { what: "baseline", min: 0.0, max: 1.0 },
];

/// Refuses `in_features`, `out_features` and a rank that no adapter has.
const fn check_sizes(sizes: [usize; 3]) -> Result<()> {
    const LIMITS: [(&str, usize); 3] =
        [("in_features", MAX_FEATURES), ("out_features", MAX_FEATURES), ("rank", MAX_RANK)];
    let (mut limits, mut sizes): (&[_], &[_]) = (&LIMITS, &sizes);
    while let ([(what, max), other_limits @ ..], [got, others @ ..]) = (limits, sizes) {
        if *got == 0 || *got > *max {
            return Err(Error::Count { what, got: *got, min: 1, max: *max });
        }
        (limits, sizes) = (other_limits, others);
    }
    Ok(())
}

impl Header {
    /// A flag: scale by `alpha / sqrt(rank)`.
    pub(crate) const RSLORA: u32 = 1;
    /// A flag: the adapter has weights, and the Gram matrix is computed from them.
    pub(crate) const READY: u32 = 2;
    /// A flag of the dual step: the rows of `lora_A` are orthonormal, and the sums belong to these weights.
    pub(crate) const DUAL: u32 = 1;
    /// A flag of the dual step: the step was chosen by the first feedback, not by the settings.
    pub(crate) const CHOSEN: u32 = 2;
    /// A flag of the dual step: the adapter has a bias. It may be set with any step.
    pub(crate) const BIAS: u32 = 4;

    /// The header of an adapter without weights yet. Until [`reset`](crate::Learn::reset),
    /// [`set_weights`](crate::Learn::set_weights) or [`load_json`](crate::Learn::load_json) has set weights, every
    /// other call returns [`Error::NotInitialised`].
    ///
    /// # Errors
    /// [`Error::Count`] for dims or a rank outside their ranges, [`Error::OutOfRange`] for a
    /// setting outside its range.
    ///
    /// ```
    /// use micro_lora::{Config, Error, Header};
    /// let error = Header::new(0, 8, 1, &Config::new()).unwrap_err();
    /// assert_eq!(error.to_string(), "in_features: expected 1 to 1048576, got 0");
    /// ```
    pub const fn new(in_features: usize, out_features: usize, rank: usize, config: &Config) -> Result<Self> {
        if let Err(error) = check_sizes([in_features, out_features, rank]) {
            return Err(error);
        }
        if let Err(error) = config.check() {
            return Err(error);
        }
        Ok(Self {
            in_features: in_features as u32,
            out_features: out_features as u32,
            rank: rank as u32,
            alpha: config.alpha,
            flags: if config.use_rslora { Self::RSLORA } else { 0 },
            cap: config.cap,
            seed: config.seed,
            model_id: config.model_id,
            step: config.step as u32,
            decay: config.decay,
            scaling: config.scaling(rank),
            strength: 1.0,
            baseline: BASELINE,
            ..Self::zeroed()
        })
    }

    /// Values of an input.
    ///
    /// ```
    /// use micro_lora::{Config, Header};
    /// assert_eq!(Header::new(3, 2, 1, &Config::new())?.in_features(), 3);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn in_features(&self) -> usize {
        self.in_len()
    }

    /// Values of an output.
    ///
    /// ```
    /// use micro_lora::{Config, Header};
    /// assert_eq!(Header::new(3, 2, 1, &Config::new())?.out_features(), 2);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn out_features(&self) -> usize {
        self.out_len()
    }

    /// `r`, 1 to 4.
    ///
    /// ```
    /// use micro_lora::{Config, Header};
    /// assert_eq!(Header::new(3, 2, 4, &Config::new())?.rank(), 4);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank as usize
    }

    /// Checks a header found in memory that another program may have written.
    ///
    /// # Errors
    /// [`Error::NotInitialised`] if no weights are set; [`Error::Count`] and
    /// [`Error::OutOfRange`], naming the first field that no adapter has.
    ///
    /// ```
    /// use micro_lora::{Config, Error, Header};
    /// assert!(Header::of_weights(1, 1, 1, &Config::new(), &[1.0], &[0.0])?.check().is_ok());
    /// assert_eq!(Header::new(1, 1, 1, &Config::new())?.check(), Err(Error::NotInitialised));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        self.check_initialised()?;
        self.check_values()
    }

    /// Refuses values that no adapter has. The Gram matrix is not checked.
    pub(crate) fn check_values(&self) -> Result<()> {
        for (what, got, max) in
            [("step", self.step, 4), ("flags", self.flags, 3), ("dual_flags", self.dual.flags, 7)]
        {
            if got > max {
                return Err(Error::Count { what, got: got as usize, min: 0, max: max as usize });
            }
        }
        let dual = StepKind::Dual as usize;
        if self.is_dual() && self.step as usize != dual {
            return Err(Error::Count { what: "step", got: self.step as usize, min: dual, max: dual });
        }
        check_sizes([self.in_len(), self.out_len(), self.rank as usize])?;
        let config = self.config();
        config.check()?;
        let scaling = config.scaling(self.rank as usize);
        check_range("scaling", self.scaling, scaling, scaling)?;
        let is_pending = self.pending > 0;
        let least_weight = if is_pending { f32::MIN_POSITIVE } else { 0.0 };
        let most_weight = if is_pending { WEIGHT_LIMIT } else { 0.0 };
        check_range("pending weight", self.weight_sum, least_weight, most_weight)?;
        let Trace { v_a, v_c, c, .. } = self.trace;
        check_ranges(&RANGES, &[self.strength, v_a, v_c, c, self.mean_quality, self.baseline])?;
        public_result(self.dual.check())
    }

    /// A header of zeros, which waits for `init`.
    pub(crate) const fn zeroed() -> Self {
        Self {
            in_features: 0,
            out_features: 0,
            rank: 0,
            alpha: 0.0,
            flags: 0,
            cap: 0.0,
            seed: 0,
            model_id: 0,
            step: 0,
            decay: 0.0,
            scaling: 0.0,
            strength: 0.0,
            weight_sum: 0.0,
            pending: 0,
            trace: Trace { v_a: 0.0, v_c: 0.0, c: 0.0, updates: 0 },
            samples: 0,
            rated: 0,
            capped: 0,
            generation: 0,
            mean_quality: 0.0,
            baseline: 0.0,
            gram: [[0.0; 4]; 4],
            dual: Dual {
                flags: 0,
                lists: 0,
                input_norm: 0.0,
                base_norm: 0.0,
                document_norm: 0.0,
                u: [0.0; 4],
                trust: [0.0; 7],
            },
            bias: BiasSums { centre: [0.0; 4], c_b: [0.0; 4], squared: 0.0 },
        }
    }

    /// The settings the adapter was made with. An unknown step number reads as the default step.
    pub(crate) fn config(&self) -> Config {
        Config {
            alpha: self.alpha,
            use_rslora: self.uses_rslora(),
            cap: self.cap,
            seed: self.seed,
            model_id: self.model_id,
            step: StepKind::from_code(self.step).unwrap_or_default(),
            decay: self.decay,
        }
    }

    /// The header for weights that are already in memory, in flash for example: `lora_a` of
    /// `rank * in_features` values, `lora_b` of `rank * out_features`, both rank-major.
    ///
    /// # Errors
    /// As [`Header::new`], and [`Error::Length`], [`Error::NotFinite`] or [`Error::Overflow`] for the
    /// weights.
    ///
    /// ```
    /// use micro_lora::{Adapter, Apply, Config, Header};
    /// static A: [f32; 2] = [0.5, 0.25];
    /// static B: [f32; 1] = [2.0];
    /// let config = Config::new().with_alpha(1.0);
    /// let header = Header::of_weights(2, 1, 1, &config, &A, &B)?;
    /// let mut delta = [0.0];
    /// Adapter::from_parts(&header, &A, &B)?.apply_into(&[0.5, 1.0], &mut delta)?;
    /// assert_eq!(delta, [1.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn of_weights(
        in_features: usize,
        out_features: usize,
        rank: usize,
        config: &Config,
        lora_a: &[f32],
        lora_b: &[f32],
    ) -> Result<Self> {
        let mut header = Self::new(in_features, out_features, rank, config)?;
        header.check_weights(lora_a, lora_b)?;
        header.refresh_gram(lora_b);
        Ok(header)
    }

    pub(crate) const fn has_bias(&self) -> bool {
        self.dual.flags & Self::BIAS != 0
    }

    /// Whether the sums of the dual step belong to these weights.
    pub(crate) const fn is_dual(&self) -> bool {
        self.dual.flags & Self::DUAL != 0
    }

    /// Whether it learned a list by the dual step. One that was loaded for inference keeps its norms, but takes new units.
    pub(crate) const fn has_units(&self) -> bool {
        self.is_dual() && self.dual.document_norm > 0.0
    }

    /// Refuses a header without sizes.
    pub(crate) fn check_sized(&self) -> Checked<()> {
        if self.rank == 0 { Err(refuse::NOT_INITIALISED) } else { Ok(()) }
    }

    /// Refuses an adapter without weights.
    pub(crate) fn check_initialised(&self) -> Checked<()> {
        if HOST_CHECKS || self.flags & Self::READY != 0 { Ok(()) } else { Err(refuse::NOT_INITIALISED) }
    }

    /// Refuses an input of the wrong length, and an adapter without weights.
    #[inline(always)]
    pub(crate) fn check_input(&self, len: usize) -> Checked<()> {
        self.check_initialised()?;
        check_length("input", len, self.in_len())
    }

    pub(crate) const fn uses_rslora(&self) -> bool {
        self.flags & Self::RSLORA != 0
    }

    pub(crate) const fn in_len(&self) -> usize {
        self.in_features as usize
    }

    pub(crate) const fn out_len(&self) -> usize {
        self.out_features as usize
    }

    /// Values in `lora_A`.
    pub(crate) const fn a_len(&self) -> usize {
        self.in_len().saturating_mul(self.rank as usize)
    }

    /// Values in `lora_B`.
    pub(crate) const fn b_len(&self) -> usize {
        self.out_len().saturating_mul(self.rank as usize)
    }

    /// A receipt with nothing measured yet.
    pub(crate) fn receipt(&self, outcome: Outcome) -> Receipt {
        Receipt {
            outcome,
            grad_norm: 0.0,
            step_norm: 0.0,
            guard: 1.0,
            generation: self.generation,
            step: self.config().step,
        }
    }
}
