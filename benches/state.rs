//! Saving and loading. `cargo bench --bench state`

use divan::{Bencher, counter::BytesCount};
use micro_lora::{Apply, Config, Learn, MicroLora, StepKind};

fn main() {
    let (_, json) = trained();
    let decimals = decimal_len();
    println!(
        "768x768 r2: {} bytes of JSON; its weights as decimal arrays: {decimals} ({:.2} of that)",
        json.len(),
        json.len() as f64 / decimals as f64
    );
    divan::main();
}

type Lora = MicroLora<768, 768, 2>;

/// Weights that use all their bits, as trained ones do.
fn trained() -> (Box<Lora>, Vec<u8>) {
    let mut lora = Box::new(Lora::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap());
    let b: Vec<f32> = lora.lora_a().iter().rev().map(|a| a * 0.37).collect();
    let a = lora.lora_a().to_vec();
    lora.set_weights(&a, &b).unwrap();
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    (lora, json)
}

fn decimal_len() -> usize {
    let (lora, _) = trained();
    serde_json::to_vec(&(lora.lora_a(), lora.lora_b())).unwrap().len()
}

#[divan::bench]
fn save_768_r2(bencher: Bencher) {
    let (lora, mut json) = trained();
    bencher.counter(BytesCount::new(json.len())).bench_local(|| lora.write_json(&mut json).unwrap());
}

#[divan::bench]
fn load_768_r2(bencher: Bencher) {
    let (mut lora, json) = trained();
    bencher.counter(BytesCount::new(json.len())).bench_local(|| lora.load_json(&json).unwrap());
}
