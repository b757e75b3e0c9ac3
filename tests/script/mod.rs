//! A long script of every operation, reduced to two hashes per shape. It needs neither `std` nor
//! more memory than a few rows, so that every target can run it: a chip with 16 KB of
//! memory runs the small shapes.

mod digest;
mod dual;
mod replay;

pub use digest::Outcome;
use digest::{CANDIDATES, Digest, Inputs, norms};
use micro_lora::{Apply, Choice, Config, Learn, Listwise, MicroLora, Result, Sample, StepKind};

/// Bytes of memory that [`small`] saves into, and [`large`].
pub const SMALL_BUFFER: usize = MicroLora::<48, 48, 4>::JSON_MAX;
pub const LARGE_BUFFER: usize = MicroLora::<384, 384, 4>::JSON_MAX;

/// The shapes that fit every target's memory.
pub fn small(buffer: &mut [u8], tell: &mut dyn FnMut(Outcome)) -> Result<()> {
    let [plain, free, rslora, sgd, now] = configs();
    tell(outcome::<1, 1, 1>("1x1 r1", plain, 280, buffer)?);
    tell(outcome::<7, 33, 2>("7x33 r2", free, 280, buffer)?);
    tell(outcome::<33, 7, 3>("33x7 r3", rslora, 280, buffer)?);
    tell(outcome::<48, 48, 4>("48x48 r4", plain, 280, buffer)?);
    tell(outcome::<48, 48, 4>("48x48 r4 sgd", sgd, 280, buffer)?);
    tell(outcome::<40, 40, 4>("40x40 r4 default", now, 280, buffer)?);
    tell(replay::outcome::<17, 17, 3>("17x17 r3 replay", 100, buffer)?);
    tell(dual::outcome::<1, 1, { dual::words(1) }, { dual::scratch(1) }>("1x1 r1 dual", 30, buffer)?);
    tell(dual::outcome::<17, 3, { dual::words(17) }, { dual::scratch(17) }>("17x17 r3 dual", 100, buffer)?);
    Ok(())
}

/// The shapes of common embeddings.
pub fn large(buffer: &mut [u8], tell: &mut dyn FnMut(Outcome)) -> Result<()> {
    let [plain, _, rslora, _, now] = configs();
    tell(outcome::<384, 384, 4>("384x384 r4", plain, 140, buffer)?);
    tell(outcome::<768, 512, 2>("768x512 r2", rslora, 70, buffer)?);
    tell(outcome::<384, 384, 4>("384x384 r4 default", now, 70, buffer)?);
    tell(replay::outcome::<384, 200, 4>("384x200 r4 replay", 20, buffer)?);
    tell(dual::outcome::<384, 4, { dual::words(384) }, { dual::scratch(384) }>(
        "384x384 r4 dual",
        30,
        buffer,
    )?);
    Ok(())
}

// Not inlined: all shapes' adapters and rows would otherwise be on a small stack together.
#[inline(never)]
fn outcome<const IN: usize, const OUT: usize, const RANK: usize>(
    shape: &'static str,
    config: Config,
    events: u32,
    buffer: &mut [u8],
) -> Result<Outcome> {
    let mut lora = MicroLora::<IN, OUT, RANK>::zeroed();
    let (mut script, mut saved) = (Digest::new(), Digest::new());
    run(&mut script, &mut lora, config, events)?;
    save(&mut saved, &mut lora, config, buffer)?;
    Ok(Outcome { shape, script: script.0, save: saved.0 })
}

/// Runs `events` rounds of every kind of feedback on one shape.
fn run<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    config: Config,
    events: u32,
) -> Result<()> {
    lora.init(config)?;
    digest.values(lora.lora_a());
    let inputs = &mut Inputs(config.seed);
    for event in 0..events {
        round(digest, lora, inputs, event)?;
    }
    digest.values(lora.lora_a());
    digest.values(lora.lora_b());
    lora.reset();
    digest.values(lora.lora_a());
    Ok(())
}

fn round<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<()> {
    adapt(digest, lora, inputs, event)?;
    if event % 3 != 1 {
        digest.receipt(lora.apply_updates([0.01, 0.05, 0.002][(event % 3) as usize])?);
    }
    match event % 40 {
        17 => lora.set_strength(0.5)?,
        23 => lora.set_strength(1.0)?,
        39 => digest.values(&norms(lora)),
        _ => {}
    }
    let mut x = [0.0; IN];
    inputs.fill(&mut x, 1.0);
    digest.values(&lora.apply(&x)?);
    Ok(())
}

/// Saves a fresh adapter, one during its training, and the latter again
/// after it was loaded and trained further.
fn save<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    config: Config,
    buffer: &mut [u8],
) -> Result<()> {
    lora.init(config)?;
    let fresh = lora.write_json(buffer)?;
    digest.bytes(&buffer[..fresh]);
    // The last of them leaves an event pending, and the strength at a half.
    let inputs = &mut Inputs(config.seed);
    for event in 0..23 {
        round(&mut Digest::new(), lora, inputs, event)?;
    }
    assert_eq!(lora.pending(), 1, "expected an event pending, for its gradients to be saved too");
    let len = lora.write_json(buffer)?;
    let json = &mut buffer[..len];
    digest.bytes(json);

    let went_on = go_on(lora)?;
    lora.load_json(json)?;
    assert_eq!(went_on, go_on(lora)?, "expected a loaded adapter to go on with the same bits");
    let last = lora.write_json(buffer)?;
    digest.bytes(&buffer[..last]);
    Ok(())
}

/// The results of more training. Receipts are left out: their generation differs between a loaded adapter and
/// the one that was saved.
fn go_on<const IN: usize, const OUT: usize, const RANK: usize>(
    lora: &mut MicroLora<IN, OUT, RANK>,
) -> Result<u64> {
    let inputs = &mut Inputs(23);
    for event in 23..43 {
        round(&mut Digest::new(), lora, inputs, event)?;
    }
    let mut digest = Digest::new();
    digest.values(lora.lora_a());
    digest.values(lora.lora_b());
    digest.values(&norms(lora));
    Ok(digest.0)
}

fn adapt<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<()> {
    let (mut x, mut base, mut candidates) = ([0.0; IN], [0.0; OUT], [[0.0; OUT]; CANDIDATES]);
    inputs.fill(&mut x, 0.3);
    inputs.fill(&mut base, 0.3);
    inputs.fill(candidates.as_flattened_mut(), 0.3);
    let candidates = candidates.as_flattened();
    let one = &candidates[..OUT];
    let weight = [1.0, 0.3, 4.0][(event % 3) as usize];
    let sample = Sample::new(&x).with_base(&base).with_weight(weight);
    let chosen = (event % 5) as usize;
    let click = Choice::click(candidates, chosen).with_temperature(0.1);
    let receipt = match event % 7 {
        0 => lora.adapt_gradient(sample, one)?,
        1 => lora.adapt_choice(sample, click)?,
        2 => lora.adapt_choice(sample, click.with_quality(0.2))?,
        3 => lora.adapt_listwise(sample, Listwise::new(candidates, &[0.0, 1.0, 0.5, 0.0, 2.0]))?,
        4 => lora.adapt_target(sample, one, if event.is_multiple_of(2) { 1.5 } else { -0.5 })?,
        5 => lora.adapt_attract_repel(sample, one, &candidates[OUT..])?,
        _ if IN == OUT => lora.adapt_quality(&x, (event % 11) as f32 / 10.0)?,
        _ => lora.adapt_choice(sample, Choice::click(candidates, 0).with_temperature(0.5))?,
    };
    digest.receipt(receipt);
    Ok(())
}

/// The settings of the script's runs: every one of them at a value that is not the default somewhere.
fn configs() -> [Config; 5] {
    // The first settings, whose results are committed; the last are those of a new adapter.
    let first = Config::new().with_step(StepKind::ScaledGradient).with_cap(1.0).with_decay(0.0);
    [
        first.with_seed(1),
        first.with_seed(2).with_cap(Config::CAP_OFF).with_alpha(7.0),
        first.with_seed(3).with_cap(0.25).with_rslora(true).with_decay(0.01),
        first.with_seed(4).with_step(StepKind::Sgd).with_alpha(1.0),
        Config::new().with_step(StepKind::ScaledGradientV2).with_seed(5),
    ]
}
