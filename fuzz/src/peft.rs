//! PEFT's files, read a second time in another way.

use micro_lora::peft::{Dtype, PeftConfig, modules, read_adapter_config};
use micro_lora::{Apply, Config, Error, FrozenLora, Learn};
use serde_json::Value;

use super::check::stranger;
use super::common::HeapLora;
use super::compare::{assert_describes, assert_unchanged, bits, sound};
use super::source::Shape;

/// The largest size for which an adapter is made to load a fuzzed file.
const MAX_FEATURES: usize = 64;

/// More modules than the fuzzer's files have; each takes another pass over the header.
const MAX_MODULES: usize = 8;

/// Fields that are `null`, `false`, 0 or empty in every accepted configuration: other values would change what the
/// tensors mean.
const MUST_BE_OFF: &[&str] = &[
    "use_dora",
    "lora_bias",
    "rank_pattern",
    "alpha_pattern",
    "layer_replication",
    "alora_invocation_tokens",
    "arrow_config",
];

pub fn adapter_config(json: &[u8]) {
    if let Ok(text) = std::str::from_utf8(json) {
        assert_names_survive(&text.chars().take(40).collect::<String>());
    }
    match read_adapter_config(json) {
        Ok(config) => {
            assert_is_in(&config, json);
            assert_written_back(&config);
        }
        Err(problem) => {
            assert_describes(&problem.error());
            assert!(!problem.field().is_empty() && problem.reason().starts_with("expected "), "{problem}");
        }
    }
}

fn assert_is_in(config: &PeftConfig, json: &[u8]) {
    let value: Value = match serde_json::from_slice(json) {
        Ok(value) => value,
        Err(error) => return assert_liberty(&error),
    };
    assert_eq!(value["peft_type"], "LORA");
    assert_eq!(value["r"], config.rank);
    assert!((1..=65_536).contains(&config.rank) && (1e-6..=1e6).contains(&config.alpha), "{config:?}");
    let alpha = value["lora_alpha"].as_f64().expect("a number");
    // Half a unit in the last place of an f32.
    assert!(
        (f64::from(config.alpha) - alpha).abs() <= alpha * 5.97e-8,
        "{alpha} was read as {}",
        config.alpha
    );
    let use_rslora = value.get("use_rslora").unwrap_or(&Value::Null);
    assert!(if config.use_rslora { *use_rslora == true } else { is_off(use_rslora) }, "{use_rslora}");
    for field in MUST_BE_OFF {
        assert!(value.get(field).is_none_or(is_off), "{field}: {}", value[field]);
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Fields that do not matter are skipped, not converted: half a surrogate pair or `1e999` in them does no harm.
fn assert_liberty(error: &serde_json::Error) {
    let text = error.to_string();
    let liberties = ["surrogate", "number out of range", "hex escape", "unicode code point"];
    assert!(
        liberties.iter().any(|liberty| text.contains(liberty)),
        "serde_json refuses what was read: {text}"
    );
}

fn assert_written_back(config: &PeftConfig) {
    if config.rank > 4 {
        return;
    }
    let settings = Config::new().with_alpha(config.alpha).with_rslora(config.use_rslora);
    let lora = HeapLora::new(2, 3, config.rank, &settings);
    let length = lora.adapter_config_len("q_proj", None).expect("a plain name");
    let mut json = vec![b'#'; length];
    assert_eq!(lora.write_adapter_config("q_proj", None, &mut json), Ok(length));
    let again = read_adapter_config(&json).expect("our own configuration");
    assert_eq!(again, *config);
    assert_eq!(again.alpha.to_bits(), config.alpha.to_bits());
    let short = lora.write_adapter_config("q_proj", None, &mut json[..length - 1]);
    assert_eq!(short, Err(Error::Buffer { needed: length, got: length - 1 }));
}

/// Whatever the name of a model or a module, every JSON reader finds that name.
fn assert_names_survive(name: &str) {
    let lora = HeapLora::new(2, 3, 1, &Config::new());
    let written = |module: &str, base_model: Option<&str>| {
        let mut json = vec![b'#'; lora.adapter_config_len(module, base_model)?];
        lora.write_adapter_config(module, base_model, &mut json)?;
        Ok(serde_json::from_slice::<Value>(&json).expect("our own configuration"))
    };
    let value = written("q_proj", Some(name)).expect("a plain name");
    assert_eq!(value["base_model_name_or_path"], name);
    match written(name, None) {
        Ok(value) => assert_eq!(value["target_modules"][0], name),
        Err(error) => assert_describes(&error),
    }
}

pub fn safetensors(file: &[u8]) {
    let listed = match modules(file) {
        Ok(modules) => modules.take(MAX_MODULES),
        Err(error) => {
            assert_describes(&error);
            return assert_refused(file, "q_proj");
        }
    };
    let header = header(file);
    for module in listed {
        let Ok(module) = module else { continue };
        let shape =
            Shape { in_features: module.in_features, out_features: module.out_features, rank: module.rank };
        if [shape.in_features, shape.out_features].into_iter().all(|size| (1..=MAX_FEATURES).contains(&size))
            && (1..=4).contains(&shape.rank)
        {
            load(file, module.name, shape, header.as_ref());
        }
        load_frozen(file, module.name, shape);
        if let Some(header) = &header {
            let tensor = &header[name_in(header, module.name, "lora_A")];
            assert_eq!(module.dtype, dtype_of(tensor), "{tensor}");
        }
    }
    assert_refused(file, "a module that no file has");
}

fn assert_refused(file: &[u8], module: &str) {
    let before = stranger(Shape { in_features: 2, out_features: 3, rank: 1 }, 0);
    let mut lora = before.clone();
    assert_describes(&lora.load_safetensors(file, module, None).expect_err("there is no such module"));
    assert_unchanged(&lora, &before);
}

fn load(file: &[u8], module: &str, shape: Shape, header: Option<&Value>) {
    let before = stranger(shape, 0);
    let mut lora = before.clone();
    match lora.load_safetensors(file, module, None) {
        Err(error) => {
            assert_describes(&error);
            assert_unchanged(&lora, &before);
        }
        Ok(()) => {
            sound(&lora);
            assert_eq!((lora.pending(), lora.generation()), (0, before.generation() + 1));
            if let Some(header) = header {
                let tensor = |part: &str| tensor(file, header, &name_in(header, module, part));
                assert_eq!(bits(&lora.a), bits(&tensor("lora_A")));
                assert_eq!(bits(&lora.b), bits(&transposed(&tensor("lora_B"), shape.rank)));
            }
            assert_exported(&lora, module);
            load_scaled(file, module, &lora);
        }
    }
}

/// The same module with a configuration: its alpha must be used, and the rank must be the same.
fn load_scaled(file: &[u8], module: &str, loaded: &HeapLora) {
    for rank in 1..=4 {
        let json = format!("{{\"peft_type\":\"LORA\",\"r\":{rank},\"lora_alpha\":2.5,\"use_rslora\":true}}");
        let config = read_adapter_config(json.as_bytes()).expect("a plain configuration");
        let before = loaded.clone();
        let mut lora = before.clone();
        match lora.load_safetensors(file, module, Some(&config)) {
            Ok(()) => {
                assert_eq!(rank, loaded.rank());
                sound(&lora);
                assert_eq!((bits(&lora.a), bits(&lora.b)), (bits(&loaded.a), bits(&loaded.b)));
                assert_eq!((lora.config().alpha, lora.config().use_rslora), (2.5, true));
            }
            Err(error) => {
                assert_describes(&error);
                assert_unchanged(&lora, &before);
            }
        }
    }
}

/// An adapter of a fixed size accepts the same files as one of the file's size.
fn load_frozen(file: &[u8], module: &str, shape: Shape) {
    let frozen = FrozenLora::<2, 3, 1>::from_safetensors(Config::new(), file, module, None);
    let mut lora = stranger(Shape { in_features: 2, out_features: 3, rank: 1 }, 0);
    match (frozen, lora.load_safetensors(file, module, None)) {
        (Ok(frozen), Ok(())) => {
            assert_eq!((shape.in_features, shape.out_features, shape.rank), (2, 3, 1));
            assert_eq!((bits(frozen.lora_a()), bits(frozen.lora_b())), (bits(&lora.a), bits(&lora.b)));
        }
        (Err(frozen), Err(error)) => assert_eq!(frozen.to_string(), error.to_string()),
        (frozen, loaded) => panic!("{:?}, and in place {loaded:?}", frozen.map(|_| ())),
    }
}

/// Written and loaded again the module is the same, under any name that can be written.
fn assert_exported(lora: &HeapLora, module: &str) {
    let length = match lora.safetensors_len(module) {
        Ok(length) => length,
        Err(error) => return assert_describes(&error),
    };
    let mut file = vec![b'#'; length];
    assert_eq!(lora.write_safetensors(module, &mut file), Ok(length));
    let shape =
        Shape { in_features: lora.in_features(), out_features: lora.out_features(), rank: lora.rank() };
    let mut other = stranger(shape, 0);
    other.load_safetensors(&file, module, None).expect("our own file");
    assert_eq!((bits(&other.a), bits(&other.b)), (bits(&lora.a), bits(&lora.b)));
    let scaling = |lora: &HeapLora| (lora.config().alpha.to_bits(), lora.config().use_rslora);
    assert_eq!(scaling(&other), scaling(lora));
    let header = header(&file).expect("our own header");
    assert_eq!(header["__metadata__"]["format"], "pt");
}

/// The header as read by serde_json, if it can read it.
fn header(file: &[u8]) -> Option<Value> {
    let length = u64::from_le_bytes(file.get(..8)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(8)?;
    match serde_json::from_slice(file.get(8..end)?) {
        Ok(value) => Some(value),
        Err(error) => {
            assert_liberty(&error);
            None
        }
    }
}

fn dtype_of(tensor: &Value) -> Dtype {
    match tensor["dtype"].as_str() {
        Some("F32") => Dtype::F32,
        Some("F16") => Dtype::F16,
        Some("BF16") => Dtype::Bf16,
        _ => Dtype::Other,
    }
}

/// The tensor name of a module, in one of the accepted styles.
fn name_in(header: &Value, module: &str, part: &str) -> String {
    let decoded = serde_json::from_str(&format!("\"{module}\"")).unwrap_or_else(|_| module.to_owned());
    let prefixed = |name: &str| ["base_model.model.", ""].map(|prefix| format!("{prefix}{name}.{part}"));
    let names = [decoded.as_str(), module].into_iter().flat_map(prefixed);
    let names = names.flat_map(|name| [".weight", ".default.weight"].map(|suffix| format!("{name}{suffix}")));
    let found = names.clone().find(|name| header.get(name).is_some());
    found.unwrap_or_else(|| panic!("{part} of {module} was loaded from {header}"))
}

fn tensor(file: &[u8], header: &Value, name: &str) -> Vec<f32> {
    let start = 8 + u64::from_le_bytes(file[..8].try_into().expect("8 bytes")) as usize;
    let tensor = &header[name];
    let offset = |i: usize| start + tensor["data_offsets"][i].as_u64().expect("an offset") as usize;
    let data = &file[offset(0)..offset(1)];
    match tensor["dtype"].as_str() {
        Some("F32") => {
            data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().expect("whole values"))).collect()
        }
        Some("F16") => data.chunks(2).map(|b| half(u16::from_le_bytes([b[0], b[1]]))).collect(),
        Some("BF16") => data.chunks(2).map(|b| f32::from_le_bytes([0, 0, b[0], b[1]])).collect(),
        other => panic!("{other:?} was loaded"),
    }
}

/// The definition in IEEE 754; only finite values are ever loaded.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns)).copied().collect()
}
