//! `adapter_config.json`: every field that a MicroLoRA adapter cannot represent is refused by name.

#![allow(clippy::result_large_err, reason = "tests compare whole refusals")]

use micro_lora::peft::{self, Problem, read_adapter_config};
use micro_lora::{Config, Error, Learn};
use serde_json::{Value, json};

use crate::common::{HeapLora, Noise};
use crate::hostile::mutate;
use crate::read;

/// A whole file as PEFT writes it, with changes.
fn config(changes: &[(&str, Value)]) -> String {
    let mut config: Value = serde_json::from_slice(&read("theirs/f32/adapter_config.json")).unwrap();
    for (field, value) in changes {
        config[field] = value.clone();
    }
    config.to_string()
}

fn refusal(field: &str, value: Value) -> Problem {
    read_adapter_config(config(&[(field, value.clone())]).as_bytes())
        .expect_err(&format!("{field}: {value} was accepted"))
}

#[test]
fn unsupported_fields_are_refused_by_name() {
    let on = [
        ("alora_invocation_tokens", json!([1, 2])),
        ("arrow_config", json!({"top_k": 3})),
        ("kasa_config", json!({"beta": 1e-4})),
        ("layer_replication", json!([[0, 4], [2, 5]])),
        ("megatron_config", json!({"a": 1})),
        ("monteclora_config", json!({"num_samples": 8})),
        ("use_bdlora", json!({"nblocks": 1})),
        ("use_dora", json!(true)),
        ("use_qalora", json!(true)),
        ("velora_config", json!({"scale": 1.0})),
    ];
    for (field, value) in on {
        let problem = refusal(field, value.clone());
        let shown = value.to_string();
        assert_eq!(problem.to_string(), format!("{field}: expected null, false, 0 or empty, got {shown}"));
        assert_eq!(problem.error().code(), 17);
        for off in [Value::Null, json!(false), json!(0), json!(0.0), json!([]), json!({}), json!("")] {
            assert!(
                read_adapter_config(config(&[(field, off.clone())]).as_bytes()).is_ok(),
                "{field}: {off}"
            );
        }
        assert_eq!(refusal(field, json!(" ")).error().code(), 17, "a blank is not empty");
    }
}

#[test]
fn zero_is_off_however_it_is_written() {
    for (value, is_zero) in
        [("-0", true), ("0.00", true), ("0e5", true), ("0.0E-7", true), ("1e-9", false), ("0.05e0", false)]
    {
        let text = config(&[]).replacen('{', &format!("{{\"use_of_2030\":{value},"), 1);
        assert_eq!(read_adapter_config(text.as_bytes()).is_ok(), is_zero, "{value}");
    }
}

#[test]
fn values_out_of_reach_are_refused_by_name() {
    let says = |field, value| refusal(field, value).to_string();
    assert_eq!(says("peft_type", json!("LOHA")), "peft_type: expected \"LORA\", got \"LOHA\"");
    for rank in
        [json!(0), json!(65_537), json!(-1), json!(4.0), json!(1e300), Value::Null, json!("4"), json!([4])]
    {
        assert_eq!(
            says("r", rank.clone()),
            format!("r: expected a whole number from 1 to 65536, got {rank}")
        );
    }
    assert_eq!(says("use_rslora", json!(1)), "use_rslora: expected true or false, got 1");
    for bad in [
        json!(0),
        json!(0.0),
        json!(-16),
        json!(9.9e-7),
        json!(1_000_001),
        json!(1e300),
        json!(1e-300),
        json!("16"),
        Value::Null,
    ] {
        let alpha = format!("lora_alpha: expected a number from 1e-6 to 1e6 of at most 19 digits, got {bad}");
        assert_eq!(says("lora_alpha", bad), alpha);
    }
    for init in ["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "of_the_future"] {
        assert_eq!(
            says("init_lora_weights", json!(init)),
            format!(
                "init_lora_weights: expected an initialisation that leaves the base model as it is, got \"{init}\""
            )
        );
    }
}

#[test]
fn what_cannot_change_the_forward_is_accepted() {
    let harmless = [
        ("init_lora_weights", json!(false)),
        ("init_lora_weights", json!("gaussian")),
        ("init_lora_weights", json!("eva")),
        ("init_lora_weights", json!("orthogonal")),
        ("init_lora_weights", json!("mica")),
        ("lora_dropout", json!(0.5)),
        ("fan_in_fan_out", json!(true)),
        ("modules_to_save", json!(["classifier", "score"])),
        ("target_parameters", json!(["experts.gate_up_proj"])),
        ("trainable_token_indices", json!({"embed_tokens": [0, 1]})),
        ("bias", json!("all")),
        ("bias", json!("lora_only")),
        ("use_rslora", Value::Null),
        ("rank_pattern", json!({})),
        ("alpha_pattern", Value::Null),
        ("layers_to_transform", json!([0, 1])),
        ("layers_pattern", json!("layers")),
        ("exclude_modules", json!(["head"])),
        ("task_type", json!("FEATURE_EXTRACTION")),
        ("base_model_name_or_path", json!("größe \"9\" \\ \u{1}")),
        ("target_modules", json!("all-linear")),
        ("inference_mode", json!(false)),
        ("revision", json!("main")),
        ("eva_config", json!({"rho": 2.0, "deep": {"er": [[], [{}]]}})),
        ("runtime_config", json!({"ephemeral_gpu_offload": false})),
    ];
    let plain = read_adapter_config(config(&[]).as_bytes()).unwrap();
    for (field, value) in harmless {
        let config = config(&[(field, value.clone())]);
        assert_eq!(read_adapter_config(config.as_bytes()), Ok(plain), "{field}: {value}");
    }
}

#[test]
fn fields_of_a_later_peft_must_be_off() {
    for off in [Value::Null, json!(false), json!(0), json!(-0.0), json!([]), json!({}), json!("")] {
        assert!(read_adapter_config(config(&[("of_the_future", off)]).as_bytes()).is_ok());
    }
    for on in [json!(true), json!(1), json!(0.5), json!([0]), json!({"a": null}), json!("a")] {
        let text = config(&[("of_the_future", on.clone())]);
        let at = text.find("of_the_future").unwrap() + "of_the_future\":".len();
        let problem = read_adapter_config(text.as_bytes()).unwrap_err();
        assert_eq!(problem.error(), Error::UnknownField { at });
        assert_eq!(
            problem.to_string(),
            format!(
                "of_the_future: expected null, false, 0 or empty in a field that is not of PEFT 0.21, got {on}"
            )
        );
    }
}

#[test]
fn long_names_and_values_are_cut() {
    let name = "é".repeat(100);
    let text = config(&[(&name, json!("x".repeat(100)))]);
    let problem = read_adapter_config(text.as_bytes()).unwrap_err();
    assert_eq!(problem.field(), "é".repeat(31));
    let shown = format!("got \"{}...", "x".repeat(39));
    assert!(problem.reason().ends_with(&shown), "{problem}");
}

#[test]
fn a_broken_text_is_told_with_its_place() {
    let problem = read_adapter_config(br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 1x0}"#).unwrap_err();
    let message =
        "JSON: expected a well-formed text, got a text that is broken or has another value than expected";
    assert_eq!(problem.to_string(), format!("{message} at byte 45"));
}

#[test]
fn what_must_be_there_is_asked_for() {
    let minimal = json!({"peft_type": "LORA", "r": 2, "lora_alpha": 1e1});
    let config = read_adapter_config(minimal.to_string().as_bytes()).unwrap();
    assert_eq!((config.rank, config.alpha, config.use_rslora), (2, 10.0, false));
    for field in ["peft_type", "r", "lora_alpha"] {
        let mut without = minimal.clone();
        without.as_object_mut().unwrap().remove(field);
        let error = read_adapter_config(without.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.error(), Error::Missing { what: field });
        assert_eq!(error.to_string(), format!("{field}: expected it to be there, got none"));
    }
    for twice in ["\"r\":2", "\"lora_alpha\":10", "\"peft_type\":\"LORA\"", "\"use_rslora\":false"] {
        let text = minimal.to_string().replacen('{', &format!("{{{twice},{twice},"), 1);
        let error = read_adapter_config(text.as_bytes()).unwrap_err().error();
        assert!(matches!(error, Error::Syntax { .. }), "{text}");
    }
}

#[test]
fn decimals_are_read_as_peft_reads_them() {
    let parse = |alpha: &str| {
        let json = format!("{{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":{alpha}}}");
        read_adapter_config(json.as_bytes()).map(|config| config.alpha).map_err(Error::from)
    };
    let numbers = "16 16.0 0.5 1e1 1E+1 1.5e-3 0.3 1000000 1e6 1e-6 0.000001 100e-2 0.10000000149011612 \
                   9.999999974752427e-07 123456.789 1000000.000000000000 0.0000005e1";
    for text in numbers.split(' ') {
        // PEFT keeps a Python float, and torch then rounds it to the tensor's f32.
        assert_eq!(parse(text), Ok(text.parse::<f64>().unwrap() as f32), "{text}");
    }
    for text in "0 -1 1e7 1e-7 1e99999999999 1e-99999999999 0e99999999999 18446744073709551632".split(' ') {
        assert!(matches!(parse(text), Err(Error::Unsupported { field: "lora_alpha", .. })), "{text}");
    }
    for text in ["10_0", "+1", ".5", "1.", "1e", "1e+", "1x1", "NaN", "Infinity", "1_0", "1 6", "1-6"] {
        assert!(matches!(parse(text), Err(Error::Syntax { .. })), "{text}");
    }
    // A number that ends after the zero is not a valid number.
    assert!(parse("016").is_err());
}

#[test]
fn random_decimals_round_to_the_nearest_f32() {
    let noise = &mut Noise(77);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let digits = 1 + (noise.next().abs() * 18.0) as usize;
        let mantissa: String =
            (0..digits).map(|_| ((noise.next().abs() * 10.0) as u8 % 10).to_string()).collect();
        let exponent = (noise.next() * 26.0) as i32;
        let text = format!("{}.{}e{exponent}", mantissa.len() % 10, mantissa);
        let json = format!("{{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":{text}}}");
        let nearest: f32 = text.parse().unwrap();
        match read_adapter_config(json.as_bytes()) {
            Ok(config) => assert_eq!(config.alpha.to_bits(), nearest.to_bits(), "{text}"),
            Err(_) => assert!(!(1e-6..=1e6).contains(&nearest) || digits > 18, "{text}"),
        }
        accepted += usize::from((1e-6..=1e6).contains(&nearest));
    }
    assert!(accepted > 2_000, "{accepted} were in range");
}

/// Its fields are public: a host may have changed them.
#[test]
fn a_config_that_was_changed_is_checked_again() {
    let mut lora = HeapLora::new(33, 17, 2, &Config::new());
    let before = lora.clone();
    let mut config = read_adapter_config(config(&[]).as_bytes()).unwrap();
    for bad in [f32::NAN, 0.0, 1e7] {
        config.alpha = bad;
        let file = read("theirs/f32/adapter_model.safetensors");
        let error = lora.load_safetensors(&file, "encoder.layers.0.q_proj", Some(&config)).unwrap_err();
        assert_eq!(error.to_string(), format!("alpha: expected 0.000001 to 1000000, got {bad}"));
        assert!(lora.same_as(&before));
    }
}

#[test]
fn an_empty_key_does_not_pass_for_the_end() {
    for rest in ["", "}", "1}"] {
        let json = format!(r#"{{"peft_type":"LORA","r":1,"lora_alpha":1,"":{rest}"#);
        let error = read_adapter_config(json.as_bytes()).unwrap_err().error();
        assert!(matches!(error, Error::Syntax { .. }), "{json}");
    }
}

#[test]
fn a_config_of_another_rank_than_the_tensors_is_refused() {
    let mut lora = HeapLora::new(33, 17, 2, &Config::new());
    let before = lora.clone();
    let config = read_adapter_config(config(&[("r", json!(3))]).as_bytes()).unwrap();
    let file = read("theirs/f32/adapter_model.safetensors");
    let error = lora.load_safetensors(&file, "encoder.layers.0.q_proj", Some(&config)).unwrap_err();
    assert_eq!(error, Error::Mismatch { what: "r", expected: 2, got: 3 });
    assert!(lora.same_as(&before));
}

/// A field that does not matter may hold any valid JSON, and nothing else.
#[test]
fn json_that_is_skipped_is_json() {
    let noise = &mut Noise(99);
    let seed = r#"{"a": [1, -0.5e+3, true, false, null, "x\n\u00e9\"é"], "b": {"c": [[], {}, [{}]], "": 0}, "d": -1}"#;
    let (mut valid, mut invalid) = (0, 0);
    for _ in 0..60_000 {
        let mut bytes = seed.as_bytes().to_vec();
        mutate(&mut bytes, noise);
        let alone = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).ok());
        let whole =
            [br#"{"peft_type":"LORA","r":1,"lora_alpha":1,"auto_mapping":"#, &bytes[..], b"}"].concat();
        let ours = read_adapter_config(&whole);
        if alone.is_some() {
            assert!(ours.is_ok(), "{:?}: {ours:?}", String::from_utf8_lossy(&whole));
            valid += 1;
        } else if ours.is_ok() {
            let json = serde_json::from_slice::<serde::de::IgnoredAny>(&whole);
            assert!(json.is_ok(), "only we read {:?}", String::from_utf8_lossy(&whole));
        } else {
            invalid += 1;
        }
    }
    assert!(valid > 2_500 && invalid > 20_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn depth_is_limited_without_recursion() {
    let nested = |open: &str, close: &str, depth: usize| {
        let value = open.repeat(depth) + "1" + &close.repeat(depth);
        let json = format!(r#"{{"peft_type":"LORA","r":1,"lora_alpha":1,"auto_mapping":{value}}}"#);
        read_adapter_config(json.as_bytes())
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert!(nested(open, close, 64).is_ok());
        let problem = nested(open, close, 65).unwrap_err();
        let message = "JSON: expected a well-formed text, got more than 64 open brackets at byte ";
        assert!(problem.to_string().starts_with(message), "{problem}");
        assert_eq!(nested(open, close, 100_000), Err(problem));
    }
    // Brackets that do not match, near the limit of the bits that remember them.
    let mixed = "[{\"a\":".repeat(32) + "1" + &"]}".repeat(32);
    let json = format!(r#"{{"auto_mapping":{mixed}}}"#);
    assert!(matches!(read_adapter_config(json.as_bytes()).unwrap_err().error(), Error::Syntax { .. }));
}

#[test]
fn mutated_configs_of_peft_do_not_panic_and_mean_what_they_say() {
    let noise = &mut Noise(5);
    let text = read("theirs/rslora/adapter_config.json");
    let mut accepted = 0;
    for _ in 0..30_000 {
        let mut bytes = text.clone();
        mutate(&mut bytes, noise);
        if let Ok(config) = read_adapter_config(&bytes) {
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(value["r"], config.rank);
            assert_eq!(value["lora_alpha"].as_f64().unwrap() as f32, config.alpha);
            assert_eq!(value["use_rslora"].as_bool().unwrap_or(false), config.use_rslora);
            assert_eq!(value["peft_type"], "LORA");
            accepted += 1;
        }
    }
    assert!(accepted > 1_000, "{accepted} accepted");
}

/// A file of one module `m`, 3 in, 2 out, of zeros, and of what more its header says.
fn module_with(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut header = json!({
        "base_model.model.m.lora_A.weight": {"dtype": "F32", "shape": [1, 3], "data_offsets": [0, 12]},
        "base_model.model.m.lora_B.weight": {"dtype": "F32", "shape": [2, 1], "data_offsets": [12, 20]},
    });
    change(&mut header);
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 20]].concat()
}

#[test]
fn a_module_that_is_refused_is_explained_by_what_its_file_says() {
    let lora = HeapLora::new(3, 2, 1, &Config::new());
    let said = |file: &[u8]| peft::find_problem(&lora, file, "m", None).unwrap().to_string();
    let b = "base_model.model.m.lora_B.weight";
    let message = said(&module_with(|header| header[b]["dtype"] = json!("I32")));
    assert!(message.starts_with("dtype: expected F32, F16 or BF16, got {"), "{message}");
    assert!(message.contains(r#""dtype":"I32""#), "{message}");
    let message = said(&module_with(|header| header[b]["shape"] = json!([2])));
    let entry = r#"{"data_offsets":[12,20],"#;
    let expected = "shape: expected lora_A [r, in] and lora_B [out, r], got ";
    assert!(message.starts_with(&format!("{expected}{entry}")), "{message}");
    let more = json!({"dtype": "F32", "shape": [0, 2], "data_offsets": [20, 20]});
    let message = said(&module_with(|header| header["base_model.model.m.lora_B.bias"] = more));
    let entry = r#"{"data_offsets":[20,20],"#;
    assert!(
        message.starts_with(&format!("shape: expected a bias of lora_B [out], got {entry}")),
        "{message}"
    );
    // What is one too many is named where it comes between the others, or before them.
    for name in ["m.lora_A.z", "m.bias"] {
        let more = json!({"dtype": "F32", "shape": [0, 2], "data_offsets": [20, 20]});
        let message = said(&module_with(|header| header[format!("base_model.model.{name}")] = more));
        assert!(message.ends_with(&format!("got base_model.model.{name}")), "{message}");
    }
    assert_eq!(peft::find_problem(&lora, &module_with(|_| {}), "m", None), None);
    for width in [9, 10] {
        let problem =
            peft::find_problem(&HeapLora::new(width, 2, 1, &Config::new()), &module_with(|_| {}), "m", None);
        assert_eq!(problem.unwrap().to_string(), format!("in_features: expected {width}, got 3"));
    }
}

#[test]
fn a_refusal_is_explained_where_the_file_shows_nothing_of_it() {
    let lora = HeapLora::new(3, 2, 1, &Config::new());
    let said = |value: f32| {
        let mut file = module_with(|_| {});
        let last = file.len() - 4;
        file[last..].copy_from_slice(&value.to_le_bytes());
        peft::find_problem(&lora, &file, "m", None).unwrap().to_string()
    };
    let message = "lora_B: expected finite values, got NaN or infinity at index 1";
    assert_eq!(said(f32::NAN), message);
    let message = "lora_B: expected a magnitude that f32 can go on with, got an overflow";
    assert_eq!(said(1e20), message);
    for (error, words) in [
        (Error::Length { what: "bias", expected: 2, got: 0 }, "bias: expected 2 values, got 0"),
        (
            Error::OutOfRange { what: "cap", got: 9.0, min: 0.0, max: 1.0 },
            "cap: expected a number within its range, got one outside it or NaN",
        ),
        (
            Error::Unsupported { field: "dtype", expected: "F32, F16 or BF16" },
            "dtype: expected F32, F16 or BF16, got something else",
        ),
        (Error::NotInitialised, "adapter: expected init to have been called, got zeroed memory"),
    ] {
        assert_eq!(peft::explain(error, &module_with(|_| {}), "another").to_string(), words);
    }
}
