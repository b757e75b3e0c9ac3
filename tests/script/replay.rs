//! Learning through a ring of remembered lists, at the settings of a new adapter.

use micro_lora::{Apply, Config, Learn, Listwise, MicroLora, Replay, Result, Sample, StepKind};

use super::digest::{CANDIDATES, Digest, Inputs, Outcome, norms};

/// More lists are learned from than the ring has places; a base takes a row of its own.
type Ring<const IN: usize, const OUT: usize> = Replay<IN, OUT, { CANDIDATES + 1 }, 4>;

// Not inlined: its buffers would otherwise be on the stack together with those of the other shapes.
#[inline(never)]
pub fn outcome<const IN: usize, const OUT: usize, const RANK: usize>(
    shape: &'static str,
    events: u32,
    buffer: &mut [u8],
) -> Result<Outcome> {
    let (mut lora, mut ring) = (MicroLora::<IN, OUT, RANK>::zeroed(), Ring::<IN, OUT>::new());
    let (mut script, mut saved) = (Digest::new(), Digest::new());
    lora.init(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(5))?;
    let inputs = &mut Inputs(5);
    for event in 0..events {
        learn(&mut script, &mut lora, &mut ring, inputs, event)?;
    }
    digest_ring(&mut script, &mut ring);
    script.values(lora.lora_a());
    script.values(lora.lora_b());

    // A ring works with a loaded adapter: it rehearses the same lists.
    let len = lora.write_json(buffer)?;
    saved.bytes(&buffer[..len]);
    lora.reset();
    lora.load_json(&buffer[..len])?;
    for event in events..events + 10 {
        learn(&mut saved, &mut lora, &mut ring, inputs, event)?;
    }
    let len = lora.write_json(buffer)?;
    saved.bytes(&buffer[..len]);
    Ok(Outcome { shape, script: script.0, save: saved.0 })
}

fn learn<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    ring: &mut Ring<IN, OUT>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<()> {
    let (mut x, mut base, mut candidates) = ([0.0; IN], [0.0; OUT], [[0.0; OUT]; CANDIDATES]);
    inputs.fill(&mut x, 0.3);
    inputs.fill(&mut base, 0.3);
    inputs.fill(candidates.as_flattened_mut(), 0.3);
    // Lists of 2 to 5.
    let rows = 2 + (event % 4) as usize;
    let weights = [[0.0, 1.0, 0.5, 0.0, 2.0], [1.0, 0.0, 0.0, 0.3, 0.0]][(event % 2) as usize];
    let list = Listwise::new(candidates[..rows].as_flattened(), &weights[..rows]);
    let list = if event % 3 == 2 { list.with_temperature(0.3) } else { list };
    let sample = Sample::new(&x).with_weight([1.0, 0.3, 4.0][(event % 3) as usize]);
    let sample = if IN != OUT || event % 2 == 1 { sample.with_base(&base) } else { sample };
    digest.receipt(ring.view().learn(lora, sample, list, 0.01)?);
    if event % 5 == 4 {
        digest.word(ring.view().rehearse(lora, 0.05, event % 4)?);
    }
    digest.values(&norms(lora));
    digest.values(&lora.apply(&x)?);
    Ok(())
}

/// The remembered lists, as they will be rehearsed.
fn digest_ring<const IN: usize, const OUT: usize>(digest: &mut Digest, ring: &mut Ring<IN, OUT>) {
    let view = ring.view();
    for codes in [&*view.inputs, &*view.candidates] {
        codes.iter().for_each(|code| digest.bytes(&code.to_le_bytes()));
    }
    digest.values(view.scales);
    digest.values(view.weights);
}
