//! Saving and loading: nothing is lost, and a refused state changes nothing.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{
    Apply, Choice, Config, Error, FrozenLora, Learn, Listwise, MicroLora, Result, Sample, StateInfo, StepKind,
};

const GOLDEN: &[u8] = include_bytes!("state/v1.json");

fn save(lora: &impl Apply) -> Vec<u8> {
    let mut json = vec![0; lora.json_len()];
    assert_eq!(lora.write_json(&mut json), Ok(json.len()));
    json
}

/// One event of every kind in turn, and an update after most.
fn event(lora: &mut HeapLora, i: u32) -> Result<()> {
    let noise = &mut Noise(i);
    let (x, base) = (noise.vec(lora.in_features()), noise.vec(lora.out_features()));
    let candidates = noise.vec(3 * lora.out_features());
    let sample = Sample::new(&x).with_base(&base).with_weight(1.0 + (i % 3) as f32);
    match i % 5 {
        0 => lora.adapt_gradient(sample, &base)?,
        1 => lora.adapt_choice(sample, Choice::click(&candidates, 1).with_quality(0.1))?,
        2 => lora.adapt_listwise(sample, Listwise::new(&candidates, &[1.0, 0.0, 0.5]))?,
        3 => lora.adapt_target(sample, &base, -0.5)?,
        _ => lora.adapt_attract_repel(sample, &base, &candidates)?,
    };
    if i % 4 != 3 {
        lora.apply_updates(0.01)?;
    }
    Ok(())
}

fn configs() -> [Config; 3] {
    [
        Config::new().with_step(StepKind::ScaledGradientV2).with_seed(1),
        Config::new()
            .with_step(StepKind::ScaledGradientV2)
            .with_cap(Config::CAP_OFF)
            .with_rslora(true)
            .with_alpha(0.3)
            .with_model_id(u32::MAX),
        Config::new().with_step(StepKind::Sgd).with_cap(0.5).with_decay(0.1).with_seed(u32::MAX),
    ]
}

#[test]
fn saving_and_loading_at_any_event_changes_no_later_bit() {
    for (config, (in_len, out_len, rank)) in configs().iter().zip([(9, 5, 3), (8, 8, 4), (1, 7, 1)]) {
        let mut never_saved = HeapLora::new(in_len, out_len, rank, config);
        let mut restored = never_saved.clone();
        for i in 0..100 {
            event(&mut never_saved, i).unwrap();
            event(&mut restored, i).unwrap();
            let json = save(&restored);
            // An adapter that differs in everything but sizes and model id takes its place.
            restored = HeapLora::new(in_len, out_len, rank, &Config::new().with_model_id(config.model_id));
            restored.load_json(&json).unwrap();
            let mut same = restored.clone();
            same.header = never_saved.header;
            assert!(same.same_as(&never_saved), "event {i}: matrices");
            assert_eq!(comparable(&restored), comparable(&never_saved), "event {i}");
        }
        assert!(never_saved.stats().updates > 70);
    }
}

/// Everything in a state except its generation, which every load raises, and the checksum over it.
fn comparable(lora: &HeapLora) -> serde_json::Value {
    let mut json: serde_json::Value = serde_json::from_slice(&save(lora)).unwrap();
    let object = json.as_object_mut().unwrap();
    assert!(object.remove("generation").is_some() && object.remove("crc32").is_some());
    json
}

#[test]
fn json_len_and_json_max_hold_for_the_largest_counters() {
    type Lora = MicroLora<7, 3, 2>;
    let config = Config::new().with_seed(u32::MAX).with_model_id(u32::MAX).with_step(StepKind::Dual);
    let mut lora = Lora::new(config).unwrap();
    assert!(save(&lora).len() <= Lora::JSON_MAX);
    // A pending list, so that the state has every section.
    let list = Listwise::new(&[1.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0], &[0.0, 1.0]);
    lora.adapt_listwise(Sample::new(&[0.1; 7]).with_base(&[0.1; 3]), list).unwrap();
    let json = save(&lora);
    assert!(json.len() <= Lora::JSON_MAX);
    // One digit for the version, ten for each of the other sixteen integers: never more than the bound.
    let text = String::from_utf8(json).unwrap();
    let digits = text.split("\"scalars\"").next().unwrap().chars().filter(char::is_ascii_digit).count();
    assert_eq!(text.len() - digits + "32".len() + 161, Lora::JSON_MAX);
}

#[test]
fn a_state_is_smaller_than_decimals() {
    let mut lora = MicroLora::<768, 768, 2>::new(Config::new()).unwrap();
    let noise = &mut Noise(4);
    lora.set_weights(&noise.vec(1536), &noise.vec(1536)).unwrap();
    let decimals = serde_json::to_vec(&(lora.lora_a(), lora.lora_b())).unwrap().len();
    let json = save(&lora).len();
    assert!(json * 3 < decimals * 2, "{json} bytes against {decimals}");
}

#[test]
fn loading_refuses_what_is_not_this_adapters_state_and_changes_nothing() {
    let mut lora =
        HeapLora::new(6, 4, 2, &Config::new().with_step(StepKind::ScaledGradientV2).with_model_id(5));
    event(&mut lora, 0).unwrap();
    lora.adapt_gradient(&[0.1; 6], &[0.2; 4]).unwrap();
    let text = String::from_utf8(save(&lora)).unwrap();
    let before = lora.clone();
    let mut refuse = |text: &str| {
        let error = lora.load_json(text.as_bytes()).expect_err(text);
        assert!(lora.same_as(&before), "the adapter changed");
        error.to_string()
    };
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1)
    };
    let well_formed = |got: &str| format!("JSON: expected a well-formed text, got {got}");
    let broken = well_formed("a text that is broken or has another value than expected");
    for (text, got) in [
        ("", "the end of the text"),
        (&text[..text.len() - 1], "the end of the text"),
        (&text[..text.len() / 2], "the end of the text"),
        (&format!("{text} x"), "something after the end"),
        (&edit("\"rank\":2", "\"rank\":2,\"rank\":2"), "something twice that may be there once"),
        (&edit("\"grad_a\"", "\"lora_a\""), "something twice that may be there once"),
        (&edit("\"rank\":2,", ""), "too few fields"),
        (&edit("\"rank\":2", "\"zzz\":2"), "a field that no state has"),
        (&edit("\"rank\":2", "\"\":2"), "a field that no state has"),
        (&edit("\"rank\":2", "\"r\\u0061nk\":2"), "a field that no state has"),
    ] {
        assert_eq!(refuse(text), well_formed(got));
    }
    for value in ["02", "+2", "-2", "-0", "2.0", "2e0", "null", "4294967298", "\"2\"", &"[".repeat(100_000)] {
        assert_eq!(refuse(&edit("\"rank\":2", &format!("\"rank\":{value}"))), broken, "{value:.9}");
    }
    assert_eq!(refuse("garbage"), broken);
    assert_eq!(refuse(&edit("\"lora_a\":\"", "\"lora_a\":\"\n")), broken);
    assert_eq!(refuse(&edit("\"}", "\",}")), broken);
    assert_eq!(refuse(&edit("micro-lora", "other")), "format: expected \"micro-lora\", got another");
    assert_eq!(refuse(&edit("\"version\":1", "\"version\":3")), "version: expected 2, got 3");
    assert_eq!(refuse(&edit("\"rank\":2", "\"rank\":3")), "rank: expected 2, got 3");
    assert_eq!(refuse(&edit("\"in_features\":6", "\"in_features\":7")), "in_features: expected 6, got 7");
    assert_eq!(refuse(&edit("\"out_features\":4", "\"out_features\":3")), "out_features: expected 4, got 3");
    assert_eq!(refuse(&edit("\"model_id\":5", "\"model_id\":6")), "model_id: expected 5, got 6");
    assert!(refuse(&edit("\"updates\":1", "\"updates\":2")).starts_with("state: expected the checksum "));
    let base64 =
        |what: &str, n: usize| format!("{what}: expected the base64 of {n} values, got something else");
    assert_eq!(refuse(&edit("\"lora_a\":\"", "\"lora_a\":\"AAAA")), base64("lora_a", 12));
    assert_eq!(refuse(&edit("\"scalars\":\"", "\"scalars\":\"*")), base64("scalars", 10));
    assert_eq!(refuse(&edit("\"pending\":1", "\"pending\":0")), base64("grad_a", 0));
}

/// Re-encodes a state with some scalars or weights replaced, and a correct checksum.
fn forge(json: &[u8], field: &str, at: usize, value: f32) -> Vec<u8> {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let mut state: serde_json::Value = serde_json::from_slice(json).unwrap();
    let mut bytes = BASE64_STANDARD.decode(state[field].as_str().unwrap()).unwrap();
    bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
    state[field] = BASE64_STANDARD.encode(bytes).into();
    let integers = [
        "version",
        "in_features",
        "out_features",
        "rank",
        "model_id",
        "seed",
        "step",
        "use_rslora",
        "pending",
        "updates",
        "samples",
        "rated",
        "capped",
        "generation",
    ];
    let mut checked = vec![];
    for name in integers {
        checked.extend((state[name].as_u64().unwrap() as u32).to_le_bytes());
    }
    for name in ["scalars", "lora_a", "lora_b", "grad_a", "grad_c"] {
        checked.extend(BASE64_STANDARD.decode(state[name].as_str().unwrap()).unwrap());
    }
    state["crc32"] = crc32fast::hash(&checked).into();
    serde_json::to_vec(&state).unwrap()
}

#[test]
fn values_that_no_adapter_could_have_saved_are_refused() {
    let mut lora = HeapLora::new(4, 4, 1, &Config::new().with_step(StepKind::ScaledGradientV2));
    lora.adapt_gradient(&[0.1; 4], &[0.2; 4]).unwrap();
    let json = save(&lora);
    let before = lora.clone();
    lora.load_json(&forge(&json, "scalars", 1, Config::CAP_OFF)).expect("forging as such is not the fault");
    let names = [
        "alpha",
        "cap",
        "decay",
        "strength",
        "pending weight",
        "v_a",
        "v_c",
        "c",
        "mean_quality",
        "baseline",
    ];
    for (at, name) in names.into_iter().enumerate() {
        for bad in [f32::NAN, -1.0, f32::NEG_INFINITY, 1e30] {
            if bad == 1e30 && name.starts_with("v_") {
                continue; // a mean square may be that large
            }
            lora = before.clone();
            let error = lora.load_json(&forge(&json, "scalars", at, bad)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}: expected ")), "{error}");
            assert!(lora.same_as(&before));
        }
    }
    for field in ["lora_a", "lora_b", "grad_a", "grad_c"] {
        for bad in [f32::NAN, f32::INFINITY, 1e30, 1e15] {
            let forged = forge(&json, field, 3, bad);
            let error = lora.load_json(&forged).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field}: expected ")), "{error}");
            assert!(lora.same_as(&before));
            let error = serde_json::from_slice::<MicroLora<4, 4, 1>>(&forged).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{field}: expected ")), "{error}");
        }
    }
}

#[test]
fn the_largest_gradients_that_can_be_pending_load() {
    // A norm of 1e11 at the most for each event, times its weight.
    let config = Config::new().with_step(StepKind::ScaledGradientV2);
    let mut lora = MicroLora::<1, 1, 1>::new(config).unwrap();
    lora.set_weights(&[1.0], &[0.0]).unwrap();
    lora.adapt_gradient(Sample::new(&[1.0]).with_weight(1000.0), &[0.9e11]).unwrap();
    assert!(MicroLora::<1, 1, 1>::from_json(&save(&lora), 0).unwrap() == lora);
}

#[test]
fn the_largest_weights_load_whatever_their_scaling() {
    // `alpha / rank` times `lora_B` has a norm of 1e8 at the most.
    for (alpha, b) in [(0.25, 3e8), (4.0, 2e7)] {
        let mut lora = MicroLora::<1, 1, 1>::new(Config::new().with_alpha(alpha)).unwrap();
        lora.set_weights(&[1.0], &[b]).unwrap();
        assert_eq!(lora.stats().norm_b, b);
        assert!(MicroLora::<1, 1, 1>::from_json(&save(&lora), 0).unwrap() == lora);
    }
}

#[test]
fn an_adapter_that_is_taken_up_as_it_is_stays_the_same() {
    for config in configs() {
        let mut lora = HeapLora::new(3, 2, 2, &config);
        for i in 0..3 {
            event(&mut lora, i).unwrap();
        }
        let before = lora.clone();
        lora.adapter_mut().take_up().unwrap();
        assert_eq!(comparable(&lora), comparable(&before));
    }
}

#[test]
fn reformatted_states_load() {
    let mut lora = HeapLora::new(16, 16, 2, &Config::new().with_step(StepKind::ScaledGradientV2));
    event(&mut lora, 2).unwrap();
    let json = save(&lora);
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let spaced = serde_json::to_string_pretty(&value).unwrap();
    let escaped = String::from_utf8(json.clone()).unwrap().replace('/', "\\/");
    assert_ne!(escaped.as_bytes(), json, "no slash in this state");
    for text in [spaced, escaped] {
        let mut other =
            HeapLora::new(16, 16, 2, &Config::new().with_step(StepKind::ScaledGradientV2).with_seed(1));
        other.load_json(text.as_bytes()).unwrap();
        assert_eq!(comparable(&other), comparable(&lora));
    }
}

#[test]
fn the_golden_state_of_version_1_loads_for_ever() {
    let info = StateInfo::peek(GOLDEN).unwrap();
    assert_eq!((info.in_features, info.out_features, info.rank), (8, 5, 3));
    assert_eq!((info.model_id, info.samples_seen, info.pending), (77, 41, 1));
    assert_eq!(info.train_bytes, size_of::<MicroLora<8, 5, 3>>());
    let lora = MicroLora::<8, 5, 3>::from_json(GOLDEN, 77).unwrap();
    assert_eq!(
        lora.config(),
        Config::new()
            .with_step(StepKind::ScaledGradient)
            .with_alpha(6.0)
            .with_cap(1.5)
            .with_seed(9)
            .with_model_id(77)
    );
    // Continued training gives the committed output, bit for bit.
    let mut lora = lora;
    lora.apply_updates(0.01).unwrap();
    let delta = lora.apply(&[0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8]).unwrap();
    assert_eq!(delta.map(f32::to_bits), [1049356069, 3208209170, 1053746796, 1052936060, 1041978086]);
    let frozen = FrozenLora::<8, 5, 3>::from_json(GOLDEN, 77).unwrap();
    assert_eq!((frozen.pending(), frozen.lora_a().len()), (0, 24));
    assert_eq!(frozen.stats().samples_seen, 41);
}

#[test]
fn generations_only_go_up() {
    let mut old = HeapLora::new(4, 4, 1, &Config::new().with_step(StepKind::ScaledGradientV2));
    for _ in 0..9 {
        old.reset();
    }
    let json = save(&old);
    let mut new = HeapLora::new(4, 4, 1, &Config::new().with_step(StepKind::ScaledGradientV2));
    new.load_json(&json).unwrap();
    assert_eq!(new.generation(), old.generation() + 1);
    let earlier = save(&new);
    for _ in 0..9 {
        new.reset();
    }
    let before = new.generation();
    new.load_json(&earlier).unwrap();
    assert_eq!(new.generation(), before + 1);
}

#[test]
fn buffers_that_are_too_small_stay_untouched() {
    let lora = MicroLora::<4, 4, 1>::new(Config::new()).unwrap();
    for short in [0, 1, 100, lora.json_len() - 1] {
        let mut buffer = vec![7; short];
        assert_eq!(lora.write_json(&mut buffer), Err(Error::Buffer { needed: lora.json_len(), got: short }));
        assert!(buffer.iter().all(|byte| *byte == 7));
    }
    assert_eq!(MicroLora::<4, 4, 1>::zeroed().write_json(&mut [0; 999]), Err(Error::NotInitialised));
    assert_eq!(MicroLora::<4, 4, 1>::zeroed().load_json(GOLDEN), Err(Error::NotInitialised));
}

const DOC: &str = include_str!("../docs/state-format.md");

/// The first code block of a language in the format's specification.
fn block(language: &str) -> &'static str {
    let start = DOC.split_once(&format!("```{language}\n")).unwrap().1;
    start.split_once("```").unwrap().0
}

#[test]
fn the_example_in_the_documentation_loads() {
    let lora = MicroLora::<2, 1, 1>::from_json(block("json").trim().as_bytes(), 3).unwrap();
    assert_eq!((lora.pending(), lora.config().alpha, lora.config().cap), (1, 1.0, Config::CAP_OFF));
    assert_eq!((lora.lora_a(), lora.lora_b()), (&[0.5, -0.25][..], &[2.0][..]));
}

/// Runs a program on a state; it must print one line.
fn line_of(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: expected it to be installed, got {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "needs Python and Node: `cargo xtask state` runs it"]
fn python_and_javascript_read_and_reformat_a_state() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let state = "tests/state/v1.json";
    let expected = MicroLora::<8, 5, 3>::from_json(GOLDEN, 77).unwrap();
    let third_row = &expected.lora_a()[16..];

    let python = format!("{}\nprint(json.dumps(rows_of_a[2]))", block("python"));
    let javascript = format!(
        "const text = require('fs').readFileSync(process.argv[1], 'utf8');\n{}\n\
         console.log(JSON.stringify(Array.from(rowsOfA[2])));",
        block("javascript")
    );
    for line in [line_of("python3", &["-c", &python, state]), line_of("node", &["-e", &javascript, state])] {
        assert_eq!(serde_json::from_str::<Vec<f32>>(&line).unwrap(), third_row);
    }

    let spaced = folder.join("spaced.json");
    let reformat =
        "import json, sys; json.dump(json.load(open(sys.argv[1])), open(sys.argv[2], 'w'), indent=3)";
    line_of("python3", &["-c", reformat, state, spaced.to_str().unwrap()]);
    let escaped = folder.join("escaped.json");
    let reformat = "const fs = require('fs'); const state = JSON.parse(fs.readFileSync(process.argv[1]));\n\
                    fs.writeFileSync(process.argv[2], JSON.stringify(state, null, '\\t').replaceAll('/', '\\\\/'));";
    line_of("node", &["-e", reformat, state, escaped.to_str().unwrap()]);
    for file in [spaced, escaped] {
        let json = std::fs::read(file).unwrap();
        assert_ne!(json, GOLDEN);
        assert!(MicroLora::<8, 5, 3>::from_json(&json, 77).unwrap() == expected);
    }
}
