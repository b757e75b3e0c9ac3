//! `adapter_config.json`: every field that a MicroLoRA adapter cannot represent is refused by name.

use micro_lora::peft::read_adapter_config;
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

fn refusal(field: &str, value: Value) -> Error {
    read_adapter_config(config(&[(field, value.clone())]).as_bytes())
        .expect_err(&format!("{field}: {value} was accepted"))
}

#[test]
fn unsupported_fields_are_refused_by_name() {
    let on = [
        ("alora_invocation_tokens", json!([1, 2])),
        ("alpha_pattern", json!({"q_proj": 4})),
        ("arrow_config", json!({"top_k": 3})),
        ("fan_in_fan_out", json!(true)),
        ("kasa_config", json!({"beta": 1e-4})),
        ("layer_replication", json!([[0, 4], [2, 5]])),
        ("lora_bias", json!(true)),
        ("megatron_config", json!({"a": 1})),
        ("modules_to_save", json!(["classifier"])),
        ("monteclora_config", json!({"num_samples": 8})),
        ("rank_pattern", json!({"q_proj": 2})),
        ("target_parameters", json!(["experts.gate"])),
        ("trainable_token_indices", json!([0, 1])),
        ("use_bdlora", json!({"nblocks": 1})),
        ("use_dora", json!(true)),
        ("use_qalora", json!(true)),
        ("velora_config", json!({"scale": 1.0})),
    ];
    for (field, value) in on {
        let error = refusal(field, value);
        assert_eq!(error.to_string(), format!("{field}: expected null, false or empty, got something else"));
        for off in [Value::Null, json!(false), json!([]), json!({}), json!("")] {
            assert!(
                read_adapter_config(config(&[(field, off.clone())]).as_bytes()).is_ok(),
                "{field}: {off}"
            );
        }
        assert_eq!(refusal(field, json!(0)).code(), 17, "0 is not off");
        assert_eq!(refusal(field, json!(" ")).code(), 17, "a blank is not empty");
    }
}

#[test]
fn values_out_of_reach_are_refused_by_name() {
    let says = |field, value| refusal(field, value).to_string();
    for bias in ["all", "lora_only", "", "None"] {
        assert_eq!(says("bias", json!(bias)), "bias: expected \"none\", got something else");
    }
    assert_eq!(says("peft_type", json!("LOHA")), "peft_type: expected \"LORA\", got something else");
    assert_eq!(says("r", json!(5)), "r: expected 1 to 4, got something else");
    assert_eq!(says("r", json!(0)), "r: expected 1 to 4, got something else");
    let whole =
        "JSON: expected a well-formed text, got a text that is broken or has another value than expected";
    for rank in [json!(-1), json!(2.0), json!(1e300), json!(u64::MAX as f64)] {
        assert_eq!(says("r", rank), whole);
    }
    assert_eq!(says("use_rslora", json!(1)), "use_rslora: expected true or false, got something else");
    let alpha = "lora_alpha: expected a number from 1e-6 to 1e6 of at most 19 digits, got something else";
    for bad in
        [json!(0), json!(0.0), json!(-16), json!(9.9e-7), json!(1_000_001), json!(1e300), json!(1e-300)]
    {
        assert_eq!(says("lora_alpha", bad), alpha);
    }
    for init in ["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "of_the_future"] {
        assert_eq!(
            says("init_lora_weights", json!(init)),
            "init_lora_weights: expected an initialisation that leaves the base model as it is, got something else"
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
    for off in [Value::Null, json!(false), json!([]), json!({}), json!("")] {
        assert!(read_adapter_config(config(&[("of_the_future", off)]).as_bytes()).is_ok());
    }
    for on in [json!(true), json!(0), json!([0]), json!({"a": null}), json!("a")] {
        let text = config(&[("of_the_future", on)]);
        let at = text.find("of_the_future").unwrap() + "of_the_future\":".len();
        let error = read_adapter_config(text.as_bytes()).unwrap_err();
        assert_eq!(error, Error::UnknownField { at });
        assert_eq!(
            error.to_string(),
            format!(
                "adapter_config.json: expected null, false or empty in a field that is not of PEFT 0.21, \
                 got something else at byte {at}"
            )
        );
    }
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
        assert_eq!(error, Error::Missing { what: "peft_type, r or lora_alpha" });
        assert_eq!(error.to_string(), "peft_type, r or lora_alpha: expected it in the file, got none");
    }
    for twice in ["\"r\":2", "\"lora_alpha\":10", "\"peft_type\":\"LORA\"", "\"use_rslora\":false"] {
        let text = minimal.to_string().replacen('{', &format!("{{{twice},{twice},"), 1);
        assert!(matches!(read_adapter_config(text.as_bytes()), Err(Error::Syntax { .. })), "{text}");
    }
}

#[test]
fn decimals_are_read_as_peft_reads_them() {
    let parse = |alpha: &str| {
        let json = format!("{{\"peft_type\":\"LORA\",\"r\":1,\"lora_alpha\":{alpha}}}");
        read_adapter_config(json.as_bytes()).map(|config| config.alpha)
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
    for text in [
        "10_0", "+1", ".5", "1.", "1e", "1e+", "1x1", "NaN", "Infinity", "1_0", "\"16\"", "null", "1 6",
        "1-6",
    ] {
        assert!(matches!(parse(text), Err(Error::Syntax { .. })), "{text}");
    }
    // A number that ends at the zero, and is none then.
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
        assert!(matches!(read_adapter_config(json.as_bytes()), Err(Error::Syntax { .. })), "{json}");
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

/// A field that does not matter may hold any JSON, and nothing but JSON.
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
        let error = nested(open, close, 65).unwrap_err();
        assert_eq!(error.to_string(), "JSON: expected a well-formed text, got more than 64 open brackets");
        assert_eq!(nested(open, close, 100_000), Err(error));
    }
    // Brackets that do not match, near the limit of the bits that remember them.
    let mixed = "[{\"a\":".repeat(32) + "1" + &"]}".repeat(32);
    let json = format!(r#"{{"auto_mapping":{mixed}}}"#);
    assert!(matches!(read_adapter_config(json.as_bytes()), Err(Error::Syntax { .. })));
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
