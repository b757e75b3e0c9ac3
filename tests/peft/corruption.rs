//! Every truncation and every flipped bit of a small export. Neither format has a checksum, so this counts the
//! corruptions that go unnoticed.

use micro_lora::peft::{PeftConfig, read_adapter_config};
use micro_lora::{Apply, Config, Error, Learn, MicroLora};

type Lora = MicroLora<3, 2, 2>;

fn trained() -> Lora {
    let mut lora = Lora::new(Config::new().with_alpha(16.0)).unwrap();
    lora.set_weights(&[0.1, -0.2, 0.3, 0.4, 0.5, -0.6], &[0.7, 0.8, -0.9, 1.0]).unwrap();
    lora
}

fn tensors() -> Vec<u8> {
    let lora = trained();
    let mut file = vec![0; lora.safetensors_len("q_proj").unwrap()];
    lora.write_safetensors("q_proj", &mut file).unwrap();
    file
}

fn config_file() -> Vec<u8> {
    let lora = trained();
    let mut json = vec![0; lora.adapter_config_len("q_proj", Some("org/model")).unwrap()];
    lora.write_adapter_config("q_proj", Some("org/model"), &mut json).unwrap();
    json
}

/// Loads into an adapter with another alpha; an error must leave it as it was.
fn load(file: &[u8], config: Option<&PeftConfig>) -> Result<Lora, Error> {
    let mut lora = Lora::new(Config::new().with_alpha(2.0)).unwrap();
    let before = lora.clone();
    match lora.load_safetensors(file, "q_proj", config) {
        Ok(()) => Ok(lora),
        Err(error) => {
            assert!(lora == before && lora.generation() == before.generation(), "changed by a refused file");
            Err(error)
        }
    }
}

/// The result of loading a corrupted file.
#[derive(Debug, Default, PartialEq)]
struct Outcomes {
    refused: usize,
    same: usize,
    /// The weights are the same, but alpha or rsLoRA is not.
    other_scaling: usize,
    other_weights: usize,
}

impl Outcomes {
    fn count(&mut self, result: Result<Lora, Error>) {
        let trained = trained();
        match result {
            Err(_) => self.refused += 1,
            Ok(lora) if lora.lora_a() != trained.lora_a() || lora.lora_b() != trained.lora_b() => {
                self.other_weights += 1
            }
            Ok(lora) if lora.scaling() != trained.scaling() => self.other_scaling += 1,
            Ok(_) => self.same += 1,
        }
    }
}

fn flips(bytes: &[u8], range: std::ops::Range<usize>) -> impl Iterator<Item = Vec<u8>> {
    range.flat_map(move |at| (0..8).map(move |bit| (at, bit))).map(|(at, bit)| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << bit;
        bytes
    })
}

#[test]
fn every_truncation_of_the_tensors_is_refused() {
    let file = tensors();
    for length in 0..file.len() {
        let error = load(&file[..length], None).expect_err("a shorter file was accepted");
        assert!(matches!(error, Error::Syntax { .. }), "{length} bytes: {error}");
    }
    assert!(load(&file, None).unwrap().scaling() == trained().scaling());
}

#[test]
fn a_flipped_bit_in_the_header_is_refused_or_harmless() {
    let file = tensors();
    let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let bits = header * 8;
    let config = read_adapter_config(&config_file()).unwrap();

    // With the config beside it, only unused metadata may change.
    let mut with_config = Outcomes::default();
    flips(&file, 0..header).for_each(|file| with_config.count(load(&file, Some(&config))));
    println!("header of {bits} bits, with the config: {with_config:?}");
    assert_eq!(with_config, Outcomes { refused: 1_871, same: 241, other_scaling: 0, other_weights: 0 });
    assert_eq!(with_config.refused + with_config.same, bits);

    // Without it, alpha comes from the metadata: its digits and the names of its two keys are not protected.
    let mut alone = Outcomes::default();
    flips(&file, 0..header).for_each(|file| alone.count(load(&file, None)));
    println!("header of {bits} bits, without: {alone:?}");
    assert_eq!(alone, Outcomes { refused: 1_912, same: 125, other_scaling: 75, other_weights: 0 });
    assert!(alone.other_scaling <= 8 * ("lora_alpha".len() + "16".len()));
}

#[test]
fn a_flipped_bit_in_the_data_is_one_other_weight() {
    let file = tensors();
    let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let trained = trained();
    let (mut refused, mut accepted) = (0, 0);
    for file in flips(&file, header..file.len()) {
        match load(&file, None) {
            Ok(lora) => {
                let before = trained.lora_a().iter().chain(trained.lora_b());
                let after = lora.lora_a().iter().chain(lora.lora_b());
                let changed = before.zip(after).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
                assert_eq!(changed, 1);
                accepted += 1;
            }
            Err(error) => {
                assert!(matches!(error, Error::Overflow { .. } | Error::NotFinite { .. }), "{error}");
                refused += 1;
            }
        }
    }
    println!("data: {refused} bits refused, {accepted} read as another weight");
    // A weight below 2 has an exponent of at most 127: only its highest bit makes it huge.
    assert_eq!((refused, accepted), (10, 310));
}

#[test]
fn a_corrupted_config_is_refused_or_says_what_its_text_says() {
    let json = config_file();
    let whole = read_adapter_config(&json).unwrap();
    for length in 0..json.len() - 2 {
        assert!(read_adapter_config(&json[..length]).is_err(), "{length} bytes were accepted");
    }
    // The last byte is a line feed.
    assert_eq!(read_adapter_config(&json[..json.len() - 1]), Ok(whole));

    let (mut refused, mut same, mut other) = (0, 0, 0);
    for json in flips(&json, 0..json.len()) {
        match read_adapter_config(&json) {
            Err(_) => refused += 1,
            Ok(config) if config == whole => same += 1,
            Ok(config) => {
                let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
                assert_eq!(value["r"], config.rank);
                assert_eq!(value["lora_alpha"].as_f64().unwrap() as f32, config.alpha);
                other += 1;
            }
        }
    }
    println!(
        "config of {} bits: {refused} refused, {same} the same, {other} read as another r or alpha",
        json.len() * 8
    );
    // The rest of the text has no meaning here: names, versions, lists of modules.
    assert_eq!((refused, same, other), (1_978, 606, 8));
}
