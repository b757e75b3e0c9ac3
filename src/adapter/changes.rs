//! What changes a header: weights that arrive, a bias, another scaling or strength, a reset.

use crate::adapter::config::{self, Config, StepKind};
use crate::adapter::header::{BASELINE, BiasSums, Header};
use crate::adapter::limits::{MAX_STRENGTH, NORM_LIMIT, check_norm};
use crate::error::{Checked, check_length, check_range};
use crate::kernel;

impl Header {
    /// Refuses weights of the wrong length, not finite, or too large to train on.
    pub(crate) fn check_weights(&self, lora_a: &[f32], lora_b: &[f32]) -> Checked<()> {
        check_length("lora_A", lora_a.len(), self.a_len())?;
        check_length("lora_B", lora_b.len(), self.b_len())?;
        check_norm("lora_A", lora_a, 1.0, NORM_LIMIT)?;
        check_norm("lora_B", lora_b, self.scaling, NORM_LIMIT)
    }

    /// Computes the Gram matrix of `lora_B` and marks the adapter as ready to use.
    pub(crate) fn refresh_gram(&mut self, lora_b: &[f32]) {
        self.gram = kernel::gram(lora_b, self.out_len(), self.scaling * self.scaling);
        self.flags |= Self::READY;
    }

    /// Computes the sums that the output guard needs of the bias; without a bias they are zero.
    pub(crate) fn measure_bias(&mut self, lora_b: &[f32], bias: &[f32]) {
        self.bias = BiasSums { centre: self.bias.centre, ..Self::zeroed().bias };
        self.dual.flags &= !Self::BIAS;
        let squared = kernel::dot(bias, bias);
        if squared > 0.0 {
            self.dual.flags |= Self::BIAS;
            self.bias.squared = squared;
            self.bias.c_b = kernel::down(lora_b, bias).map(|dot| self.scaling * dot);
        }
    }

    /// Sets alpha and rsLoRA to those of loaded weights. Call [`refresh_gram`](Self::refresh_gram) afterwards.
    pub(crate) fn rescale(&mut self, config: &Config) {
        self.alpha = config.alpha;
        self.flags = (self.flags & !Self::RSLORA) | if config.use_rslora { Self::RSLORA } else { 0 };
        self.refresh_scaling();
    }

    /// The scaling that follows from alpha, rsLoRA and the rank.
    #[inline(never)]
    pub(crate) fn refresh_scaling(&mut self) {
        self.scaling = config::scaling(self.alpha, self.uses_rslora(), self.rank as usize);
    }

    /// `m`, the run-time strength.
    pub(crate) fn set_strength(&mut self, strength: f32) -> Checked<()> {
        self.check_sized()?;
        check_range("strength", strength, 0.0, MAX_STRENGTH)?;
        if strength != self.strength {
            self.strength = strength;
            self.bump();
        }
        Ok(())
    }

    /// Resets to a fresh adapter of the same settings, with `lora_B` zero. The generation rises by one if the adapter
    /// was initialised before.
    pub(crate) fn reset(&mut self) {
        if self.check_initialised().is_ok() {
            self.bump();
        }
        self.flags |= Self::READY;
        self.refresh_scaling();
        self.strength = 1.0;
        self.weight_sum = 0.0;
        self.pending = 0;
        self.trace = Self::zeroed().trace;
        self.samples = 0;
        self.rated = 0;
        self.capped = 0;
        self.mean_quality = 0.0;
        self.baseline = BASELINE;
        self.gram = [[0.0; 4]; 4];
        if self.dual.flags & Self::CHOSEN != 0 {
            self.step = StepKind::Auto as u32;
        }
        self.forget_dual();
        self.dual.flags = 0;
    }

    /// Clears the bias and the state of the dual step, but not what chose the step: a reset needs it.
    pub(crate) fn forget_dual(&mut self) {
        let chosen = self.dual.flags & Self::CHOSEN;
        (self.dual, self.bias) = (Self::zeroed().dual, Self::zeroed().bias);
        self.dual.flags = chosen;
    }

    /// Counts a change after which an output may differ.
    pub(crate) fn bump(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }
}
