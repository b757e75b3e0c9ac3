//! A long script of every operation, reduced to one number per shape. It needs neither `std` nor
//! memory of its own beyond a few rows, so that every target can run it.

use micro_lora::{Apply, Choice, Config, Learn, Listwise, MicroLora, Receipt, Result, Sample, StepKind};

/// Rows of candidates in the script.
const CANDIDATES: usize = 5;

/// FNV-1a over the bits of everything that comes out.
pub struct Digest(pub u64);

impl Digest {
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn word(&mut self, word: u32) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn values(&mut self, values: &[f32]) {
        for value in values {
            self.word(value.to_bits());
        }
    }

    fn receipt(&mut self, receipt: Receipt) {
        self.word(receipt.outcome.code());
        self.values(&[receipt.grad_norm, receipt.step_norm, receipt.guard]);
        self.word(receipt.generation);
    }
}

struct Inputs(u32);

impl Inputs {
    fn fill(&mut self, values: &mut [f32], scale: f32) {
        for value in values {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = ((self.0 >> 8) as f32 / 8_388_608.0 - 1.0) * scale;
        }
    }
}

/// Runs `events` rounds of every kind of feedback on one shape.
pub fn run<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    config: Config,
    events: u32,
) -> Result<()> {
    lora.init(config)?;
    digest.values(lora.lora_a());
    let inputs = &mut Inputs(config.seed);
    for event in 0..events {
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
    }
    digest.values(lora.lora_a());
    digest.values(lora.lora_b());
    lora.reset();
    digest.values(lora.lora_a());
    Ok(())
}

fn norms(lora: &impl Learn) -> [f32; 4] {
    let stats = lora.stats();
    [stats.norm_a, stats.norm_b, stats.norm_delta_weight, stats.mean_quality]
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
    let receipt = match event % 7 {
        0 => lora.adapt_gradient(sample, one)?,
        1 => lora.adapt_choice(sample, Choice::click(candidates, chosen))?,
        2 => lora.adapt_choice(sample, Choice::click(candidates, chosen).with_quality(0.2))?,
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
pub fn configs() -> [Config; 4] {
    [
        Config::new().with_seed(1),
        Config::new().with_seed(2).with_cap(Config::CAP_OFF).with_alpha(7.0),
        Config::new().with_seed(3).with_cap(0.25).with_rslora(true).with_decay(0.01),
        Config::new().with_seed(4).with_step(StepKind::Sgd).with_alpha(1.0),
    ]
}
