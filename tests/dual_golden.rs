//! The dual step compared with a run in float64 (`golden/dual_reference.py`), list after list.

#[path = "golden/vectors.rs"]
mod vectors;

use micro_lora::{
    Adapter, AdapterMut, Apply, Clicks, Config, Forgotten, Header, Learn, Listwise, MemoryHeader,
    MemoryLayout, MemoryMut, StepKind, Stored, no_vectors,
};
use serde::Deserialize;
use vectors::{Packed, relative_error};

/// Relative to the norm of the whole tensor.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    n: usize,
    rank: usize,
    visits: u32,
    ring: usize,
    /// Whether "none of these" is an option, as it is in a memory.
    #[serde(default)]
    outside: bool,
    lora_a: Packed,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    learn: Option<List>,
    forget: Option<usize>,
    settle: Option<u32>,
    lists: usize,
    a: Packed,
    b: Packed,
    c: Packed,
}

#[derive(Deserialize)]
struct List {
    q: Packed,
    documents: Packed,
    weights: Packed,
}

/// An adapter whose sizes are known only at run time.
struct Engine {
    header: Header,
    rows: [Vec<f32>; 4],
    wide: [Vec<f32>; 4],
    memory: MemoryHeader,
    words: Vec<u32>,
    scratch: Vec<f32>,
    numbers: Vec<u32>,
}

impl Engine {
    fn new(case: &Case) -> Self {
        let (n, rank) = (case.n, case.rank);
        let config = Config::new().with_step(StepKind::Dual).with_alpha(3.0).with_cap(Config::CAP_OFF);
        let layout = MemoryLayout::stored(n, n, 10, Stored::F32, Stored::F32);
        let mut engine = Self {
            header: Header::new(n, n, rank, &config).unwrap(),
            rows: [const { Vec::new() }; 4].map(|_: Vec<f32>| vec![0.0; n * rank]),
            wide: [const { Vec::new() }; 4].map(|_: Vec<f32>| vec![0.0; n]),
            memory: MemoryHeader::new(layout, case.ring).unwrap(),
            words: vec![0; layout.words(case.ring)],
            scratch: vec![0.0; layout.scratch()],
            numbers: Vec::new(),
        };
        engine.parts(|mut lora, _| lora.set_weights(&case.lora_a.inputs(), &vec![0.0; n * rank]).unwrap());
        engine
    }

    fn parts<T>(&mut self, with: impl FnOnce(AdapterMut<'_>, MemoryMut<'_>) -> T) -> T {
        let [a, b, grad_a, grad_b] = &mut self.rows;
        let [bias, grad_bias, input_sum, row] = &mut self.wide;
        let lora = AdapterMut::from_parts(&mut self.header, a, b, grad_a, grad_b, row).unwrap();
        let lora = lora.with_bias(bias, grad_bias, input_sum).unwrap();
        with(lora, MemoryMut { header: &mut self.memory, words: &mut self.words, scratch: &mut self.scratch })
    }

    fn play(&mut self, case: &Case, step: &Step) {
        if let Some(list) = &step.learn {
            let (q, documents, weights) = (list.q.inputs(), list.documents.inputs(), list.weights.inputs());
            let number = self.parts(|mut lora, mut memory| {
                if case.visits == 0 {
                    lora.adapt_listwise(&q, Listwise::new(&documents, &weights)).unwrap();
                    lora.apply_updates(0.01).unwrap();
                    return 0;
                }
                let receipt =
                    memory.learn(&mut lora, &q, Clicks::on(&documents, &weights), 0.01, no_vectors).unwrap();
                receipt.number.unwrap()
            });
            self.numbers.push(number);
            if self.numbers.len() > case.ring {
                self.numbers.remove(0);
            }
        }
        if let Some(position) = step.forget {
            let number = self.numbers.remove(position);
            let forgotten =
                self.parts(|mut lora, mut memory| memory.forget(&mut lora, number, no_vectors).unwrap());
            assert_eq!(forgotten, Forgotten::Done);
        }
        if let Some(visits) = step.settle {
            self.parts(|mut lora, mut memory| memory.settle(&mut lora, visits, no_vectors).unwrap());
        }
    }

    fn adapter(&self) -> Adapter<'_> {
        Adapter::from_parts(&self.header, &self.rows[0], &self.rows[1])
            .unwrap()
            .with_bias(&self.wide[0])
            .unwrap()
    }
}

#[test]
fn every_step_is_that_of_the_reference() {
    let text = std::fs::read_to_string("tests/golden/dual_run.json").unwrap();
    let file: File = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    // The other cases are for the reference in `lab/`: what the engine does without a memory, but with one.
    for case in file.cases.iter().filter(|case| case.outside || case.visits == 0) {
        let mut engine = Engine::new(case);
        let mut largest = 0.0f64;
        for (n, step) in case.steps.iter().enumerate() {
            engine.play(case, step);
            let adapter = engine.adapter();
            let c: Vec<f32> = adapter.lora_b().iter().map(|b| b * adapter.scaling()).collect();
            for (what, got, expected) in
                [("b", adapter.bias(), &step.b), ("C", &c, &step.c), ("A", adapter.lora_a(), &step.a)]
            {
                let apart = relative_error(got.iter().map(|value| f64::from(*value)), expected.values());
                assert!(apart <= TOLERANCE, "{}, step {n}: {what} is {apart:e} apart", case.name);
                largest = largest.max(apart);
            }
            if case.visits > 0 {
                assert_eq!(engine.memory.len(), step.lists, "{}, step {n}", case.name);
            }
            compared += 1;
        }
        println!("{}: {largest:.1e} at most", case.name);
    }
    assert!(compared > 60, "{compared} steps");
}
