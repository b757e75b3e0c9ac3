//! Vectors for `micro-lora/learn`, computed here by the native crate: `wasm/test/suite/companions.js` and `explore.js`
//! are the same script, and all must give `wasm/test/suite/companions.json`.
//!
//! The file is evidence: it is never regenerated to make a test pass. It was made, and is extended by a
//! new field, with `cargo test --test web_learn_vectors -- --ignored`.

mod web;

use micro_lora::{
    Apply, Config, Explore, Holdback, Learn, Listwise, MicroLora, Replay, Sample, Serving, StepKind,
    principal_directions,
};
use serde::{Deserialize, Serialize};
use web::{Inputs, text};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wasm/test/suite/companions.json");
const WIDTH: usize = 8;
const OUT: usize = 6;
type Lora = MicroLora<WIDTH, OUT, 2>;
type Ring = Replay<WIDTH, OUT, 5, 6>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    /// After every fourth event: the saved adapter and ring.
    replay: Vec<[String; 2]>,
    /// After every 25th event: the saved holdback, and its sentence.
    holdback: Vec<[String; 2]>,
    /// The bits of the principal directions of some examples, those that were found.
    directions: Vec<String>,
    /// After every tenth pair: the saved adapter, and the bits of the perturbation.
    explore: Vec<[String; 2]>,
    /// After each share: the saved adapter, and the bits of an output.
    pull: Vec<[String; 2]>,
}

fn replay() -> Vec<[String; 2]> {
    let mut lora =
        Lora::new(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(3).with_model_id(9)).unwrap();
    let (mut ring, mut inputs, mut saved) = (Ring::new(), Inputs(5), vec![]);
    for event in 0..24usize {
        let (x, base) = (inputs.row(WIDTH), inputs.row(OUT));
        let n = 2 + event % 3;
        let candidates = inputs.row(n * OUT);
        let clicks: Vec<f32> = (0..n).map(|i| if i == event % n { 1.0 } else { 0.0 }).collect();
        let list = Listwise::new(&candidates, &clicks);
        let list = if event % 2 == 0 { list } else { list.with_temperature(0.5) };
        ring.view().learn(&mut lora, Sample::new(&x).with_base(&base), list, 0.01).unwrap();
        if event % 4 == 3 {
            saved.push([text(|json| lora.write_json(json)), text(|json| ring.view().write_json(json, 9))]);
        }
    }
    saved
}

fn holdback() -> Vec<[String; 2]> {
    let (mut holdback, mut inputs, mut saved) = (Holdback::new(), Inputs(6), vec![]);
    for event in 0..600u32 {
        // Lists at first, then single answers; the adapter is better, and in the middle worse.
        let better = if (200..350).contains(&event) { 0 } else { 1 };
        if event >= 500 {
            let serving = holdback.next() as usize;
            holdback.record(if serving == better { 0.75 } else { 0.25 }).unwrap();
        } else if holdback.is_due() {
            let (base, adapted) = ([1, 2, 3, 4, 5, 6], [7, 2, 8, 4, 9, 10]);
            let mut shown = [0; 5];
            let len = holdback.interleave(&base, &adapted, &mut shown).unwrap();
            let clicks: Vec<f32> = shown[..len]
                .iter()
                .map(|id| {
                    if inputs.next() < [-0.6, 0.2][usize::from((*id >= 7) == (better == 1))] {
                        1.0
                    } else {
                        0.0
                    }
                })
                .collect();
            holdback.record_clicks(&clicks).unwrap();
        }
        if event % 25 == 24 {
            saved.push([text(|json| holdback.write_json(json)), holdback.report().to_string()]);
        }
    }
    saved
}

/// More values than a dot product has lanes.
const LONG: usize = 40;
type LongLora = MicroLora<WIDTH, LONG, 2>;

fn bits(values: &[f32]) -> String {
    values.iter().map(|value| format!("{:08x}", value.to_bits())).collect()
}

/// Of 12 examples that span four dimensions: six are asked for.
fn directions(examples: &[f32]) -> Vec<f32> {
    let (mut directions, mut scratch) = ([0.0; 6 * LONG], [0.0; 2 * LONG]);
    let found = principal_directions(examples, LONG, &mut directions, &mut scratch).unwrap();
    assert_eq!(found, 4);
    directions[..found * LONG].to_vec()
}

fn examples(inputs: &mut Inputs) -> Vec<f32> {
    let axes = [(); 4].map(|()| inputs.row(LONG));
    let shared = inputs.row(LONG);
    (0..12)
        .flat_map(|_| {
            let along = inputs.row(4);
            let mut example = shared.clone();
            for (along, axis) in along.iter().zip(&axes) {
                example.iter_mut().zip(axis).for_each(|(value, axis)| *value += along * axis);
            }
            example
        })
        .collect()
}

fn explore() -> Vec<[String; 2]> {
    let mut lora =
        Box::new(LongLora::new(Config::new().with_step(StepKind::ScaledGradientV2).with_seed(4)).unwrap());
    let mut inputs = Inputs(8);
    let directions = directions(&examples(&mut inputs));
    let (mut explore, mut saved) = (Explore::new(0.3, 7).unwrap(), vec![]);
    for pair in 0..60 {
        let x = inputs.row(WIDTH);
        let mut eps = [0.0; LONG];
        explore.draw(&directions, &mut eps).unwrap();
        let tried = bits(&eps);
        // Equal qualities now and then; one outlier.
        let minus = inputs.next();
        let plus = match pair % 7 {
            3 => minus,
            5 if pair > 30 => 50.0,
            _ => inputs.next(),
        };
        let sample = Sample::new(&x).with_weight(if pair % 2 == 0 { 1.0 } else { 0.5 });
        explore.adapt(&mut *lora, sample, &mut eps, plus, minus).unwrap();
        lora.apply_updates(0.01).unwrap();
        if pair % 10 == 9 {
            saved.push([text(|json| lora.write_json(json)), tried]);
        }
    }
    saved
}

fn pull() -> Vec<[String; 2]> {
    let mut inputs = Inputs(9);
    let mut trained = |config| {
        let mut lora = Box::new(LongLora::new(config).unwrap());
        for _ in 0..9 {
            lora.adapt_gradient(&inputs.row(WIDTH), &inputs.row(LONG)).unwrap();
            lora.apply_updates(0.01).unwrap();
        }
        // Stays pending.
        lora.adapt_gradient(&inputs.row(WIDTH), &inputs.row(LONG)).unwrap();
        lora
    };
    // The output guard binds, so it must use the new Gram matrix.
    let config = Config::new().with_step(StepKind::ScaledGradientV2).with_cap(0.05).with_rslora(true);
    let (mut lora, kept) = (trained(config), trained(config.with_seed(1)));
    let x = inputs.row(WIDTH);
    [0.25, 0.7, 0.0, 1.0]
        .map(|share| {
            lora.pull_towards(kept.lora_a(), kept.lora_b(), share).unwrap();
            [text(|json| lora.write_json(json)), bits(&lora.apply(&x).unwrap())]
        })
        .to_vec()
}

fn vectors() -> Vectors {
    let directions = directions(&examples(&mut Inputs(8)));
    Vectors {
        replay: replay(),
        holdback: holdback(),
        directions: directions.chunks(LONG).map(bits).collect(),
        explore: explore(),
        pull: pull(),
    }
}

#[test]
fn the_native_crate_gives_the_committed_vectors() {
    let committed: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert!(committed == vectors(), "expected {FILE}, got other texts");
    let applied = committed.holdback.iter().filter(|[_, says]| says.starts_with("applied")).count();
    assert!((3..22).contains(&applied), "applied at {applied} of 24: the script shows too little");
    assert_eq!(Serving::Adapted as usize, 1);
}

#[test]
#[ignore = "writes the vectors"]
fn write() {
    std::fs::write(FILE, serde_json::to_string_pretty(&vectors()).unwrap() + "\n").unwrap();
}
