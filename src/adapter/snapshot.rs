//! The statistics of an adapter, computed when they are asked for.

use crate::adapter::stats::Stats;
use crate::adapter::view::Adapter;
use crate::kernel;

impl Adapter<'_> {
    pub(crate) fn snapshot(&self) -> Stats {
        let header = self.header;
        let gram_a = kernel::gram(self.a, header.in_len(), 1.0);
        let norm_a = kernel::sqrt(kernel::trace(&gram_a));
        let norm_c = kernel::sqrt(kernel::trace(&header.gram));
        let param_count = (header.a_len().saturating_add(header.b_len())) as u32;
        Stats {
            samples_seen: header.samples,
            rated: header.rated,
            mean_quality: header.mean_quality,
            capped: header.capped,
            updates: header.trace.updates,
            generation: header.generation,
            pending: header.pending,
            param_count,
            weight_bytes: param_count.saturating_mul(4),
            norm_a,
            norm_b: if header.scaling > 0.0 { norm_c / header.scaling } else { 0.0 },
            norm_delta_weight: header.strength * product_norm(&gram_a, norm_a, &header.gram, norm_c),
        }
    }
}

/// `|C^T A|_F`, from the two Gram matrices: `sum A A^T * C C^T`. Scaled first, so that it cannot overflow.
fn product_norm(gram_a: &kernel::Square, norm_a: f32, gram_c: &kernel::Square, norm_c: f32) -> f32 {
    if norm_a == 0.0 || norm_c == 0.0 {
        return 0.0;
    }
    let mut sum = 0.0;
    for (a, c) in gram_a.iter().zip(gram_c) {
        sum += kernel::dot4(&a.map(|g| g / norm_a / norm_a), &c.map(|g| g / norm_c / norm_c));
    }
    (norm_a * norm_c) * kernel::sqrt(sum.max(0.0))
}
