//! The dual step and the memory of lists for the browser package to reproduce, computed here by the native crate:
//! `wasm/test/suite/dual.js` and `memory.js` are the same script, and all must give `wasm/test/suite/dual.json`.
//!
//! The file is evidence: it is never regenerated to make a test pass. It was made, and is extended by a
//! new field, with `cargo test --test web_dual_vectors -- --ignored`.

mod web;

use micro_lora::{
    Apply, Choice, Clicks, Config, Learn, Listwise, Lookup, MemoryHeader, MemoryLayout, MemoryMut, MicroLora,
    Outcome, Sample, StepKind, Stored, VectorId,
};
use serde::{Deserialize, Serialize};
use web::{Inputs, text};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wasm/test/suite/dual.json");
const WIDTH: usize = 8;
const OUT: usize = 6;
type Lora = MicroLora<WIDTH, OUT, 2>;
type Square = MicroLora<WIDTH, WIDTH, 3>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    /// After every third event: the saved adapter, and the bits of an output.
    lists: Vec<[String; 2]>,
    /// For each layout, after every fifth event: the saved adapter and memory; then their later results.
    memories: Vec<Vec<String>>,
}

fn bits(values: &[f32]) -> String {
    values.iter().map(|value| format!("{:08x}", value.to_bits())).collect()
}

fn clicks(n: usize, event: usize) -> Vec<f32> {
    (0..n).map(|i| if i == event % n { 1.0 } else { 0.25 * (i % 2) as f32 }).collect()
}

fn lists() -> Vec<[String; 2]> {
    let config = Config::new().with_seed(3).with_model_id(9).with_step(StepKind::Auto).with_decay(0.001);
    let mut lora = Lora::new(config).unwrap();
    let (mut inputs, mut saved) = (Inputs(5), vec![]);
    for event in 0..24usize {
        let (x, base) = (inputs.row(WIDTH), inputs.row(OUT));
        let n = 2 + event % 3;
        let candidates = inputs.row(n * OUT);
        let sample = Sample::new(&x).with_base(&base);
        let weights = clicks(n, event);
        let receipt = match event % 4 {
            0 => lora.adapt_listwise(sample, Listwise::new(&candidates, &weights)),
            1 => lora.adapt_choice(sample, Choice::click(&candidates, event % n)),
            2 => lora.adapt_choice(sample.with_weight(0.5), Choice::click(&candidates, 1).with_quality(0.1)),
            _ => {
                let list = Listwise::new(&candidates, &weights).with_temperature(0.5);
                lora.adapt_listwise(sample.with_weight(2.0), list)
            }
        };
        assert_eq!(receipt.unwrap().outcome, Outcome::Applied);
        if event % 5 != 1 {
            lora.apply_updates(if event % 2 == 0 { 0.01 } else { 0.02 }).unwrap();
        }
        if event % 3 == 2 {
            saved.push([text(|json| lora.write_json(json)), bits(&lora.apply(&x).unwrap())]);
        }
    }
    saved
}

/// The document or the query of an id, in the first embedding model or the second.
fn vector(kind: u32, id: u32, model: u32) -> Vec<f32> {
    Inputs(1000 * model + 100 * kind + id).row(WIDTH)
}

fn vectors(model: u32) -> impl FnMut(VectorId, &mut [f32]) -> Lookup + Copy {
    move |id, out| {
        let (kind, id) = match id {
            VectorId::Document(id) => (0, id),
            VectorId::Query(id) => (1, id),
        };
        // Gone, from the second model on.
        if model > 1 && kind == 0 && id < 3 {
            return Lookup::Gone;
        }
        out.copy_from_slice(&vector(kind, id, model));
        Lookup::Found
    }
}

const CAPACITY: usize = 6;

fn layouts() -> [MemoryLayout; 4] {
    [
        MemoryLayout::by_value(WIDTH, WIDTH, 4),
        MemoryLayout::by_id(WIDTH, WIDTH, 4),
        MemoryLayout::all_by_id(WIDTH, WIDTH, 4),
        MemoryLayout::stored(WIDTH, WIDTH, 4, Stored::F32, Stored::F32).with_scores(),
    ]
}

fn memory(layout: MemoryLayout) -> Vec<String> {
    let config = Config::new().with_seed(4).with_model_id(9).with_step(StepKind::Auto);
    let mut lora = Square::new(config).unwrap();
    let mut header = MemoryHeader::new(layout, CAPACITY).unwrap();
    let (mut words, mut scratch) = (vec![0; layout.words(CAPACITY)], vec![0.0; layout.scratch()]);
    let mut memory = MemoryMut { header: &mut header, words: &mut words, scratch: &mut scratch };
    let (mut inputs, mut saved) = (Inputs(6), vec![]);
    let by_id = layout.documents == Stored::ById;
    for event in 0..20usize {
        let n = 2 + event % 3;
        let ids: Vec<u32> = (0..n).map(|i| (3 * event + 5 * i) as u32 % 16).collect();
        let documents: Vec<f32> = ids.iter().flat_map(|id| vector(0, *id, 1)).collect();
        let query_id = 20 + event as u32 % 9;
        let query = vector(1, query_id, 1);
        // On two of the lists nothing is clicked.
        let weights = if event % 7 == 1 { vec![0.0; n] } else { clicks(n, event) };
        let scores = inputs.row(n);
        let mut list = if by_id { Clicks::on_ids(&ids, &weights) } else { Clicks::on(&documents, &weights) };
        list = list.with_query_id(query_id);
        list = match event % 4 {
            0 => list,
            1 => list.with_thumb(event % n, 1.0),
            2 => list.with_thumb(1, 0.0),
            _ => list.with_temperature(0.3),
        };
        if layout.scores && event % 2 == 0 {
            list = list.with_scores(&scores);
        }
        let sample = Sample::new(&query).with_weight(if event % 3 == 0 { 1.0 } else { 0.5 });
        let receipt = memory.learn(&mut lora, sample, list, 0.02, vectors(1)).unwrap();
        saved.push(format!(
            "{:?} {} {} {} {}",
            receipt.number.unwrap(),
            bits(&[receipt.moved]),
            receipt.visits,
            receipt.left_behind,
            receipt.generation
        ));
        if event % 5 == 4 {
            saved.push(text(|json| lora.write_json(json)));
            saved.push(text(|json| memory.write_json(json, 9)));
        }
    }
    let shown: Vec<f32> = [1, 2].iter().flat_map(|id| vector(0, *id, 1)).collect();
    let (mut numbers, mut shares) = ([0; CAPACITY], [0.0; 2 * CAPACITY + 2]);
    let query = vector(1, 3, 1);
    memory.why(&mut lora, &query, &shown, &mut numbers, &mut shares, vectors(1)).unwrap();
    saved.push(format!("{numbers:?} {}", bits(&shares)));
    saved.push(format!("{}", memory.forget(&mut lora, 17, vectors(1)).unwrap() as u32));
    saved.push(format!("{}", memory.forget(&mut lora, 2, vectors(1)).unwrap() as u32));
    saved.push(format!("{}", memory.settle(&mut lora, 12, vectors(1)).unwrap()));
    if by_id {
        saved.push(format!("{:?}", memory.forget_document(&mut lora, 13, vectors(1)).unwrap()));
        if !layout.scores {
            saved.push(format!("{}", memory.relearn(&mut lora, vectors(2)).unwrap()));
        }
    }
    saved.push(text(|json| lora.write_json(json)));
    saved.push(text(|json| memory.write_json(json, 9)));
    saved
}

fn all() -> Vectors {
    Vectors { lists: lists(), memories: layouts().map(memory).to_vec() }
}

#[test]
fn the_native_crate_gives_the_committed_vectors() {
    let committed: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert!(committed == all(), "expected {FILE}, got other texts");
}

#[test]
#[ignore = "writes the vectors"]
fn write() {
    std::fs::write(FILE, serde_json::to_string_pretty(&all()).unwrap() + "\n").unwrap();
}
