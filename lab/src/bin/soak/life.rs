//! Two adapters and memories that learn the same clicks; one of them is saved and loaded now and then.

use std::error::Error;

use fastrand::Rng;
use micro_lora::{Apply, Clicks, Config, Learn, Memory, MemoryLayout, MicroLora, no_vectors};

pub const N: usize = 384;
const LIST: usize = 10;
const LAYOUT: MemoryLayout = MemoryLayout::by_value(N, N, LIST);
pub type Lora = MicroLora<N, N, 4>;
type Lists = Memory<{ LAYOUT.words(256) }, { LAYOUT.scratch() }>;
const MODEL: u32 = 0;

/// Clicks between two saves, on average.
const BETWEEN_SAVES: u64 = 1000;
/// Clicks between two comparisons.
const BETWEEN_CHECKS: u64 = 10_000;
/// Growth of the process that comes from allocators.
const MAX_GROWTH: u64 = 4 << 20;

/// A person with a taste, who clicks the document nearest to it.
pub struct Person {
    pub rng: Rng,
    taste: Vec<f32>,
}

impl Person {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let taste = unit(&mut rng);
        Self { rng, taste }
    }

    pub fn click(&mut self, lora: &mut Lora, memory: &mut Lists) -> Result<(), micro_lora::Error> {
        let (query, documents, weights) = self.search();
        memory.view().learn(lora, &query, Clicks::on(&documents, &weights), 0.01, no_vectors)?;
        Ok(())
    }

    fn search(&mut self) -> (Vec<f32>, Vec<f32>, [f32; LIST]) {
        let query = unit(&mut self.rng);
        let documents: Vec<f32> = (0..LIST).flat_map(|_| unit(&mut self.rng)).collect();
        let liked = |row: &[f32]| row.iter().zip(&self.taste).map(|(a, b)| a * b).sum::<f32>();
        let best = documents.chunks(N).map(liked).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut weights = [0.0; LIST];
        weights[best.map_or(0, |(row, _)| row)] = 1.0;
        (query, documents, weights)
    }
}

pub fn unit(rng: &mut Rng) -> Vec<f32> {
    let values: Vec<f32> = (0..N).map(|_| rng.f32() - 0.5).collect();
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / norm).collect()
}

pub fn learner() -> Result<(Box<Lora>, Box<Lists>), micro_lora::Error> {
    Ok((Box::new(Lora::new(Config::new())?), Box::new(Lists::new(LAYOUT)?)))
}

pub fn run(clicks: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let (mut lora, mut memory) = learner()?;
    let (mut saved_lora, mut saved_memory) = learner()?;
    let (mut person, mut same_person) = (Person::new(seed), Person::new(seed));
    let mut chance = Rng::with_seed(seed + 1);
    let (mut saves, mut at_first) = (0, None);
    for click in 1..=clicks {
        person.click(&mut lora, &mut memory)?;
        same_person.click(&mut saved_lora, &mut saved_memory)?;
        if chance.u64(..BETWEEN_SAVES) == 0 {
            let adapter = saved(&saved_lora)?;
            let lists = saved_lists(&mut saved_memory)?;
            (saved_lora, saved_memory) = learner()?;
            saved_lora.load_json(&adapter)?;
            saved_memory.view().load_json(&lists, MODEL)?;
            saves += 1;
        }
        if click % BETWEEN_CHECKS == 0 || click == clicks {
            check(&lora, &saved_lora).map_err(|error| format!("after {click} clicks: {error}"))?;
            // The first clicks allocate the buffers that are reused later.
            at_first = at_first.or_else(resident);
        }
    }
    if saved_lists(&mut memory)? != saved_lists(&mut saved_memory)? {
        return Err("expected the same memory of lists with saves and without, got others".into());
    }
    print!("{clicks} clicks, {saves} saves and loads: the same bits as without, all weights finite");
    if let Some((before, after)) = at_first.zip(resident()) {
        let growth = after.saturating_sub(before);
        println!(", {growth} bytes of growth");
        if growth > MAX_GROWTH {
            return Err(
                format!("expected the process to grow by at most {MAX_GROWTH} bytes, got {growth}").into()
            );
        }
    } else {
        println!("; this system does not say how large a process is");
    }
    Ok(())
}

fn check(lora: &Lora, saved: &Lora) -> Result<(), String> {
    if lora != saved {
        return Err("expected the same bits with saves and without, got others".into());
    }
    for (name, values) in [("lora_A", lora.lora_a()), ("lora_B", lora.lora_b()), ("bias", lora.bias())] {
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!("{name}: expected finite values, got {value}"));
        }
    }
    Ok(())
}

fn saved(lora: &Lora) -> Result<Vec<u8>, micro_lora::Error> {
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json)?;
    Ok(json)
}

fn saved_lists(memory: &mut Lists) -> Result<Vec<u8>, micro_lora::Error> {
    let view = memory.view();
    let mut json = vec![0; view.header.json_max()];
    let len = view.write_json(&mut json, MODEL)?;
    json.truncate(len);
    Ok(json)
}

/// Bytes of this process in memory, if the system tells.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
