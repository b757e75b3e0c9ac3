//! What users expect of an adapter, from its first event to its reset.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{Apply, Choice, Config, Error, Learn, Listwise, MicroLora, Outcome, Skip, StepKind};

const CANDIDATES: [f32; 8] = [1.0, 0.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0, 0.0];

fn trained() -> MicroLora<4, 4, 2> {
    let mut lora = MicroLora::new(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(3)).unwrap();
    let noise = &mut Noise(1);
    for _ in 0..30 {
        let x = noise.unit(4);
        lora.adapt_choice(&x, Choice::click(&CANDIDATES, 1)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora.adapt_quality(&noise.unit(4), 0.9).unwrap();
    lora
}

#[test]
fn clicks_move_the_output_towards_what_was_clicked() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    let x = [0.5; 4];
    for _ in 0..30 {
        lora.adapt_choice(&x, Choice::click(&CANDIDATES, 1)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    let liked = lora.apply(&x).unwrap();
    assert!(liked[1] - liked[0] > 0.5, "{liked:?}");

    lora.reset();
    for _ in 0..30 {
        lora.adapt_choice(&x, Choice::click(&CANDIDATES, 1).with_quality(0.0)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    let disliked = lora.apply(&x).unwrap();
    assert!(disliked[0] - disliked[1] > 0.5, "{disliked:?}");
}

#[test]
fn reset_equals_new_but_for_the_generation() {
    let mut lora = trained();
    lora.set_strength(0.5).unwrap();
    let fresh = MicroLora::new(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(3)).unwrap();
    let generation = lora.generation();
    assert!(lora != fresh);
    lora.reset();
    assert!(lora == fresh);
    assert_eq!(lora.stats().samples_seen, 0);
    assert_eq!(lora.generation(), generation + 1);
}

#[test]
fn init_in_place_equals_new_whatever_was_there() {
    let config = Config::new().with_seed(8);
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_step(StepKind::Dual)).unwrap();
    for _ in 0..3 {
        lora.adapt_choice(&[0.5; 4], Choice::click(&CANDIDATES, 1)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora.adapt_choice(&[0.5; 4], Choice::click(&CANDIDATES, 0)).unwrap();
    assert!(lora.bias().iter().any(|value| *value != 0.0) && lora.pending() == 1);
    lora.init(config).unwrap();
    let mut fresh = MicroLora::new(config).unwrap();
    assert!(lora == fresh && lora.bias() == [0.0; 4]);
    // Also in what is not shown: both learn the same.
    for lora in [&mut lora, &mut fresh] {
        lora.adapt_choice(&[0.1, 0.2, 0.3, 0.4], Choice::click(&CANDIDATES, 1)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    assert!(lora == fresh);
}

#[test]
fn generation_is_bumped_by_what_changes_outputs_and_by_nothing_else() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new()).unwrap();
    let mut seen = vec![lora.generation()];
    lora.adapt_choice(&[0.5; 4], Choice::click(&CANDIDATES, 0)).unwrap();
    assert_eq!(lora.generation(), seen[0]);
    seen.push(lora.apply_updates(0.01).unwrap().generation);
    lora.apply_updates(0.01).unwrap();
    assert_eq!(lora.generation(), seen[1], "an update that was skipped");
    lora.set_strength(1.0).unwrap();
    assert_eq!(lora.generation(), seen[1], "a strength that was already set");
    lora.set_strength(0.0).unwrap();
    seen.push(lora.generation());
    lora.set_weights(&[0.1; 8], &[0.1; 8]).unwrap();
    seen.push(lora.generation());
    lora.reset();
    seen.push(lora.generation());
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seen:?}");
}

#[test]
fn strength_scales_the_output_and_zero_is_off() {
    let mut lora = trained();
    let x = [0.1, 0.2, 0.3, 0.4];
    let full = lora.apply(&x).unwrap();
    lora.set_strength(0.25).unwrap();
    let mut free = lora.clone();
    assert!(lora.apply(&x).unwrap().iter().zip(full).all(|(q, f)| q.abs() <= f.abs()));
    free.set_strength(0.0).unwrap();
    assert_eq!(free.apply(&x).unwrap(), [0.0; 4]);
    // What was learned is still there.
    free.set_strength(1.0).unwrap();
    assert_eq!(free.apply(&x).unwrap(), full);
}

#[test]
fn receipts_say_why_nothing_was_learned() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new()).unwrap();
    let x = [0.5; 4];
    let neutral = lora.adapt_choice(&x, Choice::click(&CANDIDATES, 0).with_quality(0.5)).unwrap();
    assert_eq!(neutral.outcome, Outcome::Skipped(Skip::NeutralQuality));
    let all = lora.adapt_listwise(&x, Listwise::new(&CANDIDATES, &[1.0, 1.0])).unwrap();
    assert_eq!(all.outcome, Outcome::Skipped(Skip::AllChosen));
    let none = lora.adapt_listwise(&x, Listwise::new(&CANDIDATES, &[0.0, 0.0])).unwrap();
    assert_eq!(none.outcome, Outcome::Skipped(Skip::NothingChosen));
    let zero = lora.adapt_gradient(&x, &[0.0; 4]).unwrap();
    assert_eq!(zero.outcome, Outcome::Skipped(Skip::ZeroGradient));
    let empty = lora.adapt_gradient(&[0.0; 4], &[1.0; 4]).unwrap();
    assert_eq!(empty.outcome, Outcome::Skipped(Skip::ZeroGradient));
    let weightless = lora.adapt_gradient(micro_lora::Sample::new(&x).with_weight(0.0), &[1.0; 4]).unwrap();
    assert_eq!(weightless.outcome, Outcome::Skipped(Skip::ZeroWeight));
    let nothing = lora.apply_updates(0.01).unwrap();
    assert_eq!(nothing.outcome, Outcome::Skipped(Skip::NoPending));
    assert_eq!(lora.stats().samples_seen, 6, "every event counts");
    assert_eq!((lora.stats().rated, lora.stats().mean_quality), (1, 0.5), "one carried a quality");
    assert_eq!(lora.pending(), 0);

    lora.adapt_gradient(&x, &[1.0; 4]).unwrap();
    let idle = lora.apply_updates(0.0).unwrap();
    assert_eq!(idle.outcome, Outcome::Skipped(Skip::ZeroLearningRate));
    assert_eq!(lora.pending(), 1);
    lora.adapt_gradient(&x, &[-1.0; 4]).unwrap();
    let cancelled = lora.apply_updates(0.01).unwrap();
    assert_eq!(cancelled.outcome, Outcome::Skipped(Skip::ZeroGradient));
}

#[test]
fn an_output_of_zero_has_no_direction_to_move() {
    let config = Config::new().with_alpha(1.0).with_cap(Config::CAP_OFF).with_step(StepKind::Sgd);
    let mut lora = MicroLora::<2, 2, 1>::new(config).unwrap();
    lora.set_weights(&[1.0, 0.0], &[-1.0, 0.0]).unwrap();
    let sample = [1.0, 0.0];
    assert_eq!(lora.apply(&sample).unwrap(), [-1.0, 0.0]);
    let before = lora.clone();
    let receipt = lora.adapt_target(&sample, &[0.0, 1.0], 0.9).unwrap();
    assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroGradient));
    assert!(lora.pending() == 0 && lora.lora_b() == before.lora_b());
}

#[test]
fn mean_quality_is_over_the_events_that_carry_one() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new()).unwrap();
    let x = [0.5; 4];
    lora.adapt_quality(&x, 1.0).unwrap();
    lora.adapt_gradient(&x, &[1.0; 4]).unwrap();
    lora.adapt_choice(&x, Choice::click(&CANDIDATES, 0).with_quality(0.25)).unwrap();
    let stats = lora.stats();
    assert_eq!((stats.samples_seen, stats.rated, stats.mean_quality), (3, 2, 0.625));
}

#[test]
fn the_same_seed_gives_the_same_adapter_and_another_does_not() {
    let new = |seed| MicroLora::<16, 16, 4>::new(Config::new().with_seed(seed)).unwrap();
    assert!(new(5) == new(5));
    assert_ne!(new(5).lora_a(), new(6).lora_a());
    static IN_THE_IMAGE: MicroLora<16, 16, 4> = match MicroLora::new(Config::new().with_seed(5)) {
        Ok(lora) => lora,
        Err(_) => panic!("settings"),
    };
    assert!(IN_THE_IMAGE == new(5), "built by the compiler");
    let heap = HeapLora::new(16, 16, 4, &Config::new().with_seed(5));
    assert_eq!(heap.a, new(5).lora_a());
}

#[test]
fn frozen_gives_the_same_bits_at_half_the_size() {
    let lora = trained();
    let frozen = lora.freeze();
    for i in 0..20 {
        let x = Noise(i).vec(4);
        assert_eq!(frozen.apply(&x).unwrap().map(f32::to_bits), lora.apply(&x).unwrap().map(f32::to_bits));
    }
    assert_eq!(micro_lora::FrozenLora::<384, 384, 4>::BYTES, 260 + 4 * (4 * 768 + 384));
    assert_eq!(MicroLora::<384, 384, 4>::BYTES, 260 + 4 * (2 * 4 * 768 + 4 * 384));
    assert_eq!(MicroLora::<33, 7, 3>::BYTES, 260 + 4 * (2 * 3 * 40 + 3 * 7 + 33));
}

#[test]
fn a_copy_of_the_memory_is_an_undo() {
    let mut lora = trained();
    let snapshot = lora.clone();
    let x = [0.1, 0.9, 0.0, 0.2];
    let before = lora.apply(&x).unwrap();
    lora.apply_updates(0.05).unwrap();
    assert_ne!(lora.apply(&x).unwrap(), before);
    lora = snapshot;
    assert_eq!(lora.apply(&x).unwrap(), before);
}

#[test]
fn pending_weight_has_a_limit_that_updates_clear() {
    let mut lora = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    let heavy = [1.0, 0.0];
    for _ in 0..16 {
        lora.adapt_gradient(micro_lora::Sample::new(&heavy).with_weight(1e6), &[0.0, 1.0]).unwrap();
    }
    let full = lora.adapt_gradient(micro_lora::Sample::new(&heavy).with_weight(1e6), &[0.0, 1.0]);
    assert_eq!(full, Err(Error::PendingFull));
    assert_eq!(lora.pending(), 16);
    // Up to the limit every event counts; above it none is lost silently.
    lora.adapt_gradient(micro_lora::Sample::new(&heavy).with_weight(777_214.0), &[0.0, 1.0]).unwrap();
    lora.adapt_gradient(&heavy, &[0.0, 1.0]).unwrap();
    assert_eq!(lora.adapt_gradient(&heavy, &[0.0, 1.0]), Err(Error::PendingFull));
    let speck = micro_lora::Sample::new(&heavy).with_weight(1e-6);
    assert_eq!(lora.adapt_gradient(speck, &[0.0, 1.0]), Err(Error::PendingFull));
    lora.discard_pending();
    lora.adapt_gradient(&heavy, &[0.0, 1.0]).unwrap();
}

/// How far one update moved the weights, computed in f64.
fn moved<const IN: usize, const OUT: usize, const RANK: usize>(
    lora: &mut MicroLora<IN, OUT, RANK>,
    learning_rate: f32,
) -> (f64, f64) {
    let before = [lora.lora_a(), lora.lora_b()].concat();
    let stated = lora.apply_updates(learning_rate).unwrap().step_norm;
    let after = [lora.lora_a(), lora.lora_b()].concat();
    let squares = before.iter().zip(&after).map(|(b, a)| (f64::from(*a) - f64::from(*b)).powi(2));
    (f64::from(stated), squares.sum::<f64>().sqrt())
}

#[test]
fn a_step_is_as_long_as_its_receipt_says_however_ill_conditioned_the_weights() {
    // Collinear rows of lora_B: C C^T is singular except for the damping, and all digits cancel.
    let mut lora =
        MicroLora::<2, 2, 2>::new(Config::new().with_step(StepKind::ScaledGradient).with_alpha(2.0)).unwrap();
    lora.set_weights(&[1.0, 0.0, 0.0, 1.0], &[12.0, 0.0, 36.0, 0.0]).unwrap();
    lora.adapt_gradient(&[1.0, 0.0], &[1.0, 1.0]).unwrap();
    let (stated, real) = moved(&mut lora, 0.01);
    assert!((real / stated - 1.0).abs() < 1e-3, "{real} instead of {stated}");

    // Long steps from fresh adapters lead to such weights.
    for seed in 0..60 {
        let mut lora =
            MicroLora::<64, 64, 4>::new(Config::new().with_step(StepKind::ScaledGradient).with_seed(seed))
                .unwrap();
        let noise = &mut Noise(seed);
        for event in 0..40 {
            let (x, candidates) = (noise.unit(64), [noise.unit(64), noise.unit(64)].concat());
            lora.adapt_choice(&x, Choice::click(&candidates, 0)).unwrap();
            if lora.pending() == 0 {
                continue;
            }
            let (stated, real) = moved(&mut lora, 1.0);
            // Weights of norm |A| are only known to |A| eps.
            let rounding = 1e-6 * f64::from(lora.stats().norm_a + lora.stats().norm_b);
            assert!(
                (real - stated).abs() < 0.01 * stated + rounding,
                "seed {seed}, event {event}: {real}, {stated}"
            );
        }
    }
}

/// What a host does that has restored matrices and header itself.
#[test]
fn memory_that_was_written_to_is_taken_up() {
    let mut trained = HeapLora::new(4, 3, 2, &Config::new().with_step(StepKind::ScaledGradientV2));
    let noise = &mut Noise(5);
    for _ in 0..5 {
        trained.adapt_gradient(&noise.unit(4), &noise.unit(3)).unwrap();
        trained.apply_updates(0.01).unwrap();
    }
    trained.adapt_gradient(&noise.unit(4), &noise.unit(3)).unwrap();
    let x = noise.unit(4);
    let output = |lora: &HeapLora| {
        let mut delta = [0.0; 3];
        lora.apply_into(&x, &mut delta).map(|_| delta)
    };
    let mut taken_up = trained.clone();
    let generation = trained.generation();
    taken_up.adapter_mut().take_up().unwrap();
    assert_eq!((output(&taken_up), taken_up.pending()), (output(&trained), 1));
    assert_eq!(taken_up.generation(), generation + 1);
    assert!(taken_up.grad_a == trained.grad_a && taken_up.grad_a.iter().any(|value| *value != 0.0));

    // What is said to be pending is; the rest is cleared.
    taken_up.discard_pending();
    taken_up.grad_a.fill(9.0);
    taken_up.adapter_mut().take_up().unwrap();
    assert!(taken_up.grad_a.iter().all(|value| *value == 0.0));
    assert_eq!(output(&taken_up), output(&trained));

    taken_up.b[1] = f32::NAN;
    let refused = taken_up.adapter_mut().take_up();
    assert_eq!(refused, Err(Error::NotFinite { what: "lora_b", index: 1 }));
    assert_eq!(output(&taken_up), Err(Error::NotInitialised));
    assert_eq!(MicroLora::<4, 3, 2>::zeroed().adapter_mut().take_up(), Err(Error::NotInitialised));
}

#[test]
fn adapters_are_equal_if_their_matrices_and_what_is_pending_are() {
    let lora = |a: &[f32; 8], b: &[f32; 8], gradient: Option<[f32; 4]>| {
        let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_step(StepKind::Sgd)).unwrap();
        lora.set_weights(a, b).unwrap();
        if let Some(gradient) = gradient {
            lora.adapt_gradient(&[1.0, 0.0, 0.0, 0.0], &gradient).unwrap();
        }
        lora
    };
    let (a, b) = ([1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]);
    let (other_a, other_b) =
        ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0]);
    let one = lora(&a, &b, Some([0.0, 1.0, 0.0, 0.0]));
    assert!(one == lora(&a, &b, Some([0.0, 1.0, 0.0, 0.0])));
    assert!(one != lora(&other_a, &b, Some([0.0, 1.0, 0.0, 0.0])));
    assert!(one != lora(&a, &other_b, Some([0.0, 1.0, 0.0, 0.0])));
    // As long, and elsewhere.
    assert!(one != lora(&a, &b, Some([0.0, 0.0, 1.0, 0.0])));
    assert!(
        lora(&a, &[0.0; 8], Some([0.0, 1.0, 0.0, 0.0])) != lora(&a, &[0.0; 8], Some([0.0, 0.0, 1.0, 0.0]))
    );
    assert!(one != lora(&a, &b, None));
}

#[test]
fn a_correction_without_a_bias_merges_as_none() {
    let mut bias = [7.0; 4];
    trained().merged_bias(&mut bias).unwrap();
    assert_eq!(bias, [0.0; 4]);
    assert_eq!(
        trained().merged_bias(&mut bias[..3]),
        Err(Error::Length { what: "bias", expected: 4, got: 3 })
    );
}
