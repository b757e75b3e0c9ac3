//! Moving weights back towards earlier ones.

use crate::adapter::config::StepKind;
use crate::adapter::limits::{NORM_LIMIT, check_norm};
use crate::adapter::view::AdapterMut;
use crate::error::{Checked, check_length, check_range, refuse};
use crate::kernel;

impl AdapterMut<'_> {
    pub(crate) fn pull(&mut self, lora_a: &[f32], lora_b: &[f32], share: f32) -> Checked<()> {
        self.header.check_initialised()?;
        // A memory would take out lists of which only a share is left.
        if self.header.step == StepKind::Dual as u32 {
            return Err(refuse::unsupported(
                "step",
                "one that can be pulled, which StepKind::Dual cannot (use forget of a Memory)",
            ));
        }
        check_length("lora_a", lora_a.len(), self.a.len())?;
        check_length("lora_b", lora_b.len(), self.b.len())?;
        check_range("share", share, 0.0, 1.0)?;
        check_norm("lora_a", lora_a, 1.0, NORM_LIMIT)?;
        check_norm("lora_b", lora_b, 1.0, NORM_LIMIT / self.header.scaling)?;
        // A mean of two matrices within the limit is within it.
        for (own, kept) in [(&mut *self.a, lora_a), (&mut *self.b, lora_b)] {
            kernel::scale(own, 1.0 - share);
            kernel::axpy(own, share, kept);
        }
        self.measure();
        self.header.bump();
        Ok(())
    }
}
