//! The softmax over candidates, and the factors of a gradient on each of them.

use crate::adapter::stats::Skip;

/// Why a list has no preference, if it has none.
pub(crate) fn preference(weights: &[f32]) -> Option<Skip> {
    let first = weights.first().copied().unwrap_or_default();
    if weights.iter().any(|weight| *weight != first) {
        None
    } else if first == 0.0 {
        Some(Skip::NothingChosen)
    } else {
        Some(Skip::AllChosen)
    }
}

/// `e^x` for `x <= 0`. Setting the sign bit tells the compiler so, which then leaves out the code for `x > 0`.
#[inline(never)]
pub(crate) fn exp(x: f32) -> f32 {
    libm::expf(f32::from_bits(x.to_bits() | 0x8000_0000))
}

/// Turns logits into `exp(z - max)`, and gives the largest logit and the sum.
pub(crate) fn exponentials(logits: &mut [f32]) -> (f32, f32) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for z in logits {
        *z = exp(*z - largest);
        sum += *z;
    }
    (largest, sum)
}

/// The factors of `g` on each candidate, in a form that keeps its precision for any `p_c`.
pub(crate) fn choice_factors(logits: &mut [f32], chosen: usize, quality: f32, temperature: f32) {
    // At minus infinity the chosen candidate drops out of the softmax over the others.
    let chosen_logit = match logits.get_mut(chosen) {
        Some(logit) => core::mem::replace(logit, f32::NEG_INFINITY),
        None => return,
    };
    let (others_largest, others_sum) = exponentials(logits);
    let largest = others_largest.max(chosen_logit);
    let others = others_sum * exp(others_largest - largest);
    let own = exp(chosen_logit - largest);
    let k = if quality > 0.5 {
        -((2.0 * quality - 1.0) * (others / (own + others))) / temperature
    } else {
        ((1.0 - 2.0 * quality) * (own / (own + others))) / temperature
    };
    for (j, factor) in logits.iter_mut().enumerate() {
        *factor = if j == chosen { k } else { -(k * (*factor / others_sum)) };
    }
}

pub(crate) fn listwise_factors(logits: &mut [f32], weights: &[f32], temperature: f32) {
    let (_, sum) = exponentials(logits);
    let mut weight_sum = 0.0;
    for weight in weights {
        weight_sum += weight;
    }
    // In two loops: two divisions of one iteration would share a vector register whose unused lanes are 0 / 0, which
    // traps in a host that has enabled traps (feenableexcept).
    for factor in &mut *logits {
        *factor /= sum;
    }
    for (factor, weight) in logits.iter_mut().zip(weights) {
        *factor = (*factor - weight / weight_sum) / temperature;
    }
}
