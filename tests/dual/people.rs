//! Simulated people, and the adapters and memories that learn from them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use micro_lora::{Apply, Clicks, Config, Memory, MemoryLayout, MicroLora, StepKind, Stored, no_vectors};

pub const N: usize = 24;
pub const LIST: usize = 6;
pub const LAYOUT: MemoryLayout = MemoryLayout::stored(N, N, LIST, Stored::F32, Stored::F32);
pub const BY_ID: MemoryLayout = MemoryLayout::by_id(N, N, LIST);
pub type Lora = MicroLora<N, N, 4>;
pub type Lists = Memory<{ LAYOUT.words(32) }, { LAYOUT.scratch() }>;
pub type Ids = Memory<{ BY_ID.words(32) }, { BY_ID.scratch() }>;

pub fn dual() -> Box<Lora> {
    Box::new(Lora::new(Config::new().with_step(StepKind::Dual)).unwrap())
}

pub fn lists() -> Box<Lists> {
    Box::new(Lists::new(LAYOUT).unwrap())
}

/// Roughly normal numbers that depend only on the seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 40) as f32 / (1u64 << 24) as f32;
        }
        sum - 6.0
    }

    pub fn unit(&mut self, near: Option<&[f32]>) -> Vec<f32> {
        let mut v: Vec<f32> = (0..N).map(|i| 0.3 * self.next() + near.map_or(0.1, |near| near[i])).collect();
        let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
        v
    }
}

/// A person with a taste that is in no query: clicks the documents in its direction.
pub struct Person {
    pub numbers: Numbers,
    pub taste: Vec<f32>,
}

pub struct Event {
    pub query: Vec<f32>,
    pub documents: Vec<f32>,
    pub clicks: Vec<f32>,
}

impl Person {
    pub fn new(seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let taste = numbers.unit(None);
        Self { numbers, taste }
    }

    pub fn search(&mut self) -> Event {
        let query = self.numbers.unit(None);
        let documents: Vec<f32> = (0..LIST).flat_map(|_| self.numbers.unit(Some(&query))).collect();
        let likes: Vec<f32> = documents.chunks(N).map(|d| dot(d, &self.taste)).collect();
        let best = likes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let clicks = likes.iter().map(|like| f32::from(*like == best)).collect();
        Event { query, documents, clicks }
    }
}

pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn learn(lora: &mut Lora, memory: &mut Lists, event: &Event) -> Option<u32> {
    let clicks = Clicks::on(&event.documents, &event.clicks);
    memory.view().learn(lora, &event.query, clicks, 0.01, no_vectors).unwrap().number
}

pub fn corrections(lora: &Lora, queries: &[Vec<f32>]) -> Vec<f32> {
    queries.iter().flat_map(|query| lora.apply(query).unwrap()).collect()
}

pub fn apart(a: &[f32], b: &[f32]) -> f32 {
    let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    (dot(&difference, &difference) / dot(b, b)).sqrt()
}

pub fn save(lora: &Lora) -> Vec<u8> {
    let mut json = vec![0; lora.json_len()];
    assert_eq!(lora.write_json(&mut json), Ok(json.len()));
    json
}

/// A saved adapter without its generation, which counts loads and resets, and the checksum.
pub fn without_counts(json: &[u8]) -> serde_json::Value {
    let mut state: serde_json::Value = serde_json::from_slice(json).unwrap();
    (state["generation"], state["crc32"]) = (0.into(), 0.into());
    state
}

/// The floats of a section of the adapter's saved state.
pub fn section(lora: &Lora, name: &str) -> Vec<f32> {
    let state: serde_json::Value = serde_json::from_slice(&save(lora)).unwrap();
    let bytes = BASE64_STANDARD.decode(state[name].as_str().unwrap()).unwrap();
    bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}
