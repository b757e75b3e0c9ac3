//! Random calls to an adapter of the dual step with its memory, and what must hold after each of them.

use std::collections::VecDeque;

use micro_lora::{
    Apply, Choice, Clicks, Config, Forgotten, Learn, Listwise, Lookup, MemoryHeader, MemoryLayout, MemoryMut,
    MicroLora, Result, Sample, StepKind, Stored, VectorId, no_vectors,
};

const N: usize = 8;
const LIST: usize = 4;
const CAPACITY: usize = 24;
const IDS: u32 = 40;
pub type Lora = MicroLora<N, N, 2>;

/// The source of choices: a reproducible generator, or given bytes.
#[derive(Clone)]
pub struct Dice {
    state: u64,
    bytes: Option<VecDeque<u8>>,
}

impl Dice {
    pub fn new(state: u64) -> Self {
        Self { state, bytes: None }
    }

    /// When they run out, every choice is the first one.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { state: 0, bytes: Some(bytes.iter().copied().collect()) }
    }

    pub fn is_used_up(&self) -> bool {
        self.bytes.as_ref().is_some_and(VecDeque::is_empty)
    }

    fn bits(&mut self) -> u32 {
        if let Some(bytes) = &mut self.bytes {
            return bytes.pop_front().unwrap_or(0).into();
        }
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        self.bits() as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// One byte makes a whole vector.
    pub fn vector(&mut self, length: f32) -> Vec<f32> {
        if self.bytes.is_some() {
            return Self::new(self.bits().into()).vector(length);
        }
        let v: Vec<f32> = (0..N).map(|_| self.bits() as f32 / (1u64 << 30) as f32 - 1.0).collect();
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.iter().map(|v| length * v / norm).collect()
    }

    /// Mostly of a common length.
    fn length(&mut self) -> f32 {
        if self.one_in(6) { self.of(&[0.0, 4.0, 0.2, 1e18, 1e-18, 1e38, f32::NAN]) } else { 1.0 }
    }
}

/// The host's vectors by id; some of them change later, or are gone, or cannot be read once.
#[derive(Clone)]
pub struct Shelf {
    version: Vec<u64>,
    gone: Vec<bool>,
    pub failing: bool,
    dice: Dice,
}

impl Shelf {
    pub fn find(&mut self, id: VectorId, out: &mut [f32]) -> Lookup {
        let (kind, id) = match id {
            VectorId::Document(id) => (0, id),
            VectorId::Query(id) => (1, id),
        };
        let at = (id % IDS) as usize;
        if self.failing && self.dice.one_in(8) {
            return self.dice.of(&[Lookup::Failed, Lookup::Gone]);
        }
        if self.gone[at] {
            return Lookup::Gone;
        }
        let mut own = Dice::new(u64::from(id) * 977 + kind * 7 + self.version[at] * 100_003);
        own.bits();
        out.copy_from_slice(&own.vector(1.0));
        Lookup::Found
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// An adapter with its memory, and whether the memory holds everything that the adapter has learned.
#[derive(Clone)]
pub struct Engine {
    pub lora: Box<Lora>,
    pub memory: MemoryHeader,
    words: Vec<u32>,
    scratch: Vec<f32>,
    pub shelf: Shelf,
    pub complete: bool,
    /// Whether a list was learned at a temperature of 0.001.
    is_sharp: bool,
    pub largest: f32,
    pub doubts: u32,
}

impl Engine {
    pub fn new(layout: MemoryLayout, decay: f32, seed: u64) -> Self {
        let config = Config::new().with_step(StepKind::Dual).with_decay(decay).with_cap(Config::CAP_OFF);
        Self {
            lora: Box::new(Lora::new(config).unwrap()),
            memory: MemoryHeader::new(layout, CAPACITY).unwrap(),
            words: vec![0; layout.words(CAPACITY)],
            scratch: vec![0.0; layout.scratch()],
            shelf: Shelf {
                version: vec![0; IDS as usize],
                gone: vec![false; IDS as usize],
                failing: false,
                dice: Dice::new(seed),
            },
            complete: true,
            is_sharp: false,
            largest: 0.0,
            doubts: 0,
        }
    }

    pub fn with<T>(&mut self, then: impl FnOnce(MemoryMut<'_>, &mut Lora, &mut Shelf) -> T) -> T {
        let memory =
            MemoryMut { header: &mut self.memory, words: &mut self.words, scratch: &mut self.scratch };
        then(memory, &mut self.lora, &mut self.shelf)
    }

    /// Everything but scratch memory and the host.
    pub fn same_as(&self, other: &Self) -> bool {
        *self.lora == *other.lora
            && self.lora.generation() == other.lora.generation()
            && self.memory == other.memory
            && self.words == other.words
    }

    pub fn saved(&mut self) -> (Vec<u8>, Vec<u8>) {
        let mut adapter = vec![0; self.lora.json_len()];
        self.lora.write_json(&mut adapter).unwrap();
        (adapter, self.saved_lists())
    }

    fn saved_lists(&mut self) -> Vec<u8> {
        let mut lists = vec![0; self.memory.json_max()];
        let len = self.with(|memory, _, _| memory.write_json(&mut lists, 7)).unwrap();
        lists.truncate(len);
        lists
    }

    fn reload(&mut self) {
        let (adapter, lists) = self.saved();
        let fresh = Self::new(self.memory.layout(), 0.0, 0);
        (self.lora, self.memory, self.words) = (fresh.lora, fresh.memory, fresh.words);
        self.lora.load_json(&adapter).expect("the adapter as it was saved");
        self.with(|mut memory, _, _| memory.load_json(&lists, 7)).expect("the memory as it was saved");
    }

    pub fn numbers(&mut self) -> Vec<u32> {
        let documents = [0.0; N];
        let (mut numbers, mut shares) = (vec![0; self.memory.len()], vec![0.0; self.memory.len() + 1]);
        self.lora.discard_pending();
        self.with(|mut memory, lora, _| {
            memory.why(lora, &[0.1; N], &documents, &mut numbers, &mut shares, no_vectors)
        })
        .unwrap();
        numbers
    }

    pub fn correction(&self, query: &[f32]) -> Vec<f32> {
        let mut lora = self.lora.clone();
        lora.set_strength(1.0).unwrap();
        lora.apply(query).unwrap().to_vec()
    }

    pub fn act(&mut self, dice: &mut Dice, mixed: bool) -> Result<()> {
        self.shelf.failing = mixed && dice.one_in(4);
        match dice.below(if mixed { 20 } else { 14 }) {
            0..=9 => return self.learn(dice),
            10 | 11 => {
                let visits = dice.below(30) as u32;
                let before = self.memory.len();
                self.with(|mut memory, lora, shelf| {
                    memory.settle(lora, visits, |id, out| shelf.find(id, out))
                })?;
                self.complete &= self.memory.len() == before;
            }
            12 => {
                let number = dice.below(40) as u32;
                let forgotten = self.with(|mut memory, lora, shelf| {
                    memory.forget(lora, number, |id, out| shelf.find(id, out))
                })?;
                let layout = self.memory.layout();
                let asks = layout.queries == Stored::ById || layout.documents == Stored::ById;
                assert!(asks || forgotten != Forgotten::LeftBehind, "{number}: all of it is in the memory");
                self.complete &= forgotten != Forgotten::LeftBehind;
            }
            13 => {
                let id = dice.below(IDS as usize) as u32;
                let (_, other) = self.with(|mut memory, lora, shelf| {
                    memory.forget_document(lora, id, |id, out| shelf.find(id, out))
                })?;
                self.complete &= other == 0;
            }
            14 => {
                let (query, documents) = (dice.vector(1.0), self.documents(dice, LIST));
                let mut weights = vec![0.0; LIST];
                weights[dice.below(LIST)] = 1.0;
                let sample = Sample::new(&query).with_weight(dice.of(&[1.0, 0.0, 16.0, 1e-38, 1e-44, 1e6]));
                self.lora.adapt_listwise(sample, Listwise::new(&documents, &weights))?;
            }
            15 => {
                let (query, documents) = (dice.vector(dice.clone().length()), self.documents(dice, 2));
                let mut choice = Choice::click(&documents, dice.below(2));
                choice.quality = dice.of(&[1.0, 0.0, 0.5, 0.7]);
                self.lora.adapt_choice(&query, choice)?;
            }
            16 => {
                self.lora.apply_updates(dice.of(&[0.01, 0.0, 0.05, 1.0]))?;
                self.complete = false;
            }
            17 => self.lora.discard_pending(),
            18 if dice.one_in(4) => {
                self.with(|mut memory, lora, shelf| memory.relearn(lora, |id, out| shelf.find(id, out)))?;
                // A vector that is gone at a later visit leaves its list's part behind.
                self.complete = !self.shelf.failing;
            }
            18 if dice.one_in(4) => {
                self.with(|mut memory, _, _| memory.clear());
                self.complete = false;
            }
            18 if dice.one_in(4) => {
                self.lora.reset();
                self.complete = false;
            }
            _ => {
                let at = dice.below(IDS as usize);
                self.shelf.version[at] += u64::from(dice.one_in(2));
                self.shelf.gone[at] = dice.one_in(3);
            }
        }
        Ok(())
    }

    fn documents(&self, dice: &mut Dice, rows: usize) -> Vec<f32> {
        let length = dice.length();
        let first = dice.vector(length);
        let mut documents = first.clone();
        for _ in 1..rows {
            documents.extend(if dice.one_in(5) { first.clone() } else { dice.vector(length) });
        }
        documents
    }

    pub fn learn(&mut self, dice: &mut Dice) -> Result<()> {
        let layout = self.memory.layout();
        let rows = 2 + dice.below(LIST - 1);
        let length = dice.length();
        let query = dice.vector(length);
        let documents = self.documents(dice, rows);
        let ids: Vec<u32> = (0..rows).map(|_| dice.below(IDS as usize) as u32).collect();
        let scores: Vec<f32> = (0..rows).map(|_| dice.of(&[0.1, 0.9, 0.5, -1.0])).collect();
        let far: Vec<f32> = scores.iter().map(|score| 3e38 * score).collect();
        // A taste that flips: first it follows the last clicks, then their opposite.
        let mut weights: Vec<f32> = (0..rows).map(|_| dice.of(&[0.0, 0.0, 1.0, 3.0, 1e-30])).collect();
        if dice.one_in(2) {
            weights.fill(0.0);
            weights[usize::from(self.memory.len() % 16 < 8)] = 1.0;
        }
        let by_id = layout.documents == Stored::ById;
        let mut clicks =
            if by_id { Clicks::on_ids(&ids, &weights) } else { Clicks::on(&documents, &weights) };
        if dice.one_in(4) {
            clicks = clicks.with_thumb(dice.below(rows), dice.of(&[1.0, 0.0, 0.2, 0.5]));
        }
        let temperature = dice.of(&[0.1, 0.1, 0.1, 0.1, 1e-3, 1e3, 0.0]);
        self.is_sharp |= temperature == 1e-3;
        clicks = clicks.with_temperature(temperature);
        if layout.scores && dice.one_in(2) {
            clicks = clicks.with_scores(if dice.one_in(6) { &far } else { &scores });
        }
        if dice.one_in(3) {
            clicks = clicks.with_query_id(dice.below(IDS as usize) as u32);
        }
        let weight = dice.of(&[1.0, 1.0, 1.0, 1.0, 0.0, 8.0, 64.0, 1e-38, 1e-44]);
        let rate = dice.of(&[0.01, 0.01, 0.01, 0.0, 0.001]);
        let sample = Sample::new(&query).with_weight(weight);
        let full = self.memory.len() == CAPACITY;
        let pending = self.lora.pending() > 0;
        let receipt = self.with(|mut memory, lora, shelf| {
            memory.learn(lora, sample, clicks, rate, |id, out| shelf.find(id, out))
        })?;
        if receipt.number.is_some() {
            self.complete &= !full && !pending && receipt.left_behind == 0;
        }
        Ok(())
    }

    /// What must hold after every call.
    pub fn check(&mut self, dice: &mut Dice, what: &str) {
        let lora = &self.lora;
        for (name, values) in [("A", lora.lora_a()), ("B", lora.lora_b()), ("bias", lora.bias())] {
            assert!(values.iter().all(|value| value.is_finite()), "{what}: {name} is {values:?}");
        }
        if let Some(seen) = lora.predictions() {
            let all = [seen.trust, seen.trust_error, seen.strength, seen.strength_error];
            assert!(all.iter().all(|value| value.is_finite()), "{what}: {seen:?}");
        }
        let query = dice.vector(1.0);
        let delta = self.correction(&query);
        assert!(delta.iter().all(|value| value.is_finite()), "{what}: {delta:?}");
        let length = dot(&delta, &delta).sqrt();
        self.largest = self.largest.max(length);
        if lora.pending() > 0 {
            return;
        }
        self.shelf.failing = false;
        let documents = [dice.vector(1.0), dice.vector(1.0)].concat();
        let len = self.memory.len();
        let (mut numbers, mut shares) = (vec![0; len], vec![0.0; 2 * (len + 1)]);
        let shown = self.with(|mut memory, lora, shelf| {
            memory.why(lora, &query, &documents, &mut numbers, &mut shares, |id, out| shelf.find(id, out))
        });
        if shown.is_err() && len > 0 {
            // The adapter was reset, or loaded with fewer lists: refused until the memory is cleared.
            return;
        }
        shown.unwrap();
        for (row, document) in documents.chunks(N).enumerate() {
            let parts: Vec<f32> = shares.chunks(2).map(|share| share[row]).collect();
            let (sum, absolute) =
                (parts.iter().sum::<f32>(), parts.iter().map(|part| part.abs()).sum::<f32>());
            let moved = dot(document, &delta);
            // Subnormal dual variables may leave a part of 1e-12 of the query.
            let bound = 1e-5 * (absolute + length) + 1e-12;
            assert!((sum - moved).abs() <= bound, "{what}: shares of {sum} for {moved}");
            let is_first = self.shelf.version.iter().all(|version| *version == 0);
            if self.complete && is_first && self.shelf.gone.iter().all(|gone| !gone) {
                let rest = parts[len];
                // Equal documents cancel up to rounding, which a temperature of 0.001 makes a hundred times as large.
                let floor = if self.is_sharp { 5e-5 } else { 1e-5 };
                let bound = 1e-4 * (absolute + self.largest) + floor;
                assert!(rest.abs() <= bound, "{what}: {rest} is from no list, of {absolute}");
            }
        }
    }
}

pub fn layouts() -> [MemoryLayout; 5] {
    [
        MemoryLayout::stored(N, N, LIST, Stored::F32, Stored::F32),
        MemoryLayout::by_value(N, N, LIST),
        MemoryLayout::by_value(N, N, LIST).with_scores(),
        MemoryLayout::by_id(N, N, LIST),
        MemoryLayout::all_by_id(N, N, LIST),
    ]
}

/// Plays a sequence twice, once saved and loaded before every call: the bits must be the same.
pub fn play(seed: u64, layout: MemoryLayout, decay: f32, mixed: bool) -> Engine {
    let mut pair = Pair::new(layout, decay, seed);
    let mut dice = Dice::new(seed);
    for n in 0..70 {
        pair.step(&mut dice, mixed, &format!("seed {seed}, call {n}"));
    }
    pair.engine
}

/// Calls that are chosen by bytes, until they run out.
pub fn play_bytes(bytes: &[u8]) {
    let mut dice = Dice::of_bytes(bytes);
    let (layout, decay) = (dice.of(&layouts()), dice.of(&[0.0, 0.01]));
    let mut pair = Pair::new(layout, decay, 1);
    while !dice.is_used_up() {
        pair.step(&mut dice, true, "bytes");
    }
}

/// The same calls to two engines, one of which is saved and loaded before each of them.
struct Pair {
    engine: Engine,
    reloaded: Engine,
}

impl Pair {
    fn new(layout: MemoryLayout, decay: f32, seed: u64) -> Self {
        let engine = Engine::new(layout, decay, seed);
        Self { reloaded: engine.clone(), engine }
    }

    fn step(&mut self, dice: &mut Dice, mixed: bool, what: &str) {
        let Self { engine, reloaded } = self;
        let (before, mut same_dice, largest) = (engine.clone(), dice.clone(), engine.largest);
        let was_seen = engine.lora.predictions().is_some();
        let result = engine.act(dice, mixed);
        // What misled has faded, and the evidence starts again.
        engine.doubts += u32::from(was_seen && engine.lora.predictions().is_none());
        if let Err(error) = result {
            assert!(engine.same_as(&before), "{what}: {error}, and something has changed");
        }
        reloaded.reload();
        (reloaded.complete, reloaded.largest) = (before.complete, largest);
        let text = |result: Result<()>| format!("{result:?}");
        assert_eq!(text(reloaded.act(&mut same_dice, mixed)), text(result), "{what}: loaded");
        // Loading raises the generation, too.
        assert!(*engine.lora == *reloaded.lora, "{what}: other weights after loading");
        assert!(engine.saved_lists() == reloaded.saved_lists(), "{what}: another memory after loading");
        engine.check(dice, what);
        reloaded.shelf = engine.shelf.clone();
    }
}

pub fn duals(saved: &[u8]) -> Vec<f32> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let state: serde_json::Value = serde_json::from_slice(saved).unwrap();
    let bytes = STANDARD.decode(state["dual"].as_str().unwrap()).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}
