//! Lists are predicted before they are learned; an adapter that predicts badly forgets.

use micro_lora::{Apply, Clicks, Learn, Listwise, Memory, Sample, no_vectors};

use super::people::{Event, LAYOUT, Lists, Lora, N, Person, dot, dual, learn, lists, section};
use super::refused::OMEGA;

/// The mean cosine of corrections with a taste.
fn follows(lora: &Lora, person: &mut Person, taste: &[f32]) -> f32 {
    let mut sum = 0.0;
    for _ in 0..50 {
        let delta = lora.apply(&person.search().query).unwrap();
        sum += dot(&delta, taste) / dot(&delta, &delta).sqrt().max(1e-9);
    }
    sum / 50.0
}

fn taught(lists_learned: usize) -> (Box<Lora>, Box<Lists>, Person) {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(11));
    for _ in 0..lists_learned {
        learn(&mut lora, &mut memory, &person.search());
    }
    (lora, memory, person)
}

#[test]
fn choices_by_taste_follow_the_correction_and_are_not_doubted() {
    let (lora, ..) = taught(150);
    let seen = lora.predictions().unwrap();
    assert!(seen.strength > 0.8 && seen.strength_error < 0.3, "{seen}");
    assert!(seen.trust < 0.6, "{seen}");
    let sentence = seen.to_string();
    assert!(sentence.contains(&format!("{:.2}", seen.strength)), "{sentence}");
}

/// By the formula of `src/learn/dual/evidence.rs`: a prior of .5 and 1, each of weight 10.
#[test]
fn trust_and_strength_are_the_fit_of_what_is_saved_with_its_errors() {
    assert_eq!(taught(1).0.predictions(), None, "there was no correction to predict the first list with");
    let (lora, ..) = taught(60);
    let dual: Vec<f64> = section(&lora, "dual").into_iter().map(f64::from).collect();
    let [h00, h01, h11, g0, g1] = dual[11..16].try_into().unwrap();
    let [a, d, right_0, right_1] = [h00 + 10.0, h11 + 10.0, 5.0 - g0, 10.0 - g1];
    let determinant = a * d - h01 * h01;
    let seen = lora.predictions().unwrap();
    for (got, expected) in [
        (seen.trust, (d * right_0 - h01 * right_1) / determinant),
        (seen.trust_error, (d / determinant).sqrt()),
        (seen.strength, (a * right_1 - h01 * right_0) / determinant),
        (seen.strength_error, (a / determinant).sqrt()),
    ] {
        assert!((f64::from(got) - expected).abs() < 1e-4, "{seen}: {got}, not {expected}");
    }
}

#[test]
fn another_taste_is_followed_within_forty_lists() {
    let (mut lora, mut memory, mut person) = taught(150);
    let old = person.taste.clone();
    person.taste.iter_mut().for_each(|value| *value = -*value);
    let before = follows(&lora, &mut person, &old);
    let norm = |lora: &Lora| lora.bias().iter().map(|value| value * value).sum::<f32>().sqrt();
    let (mut was, mut least) = (norm(&lora), f32::INFINITY);
    for _ in 0..40 {
        learn(&mut lora, &mut memory, &person.search());
        least = least.min(norm(&lora) / was);
        was = norm(&lora);
    }
    let after = follows(&lora, &mut person, &old);
    assert!(before > 0.3 && after < -0.3, "{before} before, {after} after");
    // At one list at least, most of it has faded.
    assert!(least < 0.5, "{least}");
}

/// The lightest list that can be loaded stays one when it weighs a tenth; places without a list stay empty.
#[test]
fn a_memory_can_be_loaded_again_after_its_lightest_lists_have_faded() {
    let mut memory = Box::new(Memory::<{ LAYOUT.words(64) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap());
    let (mut lora, mut person) = (dual(), Person::new(11));
    let mut has_faded = false;
    for n in 0..60 {
        if n == 30 {
            person.taste.iter_mut().for_each(|value| *value = -*value);
            let lists = memory.view().words.chunks_mut(LAYOUT.words_per_list()).take(3);
            lists.for_each(|list| list[OMEGA] = f32::MIN_POSITIVE.to_bits());
        }
        let (event, before) = (person.search(), dot(lora.bias(), lora.bias()));
        let clicks = Clicks::on(&event.documents, &event.clicks);
        memory.view().learn(&mut *lora, &event.query, clicks, 0.01, no_vectors).unwrap();
        has_faded |= n > 30 && dot(lora.bias(), lora.bias()) < 0.25 * before;
        assert_eq!(memory.view().take_up(), Ok(()), "after {n}");
        let empty = LAYOUT.words_per_list() * (n + 1)..LAYOUT.words_per_list() * 64;
        assert!(memory.view().words[empty].iter().all(|word| *word == 0), "after {n}");
    }
    assert!(has_faded);
}

#[test]
fn lists_that_are_not_remembered_are_doubted_as_well() {
    let (mut lora, mut person) = (dual(), Person::new(12));
    let tell = |lora: &mut Lora, person: &mut Person| {
        let event = person.search();
        lora.adapt_listwise(&event.query, Listwise::new(&event.documents, &event.clicks)).unwrap();
        lora.apply_updates(0.01).unwrap();
    };
    (0..150).for_each(|_| tell(&mut lora, &mut person));
    let old = person.taste.clone();
    let before = follows(&lora, &mut person, &old);
    person.taste.iter_mut().for_each(|value| *value = -*value);
    (0..40).for_each(|_| tell(&mut lora, &mut person));
    let after = follows(&lora, &mut person, &old);
    assert!(before > 0.3 && after < -0.2, "{before} before, {after} after");
}

/// `ln p(clicked | base alone) - ln p(clicked | base and correction)`, at most 5 in size: what the next list of one click adds
/// to the doubt, times its weight.
fn doubt_of(lora: &Lora, event: &Event) -> f32 {
    let delta = lora.apply(&event.query).unwrap();
    let clicked = event.clicks.iter().position(|click| *click > 0.0).unwrap();
    let likelihood = |share: f32| {
        let logit = |document| (0.5 * dot(document, &event.query) + share * dot(document, &delta)) / 0.1;
        let logits: Vec<f32> = event.documents.chunks(N).map(logit).collect();
        logits[clicked] - logits.iter().map(|logit| logit.exp()).sum::<f32>().ln()
    };
    (likelihood(0.0) - likelihood(1.0)).clamp(-5.0, 5.0)
}

/// The doubt before and after the list at which most of what was learned fades, once the taste has turned. From then on lists
/// weigh little, so that the doubt rises slowly.
fn doubts_at_the_fade(tell: &mut dyn FnMut(&mut Lora, &Event, f32)) -> (f32, f32) {
    let (mut lora, mut person) = (dual(), Person::new(12));
    let (mut doubt, mut weight) = (0.0, 1.0);
    for n in 0..300 {
        if n == 150 {
            person.taste.iter_mut().for_each(|value| *value = -*value);
            weight = 0.1;
        }
        let event = person.search();
        let (before, more) = (dot(lora.bias(), lora.bias()), doubt_of(&lora, &event));
        tell(&mut lora, &event, weight);
        let next = f32::max(0.0, doubt + weight * more);
        if n > 10 && dot(lora.bias(), lora.bias()) < 0.2 * before {
            return (doubt, next);
        }
        doubt = next;
    }
    panic!("expected that what was learned fades, a doubt of {doubt} is left");
}

#[test]
fn an_adapter_without_a_memory_is_surer_before_it_forgets() {
    let mut memory = lists();
    let (before, after) = doubts_at_the_fade(&mut |lora, event, weight| {
        let (sample, clicks) =
            (Sample::new(&event.query).with_weight(weight), Clicks::on(&event.documents, &event.clicks));
        memory.view().learn(lora, sample, clicks, 0.01, no_vectors).unwrap();
    });
    assert!(before < 6.2 && after > 5.8, "with a memory: {before} to {after}");
    let (before, after) = doubts_at_the_fade(&mut |lora, event, weight| {
        let sample = Sample::new(&event.query).with_weight(weight);
        lora.adapt_listwise(sample, Listwise::new(&event.documents, &event.clicks)).unwrap();
        lora.apply_updates(0.01).unwrap();
    });
    assert!(before < 9.2 && before > 6.2 && after > 8.8, "without: {before} to {after}");
}

#[test]
fn lists_without_a_click_teach_and_say_nothing_about_predictions() {
    let (mut lora, mut memory, mut person) = taught(60);
    let seen = lora.predictions();
    let mut event = person.search();
    event.clicks.fill(0.0);
    let score = |lora: &Lora| dot(&lora.apply(&event.query).unwrap(), &event.documents[..N]);
    let before = score(&lora);
    assert!(learn(&mut lora, &mut memory, &event).is_some());
    assert_eq!(lora.predictions(), seen);
    assert!(score(&lora) < before - 1e-3, "{} for {before}", score(&lora));
}

#[test]
fn a_memory_that_is_younger_than_the_doubt_is_as_sure_as_none() {
    younger(&mut *lists());
    // One that drops its lists at once is no older.
    younger(&mut *Box::new(Memory::<{ LAYOUT.words(1) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap()));
}

fn younger<const WORDS: usize>(memory: &mut Memory<WORDS, { LAYOUT.scratch() }>) {
    let (mut lora, mut person) = (dual(), Person::new(12));
    let mut doubt = 0.0;
    for n in 0.. {
        if n == 150 {
            person.taste.iter_mut().for_each(|value| *value = -*value);
        }
        let event = person.search();
        let weight = if n < 150 { 1.0 } else { 0.1 };
        doubt = f32::max(0.0, doubt + weight * doubt_of(&lora, &event));
        let sample = Sample::new(&event.query).with_weight(weight);
        lora.adapt_listwise(sample, Listwise::new(&event.documents, &event.clicks)).unwrap();
        lora.apply_updates(0.01).unwrap();
        if n > 150 && doubt > 6.5 {
            break;
        }
    }
    assert!(doubt < 8.0, "{doubt}");
    let mut tell = |n: u32| {
        let event = person.search();
        let before = dot(lora.bias(), lora.bias());
        doubt += 0.1 * doubt_of(&lora, &event);
        let sample = Sample::new(&event.query).with_weight(0.1);
        let clicks = Clicks::on(&event.documents, &event.clicks);
        memory.view().learn(&mut *lora, sample, clicks, 0.01, no_vectors).unwrap();
        (n, doubt, dot(lora.bias(), lora.bias()) < 0.2 * before)
    };
    let (n, doubt, _) = (1..).map(&mut tell).find(|(.., faded)| *faded).unwrap();
    assert!(n > 2 && doubt > 8.8 && doubt < 9.5, "after {n} lists of the memory, at a doubt of {doubt}");
}
