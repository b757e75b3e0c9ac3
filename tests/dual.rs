//! What the dual step promises, beside the reference in `dual_golden.rs`.

use micro_lora::{
    AdapterMut, Apply, Choice, Clicks, Config, Error, Forgotten, Header, Learn, Listwise, Lookup, Memory,
    MemoryLayout, MicroLora, Outcome, Receipt, Replay, Result, Skip, StepKind, Stored, VectorId, no_vectors,
};

const N: usize = 24;
const LIST: usize = 6;
const LAYOUT: MemoryLayout = MemoryLayout::stored(N, N, LIST, Stored::F32, Stored::F32);
const BY_ID: MemoryLayout = MemoryLayout::by_id(N, N, LIST);
type Lora = MicroLora<N, N, 4>;
type Lists = Memory<{ LAYOUT.words(32) }, { LAYOUT.scratch() }>;
type Ids = Memory<{ BY_ID.words(32) }, { BY_ID.scratch() }>;

fn dual() -> Box<Lora> {
    Box::new(Lora::new(Config::new().with_step(StepKind::Dual)).unwrap())
}

fn lists() -> Box<Lists> {
    Box::new(Lists::new(LAYOUT).unwrap())
}

/// Numbers that depend on nothing but the seed, about normal.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 40) as f32 / (1u64 << 24) as f32;
        }
        sum - 6.0
    }

    fn unit(&mut self, near: Option<&[f32]>) -> Vec<f32> {
        let mut v: Vec<f32> = (0..N).map(|i| 0.3 * self.next() + near.map_or(0.1, |near| near[i])).collect();
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
        v
    }
}

/// A person whose taste is in no query: clicks what points its way.
struct Person {
    numbers: Numbers,
    taste: Vec<f32>,
}

struct Event {
    query: Vec<f32>,
    documents: Vec<f32>,
    clicks: Vec<f32>,
}

impl Person {
    fn new(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let taste = numbers.unit(None);
        Self { numbers, taste }
    }

    fn search(&mut self) -> Event {
        let query = self.numbers.unit(None);
        let documents: Vec<f32> = (0..LIST).flat_map(|_| self.numbers.unit(Some(&query))).collect();
        let likes: Vec<f32> = documents.chunks(N).map(|d| dot(d, &self.taste)).collect();
        let best = likes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let clicks = likes.iter().map(|like| f32::from(*like == best)).collect();
        Event { query, documents, clicks }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn learn(lora: &mut Lora, memory: &mut Lists, event: &Event) -> Option<u32> {
    let clicks = Clicks::on(&event.documents, &event.clicks);
    memory.view().learn(lora, &event.query, clicks, 0.01, no_vectors).unwrap().number
}

fn corrections(lora: &Lora, queries: &[Vec<f32>]) -> Vec<f32> {
    queries.iter().flat_map(|query| lora.apply(query).unwrap()).collect()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    (dot(&difference, &difference) / dot(b, b)).sqrt()
}

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
    // `A` turns after all of them rather than after each: the rank-r part differs a little, the bias hardly.
    assert!(apart(&a, &b) < 0.2, "{}", apart(&a, &b));
    assert!(apart(together.bias(), single.bias()) < 0.1, "{}", apart(together.bias(), single.bias()));
}

/// Exact but for what `docs/learning.md` says: `lora_A`'s sums and the mean of the inputs have no second copy.
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
fn an_adapter_of_the_scaled_step_goes_on_by_the_dual_one() {
    let mut person = Person::new(22);
    let queries: Vec<_> = (0..20).map(|_| person.search().query).collect();
    let config = Config::new().with_step(StepKind::ScaledGradientV2);
    for rank_loss in [false, true] {
        let mut lora = Box::new(Lora::new(config).unwrap());
        if rank_loss {
            // Rows in the span of the others: nothing of the output may come from their coordinates.
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
        // It learns on: the correction is still there, and clicks move it.
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

/// From the first visit on, however sure the scores are of the wrong document, a list comes to rest.
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
    shelf.documents[3].as_mut().unwrap()[0] += 1e-7;
    assert_eq!(memory.view().settle(&mut *lora, 5, |id, out| shelf.find(id, out)), Ok(0));
    assert!(memory.is_empty());
    assert!(apart(&lora.apply(&event.query).unwrap(), &learned) < 0.1, "its part stays");
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
        assert_eq!(error, Error::Missing { what: "the vector of a document's id" });
        assert!(*lora == *before && memory.len() == 1);
    }
    assert_eq!(memory.view().forget(&mut *lora, 1, |_, _| Lookup::Failed), Ok(Forgotten::Failed));
    assert_eq!(memory.len(), 1);
    assert!(*lora == *before);
    assert_eq!(memory.view().forget(&mut *lora, 1, |id, out| shelf.find(id, out)), Ok(Forgotten::Done));
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
    let query = person.search().query;
    let before = lora.apply(&query).unwrap();
    assert_eq!(memory.view().relearn(&mut *lora, |id, out| vector(id, out, true)), Ok(30));
    let reversed: Vec<f32> = query.iter().rev().copied().collect();
    let mut after = lora.apply(&reversed).unwrap();
    after.reverse();
    let cosine = dot(&before, &after) / (dot(&before, &before) * dot(&after, &after)).sqrt();
    assert!(cosine > 0.9, "{cosine}");
    assert_eq!(memory.len(), 30);
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

#[test]
fn saving_and_loading_at_any_time_changes_no_bit() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(16));
    let (mut other, mut other_memory) = (dual(), lists());
    let query = person.search().query;
    for n in 0..60 {
        let event = person.search();
        learn(&mut lora, &mut memory, &event);
        learn(&mut other, &mut other_memory, &event);
        if n % 3 == 0 {
            let list = Listwise::new(&event.documents, &event.clicks);
            lora.adapt_listwise(&query, list).unwrap();
            other.adapt_listwise(&query, list).unwrap();
        }
        if n % 5 == 0 {
            let (json, document) = (save(&other), save_memory(&mut other_memory));
            (other, other_memory) = (dual(), lists());
            other.load_json(&json).unwrap();
            other_memory.view().load_json(&document, 7).unwrap();
        }
        let bits = |lora: &Lora| lora.apply(&query).unwrap().map(f32::to_bits);
        assert_eq!(bits(&lora), bits(&other), "after {n} lists");
    }
    assert_eq!(lora.stats().samples_seen, other.stats().samples_seen);
    let frozen = micro_lora::FrozenLora::<N, N, 4>::from_json(&save(&lora), 0).unwrap();
    assert_eq!(frozen.apply(&query).unwrap(), lora.apply(&query).unwrap());
    let frozen = lora.freeze();
    assert_eq!(frozen.apply(&query).unwrap(), lora.apply(&query).unwrap());

    // A frozen one is saved without the sums of training; what is learned from then on goes on from its outputs.
    let mut json = vec![0; frozen.json_len()];
    frozen.write_json(&mut json).unwrap();
    let mut thawed = Lora::from_json(&json, 0).unwrap();
    assert_eq!(thawed.apply(&query).unwrap(), lora.apply(&query).unwrap());
    let event = person.search();
    let list = Listwise::new(&event.documents, &event.clicks);
    thawed.adapt_listwise(micro_lora::Sample::new(&event.query).with_weight(1e-4), list).unwrap();
    assert!(apart(&thawed.apply(&query).unwrap(), &lora.apply(&query).unwrap()) < 1e-4);
}

fn save(lora: &Lora) -> Vec<u8> {
    let mut json = vec![0; lora.json_len()];
    assert_eq!(lora.write_json(&mut json), Ok(json.len()));
    json
}

fn save_memory(memory: &mut Lists) -> Vec<u8> {
    let mut json = vec![0; memory.view().header.json_max()];
    let len = memory.view().write_json(&mut json, 7).unwrap();
    json.truncate(len);
    json
}

#[test]
fn damage_to_a_saved_memory_is_refused_and_changes_nothing() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(17));
    for _ in 0..3 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let saved = save_memory(&mut memory);
    let mut target = lists();
    learn(&mut dual(), &mut target, &person.search());
    let before = save_memory(&mut target);
    let mut tried = 0;
    for at in (0..saved.len()).step_by(7).chain(0..400) {
        for bit in 0..8 {
            let mut damaged = saved.clone();
            damaged[at] ^= 1 << bit;
            assert!(target.view().load_json(&damaged, 7).is_err(), "bit {bit} of byte {at}");
            tried += 1;
        }
        assert!(target.view().load_json(&saved[..at], 7).is_err(), "cut at {at}");
    }
    assert!(tried > 3000 && save_memory(&mut target) == before);
    assert_eq!(target.view().load_json(&saved, 7), Ok(()));
    assert_eq!(save_memory(&mut target), saved);
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

/// What was written for the scaled-gradient step goes on: a host's own memory without a bias, a rank above `in_features`.
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

/// Pulled weights are no longer orthonormal: the adapter makes them so again, and its guard knows of them.
#[test]
fn pulling_leaves_an_adapter_that_goes_on() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(21));
    let kept = [lora.lora_a().to_vec(), lora.lora_b().to_vec()];
    for _ in 0..20 {
        learn(&mut lora, &mut memory, &person.search());
    }
    lora.pull_towards(&kept[0], &kept[1], 0.3).unwrap();
    let rows: Vec<&[f32]> = lora.lora_a().chunks(N).collect();
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            assert!((dot(a, b) - f32::from(u8::from(i == j))).abs() < 1e-5, "rows {i} and {j}");
        }
    }
    let loaded = Lora::from_json(&save(&lora), 0).unwrap();
    let query = person.search().query;
    assert_eq!(
        lora.apply(&query).unwrap().map(f32::to_bits),
        loaded.apply(&query).unwrap().map(f32::to_bits)
    );
}
