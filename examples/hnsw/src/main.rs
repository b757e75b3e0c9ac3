//! Personal search in front of an index of `hnsw_rs`. The index is built once, for everybody. The person's taste is
//! learned on the side of the query: the corrected query goes to the index unchanged.
//!
//!     cargo run --release --manifest-path examples/hnsw/Cargo.toml               20,000 documents
//!     cargo run --release --manifest-path examples/hnsw/Cargo.toml -- --quick     2,000

mod library;

use std::time::{Duration, Instant};

use hnsw_rs::prelude::{DistL2, Hnsw};
use micro_lora::{Apply, Clicks, Config, Error, Lookup, Memory, MemoryLayout, MicroLora, StepKind, VectorId};

use library::{FEATURES, Library, SUBJECTS, query_about, taste_of};

const SHOWN: usize = 10;
/// The person's searches; the subjects after them are used only to measure.
const SEARCHES: usize = 30;
const LIKED: usize = 3;
const LAYOUT: MemoryLayout = MemoryLayout::by_id(FEATURES, FEATURES, SHOWN);

type Lora = MicroLora<FEATURES, FEATURES, 4>;
type Lists = Memory<{ LAYOUT.words(64) }, { LAYOUT.scratch() }>;

fn main() -> Result<(), Error> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let library = Library::new(if is_quick { 2_000 } else { 20_000 });
    let index = index(&library);
    let mut lora = Box::new(Lora::new(Config::new().with_step(StepKind::Dual))?);
    let mut memory = Box::new(Lists::new(LAYOUT)?);

    let frozen = measure(&index, &library, Ok)?;
    for subject in 0..SEARCHES {
        search_and_click(&index, &library, subject, &mut lora, &mut memory)?;
    }
    let corrected = measure(&index, &library, |mut query| {
        lora.apply_residual(&mut query)?;
        Ok(query)
    })?;

    println!("{} documents, indexed once; {SEARCHES} searches of one person", library.rows.len());
    frozen.print("frozen query");
    corrected.print("corrected query");
    assert!(corrected.liked > frozen.liked + 1.0, "expected one more of ten to the person's taste");
    assert!(
        corrected.recall > frozen.recall - 0.05,
        "expected the index to find what is near a corrected query"
    );
    Ok(())
}

/// Among unit vectors those with the largest dot product are the nearest, whatever the query's norm.
fn index(library: &Library) -> Hnsw<'_, f32, DistL2> {
    let index = Hnsw::new(16, library.rows.len(), 16, 200, DistL2 {});
    for (id, row) in library.rows.iter().enumerate() {
        index.insert_slice((row, id));
    }
    index
}

fn nearest(index: &Hnsw<'_, f32, DistL2>, query: &[f32]) -> Vec<usize> {
    index.search(query, SHOWN, 64).iter().map(|found| found.d_id).collect()
}

/// Opens the results that suit their taste.
fn search_and_click(
    index: &Hnsw<'_, f32, DistL2>,
    library: &Library,
    subject: usize,
    lora: &mut Lora,
    memory: &mut Lists,
) -> Result<(), Error> {
    let query = query_about(subject);
    let mut corrected = query;
    lora.apply_residual(&mut corrected)?;
    let shown = nearest(index, &corrected);
    let clicks: Vec<_> = shown.iter().map(|&id| if taste_of(id) == LIKED { 1.0 } else { 0.0 }).collect();
    let ids: Vec<_> = shown.iter().map(|&id| id as u32).collect();
    // The memory keeps ids, and asks for the vectors.
    let find = |id: VectorId, out: &mut [f32]| match id {
        VectorId::Document(id) if (id as usize) < library.rows.len() => {
            out.copy_from_slice(&library.rows[id as usize]);
            Lookup::Found
        }
        _ => Lookup::Gone,
    };
    memory.view().learn(lora, &query, Clicks::on_ids(&ids, &clicks), 0.01, find)?;
    Ok(())
}

/// Means over searches; the time is the median, with the correction.
struct Found {
    /// The share of the true ten nearest that the index finds.
    recall: f64,
    /// Results of ten that suit the person's taste.
    liked: f64,
    time: Duration,
}

/// Measures searches for subjects that were never learned from.
fn measure(
    index: &Hnsw<'_, f32, DistL2>,
    library: &Library,
    correct: impl Fn([f32; FEATURES]) -> Result<[f32; FEATURES], Error>,
) -> Result<Found, Error> {
    let subjects = SEARCHES..SUBJECTS;
    let searches = subjects.len() as f64;
    let (mut recall, mut liked, mut times) = (0, 0, vec![]);
    for subject in subjects {
        let frozen = query_about(subject);
        let (mut query, mut ids) = (frozen, vec![]);
        for _ in 0..5 {
            let start = Instant::now();
            query = correct(frozen)?;
            ids = nearest(index, &query);
            times.push(start.elapsed());
        }
        recall += library.nearest(&query, SHOWN).iter().filter(|id| ids.contains(id)).count();
        liked += ids.iter().filter(|&&id| taste_of(id) == LIKED).count();
    }
    times.sort();
    Ok(Found {
        recall: recall as f64 / searches / SHOWN as f64,
        liked: liked as f64 / searches,
        time: times[times.len() / 2],
    })
}

impl Found {
    fn print(&self, name: &str) {
        let Self { recall, liked, time } = self;
        let micros = time.as_micros();
        println!(
            "{name:<16} recall@10 {recall:.3}, {liked:.1} of ten to the person's taste, {micros} us a search"
        );
    }
}
