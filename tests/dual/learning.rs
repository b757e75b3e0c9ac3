//! What lists teach, and what they do not change.

use micro_lora::{
    Apply, Choice, Clicks, Config, Error, Learn, Listwise, Memory, MemoryLayout, MicroLora, Outcome, Result,
    Sample, Skip, StepKind, Stored, no_vectors,
};

use super::people::{Event, LAYOUT, LIST, Lora, N, Person, apart, corrections, dot, dual, learn, lists};

#[test]
fn lists_teach_a_taste() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(1));
    let mut best_first = [0, 0];
    for round in 0..300 {
        let event = person.search();
        let delta = lora.apply(&event.query).unwrap();
        let y: Vec<f32> = event.query.iter().zip(&delta).map(|(q, d)| q + d).collect();
        let scores: Vec<f32> = event.documents.chunks(N).map(|d| dot(d, &y)).collect();
        let top = (0..LIST).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        best_first[usize::from(round >= 200)] +=
            u32::from(!(100..200).contains(&round)) * event.clicks[top] as u32;
        learn(&mut lora, &mut memory, &event);
    }
    assert!(best_first[1] > best_first[0] + 15, "{best_first:?}");
}

#[test]
fn rows_of_a_stay_orthonormal() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(2));
    for _ in 0..200 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let rows: Vec<&[f32]> = lora.lora_a().chunks(N).collect();
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!((dot(a, b) - expected).abs() < 1e-5, "rows {i} and {j}: {}", dot(a, b));
        }
    }
}

#[test]
fn vectors_of_any_common_length_teach_the_same() {
    let mut person = Person::new(6);
    let events: Vec<_> = (0..40).map(|_| person.search()).collect();
    let query = person.search().query;
    let taught = |by: f32, documents_by: f32| {
        let (mut lora, mut memory) = (dual(), lists());
        let scaled = |v: &[f32], by: f32| v.iter().map(|v| by * v).collect::<Vec<f32>>();
        for event in &events {
            let event = Event {
                query: scaled(&event.query, by),
                documents: scaled(&event.documents, documents_by),
                clicks: event.clicks.clone(),
            };
            learn(&mut lora, &mut memory, &event).unwrap();
        }
        scaled(&lora.apply(&scaled(&query, by)).unwrap(), 1.0 / by)
    };
    let unit = taught(1.0, 1.0);
    assert!(dot(&unit, &unit) > 0.01);
    for (by, documents_by) in [(0.1, 0.1), (30.0, 30.0), (0.1, 30.0), (30.0, 1.0)] {
        let other = taught(by, documents_by);
        assert!(apart(&other, &unit) < 1e-4, "{by}, {documents_by}: {}", apart(&other, &unit));
    }
}

#[test]
fn a_list_far_from_the_length_of_the_first_is_refused_by_name() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(7));
    learn(&mut lora, &mut memory, &person.search());
    let (before, event) = (lora.clone(), person.search());
    let long: Vec<f32> = event.query.iter().map(|q| 100.0 * q).collect();
    let clicks = Clicks::on(&event.documents, &event.clicks);
    let error = memory.view().learn(&mut *lora, &long, clicks, 0.01, no_vectors).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { what: "length of the input", .. }), "{error}");
    assert!(lora == before && memory.len() == 1);
    let short: Vec<f32> = event.documents.iter().map(|d| 0.01 * d).collect();
    let error = lora.adapt_listwise(&event.query, Listwise::new(&short, &event.clicks)).unwrap_err();
    assert!(matches!(error, Error::OutOfRange { what: "length of the documents", .. }), "{error}");
    assert!(lora == before);
}

#[test]
fn how_far_a_length_may_be_is_a_share_of_the_first() {
    let scaled = |values: &[f32], by: f32| values.iter().map(|value| by * value).collect::<Vec<_>>();
    for first in [0.01, 0.1, 10.0] {
        let (mut lora, mut person) = (dual(), Person::new(7));
        let mut taught = |by: f32| {
            let Event { query, documents, clicks } = person.search();
            let (query, documents) = (scaled(&query, first * by), scaled(&documents, first * by));
            let receipt = lora.adapt_listwise(&query, Listwise::new(&documents, &clicks));
            receipt.map_err(|error| format!("{first}: {error}"))
        };
        taught(1.0).unwrap();
        for by in [15.0, 1.0 / 15.0] {
            taught(by).unwrap();
        }
        for by in [17.0, 1.0 / 17.0] {
            let error = taught(by).unwrap_err();
            assert!(error.starts_with(&format!("{first}: length of the ")), "{error}");
        }
    }
}

#[test]
fn sixty_pending_lists_give_what_sixty_single_ones_give() {
    let mut person = Person::new(8);
    let events: Vec<_> = (0..60).map(|_| person.search()).collect();
    let queries: Vec<_> = (0..20).map(|_| person.search().query).collect();
    let (mut single, mut together) = (dual(), dual());
    let fresh = corrections(&together, &queries);
    for event in &events {
        let list = Listwise::new(&event.documents, &event.clicks);
        single.adapt_listwise(&event.query, list).unwrap();
        single.apply_updates(0.01).unwrap();
        together.adapt_listwise(&event.query, list).unwrap();
    }
    assert_eq!(corrections(&together, &queries), fresh, "what is pending is not served");
    assert_eq!(together.pending(), 60);
    together.apply_updates(0.01).unwrap();
    let (a, b) = (corrections(&together, &queries), corrections(&single, &queries));
    // `A` turns after all of them instead of after each: the rank-r part differs a little, the bias hardly.
    assert!(apart(&a, &b) < 0.2, "{}", apart(&a, &b));
    assert!(apart(together.bias(), single.bias()) < 0.1, "{}", apart(together.bias(), single.bias()));
}

/// Exact except for what `docs/learning.md` says: `lora_A`'s sums and the mean of the inputs have no second copy.
#[test]
fn discarded_lists_are_not_served_and_hardly_felt() {
    let (mut lora, mut without, mut person) = (dual(), dual(), Person::new(9));
    let queries: Vec<_> = (0..20).map(|_| person.search().query).collect();
    let learn = |lora: &mut Lora, event: &Event| {
        lora.adapt_listwise(&event.query, Listwise::new(&event.documents, &event.clicks)).unwrap();
    };
    for round in 0..60 {
        let (event, discarded) = (person.search(), person.search());
        if round % 6 == 5 {
            let (before, weights) =
                (corrections(&lora, &queries), [lora.lora_a(), lora.lora_b(), lora.bias()].concat());
            learn(&mut lora, &discarded);
            lora.discard_pending();
            assert_eq!(lora.pending(), 0);
            assert_eq!(lora.apply_updates(0.01).unwrap().outcome, Outcome::Skipped(Skip::NoPending));
            assert_eq!(corrections(&lora, &queries), before);
            assert_eq!([lora.lora_a(), lora.lora_b(), lora.bias()].concat(), weights);
        }
        for lora in [&mut lora, &mut without] {
            learn(lora, &event);
            lora.apply_updates(0.01).unwrap();
        }
    }
    let (a, b) = (corrections(&lora, &queries), corrections(&without, &queries));
    println!("after ten discarded of seventy: {} apart", apart(&a, &b));
    assert!(apart(&a, &b) < 0.1, "{}", apart(&a, &b));
    assert!(apart(lora.bias(), without.bias()) < 0.02, "{}", apart(lora.bias(), without.bias()));
}

#[test]
fn a_click_is_the_same_through_choice_and_listwise() {
    let (mut a, mut b, mut person) = (dual(), dual(), Person::new(10));
    for _ in 0..10 {
        let event = person.search();
        let chosen = event.clicks.iter().position(|click| *click > 0.0).unwrap();
        a.adapt_listwise(&event.query, Listwise::new(&event.documents, &event.clicks)).unwrap();
        b.adapt_choice(&event.query, Choice::click(&event.documents, chosen).with_temperature(0.1)).unwrap();
        a.apply_updates(0.01).unwrap();
        b.apply_updates(0.01).unwrap();
    }
    let query = person.search().query;
    assert_eq!(a.apply(&query).unwrap(), b.apply(&query).unwrap());
}

/// From the first visit on, even if the scores strongly prefer the wrong document, a list comes to rest.
#[test]
fn repeated_visits_of_one_list_come_to_rest() -> Result<()> {
    const ONE: MemoryLayout = MemoryLayout::stored(4, 4, 64, Stored::F32, Stored::F32);
    for count in [2, 3, 10, 64] {
        for cosine in [-1.0f32, -0.5, 0.0, 0.5, 0.9, 1.0] {
            for weight in [0.02f32, 0.2, 2.0, 32.0] {
                for quality in [1.0, 0.0] {
                    let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_step(StepKind::Dual))?;
                    let mut memory = Memory::<{ ONE.words(1) }, { ONE.scratch() }>::new(ONE)?;
                    let sine = (1.0 - cosine * cosine).sqrt();
                    let mut documents = vec![cosine, sine, 0.0, 0.0];
                    for n in 1..count {
                        let angle = 0.05 * (n - 1) as f32;
                        documents.extend([angle.cos(), 0.0, angle.sin(), 0.0]);
                    }
                    let query = micro_lora::Sample::new(&[1.0, 0.0, 0.0, 0.0]).with_weight(weight);
                    let clicks = Clicks::on(&documents, &[]).with_thumb(0, quality);
                    memory.view().learn(&mut lora, query, clicks, 0.01, no_vectors)?;
                    for _ in 0..400 {
                        memory.view().settle(&mut lora, 5, no_vectors)?;
                    }
                    let before = lora.apply(&[1.0, 0.0, 0.0, 0.0])?;
                    memory.view().settle(&mut lora, 1, no_vectors)?;
                    let after = lora.apply(&[1.0, 0.0, 0.0, 0.0])?;
                    let moved: f32 = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).sum();
                    let context = format!("k {count}, cosine {cosine}, weight {weight}, quality {quality}");
                    assert!(moved < 1e-5, "{context}: still moves by {moved}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn random_lists_teach_little() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(15));
    let (mut kept, mut other) = (dual(), lists());
    for n in 0..300 {
        let event = person.search();
        learn(&mut kept, &mut other, &event);
        let mut clicks = vec![0.0; LIST];
        clicks[(n * 7 + n / 5) % LIST] = 1.0;
        learn(&mut lora, &mut memory, &Event { clicks, ..event });
    }
    let query = person.search().query;
    let length = |lora: &Lora| lora.apply(&query).map(|delta| dot(&delta, &delta).sqrt()).unwrap();
    assert!(length(&lora) < 0.7 * length(&kept), "{} and {}", length(&lora), length(&kept));
}

/// By the cosines of the base with the documents, whose lengths are taken together.
#[test]
fn scores_that_are_not_given_are_those_of_the_base() {
    const SCORED: MemoryLayout = LAYOUT.with_scores();
    type Scored = Memory<{ SCORED.words(4) }, { SCORED.scratch() }>;
    let mut person = Person::new(41);
    let Event { query, documents, clicks } = person.search();
    let base: Vec<f32> = query.iter().map(|value| 3.0 * value).collect();
    let documents: Vec<f32> = documents.iter().map(|value| 2.0 * value).collect();
    let length = (dot(&documents, &documents) / LIST as f32).sqrt() * dot(&base, &base).sqrt();
    let scores: Vec<f32> = documents.chunks(N).map(|document| dot(document, &base) / length).collect();
    let learned = |list: Clicks<'_>| {
        let (mut lora, mut memory) = (dual(), Box::new(Scored::new(SCORED).unwrap()));
        let sample = Sample::new(&query).with_base(&base);
        memory.view().learn(&mut *lora, sample, list, 0.01, no_vectors).unwrap();
        lora.apply(&query).unwrap()
    };
    let list = Clicks::on(&documents, &clicks);
    assert!(apart(&learned(list), &learned(list.with_scores(&scores))) < 1e-5);
    // Without scores the query is the base: the correction has its length.
    let (mut lora, mut memory) =
        (dual(), Box::new(Memory::<{ LAYOUT.words(4) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap()));
    memory.view().learn(&mut *lora, &query, list, 0.01, no_vectors).unwrap();
    let without = lora.apply(&query).unwrap().map(|value| 3.0 * value);
    assert!(apart(&learned(list), &without) < 1e-5, "{}", apart(&learned(list), &without));
    let halved: Vec<f32> = scores.iter().map(|score| score / 2.0).collect();
    assert!(apart(&learned(list), &learned(list.with_scores(&halved))) > 1e-4);
}

#[test]
fn a_list_without_a_click_at_a_weight_or_a_rate_of_zero_is_skipped() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(19));
    learn(&mut lora, &mut memory, &person.search());
    let Event { query, documents, .. } = person.search();
    let before = lora.apply(&query).unwrap();
    for (weight, rate) in [(0.0, 0.01), (1.0, 0.0)] {
        let (sample, list) = (Sample::new(&query).with_weight(weight), Clicks::on(&documents, &[0.0; LIST]));
        let receipt = memory.view().learn(&mut *lora, sample, list, rate, no_vectors).unwrap();
        assert_eq!(receipt.outcome, Outcome::Skipped(Skip::NothingChosen));
        assert!(lora.apply(&query).unwrap() == before && memory.len() == 1);
    }
}

#[test]
fn a_list_with_a_click_at_a_weight_of_zero_is_skipped() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(19));
    let Event { query, documents, clicks } = person.search();
    let (sample, list) = (Sample::new(&query).with_weight(0.0), Clicks::on(&documents, &clicks));
    let receipt = memory.view().learn(&mut *lora, sample, list, 0.01, no_vectors).unwrap();
    assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroWeight));
    assert!(memory.is_empty());
}

#[test]
fn grades_count_by_their_shares_whatever_the_highest_is() {
    let Event { query, documents, .. } = Person::new(9).search();
    let learned = |highest: f32| {
        let (mut lora, mut memory) = (dual(), lists());
        let clicks = [1.0, 0.5, 0.25, 0.0, 0.0, 0.0].map(|grade| highest * grade).to_vec();
        let event = Event { query: query.clone(), documents: documents.clone(), clicks };
        learn(&mut lora, &mut memory, &event);
        lora.apply(&query).unwrap()
    };
    let of_one = learned(1.0);
    assert!(dot(&of_one, &of_one) > 0.0);
    assert_eq!(learned(4.0), of_one);
    assert_eq!(learned(0.25), of_one);
}
