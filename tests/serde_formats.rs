//! Adapters, rings, holdbacks, settings and reports inside an application's own state, in four formats of serde.

mod common;

use std::fmt::Debug;
use std::io::Cursor;

use common::Noise;
use micro_lora::{
    Apply, Choice, Config, FrozenLora, Holdback, Learn, Listwise, MicroLora, Receipt, Replay, Sample,
    StateInfo, Stats, StepKind,
};
use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;
use serde::{Deserialize, Serialize};

type Lora = MicroLora<5, 3, 2>;
type Frozen = FrozenLora<5, 3, 2>;
type Ring = Replay<3, 3, 4, 5>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Json,
    Postcard,
    Cbor,
    MessagePack,
    MessagePackWithNames,
}

use Format::{Cbor, Json, MessagePack, MessagePackWithNames, Postcard};

const FORMATS: [Format; 5] = [Json, Postcard, Cbor, MessagePack, MessagePackWithNames];

impl Format {
    fn write(self, value: &impl Serialize) -> Vec<u8> {
        match self {
            Json => serde_json::to_vec(value).unwrap(),
            Postcard => postcard::to_stdvec(value).unwrap(),
            Cbor => {
                let mut bytes = vec![];
                ciborium::into_writer(value, &mut bytes).unwrap();
                bytes
            }
            MessagePack => rmp_serde::to_vec(value).unwrap(),
            MessagePackWithNames => rmp_serde::to_vec_named(value).unwrap(),
        }
    }

    fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, String> {
        match self {
            Json => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
            Postcard => postcard::from_bytes(bytes).map_err(|error| error.to_string()),
            Cbor => {
                let mut rest = bytes;
                let value = ciborium::from_reader(&mut rest).map_err(|error| error.to_string())?;
                if rest.is_empty() { Ok(value) } else { Err("something after the end".to_owned()) }
            }
            MessagePack | MessagePackWithNames => {
                let mut rest = Cursor::new(bytes);
                let value = rmp_serde::from_read(&mut rest).map_err(|error| error.to_string())?;
                if rest.position() == bytes.len() as u64 {
                    Ok(value)
                } else {
                    Err("something after the end".to_owned())
                }
            }
        }
    }
}

fn trained(pending: bool) -> Lora {
    let mut lora = Lora::new(
        Config::new()
            .with_step(StepKind::ScaledGradientV2)
            .with_seed(5)
            .with_model_id(9)
            .with_cap(Config::CAP_OFF),
    )
    .unwrap();
    let noise = &mut Noise(77);
    for _ in 0..20 {
        lora.adapt_gradient(&noise.vec(5), &noise.vec(3)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    if pending {
        lora.adapt_gradient(&noise.vec(5), &noise.vec(3)).unwrap();
    }
    lora
}

/// With a bias, sums over lists, and one list pending.
fn dual() -> Lora {
    let mut lora = Lora::new(Config::new().with_step(StepKind::Dual).with_model_id(9)).unwrap();
    let noise = &mut Noise(5);
    for list in 0..6 {
        let (x, base, rows) = (noise.unit(5), noise.unit(3), noise.vec(9));
        lora.adapt_choice(Sample::new(&x).with_base(&base), Choice::click(&rows, 1)).unwrap();
        if list < 5 {
            lora.apply_updates(0.01).unwrap();
        }
    }
    lora
}

fn ring_of(lists: u32) -> Ring {
    let (mut ring, noise) = (Ring::new(), &mut Noise(3));
    for list in 0..lists {
        let (x, base, rows) = (noise.unit(3), noise.unit(3), noise.vec(9));
        let clicks = [0, 1, 2].map(|row| if row == list % 3 { 1.0 } else { 0.0 });
        ring.view().push(Sample::new(&x).with_base(&base), Listwise::new(&rows, &clicks)).unwrap();
    }
    ring
}

fn holdback() -> Holdback {
    let mut holdback = Holdback::new();
    for event in 0..50u16 {
        holdback.next();
        holdback.record(f32::from(event % 7) / 7.0).unwrap();
        holdback.interleave(&[1, 2, 3], &[3, 1, 2], &mut [0; 3]).unwrap();
    }
    holdback
}

/// Writes and reads it in every format.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    for format in FORMATS {
        let bytes = format.write(value);
        assert!(format.read::<T>(&bytes).as_ref() == Ok(value), "{format:?}");
    }
    // Through a tree of values, whose names come sorted.
    let tree = serde_json::to_value(value).unwrap();
    assert!(serde_json::from_value::<T>(tree).unwrap() == *value);
}

#[test]
fn everything_comes_back_in_every_format() {
    for pending in [false, true] {
        let lora = trained(pending);
        round_trip(&lora);
        for format in FORMATS {
            let frozen: Frozen = format.read(&format.write(&lora)).unwrap();
            assert_eq!((frozen.pending(), frozen.lora_a()), (0, lora.lora_a()), "{format:?}");
            let again: Frozen = format.read(&format.write(&frozen)).unwrap();
            assert_eq!(again.lora_b(), lora.lora_b());
            assert_eq!(again.stats().norm_delta_weight, lora.stats().norm_delta_weight);
        }
        round_trip(&lora.stats());
        round_trip(&lora.config());
    }
    round_trip(&dual());
    for lists in [0, 1, 4, 9] {
        round_trip(&ring_of(lists));
    }
    round_trip(&holdback());
    round_trip(&Config::new().with_step(StepKind::Sgd).with_rslora(true));
    round_trip(&Holdback::new());
    let mut lora = trained(false);
    round_trip(&lora.apply_updates(0.01).unwrap());
    round_trip(&lora.adapt_gradient(&[0.1; 5], &[0.2; 3]).unwrap());
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    round_trip(&StateInfo::peek(&json).unwrap());
}

#[test]
fn what_a_human_reads_is_the_document_of_write_json() {
    let lora = dual();
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    assert_eq!(Json.write(&lora), json);
    let lora = trained(true);
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    assert_eq!(Json.write(&lora), json);
    // And in the other direction, with the generation.
    let loaded = Lora::from_json(&json, 9).unwrap();
    assert_eq!(Json.read::<Lora>(&json).unwrap().generation(), loaded.generation());
    let mut ring = ring_of(4);
    let mut json = vec![0; Ring::JSON_MAX];
    let len = ring.view().write_json(&mut json, 0).unwrap();
    assert_eq!(Json.write(&ring), json[..len]);
    let mut json = [0; Holdback::JSON_MAX];
    let len = holdback().write_json(&mut json).unwrap();
    assert_eq!(Json.write(&holdback()), json[..len]);
}

#[test]
fn binary_formats_hold_bytes_and_not_base64() {
    let lora = MicroLora::<64, 64, 4>::new(Config::new()).unwrap();
    let weights = 4 * 4 * 128;
    for format in [Postcard, Cbor, MessagePack, MessagePackWithNames] {
        let len = format.write(&lora).len();
        assert!((weights..weights + 400).contains(&len), "{format:?}: {len} bytes");
        assert!(Format::write(format, &ring_of(5)).len() < 700);
    }
}

/// Some writers have no bytes, only sequences of numbers.
#[test]
fn sections_may_be_sequences_of_numbers() {
    let read = |change: fn(&mut Vec<ciborium::Value>)| {
        let mut tree = ciborium::Value::serialized(&trained(true)).unwrap();
        let mut sections = 0;
        for (name, value) in tree.as_map_mut().unwrap() {
            let Some(bytes) = value.as_bytes() else { continue };
            let mut numbers = bytes.iter().map(|byte| ciborium::Value::from(*byte)).collect();
            if name.as_text() == Some("lora_a") {
                change(&mut numbers);
            }
            *value = ciborium::Value::Array(numbers);
            sections += 1;
        }
        assert!(sections >= 4, "{sections} sections");
        Cbor.read::<Lora>(&Cbor.write(&tree))
    };
    assert!(read(|_| ()).unwrap() == trained(true));
    for (change, message) in [
        (
            (|numbers| drop(numbers.pop())) as fn(&mut Vec<ciborium::Value>),
            "lora_a: expected a well-formed text, got bytes",
        ),
        (|numbers| numbers.push(0.into()), "lora_a: expected a well-formed text, got bytes"),
        (|numbers| numbers.truncate(numbers.len() - 4), "lora_a: expected 10 values, got 9"),
        (
            |numbers| numbers.extend([0, 0, 0, 0].map(ciborium::Value::from)),
            "lora_a: expected a well-formed text, got more",
        ),
    ] {
        let error = read(change).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn only_the_codes_of_a_ring_may_end_within_a_word() {
    let read = |name: &str, change: fn(&mut Vec<u8>)| {
        let mut tree = ciborium::Value::serialized(&ring_of(2)).unwrap();
        let fields = tree.as_map_mut().unwrap();
        let section = fields.iter_mut().find(|(key, _)| key.as_text() == Some(name)).unwrap();
        change(section.1.as_bytes_mut().unwrap());
        Cbor.read::<Ring>(&Cbor.write(&tree)).unwrap_err()
    };
    for (name, is_of_bytes) in
        [("entries", false), ("scales", false), ("weights", false), ("inputs", true), ("candidates", true)]
    {
        let cut = read(name, |bytes| bytes.truncate(bytes.len() - 1));
        assert_eq!(cut.contains("no whole values"), !is_of_bytes, "{name}: {cut}");
        let longer = read(name, |bytes| bytes.extend([0; 4]));
        assert!(longer.contains(name), "{name}: {longer}");
    }
}

/// Every flipped bit, every removed or doubled byte, every truncation: refused, or the same state.
fn damage<T: Serialize + DeserializeOwned + PartialEq>(value: &T) {
    for format in FORMATS {
        let bytes = format.write(value);
        let mut refused = 0;
        let mut try_one = |damaged: &[u8], what: &str, at: usize| match format.read::<T>(damaged) {
            Err(_) => refused += 1,
            Ok(read) => assert!(read == *value, "{format:?}: {what} {at}: read, and different"),
        };
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            try_one(&flipped, "bit", bit);
        }
        for at in 0..bytes.len() {
            try_one(&bytes[..at], "cut at", at);
            try_one(&[&bytes[..at], &bytes[at + 1..]].concat(), "removed", at);
            try_one(&[&bytes[..=at], &bytes[at..]].concat(), "doubled", at);
        }
        assert!(refused > 10 * bytes.len(), "{format:?}: {refused} of {} refused", 11 * bytes.len());
    }
}

#[test]
fn no_damage_to_an_adapter_goes_unnoticed() {
    damage(&trained(true));
    damage(&dual());
}

#[test]
fn no_damage_to_a_ring_goes_unnoticed() {
    damage(&ring_of(4));
}

#[test]
fn no_damage_to_a_holdback_goes_unnoticed() {
    damage(&holdback());
}

#[test]
fn refusals_say_what_was_expected_and_what_came() {
    let text = String::from_utf8(Json.write(&trained(true))).unwrap();
    let says = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Json.read::<Lora>(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    for (from, to, message) in [
        ("micro-lora", "other", "format: expected \"micro-lora\", got another"),
        ("\"version\":1", "\"version\":9", "version: expected 2, got 9"),
        ("\"rank\":2", "\"rank\":3", "rank: expected 2, got 3"),
        ("\"rank\":2,", "", "state: expected a well-formed text, got too few fields"),
        ("\"rank\":2", "\"rank\":2,\"rank\":2", "got something twice that may be there once"),
        ("\"rank\"", "\"range\"", "got a field that no state has"),
        ("\"updates\":20", "\"updates\":21", "state: expected the checksum "),
        ("\"lora_a\":\"", "\"lora_a\":\"*", "lora_a: expected the base64 of "),
        ("\"lora_a\":\"", "\"lora_a\":\"AAAA", "lora_a: expected "),
        ("\"pending\":1", "\"pending\":0", "grad_a: expected 0 values, got 10"),
    ] {
        let error = says(from, to);
        assert!(error.contains(message), "{to}: {error}");
    }
    let other = MicroLora::<4, 3, 2>::new(Config::new()).unwrap();
    for format in FORMATS {
        assert!(format.read::<Lora>(&format.write(&other)).is_err(), "{format:?}");
        assert!(format.read::<Holdback>(&format.write(&other)).is_err(), "{format:?}");
    }
    let ring = String::from_utf8(Json.write(&ring_of(2))).unwrap();
    let error = Json.read::<Ring>(ring.replace("\"model_id\":0", "\"model_id\":7").as_bytes()).unwrap_err();
    assert!(error.contains("model_id: expected 0, got 7"), "{error}");
    assert!(serde_json::to_string(&Lora::zeroed()).unwrap_err().to_string().contains("init"));
}

/// The JSON with a changed value of one field, which a check must refuse.
fn assert_checked<T: Serialize + DeserializeOwned>(value: &T, cases: &[(&str, serde_json::Value, &str)]) {
    for (field, bad, message) in cases {
        let mut tree = serde_json::to_value(value).unwrap();
        assert!(tree.get(field).is_some(), "{field} in {tree}");
        tree[field] = bad.clone();
        let error = serde_json::from_value::<T>(tree).err().expect(field).to_string();
        assert!(error.contains(message), "{field}: {error}");
    }
    let mut tree = serde_json::to_value(value).unwrap();
    tree["zzz"] = 1.into();
    assert!(serde_json::from_value::<T>(tree).err().expect("an unknown field").to_string().contains("zzz"));
}

#[test]
fn settings_and_reports_are_held_to_their_ranges() {
    let mut lora = trained(true);
    assert_checked(
        &Config::new().with_step(StepKind::ScaledGradientV2),
        &[
            ("alpha", (-1.0).into(), "alpha: expected "),
            ("cap", 0.0.into(), "cap: expected "),
            ("decay", 0.75.into(), "decay: expected 0 to 0.5, got 0.75"),
            ("step", 77.into(), "expected the number of a step"),
            ("seed", (-1).into(), "u32"),
        ],
    );
    assert_eq!(serde_json::to_value(lora.config()).unwrap()["cap"], serde_json::Value::Null);
    assert_checked::<Stats>(
        &lora.stats(),
        &[("mean_quality", 1.5.into(), "mean_quality: expected 0 to 1, got 1.5")],
    );
    assert_checked::<Receipt>(
        &lora.apply_updates(0.01).unwrap(),
        &[
            ("guard", (-0.5).into(), "guard: expected 0 to 1, got -0.5"),
            ("outcome", 99.into(), "expected the number of an outcome"),
        ],
    );
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    assert_checked(
        &StateInfo::peek(&json).unwrap(),
        &[
            ("rank", 5.into(), "rank: expected 1 to 4, got 5"),
            ("train_bytes", 1.into(), "train_bytes: expected "),
        ],
    );
}

#[test]
fn a_value_of_another_kind_is_told_what_was_expected() {
    let says = |value: serde_json::Value| serde_json::from_value::<Lora>(value).unwrap_err().to_string();
    let document = serde_json::to_value(trained(false)).unwrap();
    assert_eq!(says(5.into()), "invalid type: integer `5`, expected a document of the format micro-lora");
    for (field, expected) in [("format", "the format micro-lora"), ("lora_a", "base64")] {
        let mut changed = document.clone();
        changed[field] = 5.into();
        assert_eq!(says(changed), format!("invalid type: integer `5`, expected {expected}"));
    }
    let names = MapDeserializer::<_, serde::de::value::Error>::new([(true, 1u32)].into_iter());
    let error = Lora::deserialize(names).unwrap_err().to_string();
    assert!(error.contains("expected the name of a field"), "{error}");
}

#[test]
fn an_application_keeps_its_adapter_in_its_own_state() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Application {
        user: String,
        lora: Lora,
        ring: Ring,
        holdback: Holdback,
    }
    round_trip(&Application {
        user: "u".to_owned(),
        lora: trained(true),
        ring: ring_of(3),
        holdback: holdback(),
    });
}

#[test]
fn fields_of_a_later_version_are_refused_wherever_the_version_stands() {
    let one = serde_json::to_value(trained(true)).unwrap();
    let (mut integer, mut section) = (one.clone(), one);
    integer["lists"] = 0.into();
    section["bias"] = "".into();
    for document in [integer, section] {
        let text = document.to_string();
        assert!(text.find("\"bias\"").or(text.find("\"lists\"")) < text.find("\"version\":1"), "{text}");
        let error = Json.read::<Lora>(text.as_bytes()).unwrap_err();
        assert!(error.contains("a field that no state has"), "{error}");
        let error = Lora::from_json(text.as_bytes(), 9).unwrap_err().to_string();
        assert_eq!(error, "JSON: expected a well-formed text, got a field that no state has");
    }
}

#[test]
fn a_backslash_in_a_text_that_is_unescaped_already_is_refused() {
    let text = String::from_utf8(Json.write(&trained(true))).unwrap();
    let (before, after) = text.split_once("\"lora_b\":\"").unwrap();
    assert!(after.split('"').next().unwrap().contains('/'), "{after}");
    let with = |slash: &str| format!("{before}\"lora_b\":\"{}", after.replacen('/', slash, 1));
    // As JSON may escape it, and as it then is one that somebody wrote.
    assert!(Json.read::<Lora>(with("\\/").as_bytes()).unwrap() == trained(true));
    let error = Json.read::<Lora>(with("\\\\/").as_bytes()).unwrap_err();
    assert!(error.contains("lora_b: expected the base64 of "), "{error}");
}
