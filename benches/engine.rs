//! The calls of one event, for day-to-day work: `cargo bench --bench engine`. `cargo xtask bench` compares with other
//! libraries.

use divan::Bencher;
use micro_lora::{
    Apply, Choice, Clicks, Config, Learn, Memory, MemoryLayout, MicroLora, StepKind, no_vectors,
};

fn main() {
    divan::main();
}

const N: usize = 768;
const CANDIDATES: usize = 10;

fn vector(seed: usize) -> Vec<f32> {
    (0..N).map(|i| ((i * 7 + seed * 13) % 31) as f32 / 500.0 - 0.03).collect()
}

fn trained<const RANK: usize>(cap: f32) -> Box<MicroLora<N, N, RANK>> {
    let mut lora =
        Box::new(MicroLora::new(Config::new().with_step(StepKind::ScaledGradientV2).with_cap(cap)).unwrap());
    for i in 0..20 {
        lora.adapt_gradient(&vector(i), &vector(i + 3)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora
}

#[divan::bench(consts = [1, 2, 4], args = [1.0, Config::CAP_OFF])]
fn apply<const RANK: usize>(bencher: Bencher, cap: f32) {
    let (lora, x) = (trained::<RANK>(cap), vector(1));
    let mut delta = vec![0.0; N];
    bencher.bench_local(|| lora.apply_into(&x, &mut delta).unwrap());
}

#[divan::bench(consts = [1, 2, 4])]
fn apply_residual<const RANK: usize>(bencher: Bencher) {
    // At strength 0 it adds nothing, so it can be repeated without end.
    let (mut lora, mut x) = (trained::<RANK>(Config::CAP_OFF), vector(1));
    lora.set_strength(0.0).unwrap();
    bencher.bench_local(|| lora.apply_residual(&mut x).unwrap());
}

#[divan::bench(consts = [1, 2, 4], args = [8, 32])]
fn apply_batch<const RANK: usize>(bencher: Bencher, n: usize) {
    let lora = trained::<RANK>(Config::CAP_OFF);
    let inputs: Vec<f32> = (0..n).flat_map(vector).collect();
    let mut deltas = vec![0.0; n * N];
    bencher.bench_local(|| lora.apply_batch(&inputs, &mut deltas).unwrap());
}

#[divan::bench(consts = [1, 2, 4])]
fn adapt_gradient<const RANK: usize>(bencher: Bencher) {
    let (mut lora, x, g) = (trained::<RANK>(1.0), vector(1), vector(2));
    bencher.bench_local(|| lora.adapt_gradient(&x, &g).unwrap());
}

#[divan::bench(consts = [1, 2, 4])]
fn adapt_choice_of_ten<const RANK: usize>(bencher: Bencher) {
    let (mut lora, x) = (trained::<RANK>(1.0), vector(1));
    let candidates: Vec<f32> = (0..CANDIDATES).flat_map(vector).collect();
    bencher.bench_local(|| lora.adapt_choice(&x, Choice::click(&candidates, 3)).unwrap());
}

#[divan::bench(consts = [1, 2, 4])]
fn adapt_and_update<const RANK: usize>(bencher: Bencher) {
    let (mut lora, x, g) = (trained::<RANK>(1.0), vector(1), vector(2));
    bencher.bench_local(|| {
        lora.adapt_gradient(&x, &g).unwrap();
        lora.apply_updates(1e-6).unwrap()
    });
}

/// A click of the dual step with all its visits, at 384 values and rank 4: ten documents, by value.
#[divan::bench]
fn dual_click(bencher: Bencher) {
    const D: usize = 384;
    const LISTS: usize = 64;
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(D, D, CANDIDATES);
    let config = Config::new().with_step(StepKind::Dual);
    let mut lora = Box::new(MicroLora::<D, D, 4>::new(config).unwrap());
    let mut memory = Box::new(Memory::<{ LAYOUT.words(LISTS) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap());
    let (query, documents) =
        (vector(1), (0..CANDIDATES).flat_map(|n| vector(n)[..D].to_vec()).collect::<Vec<_>>());
    let mut weights = [0.0; CANDIDATES];
    let mut turn = 0;
    bencher.bench_local(|| {
        weights[turn % CANDIDATES] = 0.0;
        turn += 1;
        weights[turn % CANDIDATES] = 1.0;
        let clicks = Clicks::on(&documents, &weights);
        memory.view().learn(&mut *lora, &query[..D], clicks, 0.01, no_vectors).unwrap()
    });
}
