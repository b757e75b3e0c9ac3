//! Attribution, and the removal of lists.

use micro_lora::{
    Apply, Clicks, Config, Error, Forgotten, Learn, Listwise, Memory, MemoryLayout, MicroLora, Sample,
    StepKind, no_vectors,
};

use super::people::{Event, LIST, Lora, N, Person, apart, corrections, dot, dual, learn, lists, save};

#[test]
fn shares_and_the_rest_add_up_to_the_correction() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(3));
    for _ in 0..50 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let event = person.search();
    let (mut numbers, mut shares) = ([0; 32], [0.0; 33 * LIST]);
    memory
        .view()
        .why(&mut *lora, &event.query, &event.documents, &mut numbers, &mut shares, no_vectors)
        .unwrap();
    assert_eq!(numbers, std::array::from_fn(|n| n as u32 + 19));
    lora.set_strength(1.0).unwrap();
    let delta = lora.apply(&event.query).unwrap();
    let mut from_lists = 0.0f32;
    for (row, document) in event.documents.chunks(N).enumerate() {
        let parts: Vec<f32> = shares.chunks(LIST).map(|share| share[row]).collect();
        let (sum, moved) = (parts.iter().sum::<f32>(), dot(document, &delta));
        assert!((sum - moved).abs() < 2e-6, "document {row}: {sum} for {moved}");
        from_lists += parts[..32].iter().map(|part| part.abs()).sum::<f32>();
    }
    assert!(from_lists > 0.1, "{from_lists}");
}

#[test]
fn where_every_list_is_remembered_nothing_is_left_over() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(3));
    for _ in 0..20 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let event = person.search();
    let (mut numbers, mut shares) = ([0; 20], [0.0; 21 * LIST]);
    let (query, documents) = (&event.query, &event.documents);
    memory.view().why(&mut *lora, query, documents, &mut numbers, &mut shares, no_vectors).unwrap();
    let (of_lists, rest) = shares.split_at(20 * LIST);
    assert!(rest.iter().all(|rest| rest.abs() < 2e-6), "{rest:?}");
    let most = of_lists.iter().fold(0.0f32, |most, share| most.max(share.abs()));
    assert!(most > 1e-3, "{most}");
}

#[test]
fn a_forgotten_list_leaves_nothing() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(4));
    let (mut without, mut other_memory) = (dual(), lists());
    let queries: Vec<_> = (0..20).map(|_| person.search().query).collect();
    let events: Vec<_> = (0..30).map(|_| person.search()).collect();
    let mut number = None;
    for (n, event) in events.iter().enumerate() {
        let given = learn(&mut lora, &mut memory, event);
        if n == 11 {
            number = given;
        } else {
            learn(&mut without, &mut other_memory, event);
        }
    }
    let before = apart(&corrections(&lora, &queries), &corrections(&without, &queries));
    assert_eq!(memory.view().forget(&mut *lora, number.unwrap(), no_vectors), Ok(Forgotten::Done));
    assert_eq!(memory.len(), 29);
    for (lora, memory) in [(&mut lora, &mut memory), (&mut without, &mut other_memory)] {
        for _ in 0..300 {
            memory.view().settle(&mut **lora, 29, no_vectors).unwrap();
        }
    }
    let after = apart(&corrections(&lora, &queries), &corrections(&without, &queries));
    assert!(before > 0.02 && after < 0.01, "{before} before, {after} after");
    assert_eq!(memory.view().forget(&mut *lora, number.unwrap(), no_vectors), Ok(Forgotten::NotRemembered));
}

#[test]
fn what_is_forgotten_to_the_last_list_is_nothing() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(5));
    let numbers: Vec<u32> = (0..20).filter_map(|_| learn(&mut lora, &mut memory, &person.search())).collect();
    let query = person.search().query;
    let length = |lora: &Lora| lora.apply(&query).map(|delta| dot(&delta, &delta).sqrt()).unwrap();
    let before = length(&lora);
    for number in numbers {
        assert_eq!(memory.view().forget(&mut *lora, number, no_vectors), Ok(Forgotten::Done));
    }
    assert!(before > 0.05 && length(&lora) < 1e-6, "{before}, {}", length(&lora));
}

#[test]
fn a_memory_of_another_adapter_is_refused_and_changes_nothing() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(8));
    for _ in 0..20 {
        learn(&mut lora, &mut memory, &person.search());
    }
    lora.reset();
    let (before, remembered) = (save(&lora), memory.len());
    let refused = |error: Error| {
        let what = "lists in the memory, not more than its adapter has learned";
        assert_eq!(error, Error::Count { what, got: 20, min: 0, max: 0 });
    };
    let event = person.search();
    refused(memory.view().forget(&mut *lora, 7, no_vectors).unwrap_err());
    refused(memory.view().settle(&mut *lora, 7, no_vectors).unwrap_err());
    let (mut numbers, mut shares) = ([0; 20], [0.0; 21 * LIST]);
    let (query, documents) = (&event.query, &event.documents);
    refused(
        memory.view().why(&mut *lora, query, documents, &mut numbers, &mut shares, no_vectors).unwrap_err(),
    );
    let clicks = Clicks::on(documents, &event.clicks);
    refused(memory.view().learn(&mut *lora, query, clicks, 0.01, no_vectors).unwrap_err());
    assert_eq!((save(&lora), memory.len()), (before, remembered));
    memory.view().clear();
    assert!(learn(&mut lora, &mut memory, &event).is_some());
    assert!(lora.apply(query).unwrap().iter().all(|value| value.is_finite()));
}

/// A frozen adapter is saved with its outputs, but without the sums that a memory takes lists out of.
#[test]
fn a_memory_beside_an_adapter_that_was_loaded_for_inference_is_refused_and_nothing_changes() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(9));
    let numbers: Vec<u32> = (0..5).filter_map(|_| learn(&mut lora, &mut memory, &person.search())).collect();
    let frozen = lora.freeze();
    let mut json = vec![0; frozen.json_len()];
    frozen.write_json(&mut json).unwrap();
    let mut thawed = Lora::from_json(&json, 0).unwrap();
    let (before, words) = (save(&thawed), memory.view().words.to_vec());
    let what = "lists in the memory, not more than its adapter has learned";
    let refused = Error::Count { what, got: 5, min: 0, max: 0 };
    let event = person.search();
    let list = Clicks::on(&event.documents, &event.clicks);
    assert_eq!(memory.view().forget(&mut thawed, numbers[2], no_vectors), Err(refused));
    assert_eq!(memory.view().settle(&mut thawed, 3, no_vectors), Err(refused));
    assert_eq!(memory.view().learn(&mut thawed, &event.query, list, 0.01, no_vectors), Err(refused));
    assert!(save(&thawed) == before && memory.view().words == words);
    memory.view().clear();
    assert!(learn(&mut thawed, &mut memory, &event).is_some());
}

/// Learning a list first applies what is pending, which fades everything else, remembered lists too.
#[test]
fn lists_that_faded_for_what_was_pending_leave_nothing() {
    let config = Config::new().with_step(StepKind::Dual).with_decay(0.5);
    let (mut lora, mut memory) = (Box::new(Lora::new(config).unwrap()), lists());
    let mut person = Person::new(6);
    let mut numbers: Vec<u32> =
        (0..10).filter_map(|_| learn(&mut lora, &mut memory, &person.search())).collect();
    let event = person.search();
    let sample = Sample::new(&event.query).with_weight(1e-6);
    lora.adapt_listwise(sample, Listwise::new(&event.documents, &event.clicks)).unwrap();
    numbers.extend(learn(&mut lora, &mut memory, &event));
    let query = person.search().query;
    let length = |lora: &Lora| lora.apply(&query).map(|delta| dot(&delta, &delta).sqrt()).unwrap();
    let before = length(&lora);
    for number in numbers {
        assert_eq!(memory.view().forget(&mut *lora, number, no_vectors), Ok(Forgotten::Done));
    }
    assert!(before > 0.01 && length(&lora) < 1e-5, "{before}, {}", length(&lora));
}

#[test]
fn shares_add_up_where_the_only_list_is_forgotten_and_earlier_weights_stay() {
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    let documents = [1.0, 0.0, /* and */ 0.0, 1.0];
    let mut without_bias = 0;
    for query in (1..40).flat_map(|i| (1..40).map(move |j| [0.03 * i as f32, 0.03 * j as f32])) {
        let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_alpha(1.0)).unwrap();
        lora.set_weights(&[1.0, 0.5], &[1.0, 0.2]).unwrap();
        lora.into_dual().unwrap();
        let mut memory = Memory::<{ LAYOUT.words(4) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap();
        let list = Clicks::on(&documents, &[1.0, 0.0]);
        let number = memory.view().learn(&mut lora, &query, list, 0.01, no_vectors).unwrap().number.unwrap();
        memory.view().forget(&mut lora, number, no_vectors).unwrap();
        without_bias += usize::from(lora.bias() == [0.0; 2]);
        let (mut shares, mut delta) = ([0.0; 2], [0.0; 2]);
        memory.view().why(&mut lora, &query, &documents, &mut [], &mut shares, no_vectors).unwrap();
        let guard = lora.apply_into(&query, &mut delta).unwrap();
        for (share, delta) in shares.iter().zip(delta) {
            let apart = f32::abs(share * guard - delta);
            assert!(apart < 1e-6, "{query:?}: {shares:?} {delta:?} {guard}");
        }
    }
    assert!(without_bias > 0);
}

#[test]
fn settling_without_a_visit_changes_nothing() {
    let (mut person, mut lora, mut memory) = (Person::new(31), dual(), lists());
    for _ in 0..5 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let before = save(&lora);
    assert_eq!(memory.view().settle(&mut *lora, 0, no_vectors), Ok(0));
    memory.view().clear();
    assert_eq!(memory.view().settle(&mut *lora, 9, no_vectors), Ok(0));
    assert!(save(&lora) == before);
}

#[test]
fn nothing_is_forgotten_or_settled_beside_pending_lists() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(5));
    learn(&mut lora, &mut memory, &person.search());
    let Event { query, documents, clicks } = person.search();
    lora.adapt_listwise(&query, Listwise::new(&documents, &clicks)).unwrap();
    let before = lora.clone();
    let error = Error::Count { what: "pending", got: 1, min: 0, max: 0 };
    assert_eq!(memory.view().forget(&mut *lora, 1, no_vectors), Err(error));
    assert_eq!(memory.view().settle(&mut *lora, 5, no_vectors), Err(error));
    assert!(*lora == *before && memory.len() == 1);
}
