//! The build with the dual step alone (`src/profile.rs`): `RUSTFLAGS="--cfg micro_lora_dual" cargo test --test dual_only`.

#![cfg(micro_lora_dual)]

use micro_lora::{Choice, Config, Error, Learn, Listwise, MicroLora, StepKind};

type Lora = MicroLora<2, 2, 1>;
const LIST: [f32; 4] = [1.0, 0.0, /* and */ 0.0, 1.0];

#[test]
fn lists_are_learned_and_saved() {
    let mut lora = Lora::new(Config::new()).unwrap();
    for _ in 0..20 {
        lora.adapt_listwise(&[0.6, 0.8], Listwise::new(&LIST, &[1.0, 0.0])).unwrap();
        lora.adapt_choice(&[0.6, 0.8], Choice::click(&LIST, 0)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    let delta = lora.apply(&[0.6, 0.8]).unwrap();
    assert!(delta[0] > delta[1] + 0.01, "{delta:?}");
    let json = lora.to_json::<{ Lora::JSON_MAX }>().unwrap();
    assert!(Lora::from_json(json.as_bytes(), 0).unwrap() == lora);
}

#[test]
fn other_feedback_steps_and_states_are_refused_and_change_nothing() {
    let mut lora = Lora::new(Config::new()).unwrap();
    let before = lora.clone();
    let errors = [
        lora.adapt_gradient(&[1.0, 0.0], &[1.0, 0.0]),
        lora.adapt_target(&[1.0, 0.0], &[1.0, 0.0], 1.0),
        lora.adapt_attract_repel(&[1.0, 0.0], &[1.0, 0.0], &[0.0, 1.0]),
        lora.adapt_quality(&[1.0, 0.0], 1.0),
    ];
    for error in errors {
        assert!(matches!(error, Err(Error::Step { .. })), "{error:?}");
    }
    assert!(lora == before);
    for step in [StepKind::Sgd, StepKind::ScaledGradient, StepKind::ScaledGradientV2] {
        let error = Lora::new(Config::new().with_step(step)).unwrap_err();
        assert!(matches!(error, Error::Unsupported { field: "step", .. }), "{error}");
    }
    let json = lora.to_json::<{ Lora::JSON_MAX }>().unwrap();
    let other = json.replace(r#""step":4"#, r#""step":2"#);
    assert_ne!(other, json.as_str());
    assert!(lora.load_json(other.as_bytes()).is_err() && lora == before);
}
