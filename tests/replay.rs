//! The ring of remembered lists, through the public API.

use micro_lora::{
    Apply, Config, Error, Learn, Listwise, MAX_FEATURES, MicroLora, Outcome, Replay, ReplayHeader, ReplayMut,
    Sample, Skip, StepKind,
};

type Lora = MicroLora<4, 4, 2>;
type Ring = Replay<4, 4, 3, 4>;

const QUERY: [f32; 4] = [0.5, -0.5, 0.5, 0.5];
const SHOWN: [f32; 12] = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.8];
const CLICKS: [f32; 3] = [0.0, 1.0, 0.0];

fn lora(step: StepKind) -> Lora {
    let mut lora = Lora::new(Config::new().with_step(step).with_cap(Config::CAP_OFF)).unwrap();
    let b: Vec<f32> = (0..8).map(|i| 0.1 * (i as f32 - 3.0)).collect();
    let a = lora.lora_a().to_vec();
    lora.set_weights(&a, &b).unwrap();
    lora
}

fn weights(lora: &impl Apply) -> Vec<f32> {
    [lora.lora_a(), lora.lora_b()].concat()
}

/// The weights after one rehearsal, and after a separate step on the same list with this share of the length.
fn rehearsed_and_stepped(clicks: &[f32], share: f32) -> [Vec<f32>; 2] {
    let (mut rehearsed, mut stepped) = (lora(StepKind::Sgd), lora(StepKind::Sgd));
    // Vectors that int8 holds exactly.
    let query = [1.0, -1.0, 1.0, 0.0];
    let shown: Vec<f32> =
        (0..clicks.len()).flat_map(|i| [0, 1, 2, 3].map(|axis| f32::from(i >> axis & 1 == 1))).collect();
    let list = Listwise::new(&shown, clicks).with_temperature(0.7);
    let mut ring = Replay::<4, 4, 8, 1>::new();
    ring.view().push(&query, list).unwrap();
    assert_eq!(ring.view().rehearse(&mut rehearsed, 0.5, 1), Ok(1));
    stepped.adapt_listwise(&query, list).unwrap();
    stepped.apply_updates(share * 0.5).unwrap();
    [weights(&rehearsed), weights(&stepped)]
}

#[test]
fn a_rehearsal_is_a_shorter_step_on_the_same_list_and_longer_the_more_was_chosen() {
    for (clicks, share) in [
        ([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0.2),
        // With only one list its weight does not matter.
        ([0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0], 0.2),
        ([0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 0.4),
        ([0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0], 0.3),
        ([1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 0.8),
        ([1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0], 0.8),
    ] {
        let [rehearsed, stepped] = rehearsed_and_stepped(&clicks, share);
        for (a, b) in rehearsed.iter().zip(&stepped) {
            assert!((a - b).abs() < 1e-6, "{clicks:?}: {a} instead of {b}");
        }
        assert_ne!(rehearsed, weights(&lora(StepKind::Sgd)), "{clicks:?}");
    }
}

#[test]
fn a_rehearsal_leaves_the_scale_of_steps_and_all_counters_alone() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let mut ring = Ring::new();
    let list = Listwise::new(&SHOWN, &CLICKS);
    for _ in 0..3 {
        ring.view().learn(&mut lora, &QUERY, list, 0.01).unwrap();
    }
    let before = lora.stats();
    assert_eq!((before.samples_seen, before.updates, ring.len()), (3, 3, 3));
    let generation = lora.generation();
    ring.view().rehearse(&mut lora, 0.01, 5).unwrap();
    let after = lora.stats();
    assert_eq!((after.samples_seen, after.updates, after.capped), (3, 3, before.capped));
    assert_ne!(lora.generation(), generation);
}

#[test]
fn all_lists_are_rehearsed_in_turn_and_the_oldest_makes_room() {
    // One list per direction; its rehearsal moves the output that way.
    let list = |axis: usize| {
        let clicks: [f32; 3] = std::array::from_fn(|i| if i == axis { 1.0 } else { 0.0 });
        clicks
    };
    let unit = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let mut ring = Replay::<4, 4, 3, 2>::new();
    for axis in 0..3 {
        ring.view().push(&QUERY, Listwise::new(&unit, &list(axis))).unwrap();
    }
    assert_eq!((ring.len(), ring.is_empty()), (2, false));
    let mut lora = Lora::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    // The list of axis 2 has overwritten that of axis 0.
    for axis in [2, 1, 2, 1] {
        let before = lora.apply(&QUERY).unwrap();
        assert_eq!(ring.view().rehearse(&mut lora, 0.01, 1), Ok(1));
        let after = lora.apply(&QUERY).unwrap();
        let moved: Vec<f32> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
        let most = (0..3).max_by(|a, b| moved[*a].total_cmp(&moved[*b])).unwrap();
        assert_eq!(most, axis, "{moved:?}");
    }
}

#[test]
fn an_empty_ring_and_a_list_that_says_nothing_teach_nothing() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let before = weights(&lora);
    let mut ring = Ring::new();
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 8), Ok(0));
    let nothing = Listwise::new(&SHOWN, &[0.0; 3]);
    assert!(!ring.view().learn(&mut lora, &QUERY, nothing, 0.01).unwrap().applied());
    assert_eq!((ring.len(), weights(&lora)), (0, before));
}

#[test]
fn a_base_of_another_size_is_remembered() {
    let mut lora = MicroLora::<2, 4, 1>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    let mut ring = Replay::<2, 4, 4, 4>::new();
    let sample = Sample::new(&[0.6, 0.8]).with_base(&QUERY);
    let list = Listwise::new(&SHOWN, &CLICKS);
    assert!(ring.view().learn(&mut lora, sample, list, 0.01).unwrap().applied());
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 2), Ok(2));
    // The base takes one of the list's rows.
    let mut small = Replay::<2, 4, 3, 4>::new();
    let error = small.view().push(sample, list).unwrap_err();
    assert_eq!(error, Error::Count { what: "candidates", got: 3, min: 2, max: 2 });
}

#[test]
fn a_list_that_needs_a_base_is_not_remembered_without_one() {
    let mut ring = Replay::<2, 4, 3, 4>::new();
    let list = Listwise::new(&SHOWN, &CLICKS);
    let before = ring.clone();
    let error = ring.view().push(&[0.6, 0.8], list).unwrap_err();
    assert_eq!(error, Error::BaseRequired { in_features: 2, out_features: 4 });
    assert!(ring == before);
}

#[test]
fn a_saved_list_without_the_base_that_it_needs_is_passed_over() {
    type Small = Replay<2, 4, 3, 1>;
    let mut ring = Small::new();
    let list = Listwise::new(&SHOWN[..8], &CLICKS[..2]);
    ring.view().push(Sample::new(&[0.6, 0.8]).with_base(&QUERY), list).unwrap();
    let mut json = vec![0; Small::JSON_MAX];
    let len = ring.view().write_json(&mut json, 0).unwrap();
    // As `push` of earlier versions remembered it: without the flag of the base, the last word of the entry.
    let saved = String::from_utf8(json[..len].to_vec()).unwrap();
    let older = saved.replace("AQAAAA==\",\"scales", "AAAAAA==\",\"scales");
    assert!(older != saved);
    let Err(Error::Checksum { expected, got }) = ring.view().load_json(older.as_bytes(), 0) else {
        panic!("expected another checksum")
    };
    let older = older.replace(&expected.to_string(), &got.to_string());
    ring.view().load_json(older.as_bytes(), 0).unwrap();
    let mut lora = MicroLora::<2, 4, 1>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 3), Ok(0));
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let mut ring = Ring::new();
    ring.view().push(&QUERY, Listwise::new(&SHOWN, &CLICKS)).unwrap();
    let (before, weights_before) = (ring.clone(), weights(&lora));
    let nan = [f32::NAN; 12];
    for (query, shown, clicks, says) in [
        (&QUERY[..3], &SHOWN[..], &CLICKS[..], "input: expected 4 values, got 3"),
        (&QUERY[..], &SHOWN[..8], &CLICKS[..], "weights: expected 2 values, got 3"),
        (&QUERY[..], &SHOWN[..4], &CLICKS[..1], "candidates: expected 2 to 3, got 1"),
        (&QUERY[..], &SHOWN[..11], &CLICKS[..], "candidates: expected 12 values, got 11"),
        (&QUERY[..], &SHOWN[..], &CLICKS[..2], "weights: expected 3 values, got 2"),
        (
            &QUERY[..],
            &SHOWN[..],
            &[0.0, 1.0, f32::NAN],
            "weights: expected finite values, got NaN or infinity at index 2",
        ),
        (
            &QUERY[..],
            &nan[..],
            &CLICKS[..],
            "candidates: expected finite values, got NaN or infinity at index 0",
        ),
    ] {
        let list = Listwise::new(shown, clicks);
        assert_eq!(ring.view().push(query, list).unwrap_err().to_string(), says);
        let from_learn = ring.view().learn(&mut lora, query, list, 0.01).unwrap_err();
        assert_eq!(from_learn.to_string(), says);
        // The messages are the same without the ring; only the limit on candidates is the ring's.
        let alone = lora.adapt_listwise(query, list).unwrap_err().to_string();
        assert_eq!(alone.replace("2 to 64", "2 to 3"), says);
        assert!(ring == before && weights(&lora) == weights_before, "{says}");
    }
    lora.adapt_gradient(&QUERY, &QUERY).unwrap();
    let error = ring.view().rehearse(&mut lora, 0.01, 1).unwrap_err();
    assert_eq!(error, Error::Count { what: "pending", got: 1, min: 0, max: 0 });
}

#[test]
fn a_list_that_overflows_does_not_stand_in_the_way() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let mut ring = Ring::new();
    // Finite, so that it can be remembered, but its products are not.
    ring.view().push(&[1e30; 4], Listwise::new(&[1e30; 12], &CLICKS)).unwrap();
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 3), Ok(0));
    assert_eq!(lora.pending(), 0);
    for lists in 2..5 {
        let list = Listwise::new(&SHOWN, &CLICKS);
        assert!(ring.view().learn(&mut lora, &QUERY, list, 0.01).unwrap().applied());
        assert_eq!(ring.len(), lists);
    }
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 8), Ok(6));
}

#[test]
fn a_copy_goes_on_with_the_same_bits() {
    let (mut a, mut ring) = (lora(StepKind::ScaledGradientV2), Ring::new());
    let learn = |lora: &mut Lora, ring: &mut Ring, events: std::ops::Range<u32>| {
        for event in events {
            let x: [f32; 4] = std::array::from_fn(|i| ((event * 7 + i as u32 * 3) as f32).sin());
            let clicks: [f32; 3] = std::array::from_fn(|i| if i as u32 == event % 3 { 1.0 } else { 0.0 });
            ring.view().learn(lora, &x, Listwise::new(&SHOWN, &clicks), 0.01).unwrap();
        }
    };
    learn(&mut a, &mut ring, 0..10);
    let (mut b, mut copy) = (a.clone(), ring.clone());
    learn(&mut a, &mut ring, 10..20);
    learn(&mut b, &mut copy, 10..20);
    assert!(a == b && ring == copy);
}

#[test]
fn a_learning_rate_that_is_refused_changes_nothing_and_zero_teaches_nothing() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let mut ring = Ring::new();
    let list = Listwise::new(&SHOWN, &CLICKS);
    let before = (lora.clone(), ring.clone());
    for rate in [-1.0, f32::NAN, 1e9] {
        let error = ring.view().learn(&mut lora, &QUERY, list, rate).unwrap_err();
        assert!(matches!(error, Error::OutOfRange { what: "learning_rate", .. }), "{error}");
    }
    let receipt = ring.view().learn(&mut lora, &QUERY, list, 0.0).unwrap();
    assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroLearningRate));
    assert!(lora == before.0 && ring == before.1);
    assert_eq!(lora.generation(), before.0.generation());
}

#[test]
fn rings_are_equal_by_what_they_remember() {
    let mut lora = lora(StepKind::ScaledGradientV2);
    let mut ring = Ring::new();
    ring.view().learn(&mut lora, &QUERY, Listwise::new(&SHOWN, &CLICKS), 0.01).unwrap();
    ring.view().rehearse(&mut lora, 0.01, 1).unwrap();
    let mut json = [0; Ring::JSON_MAX];
    let len = ring.view().write_json(&mut json, 0).unwrap();
    let mut loaded = Ring::new();
    loaded.view().load_json(&json[..len], 0).unwrap();
    assert!(loaded == ring);
}

/// The longest row of `lora_A` after a user's first events, one list rehearsed as soon as it was learned from.
fn longest_row<const N: usize, const R: usize>(step: StepKind, seed: u32, scale: f32) -> f32 {
    let mut lora = MicroLora::<N, N, R>::new(Config::new().with_step(step).with_seed(seed)).unwrap();
    let mut ring = Box::new(Replay::<N, N, 3, 8>::new());
    let mut state = seed;
    let mut vector = |scale: f32| {
        [0.0; N].map(|_: f32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            scale * ((state >> 8) as f32 / 8_388_608.0 - 1.0) / (N as f32 / 3.0).sqrt()
        })
    };
    let mut longest = 0.0f32;
    for event in 0..12usize {
        let (query, shown) = (vector(scale), [0; 3].map(|_| vector(scale)));
        let clicks = [0, 1, 2].map(|i| if i == event % 3 { 1.0 } else { 0.0 });
        ring.view().learn(&mut lora, &query, Listwise::new(shown.as_flattened(), &clicks), 0.01).unwrap();
        ring.view().rehearse(&mut lora, 0.01, 8).unwrap();
        if event == 5 {
            // The weights are reset, the ring stays.
            lora.reset();
        }
        for row in lora.lora_a().chunks_exact(N) {
            longest = longest.max(row.iter().map(|value| value * value).sum::<f32>().sqrt());
        }
    }
    longest
}

#[test]
fn rehearsals_right_after_the_first_event_do_not_run_away() {
    for step in [StepKind::ScaledGradient, StepKind::ScaledGradientV2] {
        for seed in 1..=20 {
            for scale in [1.0, 5.6] {
                for longest in [
                    longest_row::<8, 1>(step, seed, scale),
                    longest_row::<8, 4>(step, seed, scale),
                    longest_row::<64, 2>(step, seed, scale),
                ] {
                    // Rows begin at about 1.
                    assert!(longest < 10.0, "{step:?}, seed {seed}, inputs of length {scale}: {longest}");
                }
            }
        }
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let refused = |in_features, out_features, list, capacity| {
        ReplayHeader::new(in_features, out_features, list, capacity).unwrap_err().to_string()
    };
    assert_eq!(refused(4, 4, 1, 4), "list: expected 2 to 64, got 1");
    assert_eq!(refused(4, 4, 4, 0), "capacity: expected 1 to 65536, got 0");
    assert_eq!(refused(4, 4, 4, 65_537), "capacity: expected 1 to 65536, got 65537");
    for wrong in [0, MAX_FEATURES + 1] {
        assert_eq!(refused(wrong, 4, 4, 4), format!("in_features: expected 1 to 1048576, got {wrong}"));
        assert_eq!(refused(4, wrong, 4, 4), format!("out_features: expected 1 to 1048576, got {wrong}"));
    }
}

#[test]
fn a_base_that_is_not_finite_is_not_remembered() {
    let mut ring = Ring::new();
    let sample = Sample::new(&QUERY).with_base(&[0.0, f32::NAN, 0.0, 0.0]);
    // The base takes the place of a document.
    let refused = ring.view().push(sample, Listwise::new(&SHOWN[..8], &CLICKS[..2]));
    assert_eq!(refused, Err(Error::NotFinite { what: "base", index: 1 }));
    assert!(ring == Ring::new());
}

#[test]
fn rings_are_equal_if_they_remember_the_same() {
    let ring = |query: [f32; 4], temperature: f32, shown: [f32; 12], clicks: [f32; 3]| {
        let mut ring = Ring::new();
        let list = Listwise::new(&shown, &clicks).with_temperature(temperature);
        ring.view().push(&query, list).unwrap();
        ring
    };
    let one = ring(QUERY, 0.1, SHOWN, CLICKS);
    assert!(one == ring(QUERY, 0.1, SHOWN, CLICKS));
    // Codes of an input, the temperature, a document's scale, its codes, and what was clicked.
    assert!(one != ring([0.5, 0.5, 0.5, 0.5], 0.1, SHOWN, CLICKS));
    assert!(one != ring(QUERY, 0.2, SHOWN, CLICKS));
    let mut longer = SHOWN;
    longer[..4].iter_mut().for_each(|value| *value *= 2.0);
    assert!(one != ring(QUERY, 0.1, longer, CLICKS));
    let mut other = SHOWN;
    other.swap(0, 3);
    assert!(one != ring(QUERY, 0.1, other, CLICKS));
    assert!(one != ring(QUERY, 0.1, SHOWN, [1.0, 0.0, 0.0]));
}

#[test]
fn a_refused_rehearsal_leaves_the_turn_where_it_was() {
    let (mut scaled, mut dual) = (lora(StepKind::ScaledGradientV2), lora(StepKind::Dual));
    let mut ring = Ring::new();
    for query in [QUERY, [0.5, 0.5, 0.5, -0.5]] {
        ring.view().push(&query, Listwise::new(&SHOWN, &CLICKS)).unwrap();
    }
    let before = *ring.view().header;
    let refused = ring.view().rehearse(&mut scaled, f32::NAN, 1);
    assert!(matches!(refused, Err(Error::OutOfRange { what: "learning_rate", .. })), "{refused:?}");
    let refused = ring.view().rehearse(&mut dual, 0.01, 1);
    assert!(matches!(refused, Err(Error::Unsupported { field: "step", .. })), "{refused:?}");
    assert_eq!(*ring.view().header, before);
}

/// A host may lay a ring over memory of its own.
#[test]
fn a_ring_over_memory_of_another_size_is_refused() {
    let mut ring = Ring::new();
    let mut refused = |shorten: fn(&mut ReplayMut<'_>)| {
        let mut view = ring.view();
        shorten(&mut view);
        let error = view.check().unwrap_err();
        assert_eq!(view.push(&QUERY, Listwise::new(&SHOWN, &CLICKS)), Err(error));
        error.to_string()
    };
    macro_rules! short {
        ($field:ident) => {
            refused(|view| {
                let all = core::mem::take(&mut view.$field);
                view.$field = &mut all[1..];
            })
        };
    }
    assert_eq!(short!(entries), "entries: expected 4 values, got 3");
    assert_eq!(short!(inputs), "inputs: expected 16 values, got 15");
    assert_eq!(short!(candidates), "candidates: expected 48 values, got 47");
    assert_eq!(short!(scales), "scales: expected 12 values, got 11");
    assert_eq!(short!(weights), "weights: expected 12 values, got 11");
    assert_eq!(short!(row), "row: expected 4 values, got 3");
    assert_eq!(short!(rows), "rows: expected 12 values, got 11");
    assert!(ring.view().check().is_ok() && ring.is_empty());
}
