//! Errors of a memory of lists: each names what is wrong, and nothing changes.

use micro_lora::{
    Apply, Clicks, Config, Error, Forgotten, Learn, Listwise, Lookup, MAX_FEATURES, Memory, MemoryHeader,
    MemoryLayout, MemoryMut, Sample, Stored, VectorId, no_vectors,
};

use super::people::{BY_ID, Event, Ids, LAYOUT, LIST, Lists, Lora, N, Person, dot, dual, learn, lists, save};

fn learned() -> (Box<Lora>, Box<Lists>, Person) {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(21));
    for _ in 0..3 {
        learn(&mut lora, &mut memory, &person.search());
    }
    (lora, memory, person)
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let (mut lora, mut memory, mut person) = learned();
    let before = save(&lora);
    let Event { query, documents, clicks } = person.search();
    let mut refused = |documents: &[f32], clicks: &[f32], scores: Option<&[f32]>| {
        let list = Clicks::on(documents, clicks);
        let list = scores.map_or(list, |scores| list.with_scores(scores));
        let error = memory.view().learn(&mut *lora, &query, list, 0.01, no_vectors).unwrap_err();
        assert!(save(&lora) == before && memory.len() == 3, "{error}");
        error.to_string()
    };
    let more = [&documents[..], &documents[..N]].concat();
    assert_eq!(refused(&documents[..3 * N - 1], &clicks[..2], None), "documents: expected 72 values, got 71");
    assert_eq!(refused(&more, &[0.0; LIST + 1], None), "documents: expected 2 to 6, got 7");
    assert_eq!(refused(&documents[..N], &clicks[..1], None), "documents: expected 2 to 6, got 1");
    let mut scores = [0.5; LIST];
    let without = "scores, in a layout without them: expected 0 to 0, got 6";
    assert_eq!(refused(&documents, &clicks, Some(&scores)), without);
    assert_eq!(refused(&documents, &clicks, Some(&scores[1..])), "scores: expected 6 values, got 5");
    scores[2] = f32::INFINITY;
    let infinite = "scores: expected finite values, got NaN or infinity at index 2";
    assert_eq!(refused(&documents, &clicks, Some(&scores)), infinite);
}

#[test]
fn a_list_of_the_other_kind_is_refused_with_the_kind_that_the_layout_keeps() {
    let (mut lora, mut memory, mut person) = learned();
    let Event { query, documents, clicks } = person.search();
    let (by_id, by_value) = (Clicks::on_ids(&[1, 2, 3, 4, 5, 6], &clicks), Clicks::on(&documents, &clicks));
    let error = memory.view().learn(&mut *lora, &query, by_id, 0.01, no_vectors).unwrap_err();
    assert_eq!(error.to_string(), "documents (kept by value): expected 2 to 6, got 0");
    let mut ids = Box::new(Ids::new(BY_ID).unwrap());
    let error = ids.view().learn(&mut *lora, &query, by_value, 0.01, no_vectors).unwrap_err();
    assert_eq!(error.to_string(), "ids (documents are kept by id): expected 2 to 6, got 0");
    let error = memory.view().learn(&mut *lora, &query, by_value, 10.0, no_vectors).unwrap_err();
    let weight = "weight of a list at this learning_rate: expected ";
    assert!(error.to_string().starts_with(weight), "{error}");
}

#[test]
fn questions_that_do_not_fit_are_refused() {
    let (mut lora, mut memory, mut person) = learned();
    let Event { query, mut documents, .. } = person.search();
    let mut shares = vec![0.0; 4 * 65];
    let mut refused = |documents: &[f32]| {
        let view = &mut memory.view();
        let error =
            view.why(&mut *lora, &query, documents, &mut [0; 3], &mut shares, no_vectors).unwrap_err();
        assert!(shares.iter().all(|share| *share == 0.0), "{error}");
        error.to_string()
    };
    assert_eq!(refused(&documents.repeat(11)), "documents: expected 1 to 64, got 66");
    documents[N] = f32::NAN;
    assert_eq!(
        refused(&documents),
        format!("documents: expected finite values, got NaN or infinity at index {N}")
    );
    documents[N] = 0.0;
    let most = &documents.repeat(11)[..64 * N];
    memory.view().why(&mut *lora, &query, most, &mut [0; 3], &mut [0.0; 4 * 64], no_vectors).unwrap();
}

#[test]
fn sizes_out_of_range_are_refused() {
    // The scores without a correction cannot be computed from vectors of two sizes.
    let mut without = MemoryLayout::by_id(4, 3, 4);
    without.scores = false;
    for (layout, capacity, expected) in [
        (MemoryLayout::by_id(0, 4, 4), 8, "in_features: expected 1 to 1048576, got 0"),
        (MemoryLayout::by_id(4, MAX_FEATURES + 1, 4), 8, "out_features: expected 1 to 1048576, got 1048577"),
        (MemoryLayout::by_id(4, 4, 1), 8, "list: expected 2 to 64, got 1"),
        (MemoryLayout::by_id(4, 4, 4), 0, "capacity: expected 1 to 65536, got 0"),
        (MemoryLayout::by_id(4, 4, 4), 65_537, "capacity: expected 1 to 65536, got 65537"),
        (without, 8, "scores where in_features and out_features differ: expected 1 to 1, got 0"),
    ] {
        assert_eq!(MemoryHeader::new(layout, capacity).unwrap_err().to_string(), expected);
    }
}

#[test]
fn memory_of_another_size_is_refused() {
    let mut header = MemoryHeader::new(BY_ID, 8).unwrap();
    for (words, scratch, what) in [(0, 0, None), (1, 0, Some("words")), (0, 1, Some("scratch"))] {
        let (mut words, mut scratch) =
            (vec![0; BY_ID.words(8) - words], vec![0.0; BY_ID.scratch() - scratch]);
        let checked = MemoryMut { header: &mut header, words: &mut words, scratch: &mut scratch }.check();
        let refused =
            checked.map_err(|error| matches!(error, Error::Length { what: name, .. } if Some(name) == what));
        assert_eq!(refused, what.map_or(Ok(()), |_| Err(true)));
    }
}

/// The offsets of these words in a list, see `src/companions/memory/layout.rs`.
const ROWS: usize = 1;
const OUTSIDE: u32 = 0x200;
pub const OMEGA: usize = 2;
const TEMPERATURE: usize = 3;
const H: usize = 7;
const U: usize = 11;
const ALPHA: usize = 15;

/// The second list with one changed word, loaded with `take_up` as by a host that restores the words itself.
fn taken_up(at: usize, word: impl Fn(u32) -> u32) -> Result<(), Error> {
    let (_, mut memory, _) = learned();
    let view = &mut memory.view();
    assert_eq!(view.take_up(), Ok(()));
    let place = &mut view.words[LAYOUT.words_per_list() + at];
    *place = word(*place);
    view.take_up()
}

#[test]
fn words_that_no_list_has_are_not_taken_up() {
    let refused = |at, word: fn(u32) -> u32| taken_up(at, word).unwrap_err().to_string();
    for (word, expected) in [
        ((|_| 1) as fn(u32) -> u32, "rows of a list: expected 2 to 6, got 1"),
        (|_| 7, "rows of a list: expected 2 to 6, got 7"),
        (|head| head | 6 << 16, "chosen of a list: expected 0 to 5, got 6"),
        (|head| head | 0x400, "chosen of a list: expected 0 to 5, got 0"),
    ] {
        assert_eq!(refused(ROWS, word), expected);
    }
    for at in [OMEGA, TEMPERATURE, H, H + 3, U, U + 3, ALPHA, ALPHA + LIST - 1] {
        assert!(taken_up(at, |_| f32::NAN.to_bits()).is_err(), "NaN at {at}");
        assert!(taken_up(at, |_| 1.1e6f32.to_bits()).is_err(), "too much at {at}");
        assert!(taken_up(at, |_| (-1.1e6f32).to_bits()).is_err(), "too little at {at}");
    }
    assert!(refused(OMEGA, |_| 0).starts_with("omega of a list: expected"), "{}", refused(OMEGA, |_| 0));
    // Weights are bytes, after the dual variables of six documents; the query's values come just before the documents'.
    let weights = ALPHA + LIST;
    let no_weights = |head: u32| head & 0xFFFF_00FF;
    assert_eq!(taken_up(ROWS, no_weights), Ok(()), "a list by weights has them in place");
    let last = LAYOUT.words_per_list() - 1;
    assert!(matches!(taken_up(last, |_| f32::NAN.to_bits()), Err(Error::NotFinite { .. })));
    let range = "vectors and scores of a list: expected -1000000 to 1000000, got ";
    assert_eq!(refused(last, |_| 2e6f32.to_bits()), format!("{range}2000000"));
    assert_eq!(refused(last, |_| (-2e6f32).to_bits()), format!("{range}-2000000"));
    let (_, mut memory, _) = learned();
    let view = &mut memory.view();
    view.words[LAYOUT.words_per_list() + weights..][..LIST.div_ceil(4)].fill(0);
    assert_eq!(view.take_up(), Ok(()), "a list without a click");
    view.words[LAYOUT.words_per_list() + ROWS] &= !OUTSIDE;
    assert_eq!(view.take_up().unwrap_err().to_string(), "weights of a list: expected 1 to 255, got 0");
}

#[test]
fn words_that_no_mean_has_are_not_taken_up() {
    let at = LAYOUT.words(32) - N - 6;
    let refused = |at, word: u32| {
        let (_, mut memory, _) = learned();
        let view = &mut memory.view();
        view.words[at] = word;
        view.take_up().unwrap_err().to_string()
    };
    let (_, mut memory, _) = learned();
    let count = memory.len();
    assert_eq!(memory.view().words[at] as usize, count, "lists counted");
    assert!(
        refused(at, 1).starts_with("lists counted in the mean of the documents: expected 3"),
        "{}",
        refused(at, 1)
    );
    for at in at + 1..LAYOUT.words(32) {
        assert!(refused(at, f32::NAN.to_bits()).starts_with("mean of the documents: expected"));
        assert!(refused(at, (-1e13f32).to_bits()).starts_with("mean of the documents: expected"));
        // Sums of alphas may be larger than coordinates.
        let (_, mut memory, _) = learned();
        memory.view().words[at] = 1e9f32.to_bits();
        assert_eq!(memory.view().take_up().is_ok(), at < LAYOUT.words(32) - N, "{at}");
    }
    memory.view().clear();
    assert!(memory.view().words.iter().all(|word| *word == 0));
    memory.view().words[at + 6] = 0.5f32.to_bits();
    assert!(memory.view().take_up().is_err(), "a mean of no list");
}

#[test]
fn a_list_whose_vectors_are_zero_in_the_new_model_is_not_learned_again() {
    let (mut lora, mut person) = (dual(), Person::new(22));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let mut documents = vec![];
    for first in [0, 6] {
        let event = person.search();
        documents.extend(event.documents);
        let ids: Vec<u32> = (first..first + 6).collect();
        let list = Clicks::on_ids(&ids, &event.clicks).with_query_id(first);
        let find = |id, out: &mut [f32]| found(&documents, id, out);
        memory.view().learn(&mut *lora, &event.query, list, 0.01, find).unwrap();
    }
    let zeroed = |id, out: &mut [f32]| match id {
        VectorId::Query(0) => Lookup::Found,
        id => found(&documents, id, out),
    };
    assert_eq!(memory.view().relearn(&mut *lora, zeroed), Ok(1));
    assert_eq!(memory.len(), 1);
}

/// The query of a list is its first document.
fn found(documents: &[f32], id: VectorId, out: &mut [f32]) -> Lookup {
    let (VectorId::Document(id) | VectorId::Query(id)) = id;
    out.copy_from_slice(&documents[id as usize * N..][..N]);
    Lookup::Found
}

#[test]
fn an_id_layout_does_not_forget_by_document_where_documents_are_values() {
    let (mut lora, mut memory, _) = learned();
    let error = memory.view().forget_document(&mut *lora, 1, no_vectors).unwrap_err();
    assert_eq!(error.to_string(), "documents of the memory: expected known by id, got something else");
    let layout = MemoryLayout::all_by_id(N, N, LIST).with_scores();
    let mut header = MemoryHeader::new(layout, 4).unwrap();
    let (mut words, mut scratch) = (vec![0; layout.words(4)], vec![0.0; layout.scratch()]);
    let mut memory = micro_lora::MemoryMut { header: &mut header, words: &mut words, scratch: &mut scratch };
    let error = memory.relearn(&mut *lora, no_vectors).unwrap_err();
    assert_eq!(error.to_string(), "scores of the memory: expected not kept, got something else");
}

#[test]
fn a_mean_that_could_move_the_weights_past_their_limit_is_refused_and_nothing_changes() {
    let (mut lora, mut memory, mut person) = learned();
    let s = LAYOUT.words(32) - N - 5;
    for at in s..s + 5 {
        let own = std::mem::replace(&mut memory.view().words[at], 1e9f32.to_bits());
        let before = (save(&lora), memory.clone());
        let event = person.search();
        let list = Clicks::on(&event.documents, &event.clicks);
        let refused = memory.view().learn(&mut *lora, &event.query, list, 0.01, no_vectors);
        assert!(matches!(refused, Err(Error::Overflow { what: "step" })), "{refused:?}");
        assert!(save(&lora) == before.0 && memory.view().words == before.1.clone().view().words);
        memory.view().words[at] = own;
    }
}

#[test]
fn a_mean_of_other_documents_is_refused_and_nothing_changes() {
    let (mut lora, mut memory, mut person) = learned();
    let number = learn(&mut lora, &mut memory, &person.search()).unwrap();
    let m = LAYOUT.words(32) - N;
    memory.view().words[m] = 1e3f32.to_bits();
    let before = (save(&lora), memory.view().words.to_vec());
    let event = person.search();
    let list = Clicks::on(&event.documents, &event.clicks);
    for refused in [
        memory.view().learn(&mut *lora, &event.query, list, 0.01, no_vectors).unwrap_err(),
        memory.view().forget(&mut *lora, number, no_vectors).unwrap_err(),
        memory.view().settle(&mut *lora, 3, no_vectors).unwrap_err(),
    ] {
        let Error::OutOfRange { what: "length of the mean document", max, .. } = refused else {
            panic!("{refused}")
        };
        // 17 times as long as the documents.
        assert!((max - 17.0).abs() < 1e-3, "{refused}");
    }
    assert!(save(&lora) == before.0 && memory.view().words == before.1);
}

#[test]
fn without_lists_a_memory_starts_again_beside_an_adapter_that_was_reset() {
    const LAYOUT: MemoryLayout = MemoryLayout::stored(N, N, LIST, Stored::F32, Stored::F32);
    type Two = Memory<{ LAYOUT.words(2) }, { LAYOUT.scratch() }>;
    let (mut lora, mut memory, mut person) = (dual(), Box::new(Two::new(LAYOUT).unwrap()), Person::new(23));
    let mut learn = |lora: &mut Lora, memory: &mut Two| {
        let event = person.search();
        let list = Clicks::on(&event.documents, &event.clicks);
        memory.view().learn(lora, &event.query, list, 0.01, no_vectors).unwrap().number.unwrap()
    };
    let last = (0..9).map(|_| learn(&mut lora, &mut memory)).last().unwrap();
    for number in [last - 1, last] {
        memory.view().forget(&mut *lora, number, no_vectors).unwrap();
    }
    lora.reset();
    let event = Person::new(24).search();
    lora.adapt_listwise(&event.query, Listwise::new(&event.documents, &event.clicks)).unwrap();
    lora.apply_updates(0.01).unwrap();
    let (mut cleared, mut other) = (memory.clone(), lora.clone());
    cleared.view().clear();
    let list = Clicks::on(&event.documents, &event.clicks);
    memory.view().learn(&mut *lora, &event.query, list, 0.01, no_vectors).unwrap();
    cleared.view().learn(&mut *other, &event.query, list, 0.01, no_vectors).unwrap();
    assert!(save(&lora) == save(&other));
}

/// It would be in the sum of the adapter's directions from the next visit on, and make that too large to be loaded again.
#[test]
fn a_list_with_a_query_that_is_longer_than_any_is_not_visited() {
    let first = LAYOUT.words_per_list() - N * (LIST + 1);
    for (longer, visits) in [(8.0, 3), (1e5, 2)] {
        let (mut lora, mut memory, mut person) = learned();
        let mut query = person.search().query;
        // Where `lora_A` does not see it.
        for row in lora.lora_a().chunks(N) {
            let along = dot(row, &query);
            query.iter_mut().zip(row).for_each(|(value, row)| *value -= along * row);
        }
        for (word, value) in memory.view().words[first..].iter_mut().zip(&query) {
            *word = (longer * value).to_bits();
        }
        assert_eq!(memory.view().take_up(), Ok(()));
        assert_eq!(memory.view().settle(&mut *lora, 3, no_vectors), Ok(visits), "{longer} times");
    }
}

/// The sums over as many lists as can be counted must be loaded again.
#[test]
fn a_list_of_a_correction_that_is_far_longer_than_its_base_is_learned_and_can_be_loaded_again() {
    const SCORED: MemoryLayout = MemoryLayout::stored(N, N, 2, Stored::F32, Stored::F32).with_scores();
    let mut lora = Lora::new(Config::new()).unwrap();
    let (mut a, mut b) = ([0.0; 4 * N], [0.0; 4 * N]);
    (a[0], b[0]) = (1.0, 9e6 / 2.0);
    lora.set_weights(&a, &b).unwrap();
    let mut memory = Memory::<{ SCORED.words(4) }, { SCORED.scratch() }>::new(SCORED).unwrap();
    let (mut input, mut base, mut documents) = ([0.0; N], [0.0; N], [0.0; 2 * N]);
    (input[0], base[1], documents[0], documents[N]) = (1e3, 1e-3, 1.0, -1.0);
    let sample = Sample::new(&input).with_base(&base).with_weight(16.0);
    let list = Clicks::on(&documents, &[0.0, 1.0]);
    let number = memory.view().learn(&mut lora, sample, list, 0.01, no_vectors).unwrap().number.unwrap();
    let u = f32::from_bits(memory.view().words[U]);
    assert_eq!(u, 0.0);
    memory.view().take_up().unwrap();
    assert_eq!(memory.view().forget(&mut lora, number, no_vectors), Ok(Forgotten::Done));
    assert!(Lora::from_json(&save(&lora), 0).unwrap() == lora);
}

/// It keeps the norms of its first list, though it takes new units: the first list has to be checked as that of a new one.
#[test]
fn a_list_that_an_adapter_loaded_for_inference_cannot_learn_changes_nothing() {
    let (mut lora, mut person) = (dual(), Person::new(23));
    let scaled = |values: &[f32], factor: f32| values.iter().map(|value| factor * value).collect::<Vec<_>>();
    let Event { query, documents, clicks } = person.search();
    let (short, long, base) = (scaled(&query, 1e-3), scaled(&documents, 900.0), scaled(&query, 900.0));
    fn tell(
        lora: &mut Lora,
        input: &[f32],
        base: &[f32],
        documents: &[f32],
        clicks: &[f32],
        weight: f32,
    ) -> Result<(), Error> {
        let sample = Sample::new(input).with_base(base).with_weight(weight);
        lora.adapt_listwise(sample, Listwise::new(documents, clicks).with_temperature(1000.0))?;
        lora.apply_updates(0.01).map(drop)
    }
    tell(&mut lora, &short, &base, &long, &clicks, 1e-3).unwrap();
    let frozen = lora.freeze();
    let mut json = vec![0; frozen.json_len()];
    frozen.write_json(&mut json).unwrap();
    let mut thawed = Lora::from_json(&json, 0).unwrap();
    let before = save(&thawed);
    let sample = Sample::new(&short).with_base(&base).with_weight(16.0);
    let list = Listwise::new(&long, &clicks).with_temperature(0.01);
    let refused = thawed.adapt_listwise(sample, list);
    assert_eq!(refused.unwrap_err(), Error::Overflow { what: "step" });
    assert!(save(&thawed) == before);
}

/// Rounding to int8 makes a query longer than it was by some thousandths.
#[test]
fn a_query_that_rounding_takes_past_the_limit_is_not_learned_again() {
    let mut person = Person::new(24);
    let events = [person.search(), person.search()];
    let relearned = |longest| {
        let (mut lora, mut memory) = (dual(), Box::new(Ids::new(BY_ID).unwrap()));
        for (n, event) in events.iter().enumerate() {
            let ids: Vec<u32> = (0..LIST).map(|row| (n * LIST + row) as u32).collect();
            let list = Clicks::on_ids(&ids, &event.clicks).with_query_id(n as u32);
            let find = |id, out: &mut [f32]| at_length(&events, 1.0, id, out);
            memory.view().learn(&mut *lora, &event.query, list, 0.01, find).unwrap();
        }
        memory.view().relearn(&mut *lora, |id, out| at_length(&events, longest, id, out)).unwrap()
    };
    assert_eq!((relearned(15.9), relearned(15.999)), (2, 1));
}

/// The vectors of events, the second query of another length.
fn at_length(events: &[Event], factor: f32, id: VectorId, out: &mut [f32]) -> Lookup {
    match id {
        VectorId::Document(id) => {
            let documents = &events[id as usize / LIST].documents;
            out.copy_from_slice(&documents[id as usize % LIST * N..][..N]);
        }
        VectorId::Query(id) => {
            let factor = if id == 1 { factor } else { 1.0 };
            out.iter_mut().zip(&events[id as usize].query).for_each(|(out, value)| *out = factor * value);
        }
    }
    Lookup::Found
}
