//! What must hold for an adapter, and for two that should be equal.

use micro_lora::{Apply, Error, Stats, StepKind};

use super::common::HeapLora;

pub fn assert_unchanged(lora: &HeapLora, before: &HeapLora) {
    assert!(lora.header == before.header, "{:?}\nbecame\n{:?}", before.header, lora.header);
    assert_same_weights(lora, before);
}

/// All but the header, in which an adapter that was loaded has another generation.
pub fn assert_same_weights(lora: &HeapLora, other: &HeapLora) {
    for ((what, now), (_, then)) in parts(lora).into_iter().zip(parts(other)) {
        assert!(same_bits(now, then), "{what}: {now:?}\nand not\n{then:?}");
    }
}

fn parts(lora: &HeapLora) -> [(&str, &[f32]); 7] {
    [
        ("a", &lora.a),
        ("b", &lora.b),
        ("grad_a", &lora.grad_a),
        ("grad_b", &lora.grad_b),
        ("bias", &lora.bias),
        ("grad_bias", &lora.grad_bias),
        ("input_sum", &lora.input_sum),
    ]
}

/// Every value is finite and inside its range.
pub fn sound(lora: &HeapLora) {
    for (what, values) in parts(lora) {
        assert!(all_finite(values), "{what}: {values:?}");
    }
    assert_eq!(lora.config().check(), Ok(()));
    assert!((0.0..=100.0).contains(&lora.strength()));
    let stats = lora.stats();
    let norms = [stats.norm_a, stats.norm_b, stats.norm_delta_weight];
    assert!(norms.iter().all(|norm| norm.is_finite()), "{stats:?}");
    assert!((0.0..=1.0).contains(&stats.mean_quality), "{stats:?}");
    if stats.pending == 0 {
        // An adapter of the dual step keeps a sum in `grad_a`.
        let sums = if lora.config().step == StepKind::Dual { &[] } else { lora.grad_a.as_slice() };
        assert!(
            sums.iter().chain(&lora.grad_b).chain(&lora.grad_bias).all(|g| *g == 0.0),
            "gradients without an event"
        );
    }
}

/// Fails with what was expected and what came.
pub fn assert_describes(error: &Error) {
    assert!(error.code() > 0);
    let text = error.to_string();
    assert!(text.contains("expected"), "{text}");
}

/// Without an early exit: a loop that the fuzzer does not count value by value.
pub fn same_bits(a: &[f32], b: &[f32]) -> bool {
    let differing = |bits, (a, b): (&f32, &f32)| bits | (a.to_bits() ^ b.to_bits());
    a.len() == b.len() && a.iter().zip(b).fold(0, differing) == 0
}

/// Likewise.
pub fn all_finite(values: &[f32]) -> bool {
    values.iter().fold(true, |finite, value| finite & value.is_finite())
}

pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// What two adapters must agree on after the same calls.
pub fn same_stats(a: &Stats, b: &Stats) -> bool {
    let floats = |s: &Stats| [s.mean_quality, s.norm_a, s.norm_b, s.norm_delta_weight].map(f32::to_bits);
    let counters = |s: &Stats| [s.samples_seen, s.rated, s.capped, s.updates, s.pending];
    floats(a) == floats(b) && counters(a) == counters(b)
}
