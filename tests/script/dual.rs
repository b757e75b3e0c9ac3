//! Lists learned by the dual step: at once and remembered, in batches, turned down, without a click, taken back, faded.

use micro_lora::{
    Apply, Choice, Clicks, Config, Forgotten, Learn, Listwise, Memory, MemoryLayout, MicroLora, Result,
    StepKind, no_vectors,
};

use super::{CANDIDATES, Digest, Inputs, Outcome};

/// Lists remembered; more are learned from.
const CAPACITY: usize = 4;

// Not inlined: its buffers would otherwise be on the stack together with those of the other shapes.
#[inline(never)]
pub fn outcome<const N: usize, const RANK: usize, const WORDS: usize, const SCRATCH: usize>(
    shape: &'static str,
    events: u32,
    buffer: &mut [u8],
) -> Result<Outcome> {
    let mut lora = MicroLora::<N, N, RANK>::zeroed();
    let mut memory = Memory::<WORDS, SCRATCH>::new(layout(N))?;
    let (mut script, mut saved) = (Digest::new(), Digest::new());
    lora.init(Config::new().with_step(StepKind::Dual).with_seed(6).with_decay(0.001))?;
    let inputs = &mut Inputs(6);
    for event in 0..events {
        learn(&mut script, &mut lora, &mut memory, inputs, event)?;
    }
    script.values(lora.lora_a());
    script.values(lora.lora_b());
    script.values(lora.bias());

    let len = lora.write_json(buffer)?;
    saved.bytes(&buffer[..len]);
    lora.reset();
    lora.load_json(&buffer[..len])?;
    for event in events..events + 5 {
        learn(&mut saved, &mut lora, &mut memory, inputs, event)?;
    }
    let len = memory.view().write_json(buffer, 3)?;
    saved.bytes(&buffer[..len]);
    Ok(Outcome { shape, script: script.0, save: saved.0 })
}

/// What a caller passes as `WORDS` and `SCRATCH`: int8 vectors, by value.
pub const fn words(n: usize) -> usize {
    layout(n).words(CAPACITY)
}

pub const fn scratch(n: usize) -> usize {
    layout(n).scratch()
}

const fn layout(n: usize) -> MemoryLayout {
    MemoryLayout::by_value(n, n, CANDIDATES)
}

fn learn<const N: usize, const RANK: usize, const WORDS: usize, const SCRATCH: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<N, N, RANK>,
    memory: &mut Memory<WORDS, SCRATCH>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<()> {
    let (mut x, mut documents) = ([0.0; N], [[0.0; N]; CANDIDATES]);
    inputs.fill(&mut x, 0.3);
    inputs.fill(documents.as_flattened_mut(), 0.3);
    // Lists of 2 to 5.
    let rows = 2 + (event % 4) as usize;
    let documents = documents[..rows].as_flattened();
    let weights = &[[0.0, 1.0, 0.5, 0.0, 2.0], [1.0, 0.0, 0.0, 0.3, 0.0]][(event % 2) as usize][..rows];
    match event % 7 {
        2 => {
            digest.receipt(lora.adapt_listwise(&x, Listwise::new(documents, weights))?);
            digest.receipt(lora.adapt_choice(&x, Choice::click(documents, 1).with_quality(0.1))?);
            digest.receipt(lora.apply_updates(0.02)?);
        }
        3 => {
            let clicks = Clicks::on(documents, &[0.0; CANDIDATES][..rows]);
            digest.values(&[memory.view().learn(lora, &x, clicks, 0.01, no_vectors)?.moved]);
        }
        5 => {
            let clicks = Clicks::on(documents, &[]).with_thumb(1, 0.0);
            digest.values(&[memory.view().learn(lora, &x, clicks, 0.02, no_vectors)?.moved]);
        }
        _ => {
            let receipt = memory.view().learn(lora, &x, Clicks::on(documents, weights), 0.01, no_vectors)?;
            digest.values(&[receipt.moved]);
            if let (Some(number), 6) = (receipt.number, event % 7) {
                let forgotten = memory.view().forget(lora, number - 1, no_vectors)?;
                digest.word(u32::from(forgotten == Forgotten::Done));
                digest.word(memory.view().settle(lora, 3, no_vectors)?);
            }
        }
    }
    digest.values(&lora.apply(&x)?);
    Ok(())
}
