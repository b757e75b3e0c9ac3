//! The settings of an adapter.

use core::ffi::CStr;

use micro_lora::{Config, Error, Header, StepKind};

use crate::memory::check_flags;

/// How mlora_apply_updates turns the pending gradient into a step.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mlora_step {
    /// The scaled-gradient step with its first constants, kept bit for bit for adapters that were trained with it.
    MLORA_STEP_SCALED_GRADIENT = 0,
    /// Plain stochastic gradient descent, as torch.optim.SGD.
    MLORA_STEP_SGD = 1,
    /// The scaled-gradient step with an outlier guard: one setting for every task, no tuning.
    MLORA_STEP_SCALED_GRADIENT_V2 = 2,
    /// Dual coordinate ascent on lists (choices, list-wise choices), with a bias: for searches. Other feedback is
    /// refused with STEP. The rank must be at most in_features.
    MLORA_STEP_DUAL = 3,
    /// The default: the first feedback chooses. A list chooses MLORA_STEP_DUAL, anything else
    /// MLORA_STEP_SCALED_GRADIENT_V2; mlora_get_config tells which.
    MLORA_STEP_AUTO = 4,
}

/// Settings of an adapter. Start from MLORA_CONFIG(in_features, out_features, rank) and change what you need; learning
/// works without tuning.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct mlora_config {
    /// sizeof(mlora_config) of the header that the program was built with.
    pub struct_size: u32,
    /// Values of an input, 1 to 1048576.
    pub in_features: u32,
    /// Values of an output, 1 to 1048576.
    pub out_features: u32,
    /// r, 1 to 4.
    pub rank: u32,
    /// 0, or MLORA_INFERENCE.
    pub flags: u32,
    /// LoRA alpha, 1e-6 to 1e6, default 4: the correction is scaled by alpha / rank. Training does not depend on alpha.
    pub alpha: f32,
    /// 1 to scale by alpha / sqrt(rank) instead (rsLoRA, PEFT's use_rslora), default 0.
    pub use_rslora: u32,
    /// Output guard: |delta| <= cap * |x|. 1e-6 to 1e6 or MLORA_CAP_OFF, default 2.
    pub cap: f32,
    /// Seed of the initial lora_A, default 0; the same seed gives the same bits on every machine.
    pub seed: u32,
    /// Your number for the frozen model whose vectors the adapter is trained on, default 0: unused.
    pub model_id: u32,
    /// A number of mlora_step, default MLORA_STEP_AUTO.
    pub step: u32,
    /// Share of lora_B that every update forgets, 0 to 0.5, default 0. MLORA_STEP_SCALED_GRADIENT_V2 forgets 0.0003 in
    /// addition, also at every rehearsal.
    pub decay: f32,
}

/// What each setting has to be that the core checks, by the name that its error has.
const EXPECTED: [(&str, &CStr); 6] = [
    ("in_features", c"in_features: expected 1 to 1048576"),
    ("out_features", c"out_features: expected 1 to 1048576"),
    ("rank", c"rank: expected 1 to 4"),
    ("alpha", c"alpha: expected 0.000001 to 1000000"),
    ("cap", c"cap: expected 0.000001 to 1000000, or MLORA_CAP_OFF"),
    ("decay", c"decay: expected 0 to 0.5"),
];

pub(crate) const CONFIG_SIZE: u32 = size_of::<mlora_config>() as u32;

impl mlora_config {
    /// What the header's MLORA_CONFIG gives.
    #[must_use]
    pub const fn new(in_features: u32, out_features: u32, rank: u32) -> Self {
        let config = Config::new();
        Self {
            struct_size: CONFIG_SIZE,
            in_features,
            out_features,
            rank,
            flags: 0,
            alpha: config.alpha,
            use_rslora: config.use_rslora as u32,
            cap: config.cap,
            seed: config.seed,
            model_id: config.model_id,
            step: config.step as u32,
            decay: config.decay,
        }
    }

    pub(crate) fn of(header: &Header, config: Config, flags: u32) -> Self {
        Self {
            flags,
            alpha: config.alpha,
            use_rslora: u32::from(config.use_rslora),
            cap: config.cap,
            seed: config.seed,
            model_id: config.model_id,
            step: config.step as u32,
            decay: config.decay,
            // Each is at most 2^20.
            ..Self::new(header.in_features() as u32, header.out_features() as u32, header.rank() as u32)
        }
    }

    /// The settings, each code known; or which one is not.
    pub(crate) fn settings(&self) -> Result<Config, &'static CStr> {
        let step = StepKind::from_code(self.step).ok_or(c"step: expected a number of mlora_step, 0 to 4")?;
        let use_rslora = match self.use_rslora {
            0 => false,
            1 => true,
            _ => return Err(c"use_rslora: expected 0 or 1"),
        };
        Ok(Config::new()
            .with_alpha(self.alpha)
            .with_rslora(use_rslora)
            .with_cap(self.cap)
            .with_seed(self.seed)
            .with_model_id(self.model_id)
            .with_step(step)
            .with_decay(self.decay))
    }

    /// What mlora_init would refuse, in its order.
    pub(crate) fn problem(&self) -> Option<&'static CStr> {
        if check_flags(self.flags).is_err() {
            return Some(c"flags: expected 0 or MLORA_INFERENCE");
        }
        let settings = match self.settings() {
            Ok(settings) => settings,
            Err(problem) => return Some(problem),
        };
        match sized(self.in_features, self.out_features, self.rank, &settings) {
            Err(Error::Count { what, .. } | Error::OutOfRange { what, .. }) => {
                EXPECTED.iter().find(|(name, _)| *name == what).map(|(_, expected)| *expected)
            }
            _ => None,
        }
    }
}

/// The header of an adapter of these sizes that is still to be filled.
pub(crate) fn sized(
    in_features: u32,
    out_features: u32,
    rank: u32,
    config: &Config,
) -> micro_lora::Result<Header> {
    // On a 16-bit machine a size that does not fit is refused as too large.
    let wide = |value| usize::try_from(value).unwrap_or(usize::MAX);
    Header::new(wide(in_features), wide(out_features), wide(rank), config)
}
