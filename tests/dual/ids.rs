//! Memories that ask the host for vectors by id.

use micro_lora::{Clicks, Error, Forgotten, Lookup, Memory, VectorId, no_vectors};

use super::people::{BY_ID, Event, Ids, LIST, Lora, N, Person, apart, corrections, dot, dual};

/// Documents by id that the test can change or lose.
struct Shelf {
    documents: Vec<Option<Vec<f32>>>,
    asked: u32,
}

impl Shelf {
    fn of(event: &Event) -> Self {
        Self { documents: event.documents.chunks(N).map(|d| Some(d.to_vec())).collect(), asked: 0 }
    }

    fn find(&mut self, id: VectorId, out: &mut [f32]) -> Lookup {
        self.asked += 1;
        match id {
            VectorId::Document(id) => match self.documents.get(id as usize).and_then(Option::as_ref) {
                Some(document) => {
                    out.copy_from_slice(document);
                    Lookup::Found
                }
                None => Lookup::Gone,
            },
            VectorId::Query(_) => Lookup::Gone,
        }
    }
}

#[test]
fn a_list_whose_document_changes_is_left_behind() {
    let (mut lora, mut person) = (dual(), Person::new(11));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let ids = [0, 1, 2, 3, 4, 5];
    let list = Clicks::on_ids(&ids, &event.clicks);
    let receipt =
        memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    assert_eq!((receipt.number, receipt.visits, receipt.left_behind), (Some(1), 9, 0));
    assert_eq!(shelf.asked, 60);
    let learned = lora.apply(&event.query).unwrap();
    let (shown, mut shares) = (event.documents.clone(), [0.0; 2 * LIST]);
    let mut of_the_list = |memory: &mut Ids, lora: &mut Lora, shelf: &mut Shelf| {
        let find = |id, out: &mut [f32]| shelf.find(id, out);
        memory.view().why(lora, &event.query, &shown, &mut [0], &mut shares, find).unwrap();
        shares[..LIST].iter().any(|share| *share != 0.0)
    };
    assert!(!memory.is_empty() && of_the_list(&mut memory, &mut lora, &mut shelf));
    shelf.documents[3].as_mut().unwrap()[0] += 1e-7;
    assert!(!of_the_list(&mut memory, &mut lora, &mut shelf), "another document is not what was learned");
    assert_eq!(memory.view().settle(&mut *lora, 5, |id, out| shelf.find(id, out)), Ok(0));
    assert!(memory.is_empty());
    assert!(apart(&lora.apply(&event.query).unwrap(), &learned) < 0.1, "its part stays");
    // And its documents stay in the mean, which goes on.
    memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    assert_eq!(memory.view().words[BY_ID.words(32) - N - 6], 2);
}

#[test]
fn a_host_that_fails_changes_nothing() {
    let (mut lora, mut person) = (dual(), Person::new(12));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let ids = [0, 1, 2, 3, 4, 5];
    memory
        .view()
        .learn(&mut *lora, &event.query, Clicks::on_ids(&ids, &event.clicks), 0.01, |id, out| {
            shelf.find(id, out)
        })
        .unwrap();
    let before = lora.clone();
    type Answer = fn(VectorId, &mut [f32]) -> Lookup;
    let answers: [Answer; 3] = [
        |_, _| Lookup::Failed,
        |_, out| {
            out.fill(f32::NAN);
            Lookup::Found
        },
        |_, _| Lookup::Gone,
    ];
    for answer in answers {
        let error = memory
            .view()
            .learn(&mut *lora, &event.query, Clicks::on_ids(&ids, &event.clicks), 0.01, answer)
            .unwrap_err();
        assert_eq!(error, Error::Missing { what: "a finite vector for a document's id" });
        assert!(*lora == *before && memory.len() == 1);
    }
    assert_eq!(memory.view().forget(&mut *lora, 1, |_, _| Lookup::Failed), Ok(Forgotten::Failed));
    assert_eq!(memory.len(), 1);
    assert!(*lora == *before);
    assert_eq!(memory.view().forget(&mut *lora, 1, |id, out| shelf.find(id, out)), Ok(Forgotten::Done));
}

#[test]
fn a_list_that_is_forgotten_with_a_changed_document_keeps_its_part() {
    let (mut lora, mut person) = (dual(), Person::new(12));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let list = Clicks::on_ids(&[0, 1, 2, 3, 4, 5], &event.clicks);
    memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    let before = lora.clone();
    // What it would take out is not what it put in.
    shelf.documents[3].as_mut().unwrap()[0] += 0.5;
    let forgotten = memory.view().forget(&mut *lora, 1, |id, out| shelf.find(id, out));
    assert_eq!(forgotten, Ok(Forgotten::LeftBehind));
    assert!(*lora == *before && memory.is_empty());
}

#[test]
fn all_lists_with_a_document_are_forgotten() {
    let (mut lora, mut person) = (dual(), Person::new(13));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    for ids in [[0, 1, 2], [3, 4, 5], [0, 4, 5], [1, 2, 3]] {
        let list = Clicks::on_ids(&ids, &[0.0, 1.0, 0.0]);
        memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    }
    let forgotten = memory.view().forget_document(&mut *lora, 0, |id, out| shelf.find(id, out));
    assert_eq!((forgotten, memory.len()), (Ok((2, 0)), 2));
    let forgotten = memory.view().forget_document(&mut *lora, 3, |id, out| shelf.find(id, out));
    assert_eq!((forgotten, memory.len()), (Ok((2, 0)), 0));
    let delta = lora.apply(&event.query).unwrap();
    assert!(dot(&delta, &delta).sqrt() < 1e-6);
}

#[test]
fn in_a_full_memory_a_list_that_is_not_found_counts_once() {
    type Two = Memory<{ BY_ID.words(2) }, { BY_ID.scratch() }>;
    let (mut lora, mut person) = (dual(), Person::new(15));
    let mut memory = Box::new(Two::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    for ids in [[0, 1, 2], [3, 4, 5]] {
        let list = Clicks::on_ids(&ids, &[0.0, 1.0, 0.0]);
        memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    }
    let forgotten = memory.view().forget_document(&mut *lora, 1, |_, _| Lookup::Failed);
    assert_eq!((forgotten, memory.len()), (Ok((0, 1)), 2));
}

#[test]
fn a_new_embedding_model_keeps_what_was_learned() {
    let mut person = Person::new(14);
    let events: Vec<_> = (0..30).map(|_| person.search()).collect();
    let (mut lora, mut memory) = (dual(), Box::new(Ids::new(BY_ID).unwrap()));
    // The new model's vectors are the old ones reversed: the same scores in other coordinates.
    let vector = |id: VectorId, out: &mut [f32], reversed: bool| {
        match id {
            VectorId::Document(id) => {
                let documents = &events[id as usize / LIST].documents;
                out.copy_from_slice(documents.chunks(N).nth(id as usize % LIST).unwrap());
            }
            VectorId::Query(id) => out.copy_from_slice(&events[id as usize].query),
        }
        if reversed {
            out.reverse();
        }
        Lookup::Found
    };
    for (n, event) in events.iter().enumerate() {
        let ids: Vec<u32> = (0..LIST).map(|row| (n * LIST + row) as u32).collect();
        let list = Clicks::on_ids(&ids, &event.clicks).with_query_id(n as u32);
        memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| vector(id, out, false)).unwrap();
    }
    // One correction alone depends on where `lora_A` started.
    let queries: Vec<Vec<f32>> = (0..50).map(|_| person.search().query).collect();
    let before = corrections(&lora, &queries);
    assert_eq!(memory.view().relearn(&mut *lora, |id, out| vector(id, out, true)), Ok(30));
    let reversed: Vec<Vec<f32>> = queries.iter().map(|query| query.iter().rev().copied().collect()).collect();
    let mut after = corrections(&lora, &reversed);
    after.chunks_mut(N).for_each(<[f32]>::reverse);
    let cosine = dot(&before, &after) / (dot(&before, &before) * dot(&after, &after)).sqrt();
    assert!(cosine > 0.9, "{cosine}");
    assert_eq!(memory.len(), 30);
}

/// The function for layouts without ids, passed by mistake.
#[test]
fn no_list_is_dropped_where_nothing_can_find_its_vectors() {
    let (mut lora, mut memory, mut person) = (dual(), Box::new(Ids::new(BY_ID).unwrap()), Person::new(15));
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let list = Clicks::on_ids(&[0, 1, 2, 3, 4, 5], &event.clicks);
    memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    let before = lora.clone();
    assert_eq!(memory.view().settle(&mut *lora, 9, no_vectors), Ok(0));
    assert_eq!(memory.view().forget(&mut *lora, 1, no_vectors), Ok(Forgotten::Failed));
    assert!(memory.len() == 1 && *lora == *before);
    assert_eq!(memory.view().forget(&mut *lora, 1, |id, out| shelf.find(id, out)), Ok(Forgotten::Done));
}

#[test]
fn relearning_is_refused_where_the_host_has_no_list() {
    let (mut lora, mut person) = (dual(), Person::new(41));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let list = Clicks::on_ids(&[0, 1, 2], &[0.0, 1.0, 0.0]);
    memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    let before = lora.apply(&event.query).unwrap();
    // A host that finds documents, but no query: the memory keeps that itself, for the old model.
    let refused = memory.view().relearn(&mut *lora, |id, out| match id {
        VectorId::Document(_) => shelf.find(id, out),
        VectorId::Query(_) => Lookup::Gone,
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "a remembered list with vectors 0.001 to 1000 long: expected it to be there, got none"
    );
    assert!(memory.len() == 1 && lora.apply(&event.query).unwrap() == before);
}

#[test]
fn relearning_is_refused_where_all_vectors_are_too_short_or_too_long() {
    let (mut lora, mut person) = (dual(), Person::new(42));
    let mut memory = Box::new(Ids::new(BY_ID).unwrap());
    let event = person.search();
    let mut shelf = Shelf::of(&event);
    let list = Clicks::on_ids(&[0, 1, 2], &[0.0, 1.0, 0.0]);
    memory.view().learn(&mut *lora, &event.query, list, 0.01, |id, out| shelf.find(id, out)).unwrap();
    let (before, words) = (lora.apply(&event.query).unwrap(), memory.view().words.to_vec());
    let mut relearned = |length: f32| {
        let mut find = |id, out: &mut [f32]| {
            let found = match id {
                VectorId::Document(_) => shelf.find(id, out),
                VectorId::Query(_) => {
                    out.copy_from_slice(&event.query);
                    Lookup::Found
                }
            };
            out.iter_mut().for_each(|value| *value *= length);
            found
        };
        memory.view().relearn(&mut *lora, &mut find)
    };
    for length in [0.9e-3, 1.1e3] {
        assert!(matches!(relearned(length), Err(Error::Missing { .. })), "{length}");
    }
    assert_eq!(relearned(0.0), relearned(1e4));
    assert_eq!(lora.apply(&event.query).unwrap(), before);
    assert!(memory.view().words == words);
}
