//! The comparison of an adapter with the frozen model alone, with users whose preference is known.

use micro_lora::{Error, Holdback, Serving};

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

const BASE: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const ADAPTED: [u32; 10] = [10, 11, 2, 12, 13, 5, 14, 15, 8, 16];

/// The user's click probabilities: for the frozen model's results, for the adapter's, and at which places.
fn events(holdback: &mut Holdback, events: u32, by: [f32; 2], attention: f32, chance: &mut Chance) {
    for _ in 0..events {
        if !holdback.is_due() {
            continue;
        }
        let mut shown = [0; 10];
        holdback.interleave(&BASE, &ADAPTED, &mut shown).unwrap();
        let clicks: [f32; 10] = std::array::from_fn(|place| {
            let looks = chance.next() < ((place + 1) as f32).powf(-attention);
            let wanted = if shown[place] >= 10 { by[1] } else { by[0] };
            if looks && chance.next() < wanted { 1.0 } else { 0.0 }
        });
        holdback.record_clicks(&clicks).unwrap();
    }
}

#[test]
fn random_clicks_are_seen_through_wherever_they_fall() {
    for attention in [0.0, 0.5, 2.0] {
        let applied = (0..400).filter(|seed| {
            let (mut holdback, mut chance) = (Holdback::new(), Chance(*seed));
            events(&mut holdback, 600, [0.3; 2], attention, &mut chance);
            holdback.is_applied()
        });
        let applied = applied.count();
        assert!(applied <= 6, "attention {attention}: applied in {applied} of 400 runs");
    }
}

#[test]
fn a_better_adapter_is_applied_and_rarely_compared() {
    for seed in 0..50 {
        let (mut holdback, mut chance) = (Holdback::new(), Chance(seed));
        events(&mut holdback, 400, [0.1, 0.3], 0.5, &mut chance);
        assert!(holdback.is_applied(), "seed {seed}: {}", holdback.report());
        let due = (0..100).filter(|_| holdback.is_due()).count();
        assert!(due <= 50, "seed {seed}: {due} of 100 compared");
        let report = holdback.report();
        assert!(report.adapted > report.base && report.to_string().starts_with("applied: +"), "{report}");
    }
}

#[test]
fn a_worse_adapter_is_never_applied_and_one_that_turns_bad_is_dropped() {
    for seed in 0..50 {
        let (mut holdback, mut chance) = (Holdback::new(), Chance(seed));
        events(&mut holdback, 400, [0.3, 0.1], 0.5, &mut chance);
        assert!(!holdback.is_applied(), "seed {seed}");

        let mut holdback = Holdback::new();
        events(&mut holdback, 200, [0.1, 0.4], 0.5, &mut chance);
        assert!(holdback.is_applied(), "seed {seed}");
        events(&mut holdback, 1500, [0.4, 0.1], 0.5, &mut chance);
        assert!(!holdback.is_applied(), "seed {seed}");
    }
}

#[test]
fn a_merged_list_holds_each_result_once_and_both_get_their_turns() {
    let mut holdback = Holdback::new();
    let mut firsts = 0;
    for _ in 0..1000 {
        let mut shown = [0; 10];
        assert_eq!(holdback.interleave(&BASE, &ADAPTED, &mut shown), Ok(10));
        let mut sorted = shown;
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[0] != pair[1]), "{shown:?}");
        let own = |from: &[u32]| shown.iter().filter(|id| from.contains(id)).count();
        // Three results belong to both.
        assert!(own(&BASE).abs_diff(own(&ADAPTED)) <= 3, "{shown:?}");
        firsts += usize::from(shown[0] == ADAPTED[0]);
    }
    assert!((430..570).contains(&firsts), "the adapter came first in {firsts} of 1000");
}

#[test]
fn where_both_agree_clicks_belong_to_neither() {
    let mut holdback = Holdback::new();
    for _ in 0..100 {
        let mut shown = [0; 10];
        holdback.interleave(&BASE, &BASE, &mut shown).unwrap();
        assert_eq!(shown, BASE);
        holdback.record_clicks(&[1.0; 10]).unwrap();
    }
    let report = holdback.report();
    assert_eq!((report.adapted, report.base, report.applied), (0.0, 0.0, false));
    let says = "not applied: nothing clicked yet where the lists differ, 100 events";
    assert_eq!(report.to_string(), says);
    // The lists differ, but neither's results are clicked: the report still says so.
    let mut shown = [0; 10];
    holdback.interleave(&BASE, &ADAPTED, &mut shown).unwrap();
    holdback.record_clicks(&[0.0; 10]).unwrap();
    assert_eq!(holdback.report().to_string(), says.replace("100", "101"));
}

/// Equal values have no spread of their own, and are not taken for certain.
#[test]
fn the_lead_of_equal_values_has_an_error_of_a_thousandth() {
    let mut holdback = Holdback::new();
    let mut counts = [0u32; 2];
    for _ in 0..100 {
        let is_adapted = holdback.next() == Serving::Adapted;
        counts[usize::from(is_adapted)] += 1;
        holdback.record(if is_adapted { 0.75 } else { 0.25 }).unwrap();
        // Twenty answers of each are the fewest that are compared.
        assert_eq!(holdback.report().lead != 0.0, counts.iter().all(|count| *count >= 20), "{counts:?}");
    }
    // Weights of 1, 2, 3 and so on.
    let error_squared = |count: u32| {
        let (sum, squares) = (1..=count).fold((0.0, 0.0), |(sum, squares), weight| {
            (sum + f64::from(weight), squares + f64::from(weight).powi(2))
        });
        1e-6 * squares / (sum * sum)
    };
    let expected = 0.5 / counts.map(error_squared).iter().sum::<f64>().sqrt();
    let lead = f64::from(holdback.report().lead);
    assert!((lead / expected - 1.0).abs() < 1e-3, "{lead} for {expected}, of {counts:?} events");
}

#[test]
fn of_no_list_nothing_is_counted() {
    let mut holdback = Holdback::new();
    let fresh = holdback;
    holdback.record_clicks(&[]).unwrap();
    let error = holdback.record_clicks(&[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "clicks on the last merged list: expected 0 values, got 1");
    assert_eq!(holdback, fresh);
    assert_eq!(holdback.interleave(&[], &[], &mut [0; 3]), Ok(0));
    holdback.record_clicks(&[]).unwrap();
    assert_eq!(holdback, fresh);
}

#[test]
fn an_answer_before_the_first_is_the_frozen_model_s() {
    let mut holdback = Holdback::new();
    holdback.record(0.75).unwrap();
    let report = holdback.report();
    assert_eq!((report.base, report.adapted, report.events), (0.75, 0.0, 1));
}

#[test]
fn rankings_that_end_early_give_shorter_lists() {
    let mut holdback = Holdback::new();
    let mut shown = [9; 5];
    assert_eq!(holdback.interleave(&[1, 2], &[2, 3], &mut shown), Ok(3));
    assert_eq!(shown[3..], [9, 9]);
    let what = "clicks on the last merged list";
    assert_eq!(holdback.record_clicks(&[0.0; 5]), Err(Error::Length { what, expected: 3, got: 5 }));
    assert!(holdback.record_clicks(&[0.0, 2.0, 0.0]).is_err());
    assert_eq!(holdback.report().events, 0);
    let ids: Vec<u32> = (0..64).collect();
    assert_eq!(holdback.interleave(&ids, &ids, &mut [0; 64]), Ok(64));
    let error = holdback.interleave(&[1], &[2], &mut [0; 65]).unwrap_err();
    assert_eq!(error.to_string(), "shown: expected 1 to 64, got 65");
}

#[test]
fn who_loses_the_toss_takes_the_next_place_even_of_what_both_would_show() {
    let mut holdback = Holdback::new();
    for _ in 0..50 {
        holdback.interleave(&[1, 2, 9], &[2, 3, 9], &mut [0; 2]).unwrap();
        holdback.record_clicks(&[1.0; 2]).unwrap();
    }
    let report = holdback.report();
    assert_eq!((report.base, report.adapted, report.lead), (1.0, 1.0, 0.0));
}

/// Whose each result was is saved in words of 32.
#[test]
fn a_long_merged_list_is_saved_before_it_is_clicked() {
    let base: Vec<u32> = (0..64).collect();
    let adapted: Vec<u32> = (100..164).collect();
    for place in [0, 31, 32, 63] {
        let mut holdback = Holdback::new();
        let mut shown = [0; 64];
        holdback.interleave(&base, &adapted, &mut shown).unwrap();
        let mut json = [0; Holdback::JSON_MAX];
        let len = holdback.write_json(&mut json).unwrap();
        let mut loaded = Holdback::from_json(&json[..len]).unwrap();
        assert_eq!(loaded, holdback);
        let mut clicks = [0.0; 64];
        clicks[place] = 1.0;
        loaded.record_clicks(&clicks).unwrap();
        let report = loaded.report();
        let is_adapted = shown[place] >= 100;
        assert_eq!(
            (report.adapted, report.base),
            if is_adapted { (1.0, 0.0) } else { (0.0, 1.0) },
            "{place}"
        );
    }
}

#[test]
fn single_answers_are_compared_by_their_quality() {
    let (mut applied, mut fooled) = (0, 0);
    for seed in 0..200 {
        for (better, count) in [(0.25, &mut applied), (0.0, &mut fooled)] {
            let (mut holdback, mut chance) = (Holdback::new(), Chance(seed));
            for _ in 0..400 {
                let lead = if holdback.next() == Serving::Adapted { better } else { 0.0 };
                let quality = if chance.next() < 0.5 + lead { 1.0 } else { 0.0 };
                holdback.record(quality).unwrap();
            }
            *count += usize::from(holdback.is_applied());
        }
    }
    assert!(applied >= 175 && fooled <= 1, "{applied} and {fooled} of 200");
}

/// The same in JavaScript: `wasm/test/suite/companions.js`.
#[test]
fn the_report_is_a_sentence_that_is_right() {
    for (events, of_base, of_adapted, says) in [
        (0, 0.5, 0.5, "not applied: too few events yet, 0 events"),
        (1, 0.5, 0.5, "not applied: too few events yet, 1 event"),
        (1, 0.0, 0.0, "not applied: nothing liked yet, 1 event"),
        (30, 0.0, 0.0, "not applied: nothing liked yet, 30 events"),
        (30, 0.5, 0.5, "not applied: too few events yet, 30 events"),
        (60, 0.5, 0.5, "not applied: +0 % is no clear lead, 60 events"),
        (60, 0.5, 0.499, "not applied: +0 % is no clear lead, 60 events"),
        (60, 0.5, 0.4375, "not applied: -13 % is no clear lead, 60 events"),
        (60, 0.5, 0.625, "applied: +25 % better than without, 60 events"),
        (60, 0.0, 0.5, "applied: better than without, 60 events"),
    ] {
        let mut holdback = Holdback::new();
        for _ in 0..events {
            let quality = if holdback.next() == Serving::Base { of_base } else { of_adapted };
            holdback.record(quality).unwrap();
        }
        assert_eq!(holdback.report().to_string(), says);
    }
    let mut once = Holdback::new();
    for event in 0..60 {
        let serving = once.next();
        once.record(if serving == Serving::Adapted && event < 2 { 1.0 } else { 0.0 }).unwrap();
    }
    assert_eq!(once.report().to_string(), "not applied: no clear lead, 60 events");
}
