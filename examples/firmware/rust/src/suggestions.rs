//! Events, learning from them, and how often the adapter is right.

use micro_lora::{Apply, Choice, Config, Learn, MicroLora, Result};

use crate::board::println;

const FEATURES: usize = 32;
const SHOWN: usize = 5;
const EVENTS: usize = 200;

pub type Lora = MicroLora<FEATURES, FEATURES, 2>;
type Vector = [f32; FEATURES];

/// Any error ends the program with a message that says what was expected and what came.
pub fn run(lora: &mut Lora, json: &mut [u8; Lora::JSON_MAX]) -> Result<()> {
    lora.init(Config::new())?;
    println!("right of 100, before: {}", hits(lora)?);

    let mut random = Generator(2026);
    learn(lora, &mut random, EVENTS / 2)?;
    let len = lora.write_json(json)?;
    lora.reset();
    lora.load_json(json.get(..len).unwrap_or_default())?;
    learn(lora, &mut random, EVENTS / 2)?;
    println!("right of 100, after : {}", hits(lora)?);

    let len = lora.write_json(json)?;
    println!("saved bytes: {}", len);
    println!("state crc: {}", crc32fast::hash(json.get(..len).unwrap_or_default()));
    Ok(())
}

fn learn(lora: &mut Lora, random: &mut Generator, events: usize) -> Result<()> {
    for _ in 0..events {
        let (query, shown, taken) = event(random);
        lora.adapt_choice(&query, Choice::click(shown.as_flattened(), taken))?;
        lora.apply_updates(0.01)?;
    }
    Ok(())
}

/// In how many of 100 events, never learned from, the suggestion that the user takes comes first.
fn hits(lora: &Lora) -> Result<u32> {
    let mut random = Generator(0x0bad_cafe);
    let mut count = 0;
    for _ in 0..100 {
        let (mut query, shown, taken) = event(&mut random);
        lora.apply_residual(&mut query)?;
        count += u32::from(nearest(&shown, &query) == taken);
    }
    Ok(count)
}

/// One event: a query (its first eight values are always the same), five
/// suggestions, and the one that the user takes.
fn event(random: &mut Generator) -> (Vector, [Vector; SHOWN], usize) {
    const TASTE: u32 = 0x5a0f_f1ce;
    let query = signs(random.next() | 0xff);
    let shown = [(); SHOWN].map(|()| signs(random.next()));
    (query, shown, nearest(&shown, &signs(TASTE)))
}

/// Which of the suggestions is nearest to a direction.
fn nearest(shown: &[Vector; SHOWN], direction: &Vector) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, vector) in shown.iter().enumerate() {
        let score = dot(vector, direction);
        if score > best.1 {
            best = (i, score);
        }
    }
    best.0
}

fn dot(a: &Vector, b: &Vector) -> f32 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += a * b;
    }
    sum
}

/// 32 signs over sqrt(32): a vector of norm 1, as embeddings are.
fn signs(bits: u32) -> Vector {
    core::array::from_fn(|i| if bits >> i & 1 == 1 { 0.176_776_69 } else { -0.176_776_69 })
}

/// Reproducible events: xorshift32 gives the same numbers on every machine.
struct Generator(u32);

impl Generator {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
