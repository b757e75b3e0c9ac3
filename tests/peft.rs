//! Files of Hugging Face PEFT, both ways. `peft/make_golden.py` wrote and loaded them with the real PEFT.

#[path = "peft/bias.rs"]
mod bias;
mod common;
#[path = "peft/corruption.rs"]
mod corruption;
#[path = "peft/fields.rs"]
mod fields;
#[path = "peft/hostile.rs"]
mod hostile;
#[path = "peft/public.rs"]
mod public;
#[path = "peft/reduced.rs"]
mod reduced;
#[path = "golden/vectors.rs"]
mod vectors;

use std::path::{Path, PathBuf};
use std::{env, fs};

use common::{HeapLora, Noise};
use micro_lora::peft::{self, Dtype, read_adapter_config};
use micro_lora::{Apply, Config, Error, FrozenLora, Learn, MicroLora};
use serde::Deserialize;
use vectors::{Packed, relative_error};

/// Relative to the norm of the whole tensor: f32 rounds at 6e-8, and PEFT's side is float64.
const TOLERANCE: f64 = 1e-6;

/// The committed files, or those that `cargo xtask peft` exchanges with an installed PEFT.
fn files() -> PathBuf {
    env::var_os("MICRO_LORA_PEFT_FILES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peft"), PathBuf::from)
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    let path = files().join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
struct Expected {
    peft: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    directory: PathBuf,
    module: String,
    in_features: usize,
    out_features: usize,
    rank: usize,
    alpha: Packed,
    use_rslora: bool,
    dtype: String,
    x: Packed,
    delta: Packed,
}

fn expected() -> Expected {
    expected_in("")
}

/// What is expected of the files in this folder.
fn expected_in(folder: &str) -> Expected {
    let mut expected: Expected =
        serde_json::from_slice(&read(Path::new(folder).join("expected.json"))).unwrap();
    for case in &mut expected.cases {
        case.directory = Path::new(folder).join(&case.directory);
    }
    expected
}

impl Case {
    fn tensors(&self) -> Vec<u8> {
        read(self.directory.join("adapter_model.safetensors"))
    }

    fn config(&self) -> peft::PeftConfig {
        read_adapter_config(&read(self.directory.join("adapter_config.json"))).unwrap()
    }

    /// An adapter of the right size with other settings and weights, as a user's may be.
    fn lora(&self) -> HeapLora {
        let config = Config::new().with_alpha(3.0).with_cap(Config::CAP_OFF).with_seed(5);
        HeapLora::new(self.in_features, self.out_features, self.rank, &config)
    }

    fn error_of(&self, lora: &impl Apply) -> f64 {
        let mut got = Vec::new();
        for x in self.x.inputs().chunks_exact(self.in_features) {
            let mut delta = vec![0.0; self.out_features];
            assert_eq!(lora.apply_into(x, &mut delta).unwrap(), 1.0, "the output guard is off");
            got.extend(delta.into_iter().map(f64::from));
        }
        relative_error(got, self.delta.values())
    }
}

#[test]
fn files_of_either_side_give_the_forward_that_peft_computes() {
    let expected = expected();
    assert!(expected.cases.len() >= 12, "expected 12 modules or more, got {}", expected.cases.len());
    let mut largest = 0.0f64;
    for case in &expected.cases {
        let mut lora = case.lora();
        lora.load_safetensors(&case.tensors(), &case.module, Some(&case.config())).unwrap();
        assert_eq!(lora.config().alpha, case.alpha.inputs()[0]);
        assert_eq!(lora.config().use_rslora, case.use_rslora);

        let name = format!("{} {} ({})", case.directory.display(), case.module, case.dtype);
        let error = case.error_of(&lora);
        println!("{error:.1e}  {name}");
        assert!(error <= TOLERANCE, "{name}: expected an error up to {TOLERANCE:.0e}, got {error:.1e}");
        largest = largest.max(error);
    }
    let biased = expected_in("biased");
    assert!(biased.cases.len() >= 3, "expected 3 modules with a bias or more, got {}", biased.cases.len());
    for case in &biased.cases {
        let error = bias::error_of(case);
        println!("{error:.1e}  {} {} ({})", case.directory.display(), case.module, case.dtype);
        assert!(error <= TOLERANCE, "{}: {error:.1e}", case.directory.display());
        largest = largest.max(error);
    }
    println!("largest relative error {largest:.1e}, PEFT {}", expected.peft);
}

#[test]
fn modules_are_listed_as_peft_saved_them() {
    let expected = expected();
    let listed: Vec<_> = peft::modules(&read("theirs/f32/adapter_model.safetensors"))
        .unwrap()
        .map(|module| module.map(|m| (m.name.to_owned(), m.in_features, m.out_features, m.rank, m.dtype)))
        .collect::<Result<_, _>>()
        .unwrap();
    let wanted: Vec<_> = expected
        .cases
        .iter()
        .filter(|case| case.directory.ends_with("theirs/f32"))
        .map(|c| (c.module.clone(), c.in_features, c.out_features, c.rank, Dtype::F32))
        .collect();
    assert_eq!(wanted.len(), 3);
    assert_eq!(listed, wanted);

    for (directory, dtype) in [("f16", Dtype::F16), ("bf16", Dtype::Bf16)] {
        let file = read(format!("theirs/{directory}/adapter_model.safetensors"));
        assert!(peft::modules(&file).unwrap().all(|module| module.unwrap().dtype == dtype));
    }
}

/// Our exports: directory, module, sizes, settings. One name is not ASCII, one alpha has no short decimal.
fn exports() -> Vec<(&'static str, &'static str, HeapLora)> {
    let noise = &mut Noise(11);
    let mut export = |directory, module, (i, o, r), config: Config| {
        let mut lora = HeapLora::new(i, o, r, &config);
        lora.set_weights(&noise.vec(r * i), &noise.vec(r * o)).unwrap();
        (directory, module, lora)
    };
    vec![
        export("square", "encoder.layer.0.query", (33, 33, 2), Config::new().with_alpha(16.0)),
        export("wide", "head", (5, 40, 3), Config::new().with_alpha(0.1).with_rslora(true)),
        export("name", "encoder.größe", (64, 31, 4), Config::new().with_alpha(1.234_567_9e-6)),
        export("one", "a.b", (1, 1, 1), Config::new().with_alpha(999_999.94)),
    ]
}

fn exported(lora: &HeapLora, module: &str) -> [(&'static str, Vec<u8>); 2] {
    let mut tensors = vec![0; lora.safetensors_len(module).unwrap()];
    assert_eq!(lora.write_safetensors(module, &mut tensors), Ok(tensors.len()));
    let mut config = vec![0; lora.adapter_config_len(module, Some("größe \"9\"\n")).unwrap()];
    let base_model = Some("größe \"9\"\n");
    assert_eq!(lora.write_adapter_config(module, base_model, &mut config), Ok(config.len()));
    [("adapter_model.safetensors", tensors), ("adapter_config.json", config)]
}

/// The committed files are exactly these; `make_golden.py` loaded them with the real PEFT.
#[test]
fn what_we_write_is_what_peft_has_loaded() {
    for (directory, module, lora) in exports() {
        for (name, bytes) in exported(&lora, module) {
            assert!(read(format!("ours/{directory}/{name}")) == bytes, "ours/{directory}/{name} differs");
        }
    }
}

#[test]
#[ignore = "writes the files for PEFT to load: `cargo xtask peft` runs it"]
fn export() {
    for (directory, module, lora) in exports() {
        let directory = files().join("ours").join(directory);
        fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in exported(&lora, module) {
            fs::write(directory.join(name), bytes).unwrap();
        }
    }
    bias::export(&files().join("biased/ours/learned"));
}

#[test]
fn an_export_loads_back_bit_for_bit() {
    for (_, module, lora) in exports() {
        let [(_, tensors), (_, json)] = exported(&lora, module);
        let config = read_adapter_config(&json).unwrap();
        for config in [None, Some(&config)] {
            let mut other = HeapLora::new(
                lora.in_features(),
                lora.out_features(),
                lora.rank(),
                &lora.config().with_alpha(3.0).with_rslora(!lora.config().use_rslora),
            );
            other.load_safetensors(&tensors, module, config).unwrap();
            assert_eq!(other.a, lora.a);
            assert_eq!(other.b, lora.b);
            assert_eq!(other.config(), lora.config());
            let x = Noise(3).vec(lora.in_features());
            let (mut one, mut two) = (vec![0.0; lora.out_features()], vec![0.0; lora.out_features()]);
            assert_eq!(lora.apply_into(&x, &mut one), other.apply_into(&x, &mut two));
            assert_eq!(one, two);
        }
    }
}

#[test]
fn the_file_is_as_the_format_says() {
    let (_, module, lora) = exports().swap_remove(1);
    let [(_, file), (_, json)] = exported(&lora, module);
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    assert_eq!(length % 8, 0, "the data is aligned");
    let header: serde_json::Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    assert_eq!(
        header,
        serde_json::json!({
            "__metadata__": {"format": "pt", "lora_alpha": "0.1", "use_rslora": "true"},
            "base_model.model.head.lora_A.weight": {"dtype": "F32", "shape": [3, 5], "data_offsets": [0, 60]},
            "base_model.model.head.lora_B.weight": {"dtype": "F32", "shape": [40, 3], "data_offsets": [60, 540]},
        })
    );
    let values: Vec<f32> = file[8 + length..]
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    assert_eq!(values[..15], lora.a);
    let transposed: Vec<f32> = (0..120).map(|i| lora.b[(i % 3) * 40 + i / 3]).collect();
    assert_eq!(values[15..], transposed);

    let config: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(config["target_modules"], serde_json::json!(["head"]));
    assert_eq!(config["base_model_name_or_path"], "größe \"9\"\n");
    assert!(json.is_ascii(), "not every reader of a .json file assumes UTF-8");
}

#[test]
fn alpha_comes_from_the_config_else_the_metadata_else_it_stays() {
    let theirs = read("theirs/rslora/adapter_model.safetensors");
    let config = read_adapter_config(&read("theirs/rslora/adapter_config.json")).unwrap();
    let fresh = || HeapLora::new(31, 65, 3, &Config::new().with_alpha(2.0));

    let mut lora = fresh();
    lora.load_safetensors(&theirs, "head", None).unwrap();
    assert_eq!((lora.config().alpha, lora.config().use_rslora), (2.0, false), "PEFT leaves no metadata");
    assert_eq!(lora.scaling(), 2.0 / 3.0);

    lora.load_safetensors(&theirs, "head", Some(&config)).unwrap();
    assert_eq!((lora.config().alpha, lora.config().use_rslora), (0.3, true));
    assert_eq!(lora.scaling(), lora.config().scaling(3));
    let [(_, ours), _] = exported(&lora, "head");

    let mut other = fresh();
    other.load_safetensors(&ours, "head", None).unwrap();
    assert_eq!((other.config().alpha, other.config().use_rslora), (0.3, true));
    assert_eq!(other.scaling(), lora.scaling());
}

#[test]
fn loading_discards_what_is_pending_and_keeps_the_rest() {
    let noise = &mut Noise(2);
    let mut lora = HeapLora::new(31, 65, 3, &Config::new().with_cap(0.5).with_seed(8).with_model_id(4));
    for _ in 0..3 {
        lora.adapt_gradient(&noise.vec(31), &noise.vec(65)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora.adapt_gradient(&noise.vec(31), &noise.vec(65)).unwrap();
    lora.set_strength(0.5).unwrap();
    let before = lora.clone();
    assert_eq!(before.pending(), 1);

    lora.load_safetensors(&read("theirs/rslora/adapter_model.safetensors"), "head", None).unwrap();
    assert_eq!(lora.pending(), 0);
    assert!(lora.grad_a.iter().chain(&lora.grad_b).all(|gradient| *gradient == 0.0));
    assert_eq!(lora.strength(), 0.5);
    assert_eq!(lora.config(), before.config());
    assert_eq!(lora.generation(), before.generation() + 1);
    assert_eq!(lora.stats().updates, before.stats().updates);

    // As if the same weights had been set directly, Gram matrix included.
    let mut direct = before.clone();
    direct.set_weights(&lora.a, &lora.b).unwrap();
    assert!(direct.same_as(&lora));
}

#[test]
fn a_frozen_adapter_is_made_from_a_file() {
    let (_, module, lora) = exports().swap_remove(1);
    let [(_, file), _] = exported(&lora, module);
    let frozen = FrozenLora::<5, 40, 3>::from_safetensors(Config::new(), &file, module, None).unwrap();
    let x = Noise(1).vec(5);
    let mut delta = vec![0.0; 40];
    lora.apply_into(&x, &mut delta).unwrap();
    assert_eq!(frozen.apply(&x).unwrap()[..], delta);
    assert!(matches!(
        FrozenLora::<5, 40, 2>::from_safetensors(Config::new(), &file, module, None),
        Err(Error::Mismatch { what: "rank", expected: 2, got: 3 })
    ));
}

#[test]
fn a_buffer_that_is_too_small_is_not_touched() {
    let lora = MicroLora::<4, 4, 2>::new(Config::new()).unwrap();
    let (tensors, config) = (lora.safetensors_len("m").unwrap(), lora.adapter_config_len("m", None).unwrap());
    let mut buffer = vec![0xAA; tensors - 1];
    let error = lora.write_safetensors("m", &mut buffer).unwrap_err();
    assert_eq!(error, Error::Buffer { needed: tensors, got: tensors - 1 });
    assert!(buffer.iter().all(|byte| *byte == 0xAA));
    let mut buffer = vec![0xAA; config - 1];
    let error = lora.write_adapter_config("m", None, &mut buffer).unwrap_err();
    assert_eq!(error, Error::Buffer { needed: config, got: config - 1 });
    assert!(buffer.iter().all(|byte| *byte == 0xAA));

    // The unused part of a larger buffer is not written to.
    let mut buffer = vec![0xAA; tensors + 9];
    assert_eq!(lora.write_safetensors("m", &mut buffer), Ok(tensors));
    assert_eq!(buffer[tensors..], [0xAA; 9]);
}

#[test]
fn names_that_would_not_read_back_are_refused() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new()).unwrap();
    for name in ["", "a\"b", "a\\b", "a\nb", "\u{0}"] {
        let error = lora.write_safetensors(name, &mut [0; 999]).unwrap_err();
        assert!(matches!(error, Error::Syntax { what: "module", .. }), "{name:?}: {error}");
        assert_eq!(lora.write_adapter_config(name, None, &mut [0; 999]), Err(error));
        assert_eq!(lora.safetensors_len(name), Err(error));
        assert_eq!(lora.adapter_config_len(name, None), Err(error));
        let [(_, file), _] = exported(&exports().remove(0).2, "m");
        assert!(lora.load_safetensors(&file, name, None).is_err());
    }
    let blank = MicroLora::<4, 4, 2>::zeroed();
    assert_eq!(blank.safetensors_len("m"), Err(Error::NotInitialised));
    assert_eq!(blank.write_adapter_config("m", None, &mut []), Err(Error::NotInitialised));
    let [(_, file), _] = exported(&exports().remove(0).2, "m");
    assert_eq!(MicroLora::<4, 4, 2>::zeroed().load_safetensors(&file, "m", None), Err(Error::NotInitialised));
}
