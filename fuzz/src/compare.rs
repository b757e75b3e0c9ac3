//! What must hold of an adapter, and of two that should be the same.

use micro_lora::{Apply, Error, Stats};

use super::common::HeapLora;

pub fn assert_unchanged(lora: &HeapLora, before: &HeapLora) {
    let matrices = |lora: &HeapLora| [&lora.a, &lora.b, &lora.grad_a, &lora.grad_b].map(|m| bits(m));
    assert!(lora.header == before.header, "{:?}\nbecame\n{:?}", before.header, lora.header);
    assert_eq!(matrices(lora), matrices(before));
}

/// Everything is finite and inside its range.
pub fn sound(lora: &HeapLora) {
    for (what, matrix) in [("a", &lora.a), ("b", &lora.b), ("grad_a", &lora.grad_a), ("grad_b", &lora.grad_b)]
    {
        assert!(matrix.iter().all(|value| value.is_finite()), "{what}: {matrix:?}");
    }
    assert_eq!(lora.config().check(), Ok(()));
    assert!((0.0..=100.0).contains(&lora.strength()));
    let stats = lora.stats();
    let norms = [stats.norm_a, stats.norm_b, stats.norm_delta_weight];
    assert!(norms.iter().all(|norm| norm.is_finite()), "{stats:?}");
    assert!((0.0..=1.0).contains(&stats.mean_quality), "{stats:?}");
    if stats.pending == 0 {
        assert!(lora.grad_a.iter().chain(&lora.grad_b).all(|g| *g == 0.0), "gradients without an event");
    }
}

/// Says what it expected and what came, whatever the numbers in it are.
pub fn assert_describes(error: &Error) {
    assert!(error.code() > 0);
    let text = error.to_string();
    assert!(text.contains("expected"), "{text}");
}

pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// What two adapters must agree on after the same life.
pub fn same_stats(a: &Stats, b: &Stats) -> bool {
    let floats = |s: &Stats| [s.mean_quality, s.norm_a, s.norm_b, s.norm_delta_weight].map(f32::to_bits);
    let counters = |s: &Stats| [s.samples_seen, s.rated, s.capped, s.updates, s.pending];
    floats(a) == floats(b) && counters(a) == counters(b)
}
