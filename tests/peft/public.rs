//! The fields in the two files of public adapters: the same kinds, in files made for this test.

use std::fmt::Write;

use micro_lora::peft::{self, Problem, read_adapter_config, read_module_config};
use micro_lora::{Apply, Config, Error, Learn};
use serde_json::{Map, Value, json};

use crate::common::HeapLora;

/// Fields as the versions of PEFT write them, oldest first; each version also has those before it.
const FIELDS: [(&str, &str); 5] = [
    (
        "0.3",
        r#"{"base_model_name_or_path": "org/model", "bias": "none", "fan_in_fan_out": false,
            "inference_mode": true, "init_lora_weights": true, "layers_pattern": null, "layers_to_transform": null,
            "lora_alpha": 16, "lora_dropout": 0.05, "modules_to_save": null, "peft_type": "LORA", "r": 4,
            "revision": null, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}"#,
    ),
    ("0.6", r#"{"alpha_pattern": {}, "auto_mapping": null, "loftq_config": {}, "rank_pattern": {}}"#),
    (
        "0.9",
        r#"{"megatron_config": null, "megatron_core": "megatron.core", "use_dora": false, "use_rslora": false,
            "layer_replication": null}"#,
    ),
    (
        "0.14",
        r#"{"eva_config": null, "exclude_modules": null, "lora_bias": false, "corda_config": null,
            "trainable_token_indices": null}"#,
    ),
    (
        "0.18",
        r#"{"alora_invocation_tokens": null, "arrow_config": null, "ensure_weight_tying": false, "peft_version": "0.18.0",
            "qalora_group_size": 16, "target_parameters": null, "use_qalora": false}"#,
    ),
];

/// A whole file of a version, with changes.
fn config(version: &str, changes: Value) -> String {
    let mut fields = Map::new();
    for (of, text) in FIELDS {
        let Value::Object(more) = serde_json::from_str(text).unwrap() else { panic!("{of}: not an object") };
        fields.extend(more);
        if of == version {
            break;
        }
    }
    let Value::Object(changes) = changes else { panic!("not an object: {changes}") };
    fields.extend(changes);
    serde_json::to_string_pretty(&fields).unwrap()
}

#[test]
fn configs_of_every_version_and_kind_are_read() {
    let plain = (4, 16.0, false);
    let table = [
        ("a language model", json!({}), plain),
        ("GPT-2", json!({"fan_in_fan_out": true, "target_modules": ["c_attn"]}), plain),
        ("a classifier", json!({"modules_to_save": ["classifier", "score"], "task_type": "SEQ_CLS"}), plain),
        ("a vision model", json!({"modules_to_save": ["classifier"], "task_type": null}), plain),
        ("a pattern for its modules", json!({"target_modules": ".*attn.*(q|v)_proj"}), plain),
        ("all linear layers", json!({"target_modules": "all-linear", "exclude_modules": ["lm_head"]}), plain),
        ("some layers", json!({"layers_to_transform": [0, 1], "layers_pattern": "layers"}), plain),
        ("alpha as a float", json!({"lora_alpha": 32.0}), (4, 32.0, false)),
        ("rsLoRA", json!({"use_rslora": true}), (4, 16.0, true)),
        ("trained biases", json!({"bias": "lora_only"}), plain),
        ("new tokens", json!({"trainable_token_indices": {"embed_tokens": [32000]}}), plain),
        ("parameters of experts", json!({"target_parameters": ["mlp.experts.gate_up_proj"]}), plain),
        ("a large rank", json!({"r": 256, "lora_alpha": 512}), (256, 512.0, false)),
        ("EVA", json!({"init_lora_weights": "eva", "eva_config": {"rho": 2.0}}), plain),
        ("a loader of its own", json!({"auto_mapping": {"base_model_class": "BertModel"}}), plain),
        ("Unsloth's mark", json!({"unsloth_fixed": false}), plain),
        ("keys of the future, off", json!({"a": 0, "b": false, "c": null, "d": [], "e": {}, "f": ""}), plain),
    ];
    for (version, _) in FIELDS {
        for (kind, changes, expected) in &table {
            let text = config(version, changes.clone());
            let read = read_adapter_config(text.as_bytes()).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!((read.rank, read.alpha, read.use_rslora), *expected, "{version}, {kind}");
        }
    }
    println!("{} configs", FIELDS.len() * table.len());
}

#[test]
fn what_cannot_be_is_refused_by_name_and_value() {
    let table = [
        (json!({"use_dora": true}), "use_dora: expected null, false, 0 or empty, got true"),
        (json!({"lora_bias": "all"}), "lora_bias: expected true or false, got \"all\""),
        (
            json!({"layer_replication": [[0, 4], [2, 5]]}),
            "layer_replication: expected null, false, 0 or empty, got [ [ 0, 4 ], [ 2, 5 ] ]",
        ),
        (
            json!({"init_lora_weights": "pissa"}),
            "init_lora_weights: expected an initialisation that leaves the base model as it is, got \"pissa\"",
        ),
        (json!({"peft_type": "ADALORA"}), "peft_type: expected \"LORA\", got \"ADALORA\""),
        (json!({"r": null}), "r: expected a whole number from 1 to 65536, got null"),
        (json!({"r": 4.0}), "r: expected a whole number from 1 to 65536, got 4.0"),
        (
            json!({"lora_alpha": null}),
            "lora_alpha: expected a number from 1e-6 to 1e6 of at most 19 digits, got null",
        ),
        (
            json!({"use_of_2030": "yes"}),
            "use_of_2030: expected null, false, 0 or empty in a field that is not of PEFT 0.21, got \"yes\"",
        ),
        (
            json!({"fine_tune_type": "lora", "lora_parameters": {"rank": 8}}),
            "keys: expected those of PEFT, got those of MLX (lora_parameters)",
        ),
        (
            json!({"rank_pattern": {"k_proj": 2}}),
            "rank_pattern: expected nothing, unless it is read for a named module, got { \"k_proj\": 2 }",
        ),
    ];
    for (changes, message) in table {
        let text = config("0.18", changes);
        let problem = read_adapter_config(text.as_bytes()).unwrap_err();
        assert_eq!(problem.to_string(), message);
        // What a host in C gets is the error alone.
        if let Error::Unsupported { field, .. } = problem.error() {
            assert!(message.starts_with(&format!("{field}: ")), "{field}, not {message}");
        }
    }
}

#[test]
fn files_of_other_kinds_are_told_apart() {
    let table: [(&[u8], &str); 10] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "HTML or XML"),
        (b"  \n<html>", "HTML or XML"),
        (b"PK\x03\x04\x00\x00\x08\x08", "a zip archive"),
        (b"\x80\x02\x8a\x0a", "a pickle"),
        (b"\xEF\xBB\xBF{\"r\": 4}", "a byte-order mark"),
        (b"\xFF\xFE{\x00", "UTF-16"),
        (b"\x1F\x8B\x08\x00", "a gzip archive"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF file"),
        (b"", "the end of the text"),
    ];
    for (text, kind) in table {
        let problem = read_adapter_config(text).unwrap_err();
        assert_eq!(problem.error().code(), 11);
        assert!(problem.reason().contains(kind), "{problem}");
        let mut lora = HeapLora::new(3, 2, 1, &Config::new());
        let error = lora.load_safetensors(text, "m", None).unwrap_err();
        assert_eq!(error.code(), 11, "{error}");
        let of_tensors = error.to_string();
        let blank = text.starts_with(b" ") || text.is_empty();
        assert!(blank || of_tensors.contains(kind), "{of_tensors}");
        assert_eq!(peft::modules(text).unwrap_err(), error);
    }
    // One in place of the other.
    let error = peft::modules(config("0.18", json!({})).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a JSON text"), "{error}");
    let problem = read_adapter_config(&tensors(&[("base_model.model.m", 3, 2, 1)], None)).unwrap_err();
    assert!(problem.reason().contains("a safetensors file"), "{problem}");
    // Header lengths that contain each of those bytes.
    for byte in [b'<', b'{', 0x80, 0xEF] {
        let mut file = tensors(&[("base_model.model.m", 3, 2, 1)], None);
        let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
        let more = (usize::from(byte).wrapping_sub(length)) & 255;
        file.splice(8 + length..8 + length, vec![b' '; more]);
        file[..8].copy_from_slice(&((length + more) as u64).to_le_bytes());
        assert_eq!(file[0], byte);
        assert_eq!(peft::modules(&file).unwrap().count(), 1);
    }
}

#[test]
fn patterns_hold_for_the_modules_that_they_name() {
    // Their order matters, and a `Value` does not keep it.
    let text = config("0.18", json!({"rank_pattern": 123}))
        .replace("123", r#"{"layers.0.k_proj": 2, "k_proj": 3}"#)
        .replace(
            r#""alpha_pattern": {}"#,
            r#""alpha_pattern": {"^model.layers.1.q_proj": 8, "v_proj": 0.5}"#,
        );
    for (module, rank, alpha) in [
        ("model.layers.0.q_proj", 4, 16.0),
        ("model.layers.0.k_proj", 2, 16.0),
        ("model.layers.5.k_proj", 3, 16.0),
        ("model.layers.1.q_proj", 4, 8.0),
        ("other.model.layers.1.q_proj", 4, 16.0),
        ("v_proj", 4, 0.5),
        ("xv_proj", 4, 16.0),
    ] {
        let read = read_module_config(text.as_bytes(), module).unwrap();
        assert_eq!((read.rank, read.alpha), (rank, alpha), "{module}");
    }
    let says = |changes: Value| {
        read_module_config(config("0.18", changes).as_bytes(), "a.q_proj").unwrap_err().to_string()
    };
    assert_eq!(
        says(json!({"rank_pattern": {"q_proj|v_proj": 2}})),
        "rank_pattern: expected names of modules, or patterns of `.`, `.*`, `^` and `$` alone, \
         got { \"q_proj|v_proj\": 2 }"
    );
    assert_eq!(
        says(json!({"rank_pattern": {"v_proj": 2.5}})),
        "rank_pattern: expected whole numbers from 1 to 65536 by names of modules, got { \"v_proj\": 2.5 }"
    );
    assert_eq!(
        says(json!({"alpha_pattern": ["v_proj"]})),
        "alpha_pattern: expected numbers from 1e-6 to 1e6 by names of modules, got [ \"v_proj\" ]"
    );
    // Behind one that holds no other is asked.
    let text = config("0.18", json!({"rank_pattern": 1}))
        .replace("pattern\": 1", r#"pattern": {"q_proj": 2, "(k|v)_proj": 3}"#);
    assert_eq!(read_module_config(text.as_bytes(), "a.q_proj").unwrap().rank, 2);
}

/// A file of modules: name with its prefix, in, out, r. Values are 1, 2, 3, ...
fn tensors(modules: &[(&str, usize, usize, usize)], metadata: Option<Value>) -> Vec<u8> {
    let named = modules.iter().flat_map(|(name, inputs, outputs, rank)| {
        [
            (format!("{name}.lora_A.weight"), [*rank, *inputs]),
            (format!("{name}.lora_B.weight"), [*outputs, *rank]),
        ]
    });
    with_names(named, metadata)
}

fn with_names(named: impl IntoIterator<Item = (String, [usize; 2])>, metadata: Option<Value>) -> Vec<u8> {
    let (mut header, mut at) = (String::from("{"), 0);
    if let Some(metadata) = metadata {
        write!(header, "\"__metadata__\":{metadata},").unwrap();
    }
    for (name, [rows, columns]) in named {
        let end = at + 4 * rows * columns;
        write!(
            header,
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{rows},{columns}],\"data_offsets\":[{at},{end}]}},"
        )
        .unwrap();
        at = end;
    }
    header.pop();
    header.push('}');
    let values = (0..at / 4).flat_map(|value| ((value % 1000 + 1) as f32).to_le_bytes());
    (header.len() as u64).to_le_bytes().into_iter().chain(header.into_bytes()).chain(values).collect()
}

/// One module with these values, in PEFT's layout.
pub fn file_of(module: &str, inputs: usize, outputs: usize, rank: usize, a: &[f32], b: &[f32]) -> Vec<u8> {
    let mut file = tensors(&[(&format!("base_model.model.{module}"), inputs, outputs, rank)], None);
    file.truncate(file.len() - 4 * (a.len() + b.len()));
    file.extend(a.iter().chain(b).flat_map(|value| value.to_le_bytes()));
    file
}

fn load(file: &[u8], module: &str) -> Result<(Vec<f32>, Vec<f32>), Error> {
    let mut lora = HeapLora::new(3, 2, 1, &Config::new());
    lora.load_safetensors(file, module, None)?;
    Ok((lora.a, lora.b))
}

#[test]
fn metadata_that_is_not_needed_never_makes_a_file_unreadable() {
    let with_config = read_adapter_config(br#"{"peft_type":"LORA","r":1,"lora_alpha":2}"#)
        .map_err(|p: Problem| p.error())
        .unwrap();
    for metadata in [
        json!({"lora_alpha": "None", "use_rslora": "True"}),
        json!({"lora_alpha": 16}),
        json!({"format": "pt", "nested": {"a": [1, 2]}}),
        json!({"with \"quotes\"": "\n"}),
        json!({}),
        Value::Null,
    ] {
        let file = tensors(&[("base_model.model.m", 3, 2, 1)], Some(metadata.clone()));
        assert_eq!(
            peft::modules(&file).unwrap().map(|module| module.unwrap().name).collect::<Vec<_>>(),
            ["m"]
        );
        let mut lora = HeapLora::new(3, 2, 1, &Config::new());
        lora.load_safetensors(&file, "m", Some(&with_config)).unwrap();
        assert_eq!(lora.config().alpha, 2.0, "{metadata}");
    }
}

#[test]
fn names_of_other_styles_are_read_or_named() {
    for (name, module) in [
        ("base_model.model.m", "m"),
        ("transformer.blocks.0.attn.to_q", "transformer.blocks.0.attn.to_q"),
        ("base_model.model.gr\\u00f6\\u00dfe", "größe"),
    ] {
        let file = tensors(&[(name, 3, 2, 1), ("base_model.model.other\\n\\\"", 3, 2, 2)], None);
        assert_eq!(load(&file, module).unwrap().0, [1.0, 2.0, 3.0], "{name}");
        assert_eq!(peft::modules(&file).unwrap().filter(|module| module.is_ok()).count(), 2);
        // Whatever the list says, can be loaded.
        for listed in peft::modules(&file).unwrap().map(Result::unwrap).filter(|listed| listed.rank == 1) {
            load(&file, listed.name).unwrap();
        }
    }
    let default = [("lora_A", [1, 3]), ("lora_B", [2, 1])]
        .map(|(part, shape)| (format!("base_model.model.m.{part}.default.weight"), shape));
    assert_eq!(load(&with_names(default, None), "m").unwrap().1, [4.0, 5.0]);

    for (names, style) in [
        (["lora_unet_down_to_q.lora_down.weight", "lora_unet_down_to_q.lora_up.weight"], "kohya-ss"),
        (["unet.to_q.lora.down.weight", "unet.to_q.lora.up.weight"], "diffusers"),
        (["unet.processor.to_q_lora.down.weight", "unet.processor.to_q_lora.up.weight"], "diffusers"),
        (["model.layers.0.q_proj.lora_a", "model.layers.0.q_proj.lora_b"], "MLX"),
        (["q_proj.lora_A", "q_proj.lora_B"], "loralib"),
    ] {
        let file = with_names(names.map(|name| (name.to_owned(), [1, 1])), None);
        let error = load(&file, "m").unwrap_err();
        assert_eq!(error.code(), 21);
        let message = error.to_string();
        assert!(
            message.starts_with("keys: expected those of PEFT, ") && message.contains(style),
            "{message}"
        );
        assert_eq!(peft::modules(&file).unwrap_err(), error);
    }
    // Beside a module of PEFT another style is one more tensor, wherever it comes.
    for first in [0, 1] {
        let mut names = vec![
            ("base_model.model.m.lora_A.weight".to_owned(), [1, 3]),
            ("base_model.model.m.lora_B.weight".to_owned(), [2, 1]),
        ];
        names.insert(2 * first, ("unet.to_q.lora.down.weight".to_owned(), [1, 1]));
        assert_eq!(peft::modules(&with_names(names.clone(), None)).unwrap().count(), 1);
        load(&with_names(names, None), "m").unwrap();
    }
    // A whole model has neither.
    let file = with_names([("model.embed.weight".to_owned(), [2, 2])], None);
    assert_eq!(peft::modules(&file).unwrap().count(), 0);
    assert_eq!(load(&file, "m").unwrap_err().code(), 18);
}

/// 9,216 modules of a mixture of experts, in the orders that writers use.
#[test]
fn a_mixture_of_experts_is_listed_and_loaded() {
    const MODULES: usize = 9_216;
    let name =
        |i: usize| format!("base_model.model.model.layers.{}.mlp.experts.{}.up_proj", i / 128, i % 128);
    let a = |i: usize| (format!("{}.lora_A.weight", name(i)), [1, 3]);
    let b = |i: usize| (format!("{}.lora_B.weight", name(i)), [2, 1]);
    let pairs: Vec<_> = (0..MODULES).flat_map(|i| [a(i), b(i)]).collect();
    let swapped: Vec<_> = (0..MODULES).flat_map(|i| [b(i), a(i)]).collect();
    let apart: Vec<_> = (0..MODULES).map(a).chain((0..MODULES).map(b)).collect();
    for order in [pairs, swapped, apart] {
        let file = with_names(order, None);
        let header = u64::from_le_bytes(*file.first_chunk().unwrap());
        assert!(header > 2 << 20, "larger than the limit once was: {header}");
        let listed = peft::modules(&file).unwrap();
        let count = listed.inspect(|module| assert_eq!(module.unwrap().out_features, 2)).count();
        assert_eq!(count, MODULES);
        let last = name(MODULES - 1);
        load(&file, last.strip_prefix("base_model.model.").unwrap()).unwrap();

        // The same with a cursor, as in C.
        let (mut cursor, mut found) = (peft::Cursor::default(), 0);
        loop {
            let mut modules = peft::Modules::resume(&file, cursor).unwrap();
            let Some((_, module)) = modules.next_named() else { break };
            module.unwrap();
            found += 1;
            cursor = modules.cursor();
        }
        assert_eq!(found, MODULES);
    }
}

#[test]
fn a_rank_that_is_too_large_is_named() {
    let file = tensors(&[("base_model.model.m", 3, 2, 16)], None);
    let config = read_adapter_config(config("0.18", json!({"r": 16})).as_bytes()).unwrap();
    let mut lora = HeapLora::new(3, 2, 4, &Config::new());
    let error = lora.load_safetensors(&file, "m", Some(&config)).unwrap_err();
    assert_eq!(error.to_string(), "r: expected 1 to 4, got 16");
}
