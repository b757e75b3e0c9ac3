//! What `micro-lora/learn` is held to, computed here by the native crate: `wasm/test/suite/beside.js` is the same script, and
//! both must give `wasm/test/suite/beside.json`.
//!
//! The file is evidence, not output: it is never written again to make a test pass. It was made with
//! `cargo test --test web_learn_vectors -- --ignored`.

use micro_lora::{Apply, Config, Holdback, Listwise, MicroLora, Replay, Result, Sample, Serving};
use serde::{Deserialize, Serialize};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wasm/test/suite/beside.json");
const WIDTH: usize = 8;
const OUT: usize = 6;
type Lora = MicroLora<WIDTH, OUT, 2>;
type Ring = Replay<WIDTH, OUT, 5, 6>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    /// After every fourth event: the adapter and the ring as they are saved.
    replay: Vec<[String; 2]>,
    /// After every 25th event: the holdback as it is saved, and its sentence.
    holdback: Vec<[String; 2]>,
}

struct Inputs(u32);

impl Inputs {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    fn row(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

fn text(write: impl FnOnce(&mut [u8]) -> Result<usize>) -> String {
    let mut json = vec![0; 9999];
    let len = write(&mut json).unwrap();
    json.truncate(len);
    String::from_utf8(json).unwrap()
}

fn replay() -> Vec<[String; 2]> {
    let mut lora = Lora::new(Config::new().with_seed(3).with_model_id(9)).unwrap();
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
            saved.push([text(|json| lora.write_json(json)), text(|json| ring.view().write_json(9, json))]);
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

fn vectors() -> Vectors {
    Vectors { replay: replay(), holdback: holdback() }
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
