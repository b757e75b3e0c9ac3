//! Gradients of many vectors in one call: the same bits as single calls, and all or nothing.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{Apply, Config, Error, Learn, Listwise, Sample, Simd, StepKind};

/// A trained adapter with one event pending.
fn trained(in_len: usize, out_len: usize, rank: usize, config: &Config) -> HeapLora {
    let noise = &mut Noise(5);
    let mut lora = HeapLora::new(in_len, out_len, rank, config);
    let (a, b) = (noise.vec(rank * in_len), noise.vec(rank * out_len));
    lora.set_weights(&a, &b).unwrap();
    lora.adapt_gradient(&noise.vec(in_len), &noise.vec(out_len)).unwrap();
    lora
}

fn bits(lora: &HeapLora) -> Vec<u32> {
    lora.grad_a.iter().chain(&lora.grad_b).map(|value| value.to_bits()).collect()
}

/// The receipt of one call beside single calls of the same vectors: applied, skipped, capped.
#[track_caller]
fn same_as_one_by_one(lora: &HeapLora, inputs: &[f32], gradients: &[f32]) -> [u32; 3] {
    let (mut single, mut batch) = (lora.clone(), lora.clone());
    let mut expected = [0; 3];
    let rows = inputs.chunks_exact(lora.in_features()).zip(gradients.chunks_exact(lora.out_features()));
    for (x, g) in rows {
        let receipt = single.adapt_gradient(x, g).unwrap();
        expected[usize::from(!receipt.applied())] += 1;
        expected[2] += u32::from(receipt.guard < 1.0);
    }
    let came = batch.adapt_gradients(inputs, gradients).unwrap();
    assert_eq!([came.applied, came.skipped, came.capped], expected);
    assert_eq!(came.generation, lora.generation());
    assert_eq!(bits(&batch), bits(&single), "the pending sums");
    assert!(batch.same_as(&single), "the rest of the state");
    expected
}

/// The choice of instructions is global; the bits are the same with any, so other tests may run.
fn with_any_instructions(test: impl Fn()) {
    for simd in [Simd::Portable, Simd::Avx2, Simd::Avx512] {
        simd.limit();
        test();
    }
}

const SHAPES: [(usize, usize); 5] = [(1, 1), (7, 33), (33, 7), (64, 64), (100, 384)];

/// For every shape, rank and size of a batch, with the guard off and on.
fn for_batches(test: impl Fn(&HeapLora, usize, &mut Noise)) {
    let noise = &mut Noise(1);
    for (in_len, out_len) in SHAPES {
        for rank in 1..=4 {
            for config in [
                Config::new().with_step(StepKind::ScaledGradientV2),
                Config::new().with_step(StepKind::ScaledGradientV2).with_cap(Config::CAP_OFF),
            ] {
                let lora = trained(in_len, out_len, rank, &config);
                for n in [0, 1, 2, 3, 4, 5, 8, 11] {
                    test(&lora, n, noise);
                }
            }
        }
    }
}

#[test]
fn a_batch_of_gradients_has_the_bits_of_single_calls() {
    with_any_instructions(|| {
        for_batches(|lora, n, noise| {
            let inputs = noise.vec(n * lora.in_features());
            let gradients = noise.vec(n * lora.out_features());
            let [applied, ..] = same_as_one_by_one(lora, &inputs, &gradients);
            assert_eq!(applied as usize, n);
        });
    });
}

#[test]
fn applying_a_batch_has_the_bits_of_single_calls() {
    with_any_instructions(|| {
        for_batches(|lora, n, noise| {
            let (in_len, out_len) = (lora.in_features(), lora.out_features());
            let inputs = noise.vec(n * in_len);
            let (mut single, mut batch) = (vec![9.0; n * out_len], vec![9.0; n * out_len]);
            for (x, delta) in inputs.chunks_exact(in_len).zip(single.chunks_exact_mut(out_len)) {
                lora.apply_into(x, delta).unwrap();
            }
            lora.apply_batch(&inputs, &mut batch).unwrap();
            assert!(single.iter().zip(&batch).all(|(a, b)| a.to_bits() == b.to_bits()));
        });
    });
}

#[test]
fn a_batch_is_applied_as_far_as_the_first_bad_vector() {
    with_any_instructions(|| {
        let (lora, noise) =
            (trained(5, 3, 2, &Config::new().with_step(StepKind::ScaledGradientV2)), &mut Noise(8));
        for bad in 0..7 {
            let (mut inputs, mut deltas) = (noise.vec(7 * 5), [9.0; 7 * 3]);
            inputs[5 * bad + 4] = f32::NAN;
            let error = lora.apply_batch(&inputs, &mut deltas).unwrap_err();
            assert_eq!(error, Error::NotFinite { what: "input", index: 4 });
            assert!(deltas[..3 * bad].iter().all(|delta| *delta != 9.0), "before {bad}");
            assert_eq!(deltas[3 * bad..], [9.0; 7 * 3][3 * bad..], "from {bad} on");
        }
    });
}

#[test]
fn what_the_guard_shortens_is_counted() {
    let (lora, noise) = (
        trained(9, 20, 2, &Config::new().with_step(StepKind::ScaledGradientV2).with_cap(1e-3)),
        &mut Noise(2),
    );
    assert_eq!(same_as_one_by_one(&lora, &noise.vec(6 * 9), &noise.vec(6 * 20)), [6, 0, 6]);
}

#[test]
fn zeros_are_skipped_and_leave_every_sum_alone() {
    let (mut lora, noise) =
        (trained(4, 3, 2, &Config::new().with_step(StepKind::ScaledGradientV2)), &mut Noise(3));
    let (mut inputs, mut gradients) = (noise.vec(9 * 4), noise.vec(9 * 3));
    inputs[4..8].fill(0.0);
    gradients[6 * 3..7 * 3].fill(0.0);
    assert_eq!(same_as_one_by_one(&lora, &inputs, &gradients)[..2], [7, 2]);
    // Adding zero times something would make this one positive.
    lora.grad_a.fill(-0.0);
    lora.grad_b.fill(-0.0);
    inputs.fill(0.0);
    assert_eq!(same_as_one_by_one(&lora, &inputs, &gradients), [0, 9, 0]);
}

#[test]
fn vectors_far_apart_in_size_are_taken_as_single_calls_take_them() {
    // No common bound shows that they fit: each is checked by itself.
    let (lora, noise) =
        (trained(8, 8, 3, &Config::new().with_step(StepKind::ScaledGradientV2)), &mut Noise(4));
    let (mut inputs, mut gradients) = (noise.vec(6 * 8), noise.vec(6 * 8));
    inputs[..8].iter_mut().for_each(|x| *x *= 1e15);
    gradients[..8].iter_mut().for_each(|g| *g *= 1e-12);
    gradients[16..24].iter_mut().for_each(|g| *g *= 1e8);
    assert_eq!(same_as_one_by_one(&lora, &inputs, &gradients)[0], 6);
}

#[track_caller]
fn refused(lora: &HeapLora, inputs: &[f32], gradients: &[f32], expected: &Error) {
    let mut batch = lora.clone();
    assert_eq!(&batch.adapt_gradients(inputs, gradients).unwrap_err(), expected);
    assert_eq!(bits(&batch), bits(lora), "the pending sums");
    assert!(batch.same_as(lora), "the rest of the state");
}

#[test]
fn one_bad_vector_refuses_the_batch() {
    let (lora, noise) =
        (trained(6, 4, 3, &Config::new().with_step(StepKind::ScaledGradientV2)), &mut Noise(6));
    let (inputs, gradients) = (noise.vec(7 * 6), noise.vec(7 * 4));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (mut x, mut g) = (inputs.clone(), gradients.clone());
        (x[38], g[13]) = (bad, bad);
        refused(&lora, &x, &gradients, &Error::NotFinite { what: "inputs", index: 38 });
        refused(&lora, &inputs, &g, &Error::NotFinite { what: "grad_outputs", index: 13 });
    }
    // Finite, but too large.
    for (x_scale, g_scale, what) in
        [(1e30, 1.0, "delta"), (1.0, 1e30, "grad_output"), (1e9, 1e9, "gradient"), (1.0, 1e13, "gradient")]
    {
        let (mut x, mut g) = (inputs.clone(), gradients.clone());
        x[36..].iter_mut().for_each(|x| *x *= x_scale);
        g[24..].iter_mut().for_each(|g| *g *= g_scale);
        let expected = Error::Overflow { what };
        assert_eq!(lora.clone().adapt_gradient(&x[36..], &g[24..]).unwrap_err(), expected);
        refused(&lora, &x, &g, &expected);
    }
    let length = |what, expected, got| Error::Length { what, expected, got };
    refused(&lora, &inputs[1..], &gradients, &length("inputs", 42, 41));
    refused(&lora, &inputs, &gradients[1..], &length("grad_outputs", 28, 27));
    let mut blank = lora.clone();
    blank.header =
        micro_lora::Header::new(6, 4, 3, &Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    refused(&blank, &inputs, &gradients, &Error::NotInitialised);
}

#[test]
fn a_vector_that_is_too_large_by_one_product_alone_refuses_the_batch() {
    let noise = &mut Noise(7);
    let (a, b, inputs, gradients) = (noise.vec(18), noise.vec(12), noise.vec(18), noise.vec(12));
    let config = Config::new().with_step(StepKind::ScaledGradientV2);
    // |A| |x| |C| with a small gradient; |A| |x| |g| and |C| |g| |x| with one matrix of zeros.
    for (weights, x, g, what) in [
        ([1e5, 1e5], 3e9, 1e-7_f32, "delta"),
        ([1.0, 0.0], 1e9, 1e9, "gradient"),
        ([0.0, 1.0], 1e9, 1e9, "gradient"),
    ] {
        let mut lora = HeapLora::new(6, 4, 3, &config);
        let scaled = |values: &[f32], by| values.iter().map(|value| value * by).collect::<Vec<_>>();
        lora.set_weights(&scaled(&a, weights[0]), &scaled(&b, weights[1])).unwrap();
        let inputs = [&inputs[..12], &scaled(&inputs[12..], x)].concat();
        let gradients = [scaled(&gradients[..8], g.min(1.0)), scaled(&gradients[8..], g)].concat();
        refused(&lora, &inputs, &gradients, &Error::Overflow { what });
    }
}

#[test]
fn the_limit_of_pending_weights_is_that_of_single_calls() {
    let (x, g) = ([0.5, -0.25], [0.25, 0.5]);
    let mut lora = trained(2, 2, 1, &Config::new().with_step(StepKind::ScaledGradientV2));
    lora.discard_pending();
    for _ in 0..16 {
        lora.adapt_gradient(Sample::new(&x).with_weight(1e6), &g).unwrap();
    }
    // 777,216 below the limit, so the limit itself is not reached.
    lora.adapt_gradient(Sample::new(&x).with_weight(777_211.0), &g).unwrap();
    assert_eq!(same_as_one_by_one(&lora, &x.repeat(4), &g.repeat(4))[..2], [4, 0]);
    refused(&lora, &x.repeat(5), &g.repeat(5), &Error::PendingFull);
    let skipped = [[0.0; 2].as_slice(), &x.repeat(4)].concat();
    assert_eq!(same_as_one_by_one(&lora, &skipped, &g.repeat(5))[..2], [4, 1]);
}

#[test]
fn a_batch_that_is_not_empty_chooses_the_step() {
    let mut lora = HeapLora::new(2, 2, 1, &Config::new());
    lora.adapt_gradients(&[], &[]).unwrap();
    assert_eq!(lora.config().step, StepKind::Auto);
    lora.adapt_gradients(&[0.5, 0.1], &[0.2, 0.3]).unwrap();
    assert_eq!(lora.config().step, StepKind::ScaledGradientV2);
}

#[test]
fn a_gradient_that_pending_sums_could_not_hold_is_refused() {
    let mut lora = HeapLora::new(4, 3, 2, &Config::new().with_step(StepKind::Sgd));
    let before = lora.clone();
    assert_eq!(lora.adapt_gradient(&[1e7; 4], &[1e9; 3]), Err(Error::Overflow { what: "gradient" }));
    assert!(lora.same_as(&before));
}

#[test]
fn the_dual_step_asks_for_the_memory_of_a_bias() {
    let mut lora = HeapLora::new(4, 3, 2, &Config::new().with_step(StepKind::Dual)).without_bias();
    let before = lora.clone();
    let (x, base, rows) = ([0.5; 4], [0.6, 0.8, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let list = Listwise::new(&rows, &[0.0, 1.0]);
    let refused = lora.adapt_listwise(Sample::new(&x).with_base(&base), list);
    assert_eq!(refused, Err(Error::Length { what: "bias", expected: 3, got: 0 }));
    assert!(lora.same_as(&before));
}
