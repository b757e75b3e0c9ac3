//! Vectors for the browser package, computed here by the native engine: a script of all calls that JavaScript has,
//! and their results. `wasm/test/suite/bits.js` is the same script; both must give `wasm/test/suite/vectors.json`.
//!
//! The file is evidence: it is never regenerated to make a test pass. It was made, and is extended by a
//! new case, with `cargo test --test web_vectors -- --ignored`.

use micro_lora::{Apply, Choice, Config, Learn, MicroLora, Result, Sample, StepKind};
use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wasm/test/suite/vectors.json");
const CANDIDATES: usize = 5;
const RATES: [f32; 3] = [0.01, 0.05, 0.002];

/// A longer state is given by its hash alone.
const STATE_MAX: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Case {
    in_features: usize,
    out_features: usize,
    rank: usize,
    alpha: f32,
    /// None where the output guard is off.
    cap: Option<f32>,
    seed: u32,
    model_id: u32,
    use_rslora: bool,
    step: u32,
    /// The running hash after each event, so that a difference shows in which event it began.
    events: Vec<String>,
    state_hash: String,
    state: Option<String>,
}

/// FNV-1a, 64 bits.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn values(&mut self, values: &[f32]) {
        for value in values {
            self.bytes(&value.to_le_bytes());
        }
    }

    fn hex(&self) -> String {
        format!("{:016x}", self.0)
    }
}

struct Inputs(u32);

impl Inputs {
    fn row<const N: usize>(&mut self, scale: f32) -> [f32; N] {
        std::array::from_fn(|_| {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((self.0 >> 8) as f32 / 8_388_608.0 - 1.0) * scale
        })
    }
}

fn cases() -> Vec<Case> {
    let first = Config::new().with_step(StepKind::ScaledGradient).with_cap(1.0);
    let plain = first.with_seed(1);
    let free = first.with_seed(2).with_cap(Config::CAP_OFF).with_alpha(7.0);
    let rslora = first.with_seed(3).with_cap(0.25).with_rslora(true).with_model_id(77);
    vec![
        case::<1, 1, 1>(plain, 60),
        case::<7, 33, 2>(free, 120),
        case::<33, 7, 3>(rslora, 120),
        case::<48, 48, 4>(plain, 120),
        case::<384, 384, 4>(plain, 60),
        case::<768, 512, 2>(rslora, 40),
        case::<768, 768, 1>(free, 40),
        case::<48, 48, 4>(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(4), 120),
    ]
}

fn case<const IN: usize, const OUT: usize, const RANK: usize>(config: Config, events: u32) -> Case {
    let mut lora = Box::new(MicroLora::<IN, OUT, RANK>::new(config).unwrap());
    let (mut digest, mut inputs) = (Digest::new(), Inputs(config.seed));
    let events = (0..events)
        .map(|event| {
            round(&mut digest, &mut lora, &mut inputs, event).unwrap();
            digest.hex()
        })
        .collect();
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    let mut hash = Digest::new();
    hash.bytes(&json);
    Case {
        in_features: IN,
        out_features: OUT,
        rank: RANK,
        alpha: config.alpha,
        cap: config.cap.is_finite().then_some(config.cap),
        seed: config.seed,
        model_id: config.model_id,
        use_rslora: config.use_rslora,
        step: config.step as u32,
        events,
        state_hash: hash.hex(),
        state: (json.len() <= STATE_MAX).then(|| String::from_utf8(json).unwrap()),
    }
}

fn round<const IN: usize, const OUT: usize, const RANK: usize>(
    digest: &mut Digest,
    lora: &mut MicroLora<IN, OUT, RANK>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<()> {
    digest.bytes(&adapt(lora, inputs, event)?.to_le_bytes());
    if event % 3 != 1 {
        digest.values(&[lora.apply_updates(RATES[(event % 3) as usize])?.step_norm]);
    }
    let x: [f32; IN] = inputs.row(1.0);
    digest.values(&lora.apply(&x)?);
    Ok(())
}

fn adapt<const IN: usize, const OUT: usize, const RANK: usize>(
    lora: &mut MicroLora<IN, OUT, RANK>,
    inputs: &mut Inputs,
    event: u32,
) -> Result<u32> {
    let x: [f32; IN] = inputs.row(0.3);
    let base: [f32; OUT] = inputs.row(0.3);
    let candidates: Vec<f32> = (0..CANDIDATES).flat_map(|_| inputs.row::<OUT>(0.3)).collect();
    let one = &candidates[..OUT];
    let sample = Sample::new(&x).with_base(&base);
    let mut click = Choice::click(&candidates, (event / 5) as usize % CANDIDATES);
    if lora.config().step != StepKind::ScaledGradientV2 {
        // The default temperature at the time of these vectors.
        click = click.with_temperature(0.1);
    }
    let receipt = match event % 5 {
        0 => lora.adapt_gradient(Sample::new(&x), one)?,
        1 => lora.adapt_choice(sample, click)?,
        2 => lora.adapt_choice(sample, click.with_quality(0.2).with_temperature(0.5))?,
        3 => lora.adapt_target(sample, one, if event.is_multiple_of(2) { 1.5 } else { -0.5 })?,
        // JavaScript's feedback has a learning rate of 0.02.
        _ if IN == OUT => lora.adapt_quality(Sample::new(&x).with_weight(2.0), (event % 11) as f32 / 10.0)?,
        _ => lora.adapt_choice(sample, click.with_quality(0.75))?,
    };
    Ok(receipt.outcome.code())
}

#[test]
fn the_native_engine_gives_the_committed_vectors() {
    let committed: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let came = cases();
    assert_eq!(committed.len(), came.len(), "cases in {FILE}");
    for (committed, came) in committed.iter().zip(&came) {
        let shape = format!("{}x{} rank {}", came.in_features, came.out_features, came.rank);
        for (event, (committed, came)) in committed.events.iter().zip(&came.events).enumerate() {
            assert_eq!(committed, came, "{shape}, event {event}");
        }
        assert_eq!(committed.state, came.state, "{shape}, state");
        assert_eq!(serde_json::to_value(committed).unwrap(), serde_json::to_value(came).unwrap(), "{shape}");
    }
}

#[test]
#[ignore = "writes the file, which is done once"]
fn write() {
    let lines: Vec<_> = cases().iter().map(|case| serde_json::to_string(case).unwrap()).collect();
    std::fs::write(FILE, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}
