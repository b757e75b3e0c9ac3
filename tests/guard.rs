//! The output guard: no correction is longer than the cap times its input.

use micro_lora::{Apply, Config, Error, Learn, MicroLora, StepKind};

/// In README "What it holds to".
#[test]
fn the_correction_is_bounded_for_inputs_of_every_usual_length() {
    let mut bound = 0;
    for (cap, longest) in [(1e-6, 1e19), (0.5, 1e19), (2.0, 5e18), (100.0, 1e17), (1e6, 1e13)] {
        for strength in [0.01, 1.0, 100.0] {
            let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_alpha(1.0).with_cap(cap)).unwrap();
            lora.set_weights(&[1.0, 0.0], &[0.0, 1000.0]).unwrap();
            lora.set_strength(strength).unwrap();
            for length in [1e-17, 1e-10, 1.0, 1e10, longest] {
                let delta = match lora.apply(&[length, 0.0]) {
                    Ok(delta) => delta,
                    Err(error) => {
                        assert_eq!(error, Error::Overflow { what: "delta" });
                        continue;
                    }
                };
                let expected = f32::min(cap, 1000.0 * strength);
                let share = delta[1] / length / expected;
                assert!(
                    (share - 1.0).abs() < 1e-4,
                    "{share} of {expected} at {length:e}, strength {strength}"
                );
                bound += usize::from(expected == cap);
            }
        }
    }
    assert!(bound > 40, "{bound}");
}

#[test]
fn receipts_and_stats_say_how_often_the_guard_bound() {
    let mut lora = MicroLora::<4, 4, 1>::new(Config::new().with_cap(0.5)).unwrap();
    lora.set_weights(&[1.0; 4], &[1.0; 4]).unwrap();
    let receipt = lora.adapt_gradient(&[0.5; 4], &[1.0; 4]).unwrap();
    // delta = 4 * (1,1,1,1) * 2 has norm 16, the cap allows 0.5.
    assert!((receipt.guard - 0.5 / 16.0).abs() < 1e-6, "{}", receipt.guard);
    assert_eq!(lora.stats().capped, 1);
    lora.adapt_gradient(&[0.5, -0.5, 0.5, -0.5], &[1.0; 4]).unwrap();
    assert_eq!(lora.stats().capped, 1, "delta is zero here");
}

#[test]
fn the_gradient_goes_straight_through_strength_and_guard() {
    let step = |strength: f32, cap: f32| {
        let config = Config::new().with_step(StepKind::Sgd).with_cap(cap);
        let mut lora = MicroLora::<4, 4, 1>::new(config).unwrap();
        lora.set_weights(&[1.0, 2.0, 3.0, 4.0], &[0.5, -0.5, 1.0, 0.0]).unwrap();
        lora.set_strength(strength).unwrap();
        lora.adapt_gradient(&[0.1, 0.2, 0.3, 0.4], &[1.0, 2.0, -1.0, 0.5]).unwrap();
        lora.apply_updates(0.1).unwrap();
        (lora.lora_a().to_vec(), lora.lora_b().to_vec())
    };
    let plain = step(1.0, Config::CAP_OFF);
    assert_eq!(step(0.25, Config::CAP_OFF), plain);
    assert_eq!(step(1.0, 0.01), plain);
    assert_eq!(step(0.0, 1.0), plain);
}

#[test]
fn the_guard_holds_where_the_rows_of_lora_b_cancel() {
    for b in [[1e4, 0.0, -9998.0, 0.0], [1e5, 0.0, -1e5, 5.0], [1e6, 3.0, -1e6, -2.0]] {
        let mut lora = MicroLora::<2, 2, 2>::new(Config::new().with_cap(1.0).with_alpha(2.0)).unwrap();
        lora.set_weights(&[1.0, 0.0, 1.0, 0.0], &b).unwrap();
        let delta = lora.apply(&[1.0, 0.0]).unwrap();
        let norm = f64::from(delta[0]).hypot(f64::from(delta[1]));
        assert!((norm - 1.0).abs() < 1e-3, "{b:?}: |delta| is {norm}");
    }
}

/// Without a guard the kernel may take a shorter path; a guard that does not bind must not change a bit.
#[test]
fn an_output_is_the_same_with_the_cap_off_and_with_one_that_never_binds() {
    fn check<const IN: usize, const OUT: usize, const RANK: usize>() {
        let weight = |i: usize| (i as f32 * 0.61).sin() * 0.2;
        let [a, b]: [Vec<f32>; 2] = [RANK * IN, RANK * OUT].map(|len| (0..len).map(weight).collect());
        let x: Vec<f32> = (0..IN).map(|i| (i as f32 * 1.7).cos()).collect();
        let outputs = [Config::CAP_OFF, 1e6].map(|cap| {
            let mut lora = Box::new(
                MicroLora::<IN, OUT, RANK>::new(
                    Config::new().with_step(StepKind::ScaledGradientV2).with_cap(cap),
                )
                .unwrap(),
            );
            lora.set_weights(&a, &b).unwrap();
            let mut delta = vec![f32::NAN; OUT];
            assert_eq!(lora.apply_into(&x, &mut delta), Ok(1.0));
            let mut residual = x.clone();
            if IN == OUT {
                assert_eq!(lora.apply_residual(&mut residual), Ok(1.0));
            }
            [delta, residual].map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        });
        assert_eq!(outputs[0], outputs[1], "{IN} x {OUT}, rank {RANK}");
    }
    check::<1, 1, 1>();
    check::<33, 70, 2>();
    check::<96, 96, 3>();
    check::<100, 100, 4>();
}

#[test]
fn an_input_that_is_refused_leaves_the_output_alone_with_the_cap_off() {
    let mut lora = MicroLora::<64, 64, 2>::new(
        Config::new().with_step(StepKind::ScaledGradientV2).with_cap(Config::CAP_OFF),
    )
    .unwrap();
    lora.set_weights(&[0.5; 128], &[0.5; 128]).unwrap();
    let mut x = [1.0; 64];
    x[40] = f32::INFINITY;
    let mut delta = [7.0; 64];
    let error = Error::NotFinite { what: "input", index: 40 };
    assert_eq!(lora.apply_into(&x, &mut delta), Err(error));
    assert_eq!(delta, [7.0; 64]);
    assert_eq!(lora.apply_residual(&mut x), Err(error));
    assert_eq!(x[39], 1.0);
}
