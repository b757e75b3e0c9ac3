//! How an adapter gets the dual step, and which calls refuse it.

use micro_lora::{
    AdapterMut, Apply, Clicks, Config, Error, Header, Learn, Listwise, MicroLora, Outcome, Receipt, Replay,
    Result, Sample, Skip, StepKind, no_vectors,
};

use super::people::{
    Event, LIST, Lora, N, Person, apart, corrections, dot, dual, learn, lists, save, without_counts,
};

#[test]
fn an_adapter_of_the_scaled_step_goes_on_by_the_dual_one() {
    let mut person = Person::new(22);
    let queries: Vec<_> = (0..20).map(|_| person.search().query).collect();
    let config = Config::new().with_step(StepKind::ScaledGradientV2);
    for rank_loss in [false, true] {
        let mut lora = Box::new(Lora::new(config).unwrap());
        if rank_loss {
            // Linearly dependent rows: no output may come from their coordinates.
            let a = lora.lora_a()[..N].repeat(4);
            let b: Vec<f32> = (0..4 * N).map(|i| (i as f32 * 0.7).sin() / 10.0).collect();
            lora.set_weights(&a, &b).unwrap();
        }
        for _ in 0..30 {
            let event = person.search();
            lora.adapt_listwise(&event.query, Listwise::new(&event.documents, &event.clicks)).unwrap();
            if !rank_loss {
                lora.apply_updates(0.01).unwrap();
            }
        }
        if rank_loss {
            let before = lora.clone();
            let refused = Err(Error::Count { what: "pending", got: 30, min: 0, max: 0 });
            assert_eq!(lora.into_dual(), refused);
            assert!(lora == before);
            lora.discard_pending();
        }
        let before = corrections(&lora, &queries);
        let generation = lora.generation();
        lora.into_dual().unwrap();
        let after = corrections(&lora, &queries);
        assert!(apart(&after, &before) < 1e-5, "{}", apart(&after, &before));
        assert_eq!((lora.generation(), lora.config().step), (generation + 1, StepKind::Dual));
        let again = lora.clone();
        lora.into_dual().unwrap();
        assert!(lora == again && lora.generation() == again.generation());
        // It continues to learn: the correction stays, and clicks change it.
        let (mut memory, event) = (lists(), person.search());
        let wanted = event.clicks.iter().position(|click| *click > 0.0).unwrap();
        let score = |lora: &Lora| {
            let delta = lora.apply(&event.query).unwrap();
            let scores: Vec<f32> = event.documents.chunks(N).map(|d| dot(d, &delta)).collect();
            scores[wanted] - scores.iter().sum::<f32>() / LIST as f32
        };
        let before_click = score(&lora);
        for _ in 0..20 {
            learn(&mut lora, &mut memory, &event);
        }
        assert!(score(&lora) > before_click + 0.02, "{before_click}, {}", score(&lora));
    }
    let mut narrow = MicroLora::<1, 3, 2>::new(config).unwrap();
    let refused = Err(Error::Count { what: "rank of the dual step", got: 2, min: 1, max: 1 });
    assert_eq!(narrow.into_dual(), refused);
    assert_eq!(MicroLora::<2, 3, 2>::new(config).unwrap().into_dual(), Ok(()));
}

#[test]
fn the_step_refuses_what_is_no_list() {
    let mut lora = dual();
    let refusals: [Result<Receipt>; 4] = [
        lora.adapt_gradient(&[0.1; N], &[0.1; N]),
        lora.adapt_target(&[0.1; N], &[0.1; N], 1.0),
        lora.adapt_attract_repel(&[0.1; N], &[0.1; N], &[0.2; N]),
        lora.adapt_quality(&[0.1; N], 0.9),
    ];
    for (refusal, feedback) in refusals.into_iter().zip(["gradient", "target", "attract_repel", "quality"]) {
        assert_eq!(refusal, Err(Error::Step { feedback }));
    }
    assert_eq!(lora.adapt_gradients(&[0.1; N], &[0.1; N]), Err(Error::Step { feedback: "gradient" }));
    assert!(*lora == *dual());
}

#[test]
fn the_first_feedback_chooses_the_step() {
    let auto = || Box::new(Lora::new(Config::new()).unwrap());
    assert_eq!(auto().config().step, StepKind::Auto);
    let event = Person::new(18).search();
    let list = Listwise::new(&event.documents, &event.clicks);

    let mut lora = auto();
    assert_eq!(lora.adapt_listwise(&event.query, list).unwrap().step, StepKind::Dual);
    assert_eq!(lora.adapt_quality(&event.query, 0.9), Err(Error::Step { feedback: "quality" }));
    lora.reset();
    assert!(*lora == *auto());

    let receipt = lora.adapt_quality(&event.query, 0.9).unwrap();
    assert_eq!((receipt.step, lora.config().step), (StepKind::ScaledGradientV2, StepKind::ScaledGradientV2));
    let memory = &mut lists();
    let clicks = Clicks::on(&event.documents, &event.clicks);
    let refused = memory.view().learn(&mut *lora, &event.query, clicks, 0.01, no_vectors);
    assert_eq!(refused, Err(Error::Unsupported { field: "step", expected: "StepKind::Dual" }));
    let mut same = Box::new(Lora::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap());
    same.adapt_quality(&event.query, 0.9).unwrap();
    lora.apply_updates(0.01).unwrap();
    same.apply_updates(0.01).unwrap();
    assert_eq!(lora.apply(&event.query), same.apply(&event.query));
    lora.reset();
    assert_eq!(lora.config().step, StepKind::Auto);
}

#[test]
fn a_reset_after_weights_were_set_lets_feedback_choose_the_step_again() {
    let event = Person::new(25).search();
    let list = Listwise::new(&event.documents, &event.clicks);
    for (config, set, after) in [
        (Config::new(), StepKind::Dual, StepKind::Auto),
        (Config::new().with_step(StepKind::Dual), StepKind::Dual, StepKind::Dual),
    ] {
        let mut lora = Box::new(Lora::new(config).unwrap());
        let fresh = save(&lora);
        assert_eq!(lora.adapt_listwise(&event.query, list).unwrap().step, StepKind::Dual);
        let (a, b) = (lora.lora_a().to_vec(), lora.lora_b().to_vec());
        lora.set_weights(&a, &b).unwrap();
        assert_eq!(lora.config().step, set);
        let mut loaded = Lora::from_json(&save(&lora), 0).unwrap();
        for lora in [&mut *lora, &mut loaded] {
            lora.reset();
            assert_eq!(lora.config().step, after);
            assert_eq!(without_counts(&save(lora)), without_counts(&fresh));
        }
    }
}

/// Code written for the scaled-gradient step still works: a host's own memory without a bias, a rank above
/// `in_features`.
#[test]
fn where_the_dual_step_has_no_room_lists_choose_the_scaled_one() {
    let event = Person::new(19).search();
    let list = Listwise::new(&event.documents, &event.clicks);
    let mut header = Header::new(N, N, 1, &Config::new()).unwrap();
    let [mut a, mut b, mut grad_a, mut grad_b, mut scratch] = [[0.0; N]; 5];
    let parts = AdapterMut::from_parts(&mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch);
    let mut view = parts.unwrap();
    view.reset();
    let config = Config::new().with_step(StepKind::ScaledGradientV2);
    let mut same = MicroLora::<N, N, 1>::new(config).unwrap();
    for _ in 0..3 {
        let receipt = view.adapt_listwise(&event.query, list).unwrap();
        assert_eq!(receipt, same.adapt_listwise(&event.query, list).unwrap());
        assert_eq!(receipt.step, StepKind::ScaledGradientV2);
        assert_eq!(view.apply_updates(0.01), same.apply_updates(0.01));
    }
    assert_eq!((view.lora_a(), view.lora_b()), (same.lora_a(), same.lora_b()));
    let mut narrow = MicroLora::<1, N, 2>::new(Config::new()).unwrap();
    let sample = micro_lora::Sample::new(&[1.0]).with_base(&event.query);
    assert_eq!(narrow.adapt_listwise(sample, list).unwrap().step, StepKind::ScaledGradientV2);
}

#[test]
fn a_ring_refuses_the_dual_step_and_names_the_memory() {
    let (mut lora, event) = (dual(), Person::new(20).search());
    let list = Listwise::new(&event.documents, &event.clicks);
    let mut ring = Replay::<N, N, LIST, 4>::new();
    let before = lora.clone();
    let error = ring.view().learn(&mut *lora, &event.query, list, 0.01).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step: expected StepKind::ScaledGradientV2, or a Memory, which is what the dual step rehearses from, \
         got something else"
    );
    assert!(lora == before && ring.is_empty());
}

#[test]
fn weights_of_the_dual_step_are_not_pulled() {
    let (mut lora, mut memory, mut person) =
        (Box::new(Lora::new(Config::new()).unwrap()), lists(), Person::new(21));
    let kept = [lora.lora_a().to_vec(), lora.lora_b().to_vec()];
    lora.pull_towards(&kept[0], &kept[1], 0.3).unwrap();
    learn(&mut lora, &mut memory, &person.search());
    let before = lora.clone();
    let refused = lora.pull_towards(&kept[0], &kept[1], 0.3).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "step: expected one that can be pulled, which StepKind::Dual cannot (use forget of a Memory), got something else"
    );
    assert!(lora == before);
}

/// Long rows of `lora_A` become unit vectors, and `lora_B` takes their length.
#[test]
fn weights_that_orthonormal_rows_would_make_too_large_are_refused_and_stay() {
    let mut lora = Box::new(Lora::new(Config::new()).unwrap());
    lora.set_weights(&[1e6; 4 * N], &[1e3; 4 * N]).unwrap();
    let before = lora.clone();
    let event = Person::new(23).search();
    let list = Listwise::new(&event.documents, &event.clicks);
    let overflow = Error::Overflow { what: "step" };
    assert_eq!(lora.adapt_listwise(&event.query, list), Err(overflow));
    assert_eq!(lora.into_dual(), Err(overflow));
    let (mut memory, clicks) = (lists(), Clicks::on(&event.documents, &event.clicks));
    assert_eq!(memory.view().learn(&mut *lora, &event.query, clicks, 0.01, no_vectors), Err(overflow));
    assert!(lora == before && lora.config().step == StepKind::Auto);
}

#[test]
fn a_correction_with_a_bias_is_held_to_the_cap_at_every_strength() {
    const CAP: f32 = 0.02;
    let config = Config::new().with_step(StepKind::Dual).with_cap(CAP);
    let (mut lora, mut memory, mut person) = (Box::new(Lora::new(config).unwrap()), lists(), Person::new(31));
    for _ in 0..20 {
        learn(&mut lora, &mut memory, &person.search());
    }
    assert!(lora.bias().iter().any(|value| *value != 0.0));
    let query = person.search().query;
    let x = [&query, &query.iter().map(|value| 3.0 * value).collect::<Vec<f32>>()];
    for (x, length) in x.into_iter().zip([1.0, 3.0]) {
        for strength in [0.5, 1.0, 2.0] {
            lora.set_strength(strength).unwrap();
            let delta = lora.apply(x).unwrap();
            let share = dot(&delta, &delta).sqrt() / (CAP * length);
            assert!((share - 1.0).abs() < 1e-4, "{share} of the cap at strength {strength}");
        }
    }
}

#[test]
fn rows_that_repeat_become_orthonormal() {
    for row in [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [-0.6, -0.6, -0.5]] {
        let mut lora =
            MicroLora::<3, 2, 2>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
        lora.set_weights(&row.repeat(2), &[0.1; 4]).unwrap();
        lora.into_dual().unwrap();
        let (first, second) = lora.lora_a().split_at(3);
        for (product, expected) in
            [(dot(first, first), 1.0), (dot(second, second), 1.0), (dot(first, second), 0.0)]
        {
            assert!((product - expected).abs() < 1e-6, "{product} for {expected} of {row:?}");
        }
    }
}

#[test]
fn short_rows_that_do_not_repeat_keep_their_part_of_the_output() {
    let mut lora = MicroLora::<3, 2, 2>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    lora.set_weights(&[1e-4, 0.0, 0.0, 0.0, 1e-4, 0.0], &[1e3, 0.0, 0.0, 1e3]).unwrap();
    let before = lora.apply(&[1.0, 2.0, 3.0]).unwrap();
    lora.into_dual().unwrap();
    assert!(apart(&lora.apply(&[1.0, 2.0, 3.0]).unwrap(), &before) < 1e-6);
}

#[test]
fn zeros_for_a_query_documents_a_weight_or_a_rate_teach_nothing() {
    let Event { query, documents, clicks } = Person::new(26).search();
    let mut lora = dual();
    lora.adapt_listwise(&query, Listwise::new(&documents, &clicks)).unwrap();
    let (no_query, no_documents) = ([0.0; N], [0.0; N * LIST]);
    for (query, documents) in [(&no_query[..], &documents[..]), (&query[..], &no_documents[..])] {
        let (bias, pending) = (lora.bias().to_vec(), lora.stats().pending);
        let list = Listwise::new(documents, &clicks);
        // With a base, since that of a query of zeros is zeros too.
        let receipt = lora.adapt_listwise(Sample::new(query).with_base(&[0.2; N]), list).unwrap();
        assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroGradient));
        assert_eq!((lora.bias(), lora.stats().pending), (&bias[..], pending));
    }
    let list = Listwise::new(&documents, &clicks);
    let receipt = lora.adapt_listwise(Sample::new(&query).with_weight(0.0), list).unwrap();
    assert_eq!((receipt.outcome, lora.pending()), (Outcome::Skipped(Skip::ZeroWeight), 1));
    let (mut memory, clicks) = (lists(), Clicks::on(&documents, &clicks));
    let receipt = memory.view().learn(&mut *dual(), &query, clicks, 0.0, no_vectors).unwrap();
    assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroLearningRate));
    assert!(memory.is_empty());
}

#[test]
fn a_pending_list_weighs_16_at_the_most() {
    let Event { query, documents, clicks } = Person::new(27).search();
    let mut lora = dual();
    lora.adapt_listwise(&query, Listwise::new(&documents, &clicks)).unwrap();
    // Half of its click, times the rate over 0.01.
    let refused = lora.apply_updates(0.33).unwrap_err().to_string();
    assert!(refused.starts_with("learning_rate: expected ") && lora.pending() == 1, "{refused}");
}

#[test]
fn the_step_of_an_update_is_that_of_bias_and_weights_together() {
    let Event { query, documents, clicks } = Person::new(27).search();
    let mut lora = dual();
    lora.adapt_listwise(&query, Listwise::new(&documents, &clicks)).unwrap();
    let receipt = lora.apply_updates(0.01).unwrap();
    let norm = |values: &[f32]| dot(values, values).sqrt();
    let (bias, c) = (norm(lora.bias()), lora.config().alpha / 4.0 * norm(lora.lora_b()));
    assert!((receipt.grad_norm / bias - 1.0).abs() < 1e-5, "{} for {bias}", receipt.grad_norm);
    let step = bias.hypot(c);
    assert!(
        c > 0.1 * bias && (receipt.step_norm / step - 1.0).abs() < 1e-5,
        "{} for {step}",
        receipt.step_norm
    );
}
