//! Random sequences of all calls to an adapter of the dual step and its memory, and what must hold after each of them.

#[path = "dual/engine.rs"]
#[allow(dead_code, reason = "a part of it is for the fuzz targets")]
mod engine;
use engine::{Dice, Engine, Lora, duals, layouts, play};
use micro_lora::{Error, Forgotten, Learn};

/// More sequences with `DUAL_SEEDS=1000`.
fn seeds(usual: u64) -> u64 {
    std::env::var("DUAL_SEEDS").map_or(usual, |seeds| seeds.parse().unwrap())
}

#[test]
fn whatever_is_called_leaves_finite_values_and_an_error_leaves_all_as_it_was() {
    let mut doubts = 0;
    for seed in 0..seeds(40) {
        for layout in layouts() {
            doubts += play(seed, layout, [0.0, 0.01][seed as usize % 2], true).doubts;
        }
    }
    assert!(doubts > 20, "{doubts}");
}

/// `dual` sections with a correct checksum and values that no adapter has.
#[test]
fn hostile_dual_sections_are_refused_or_harmless() {
    let layout = layouts()[0];
    let mut engine = Engine::new(layout, 0.01, 1);
    let mut dice = Dice::new(5);
    while engine.memory.len() < 8 {
        let _ = engine.learn(&mut dice);
    }
    let (saved, _) = engine.saved();
    let hostile = [
        f32::NAN,
        f32::INFINITY,
        1e38,
        -1e38,
        1e18,
        -1e18,
        1e17,
        -1e17,
        1e9,
        -1e9,
        1e-20,
        1e-38,
        1e-44,
        -1.0,
        0.0,
        -0.0,
    ];
    let (mut loaded, mut refused) = (0, 0);
    let mut attempt = |values: &[(usize, f32)]| {
        let state = if values.iter().all(|(at, value)| duals(&saved)[*at].to_bits() == value.to_bits()) {
            saved.clone()
        } else {
            with_duals(&saved, values)
        };
        let mut other = engine.clone();
        if let Err(error) = other.lora.load_json(&state) {
            assert!(other.same_as(&engine), "{values:?}: {error}");
            refused += 1;
            return;
        }
        loaded += 1;
        let mut dice = Dice::new(9);
        other.complete = false;
        for n in 0..12 {
            let _ = other.act(&mut dice, n % 3 == 2);
            other.check(&mut dice, &format!("{values:?}, call {n}"));
        }
    };
    for at in 0..18 {
        for value in hostile {
            attempt(&[(at, value)]);
        }
    }
    for a in hostile {
        for b in hostile {
            attempt(&[(11, a), (12, b), (13, a)]);
            attempt(&[(11, a), (13, b), (14, b), (15, a)]);
            attempt(&[(16, a), (17, b)]);
            attempt(&[(0, a), (1, b), (2, a)]);
        }
    }
    assert!(loaded > 50 && refused > 50, "{loaded} loaded, {refused} refused");
}

/// The saved adapter with other values in its section `dual`, and a matching checksum.
fn with_duals(saved: &[u8], values: &[(usize, f32)]) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut state: serde_json::Value = serde_json::from_slice(saved).unwrap();
    let mut duals = STANDARD.decode(state["dual"].as_str().unwrap()).unwrap();
    for (at, value) in values {
        duals[4 * at..][..4].copy_from_slice(&value.to_le_bytes());
    }
    state["dual"] = STANDARD.encode(&duals).into();
    with_checksum(state)
}

fn with_checksum(mut state: serde_json::Value) -> Vec<u8> {
    let error = Lora::from_json(&serde_json::to_vec(&state).unwrap(), 0).unwrap_err();
    let Error::Checksum { expected, got } = error else { panic!("{error}") };
    assert_eq!(state["crc32"], expected);
    state["crc32"] = got.into();
    serde_json::to_vec(&state).unwrap()
}

/// The sums of the dual step must not be used by another step.
#[test]
fn a_state_of_the_dual_step_names_that_step() {
    let mut engine = Engine::new(layouts()[0], 0.0, 1);
    let mut dice = Dice::new(5);
    while engine.memory.len() < 2 {
        let _ = engine.learn(&mut dice);
    }
    let (saved, _) = engine.saved();
    for step in 0..5 {
        let mut state: serde_json::Value = serde_json::from_slice(&saved).unwrap();
        state["step"] = step.into();
        let state = if step == 3 { saved.clone() } else { with_checksum(state) };
        let expected = Err(Error::Count { what: "step", got: step, min: 3, max: 3 });
        let before = engine.clone();
        assert_eq!(engine.lora.load_json(&state), if step == 3 { Ok(()) } else { expected });
        assert!(step == 3 || engine.same_as(&before));
    }
}

/// Without parts left behind, the weights are the sums over the lists, and nothing is left when all are forgotten.
#[test]
fn lists_are_all_that_is_learned_and_leave_nothing_behind() {
    let (mut complete, mut doubts) = (0, 0);
    for seed in 100..100 + seeds(40) {
        for layout in layouts() {
            let mut engine = play(seed, layout, [0.0, 0.01][seed as usize % 2], false);
            if !engine.complete || engine.largest == 0.0 {
                continue;
            }
            complete += 1;
            doubts += engine.doubts;
            for number in engine.numbers() {
                let forgotten = engine.with(|mut memory, lora, shelf| {
                    memory.forget(lora, number, |id, out| shelf.find(id, out))
                });
                assert_eq!(forgotten, Ok(Forgotten::Done), "seed {seed}");
            }
            let left = engine.correction(&Dice::new(seed).vector(1.0));
            let left = left.iter().map(|left| left * left).sum::<f32>().sqrt();
            assert!(left <= 1e-4 * engine.largest + 1e-5, "seed {seed}: {left} of {}", engine.largest);
        }
    }
    assert!(complete > 50 && doubts > 20, "{complete} sequences, {doubts} doubts");
}
