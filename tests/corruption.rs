//! Every small corruption of a saved state, one by one: each is refused, or harmless because
//! it decodes to exactly the same state. `cargo xtask corruption` prints the table.

mod common;

use common::Noise;
use micro_lora::{Apply, Config, Learn, MicroLora};

/// Characters of base64 that decode together.
const BLOCK: usize = 4;

#[derive(Default)]
struct Tally {
    refused: usize,
    harmless: usize,
    /// Loaded, but different.
    silent: Vec<String>,
}

struct Trial<const IN: usize, const OUT: usize, const RANK: usize> {
    /// The value of the untouched state.
    intact: MicroLora<IN, OUT, RANK>,
    /// Another adapter, into which every corrupted state is loaded.
    other: MicroLora<IN, OUT, RANK>,
    tally: Tally,
}

fn bits(values: &[f32]) -> impl Iterator<Item = u32> {
    values.iter().map(|value| value.to_bits())
}

fn same<const IN: usize, const OUT: usize, const RANK: usize>(
    a: &MicroLora<IN, OUT, RANK>,
    b: &MicroLora<IN, OUT, RANK>,
) -> bool {
    a == b && bits(a.lora_a()).eq(bits(b.lora_a())) && bits(a.lora_b()).eq(bits(b.lora_b()))
}

impl<const IN: usize, const OUT: usize, const RANK: usize> Trial<IN, OUT, RANK> {
    /// A trained adapter with an event pending, and its state.
    fn new() -> (Self, Vec<u8>) {
        let config = Config::new().with_seed(5).with_model_id(1);
        let mut intact = MicroLora::<IN, OUT, RANK>::new(config).unwrap();
        let other = intact.clone();
        let noise = &mut Noise(77);
        for _ in 0..20 {
            intact.adapt_gradient(&noise.vec(IN), &noise.vec(OUT)).unwrap();
            intact.apply_updates(0.01).unwrap();
        }
        intact.adapt_gradient(&noise.vec(IN), &noise.vec(OUT)).unwrap();
        let mut json = vec![0; intact.json_len()];
        intact.write_json(&mut json).unwrap();
        (Self { intact, other, tally: Tally::default() }, json)
    }

    fn load(&mut self, json: &[u8], what: impl FnOnce() -> String) {
        let mut loaded = self.other.clone();
        match loaded.load_json(json) {
            Err(_) => {
                assert!(same(&loaded, &self.other), "{}: refused, and yet changed", what());
                assert_eq!(loaded.generation(), self.other.generation());
                self.tally.refused += 1;
            }
            Ok(()) if same(&loaded, &self.intact) => self.tally.harmless += 1,
            Ok(()) => self.tally.silent.push(what()),
        }
    }

    fn try_everything(mut self, json: &[u8]) -> Tally {
        for bit in 0..json.len() * 8 {
            let mut corrupt = json.to_vec();
            corrupt[bit / 8] ^= 1 << (bit % 8);
            self.load(&corrupt, || format!("bit {bit} flipped"));
        }
        for at in 0..json.len() {
            self.load(&json[..at], || format!("cut off at byte {at}"));
            let mut shorter = json.to_vec();
            shorter.remove(at);
            self.load(&shorter, || format!("byte {at} deleted"));
            let mut longer = json.to_vec();
            longer.insert(at, json[at]);
            self.load(&longer, || format!("byte {at} duplicated"));
        }
        let blocks = base64_blocks(json);
        for (i, &a) in blocks.iter().enumerate() {
            for &b in &blocks[..i] {
                let mut swapped = json.to_vec();
                swapped[a..a + BLOCK].copy_from_slice(&json[b..b + BLOCK]);
                swapped[b..b + BLOCK].copy_from_slice(&json[a..a + BLOCK]);
                self.load(&swapped, || format!("blocks at {b} and {a} swapped"));
            }
        }
        self.tally
    }
}

/// The offsets of the blocks in all base64 texts.
fn base64_blocks(json: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(json).unwrap();
    let first = text.find("\"scalars\"").unwrap();
    let mut blocks = vec![];
    let mut at = first;
    for field in text[first..].split('"') {
        if field.len() >= BLOCK && field.len() % BLOCK == 0 && field.chars().any(|c| c.is_ascii_uppercase()) {
            blocks.extend((0..field.len()).step_by(BLOCK).map(|offset| at + offset));
        }
        at += field.len() + 1;
    }
    blocks
}

fn try_shape<const IN: usize, const OUT: usize, const RANK: usize>(name: &str) {
    let (trial, json) = Trial::<IN, OUT, RANK>::new();
    let mut restored = trial.other.clone();
    restored.load_json(&json).expect("the untouched state");
    assert!(same(&restored, &trial.intact));
    let blocks = base64_blocks(&json).len();

    let Tally { refused, harmless, silent } = trial.try_everything(&json);
    let tried = refused + harmless + silent.len();
    println!(
        "{name}: {} bytes, {tried} corruptions tried, {refused} refused, {harmless} harmless, \
         {} silently different",
        json.len(),
        silent.len(),
    );
    assert_eq!(tried, json.len() * 11 + blocks * (blocks - 1) / 2, "every corruption is counted");
    assert!(silent.is_empty(), "{:?}", &silent[..silent.len().min(9)]);
}

#[test]
fn one_by_one_rank_one() {
    try_shape::<1, 1, 1>("1x1 r1");
}

#[test]
fn eight_by_five_rank_three() {
    try_shape::<8, 5, 3>("8x5 r3");
}

#[test]
fn sixty_four_by_sixty_four_rank_four() {
    try_shape::<64, 64, 4>("64x64 r4");
}
