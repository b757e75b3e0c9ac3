//! Saving and loading the companions of an adapter: a ring of lists, and a holdback.

mod common;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use common::Noise;
use micro_lora::{
    Clicks, Config, Error, Holdback, Learn, Listwise, Memory, MemoryLayout, MicroLora, Replay, Result,
    Sample, Serving, StepKind, no_vectors,
};
use serde_json::Value;

type Lora = MicroLora<3, 2, 2>;
type Ring = Replay<3, 2, 4, 5>;

const MODEL: u32 = 7;

/// A list, every third one with a base.
fn learn(lora: &mut Lora, ring: &mut Ring, noise: &mut Noise, event: u32) {
    let (x, base, rows) = (noise.unit(3), noise.unit(2), noise.vec(6));
    let rows = if event.is_multiple_of(3) { &rows[..4] } else { &rows[..] };
    let clicks: Vec<f32> = (0..rows.len() / 2).map(|i| (i as u32 == event % 2).into()).collect();
    let sample = Sample::new(&x).with_base(&base);
    ring.view().learn(lora, sample, Listwise::new(rows, &clicks), 0.01).unwrap();
}

fn ring_of(events: u32) -> (Lora, Ring) {
    let (mut lora, mut ring) =
        (Lora::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap(), Ring::new());
    let noise = &mut Noise(3);
    (0..events).for_each(|event| learn(&mut lora, &mut ring, noise, event));
    (lora, ring)
}

fn save(ring: &mut Ring) -> Vec<u8> {
    let mut json = vec![0; Ring::JSON_MAX];
    let len = ring.view().write_json(&mut json, MODEL).unwrap();
    json.truncate(len);
    json
}

fn load(json: &[u8]) -> Result<Ring> {
    let mut ring = ring_of(2).1;
    let before = ring.clone();
    let loaded = ring.view().load_json(json, MODEL);
    assert!(loaded.is_ok() || ring == before, "refused, and yet changed");
    loaded.map(|()| ring)
}

fn holdback_of(events: u32) -> Holdback {
    let mut holdback = Holdback::new();
    for event in 0..events {
        holdback.is_due();
        let mut shown = [0; 4];
        holdback.interleave(&[1, 2, 3, 4], &[4, 1, 5, 6], &mut shown).unwrap();
        holdback.record_clicks(&shown.map(|id| if id == 4 && event % 7 > 0 { 1.0 } else { 0.0 })).unwrap();
    }
    holdback
}

fn save_holdback(holdback: &Holdback) -> Vec<u8> {
    let mut json = vec![0; Holdback::JSON_MAX];
    let len = holdback.write_json(&mut json).unwrap();
    json.truncate(len);
    json
}

#[test]
fn a_ring_saved_at_any_event_goes_on_with_the_same_bits() {
    let (mut lora, mut ring) = ring_of(0);
    let (mut other_lora, mut other) = (lora.clone(), ring.clone());
    let noises = &mut [Noise(3), Noise(3)];
    for event in 0..12 {
        other = load(&save(&mut other)).unwrap();
        assert_eq!(save(&mut other), save(&mut ring), "event {event}");
        learn(&mut lora, &mut ring, &mut noises[0], event);
        learn(&mut other_lora, &mut other, &mut noises[1], event);
        assert!(lora == other_lora, "event {event}");
    }
    assert_eq!(ring.len(), 5);
}

#[test]
fn a_holdback_saved_at_any_event_goes_on_with_the_same_bits() {
    for events in [0, 1, 19, 20, 50, 500] {
        let mut holdback = holdback_of(events);
        let mut restored = Holdback::from_json(&save_holdback(&holdback)).unwrap();
        assert_eq!(restored, holdback);
        for _ in 0..20 {
            assert_eq!(restored.next(), holdback.next());
            let quality = if holdback.next() == Serving::Base { 0.2 } else { 0.9 };
            restored.next();
            holdback.record(quality).unwrap();
            restored.record(quality).unwrap();
        }
        assert_eq!(restored, holdback);
    }
    assert!(holdback_of(50).is_applied());
}

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap()
}

/// A document's text with a correct checksum, computed without this crate.
fn sealed(mut json: Value, integers: &[&str], texts: &[&str]) -> Vec<u8> {
    let mut crc = crc32fast::Hasher::new();
    for name in integers {
        crc.update(&(json[name].as_u64().unwrap() as u32).to_le_bytes());
    }
    for name in texts {
        crc.update(&BASE64_STANDARD.decode(json[name].as_str().unwrap()).unwrap());
    }
    json["crc32"] = crc.finalize().into();
    serde_json::to_vec(&json).unwrap()
}

const RING: (&[&str], &[&str]) = (
    &["version", "model_id", "in_features", "out_features", "list", "capacity", "len", "next", "turn"],
    &["entries", "scales", "weights", "inputs", "candidates"],
);
const HOLDBACK: (&[&str], &[&str]) =
    (&["version", "since", "serving", "applied", "events", "coin", "shown"], &["teams", "means"]);

#[test]
fn the_documents_are_what_the_page_says() {
    let mut ring = ring_of(3).1;
    let json = parsed(&save(&mut ring));
    assert_eq!(json["format"], "micro-lora-replay");
    assert_eq!(json["len"], 3);
    // Fields in another order, with white space: the same ring.
    let text = serde_json::to_vec_pretty(&parsed(&sealed(json.clone(), RING.0, RING.1))).unwrap();
    assert_eq!(save(&mut load(&text).unwrap()), save(&mut ring));
    let bytes = |name: &str| BASE64_STANDARD.decode(json[name].as_str().unwrap()).unwrap();
    let float = |bytes: &[u8]| f32::from_le_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(bytes("entries").len(), 3 * 16);
    assert_eq!(&bytes("entries")[8..16], &[2, 0, 0, 0, 1, 0, 0, 0], "two candidates and a base");
    assert_eq!(float(&bytes("entries")[4..]), 0.1);
    assert_eq!((bytes("scales").len(), bytes("weights").len()), (3 * 4 * 4, 3 * 4 * 4));
    assert_eq!((bytes("inputs").len(), bytes("candidates").len()), (12, 24), "9 codes and zeros; 24");
    assert_eq!(bytes("inputs")[9..], [0; 3]);
    // Int8 rounds the first input by at most 1/254 of its largest value.
    let (input, scale) = (Noise(3).unit(3), float(&bytes("entries")));
    for (value, code) in input.iter().zip(bytes("inputs")) {
        assert!((value - f32::from(code.cast_signed()) * scale).abs() <= 0.51 * scale);
    }

    let holdback = holdback_of(50);
    let json = parsed(&save_holdback(&holdback));
    assert_eq!((&json["format"], &json["events"]), (&"micro-lora-holdback".into(), &50.into()));
    let text = sealed(json, HOLDBACK.0, HOLDBACK.1);
    assert_eq!(Holdback::from_json(&text), Ok(holdback));
}

#[test]
fn version_one_always_loads() {
    // Written by the first version that could save it, and never regenerated.
    let ring: &[u8] = include_bytes!("state/replay-v1.json");
    assert_eq!(save(&mut load(ring).unwrap()), ring);
    let (mut lora, mut loaded) = (ring_of(8).0, load(ring).unwrap());
    assert_eq!(loaded.view().rehearse(&mut lora, 0.01, 5), Ok(5));
    let holdback: &[u8] = include_bytes!("state/holdback-v1.json");
    let loaded = Holdback::from_json(holdback).unwrap();
    assert_eq!(save_holdback(&loaded), holdback);
    assert_eq!(loaded.report().to_string(), "applied: better than without, 50 events");
}

#[test]
fn the_longest_texts_have_room_and_less_room_is_refused() {
    let mut json = parsed(&save(&mut ring_of(9).1));
    // Ten digits each, the most that an integer can get.
    let digits: usize = RING.0.iter().chain(&["crc32"]).map(|name| json[name].to_string().len()).sum();
    assert_eq!(save(&mut ring_of(9).1).len() - digits + 9 * 10 + 1, Ring::JSON_MAX);
    json = parsed(&save_holdback(&holdback_of(50)));
    let digits: usize = HOLDBACK.0.iter().chain(&["crc32"]).map(|name| json[name].to_string().len()).sum();
    assert_eq!(save_holdback(&holdback_of(50)).len() - digits + 7 * 10 + 1, Holdback::JSON_MAX);

    let (mut ring, needed) = (ring_of(9).1, save(&mut ring_of(9).1).len());
    let mut short = vec![b'#'; needed - 1];
    let refused = ring.view().write_json(&mut short, MODEL);
    assert_eq!(refused, Err(Error::Buffer { needed, got: needed - 1 }));
    assert!(short.iter().all(|byte| *byte == b'#'));
}

#[test]
fn what_is_no_saved_ring_is_refused() {
    let text = String::from_utf8(save(&mut ring_of(3).1)).unwrap();
    let edit = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        text.replacen(from, to, 1)
    };
    let says = |text: &str| load(text.as_bytes()).expect_err(text).to_string();
    let well_formed = |got: &str| format!("JSON: expected a well-formed text, got {got}");
    assert_eq!(says(&text[..text.len() - 1]), well_formed("the end of the text"));
    assert_eq!(says(&format!("{text}x")), well_formed("something after the end"));
    assert_eq!(says(&edit("\"len\":3,", "")), well_formed("too few fields"));
    assert_eq!(
        says(&edit("\"len\":3", "\"len\":3,\"len\":3")),
        well_formed("something twice that may be there once")
    );
    assert_eq!(says(&edit("\"len\"", "\"zzz\"")), well_formed("a field that no ring has"));
    assert_eq!(says(&edit("-replay", "")), "format: expected \"micro-lora-replay\", got another");
    assert_eq!(says(&edit("\"version\":1", "\"version\":2")), "version: expected 1, got 2");
    for (name, here, there) in [
        ("model_id", 7, 8),
        ("in_features", 3, 4),
        ("out_features", 2, 3),
        ("list", 4, 3),
        ("capacity", 5, 6),
    ] {
        let text = edit(&format!("\"{name}\":{here}"), &format!("\"{name}\":{there}"));
        assert_eq!(says(&text), format!("{name}: expected {here}, got {there}"));
    }
    assert!(says(&edit("\"turn\":1", "\"turn\":2")).starts_with("state: expected the checksum "));
    assert_eq!(
        says(&edit("\"scales\":\"", "\"scales\":\"AAAA")),
        "scales: expected the base64 of 12 values, got something else"
    );
    let holdback = String::from_utf8(save_holdback(&holdback_of(1))).unwrap();
    assert_eq!(says(&holdback), "format: expected \"micro-lora-replay\", got another");
    let error = Holdback::from_json(text.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "format: expected \"micro-lora-holdback\", got another");
}

/// A text with one f32, u32 or code replaced, and a correct checksum.
fn replaced(json: &Value, fields: (&[&str], &[&str]), name: &str, at: usize, with: &[u8]) -> Vec<u8> {
    let mut json = json.clone();
    let mut bytes = BASE64_STANDARD.decode(json[name].as_str().unwrap()).unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    json[name] = BASE64_STANDARD.encode(bytes).into();
    sealed(json, fields.0, fields.1)
}

#[test]
fn values_that_no_ring_has_are_refused_under_a_right_checksum() {
    let json = parsed(&save(&mut ring_of(3).1));
    for (name, value, says) in [
        ("len", 6, "len: expected 0 to 5, got 6"),
        ("next", 2, "next: expected 3 to 3, got 2"),
        ("turn", 4, "turn: expected 0 to 3, got 4"),
    ] {
        let mut json = json.clone();
        json[name] = value.into();
        let error = load(&sealed(json, RING.0, RING.1)).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
    let nan = f32::NAN.to_le_bytes();
    for (name, at, with, says) in [
        ("entries", 0, &nan[..], "entries: expected 0 to 26793"),
        ("entries", 4, &0f32.to_le_bytes(), "entries: expected 0.001 to 1000, got 0"),
        ("entries", 8, &[1], "entries: expected 2 to 3, got 1"),
        ("entries", 8, &[4], "entries: expected 2 to 3, got 4"),
        ("entries", 12, &[2], "entries: expected 2 to 2, got 2"),
        ("scales", 4, &(-1f32).to_le_bytes(), "scales: expected 0 to 26793"),
        ("weights", 0, &2e6f32.to_le_bytes(), "weights: expected 0 to 1000000, got 2000000"),
        ("inputs", 0, &[0x80], "inputs: expected -127 to 127, got -128"),
        ("inputs", 9, &[1], "inputs: expected 0 to 0, got 1"),
    ] {
        let error = load(&replaced(&json, RING, name, at, with)).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}, not {says}");
    }
}

#[test]
fn values_that_no_holdback_has_are_refused_under_a_right_checksum() {
    let json = parsed(&save_holdback(&holdback_of(50)));
    for (name, value, says) in [
        ("serving", 2, "serving: expected 0 to 1, got 2"),
        ("applied", 2, "applied: expected 0 to 1, got 2"),
        ("coin", 0, "coin: expected 1 to 4294967295, got 0"),
        ("shown", 65, "shown: expected 0 to 64, got 65"),
    ] {
        let mut json = json.clone();
        json[name] = value.into();
        let error = Holdback::from_json(&sealed(json, HOLDBACK.0, HOLDBACK.1)).unwrap_err();
        assert_eq!(error.to_string(), says);
    }
    for at in [4, 8, 12, 16, 20, 28, 52] {
        let error = Holdback::from_json(&replaced(&json, HOLDBACK, "means", at, &f32::NAN.to_le_bytes()));
        assert!(matches!(error, Err(Error::OutOfRange { what: "means", .. })), "{at}: {error:?}");
    }
    // A zero sum of weights would be a division by zero.
    let error = Holdback::from_json(&replaced(&json, HOLDBACK, "means", 4, &[0; 4]));
    assert!(matches!(error, Err(Error::OutOfRange { what: "means", .. })), "{error:?}");
}

/// Every flipped bit, every deleted or doubled byte, every prefix: refused, or the same state.
fn corrupt(json: &[u8], is_same: impl Fn(&[u8]) -> Option<bool>) {
    let (mut refused, mut harmless) = (0, 0);
    let mut try_one = |corrupt: &[u8], what: &str, at: usize| match is_same(corrupt) {
        None => refused += 1,
        Some(true) => harmless += 1,
        Some(false) => panic!("{what} {at}: loaded, and different"),
    };
    for bit in 0..json.len() * 8 {
        let mut flipped = json.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        try_one(&flipped, "bit", bit);
    }
    for at in 0..json.len() {
        try_one(&json[..at], "cut at", at);
        try_one(&[&json[..at], &json[at + 1..]].concat(), "deleted", at);
        try_one(&[&json[..=at], &json[at..]].concat(), "doubled", at);
    }
    assert!(refused > 10 * json.len() && harmless < 20, "{refused} refused, {harmless} harmless");
}

#[test]
fn no_corruption_of_a_saved_ring_goes_unnoticed() {
    let intact = save(&mut ring_of(7).1);
    corrupt(&intact, |json| Some(save(&mut load(json).ok()?) == intact));
}

#[test]
fn no_corruption_of_a_saved_holdback_goes_unnoticed() {
    let intact = holdback_of(50);
    corrupt(&save_holdback(&intact), |json| Some(Holdback::from_json(json).ok()? == intact));
}

#[test]
fn a_list_that_could_not_be_learned_from_is_not_remembered() {
    let mut ring = Ring::new();
    let (x, rows) = ([1.0; 3], [1.0, 0.0, 0.0, 1.0]);
    for (weights, temperature, says) in [
        ([0.0, -1.0], 0.1, "weights: expected 0 to 1000000, got -1"),
        ([0.0, 1.0], 0.0, "temperature: expected 0.001 to 1000, got 0"),
    ] {
        let list = Listwise::new(&rows, &weights).with_temperature(temperature);
        let sample = Sample::new(&x).with_base(&[1.0, 0.0]);
        assert_eq!(ring.view().push(sample, list).unwrap_err().to_string(), says);
    }
    assert!(ring.is_empty());
    let mut lora = Lora::new(Config::new().with_step(StepKind::Sgd)).unwrap();
    assert_eq!(ring.view().rehearse(&mut lora, 0.01, 1), Ok(0));
    lora.discard_pending();
}

#[test]
fn a_memory_whose_positions_lie_outside_is_refused() {
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    type Lists = Memory<{ LAYOUT.words(4) }, { LAYOUT.scratch() }>;
    let integers =
        ["version", "model_id", "in_features", "out_features", "list", "kinds", "capacity", "len", "turn"];
    let integers = [&integers[..], &["last"]].concat();
    let mut memory = Lists::new(LAYOUT).unwrap();
    let mut lora = MicroLora::<3, 3, 2>::new(Config::new().with_step(StepKind::Dual)).unwrap();
    let documents = [1.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0];
    memory
        .view()
        .learn(&mut lora, &[0.6, 0.8, 0.0], Clicks::on(&documents, &[0.0, 1.0]), 0.01, no_vectors)
        .unwrap();
    let mut json = vec![0; memory.view().header.json_max()];
    let len = memory.view().write_json(&mut json, MODEL).unwrap();
    let mut json = parsed(&json[..len]);
    let sections = ["lists", "mean"];
    assert_eq!(memory.view().load_json(&sealed(json.clone(), &integers, &sections), MODEL), Ok(()));
    let before = memory.view().words.to_vec();
    json["turn"] = 5.into();
    let refused = memory.view().load_json(&sealed(json, &integers, &sections), MODEL).unwrap_err();
    assert_eq!(refused.to_string(), "turn: expected 0 to 4, got 5");
    assert!(memory.len() == 1 && memory.view().words == before);
}

#[test]
fn a_memory_of_version_1_goes_on_with_the_weights_that_it_was_saved_with() {
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(8, 8, 4);
    const MODEL: u32 = 9;
    let saved: &[u8] = include_bytes!("state/memory-v1.json");
    let mut memory = Memory::<{ LAYOUT.words(6) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap();
    memory.view().load_json(saved, MODEL).unwrap();
    let mut again = vec![0; saved.len()];
    assert_eq!(memory.view().write_json(&mut again, MODEL), Ok(saved.len()));
    assert!(again == saved, "as it was, while nothing new is learned");

    let adapter: &[u8] = include_bytes!("state/memory-v1-adapter.json");
    let mut lora = MicroLora::<8, 8, 3>::from_json(adapter, MODEL).unwrap();
    let (mut noise, mut json) = (Noise(5), vec![0; memory.view().header.json_max()]);
    // Without "none of these" the dual variables of a list sum to 0.
    memory.view().settle(&mut lora, 50, no_vectors).unwrap();
    for list in memory.view().words.chunks(LAYOUT.words_per_list()).take(5) {
        let alphas: Vec<f32> = list[15..19].iter().map(|word| f32::from_bits(*word)).collect();
        assert!(alphas.iter().sum::<f32>().abs() < 1e-6 && alphas[0] != 0.0, "{alphas:?}");
    }
    let correction = |lora: &MicroLora<8, 8, 3>| lora.apply(&[0.4; 8]).unwrap();
    let before = correction(&lora);
    for _ in 0..2 {
        let (query, documents) = (noise.unit(8), [noise.unit(8), noise.unit(8)].concat());
        let list = Clicks::on(&documents, &[0.0, 1.0]);
        memory.view().learn(&mut lora, &query, list, 0.01, no_vectors).unwrap();
    }
    let len = memory.view().write_json(&mut json, MODEL).unwrap();
    assert!(json[..len].starts_with(br#"{"format":"micro-lora-memory","version":2,"#));
    // Lists of both kinds are taken out: what is left is the part of those that had left the memory before.
    for number in 16..=22 {
        memory.view().forget(&mut lora, number, no_vectors).unwrap();
    }
    assert!(memory.is_empty());
    let len = memory.view().write_json(&mut json, MODEL).unwrap();
    assert!(json[..len].starts_with(br#"{"format":"micro-lora-memory","version":1,"#));
    let mut other = Memory::<{ LAYOUT.words(6) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap();
    let mut alone = MicroLora::<8, 8, 3>::from_json(adapter, MODEL).unwrap();
    other.view().load_json(saved, MODEL).unwrap();
    for number in 15..=20 {
        other.view().forget(&mut alone, number, no_vectors).unwrap();
    }
    let norm = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>().sqrt();
    let (left, expected) = (correction(&lora), correction(&alone));
    let apart: Vec<f32> = left.iter().zip(&expected).map(|(x, y)| x - y).collect();
    assert!(norm(&before) > 1e-2, "the adapter has learned nothing");
    assert!(norm(&apart) < 0.1 * norm(&before), "{left:?} for {expected:?}");
}
