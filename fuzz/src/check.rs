//! What must hold when an adapter is loaded or saved.

use std::borrow::Cow;

use micro_lora::{Apply, Config, Error, FrozenLora, Learn, MicroLora, Result, StateInfo};

use super::common::{HeapLora, Noise};
use super::compare::{assert_describes, assert_unchanged, bits, same_stats, sound};
use super::life::Life;
use super::ops::Op;
use super::source::{Shape, Source};

/// The largest size for which an adapter is made to load a fuzzed state.
const MAX_FEATURES: usize = 64;

/// The size of the adapter that loads a state without readable sizes.
const FALLBACK: Shape = Shape { in_features: 3, out_features: 2, rank: 2 };
type Fallback = MicroLora<{ FALLBACK.in_features }, { FALLBACK.out_features }, { FALLBACK.rank }>;
type Frozen = FrozenLora<{ FALLBACK.in_features }, { FALLBACK.out_features }, { FALLBACK.rank }>;

pub fn save(lora: &impl Apply) -> Vec<u8> {
    let mut json = vec![b'#'; lora.json_len()];
    assert_eq!(lora.write_json(&mut json), Ok(json.len()));
    json
}

/// A saved state without its generation, which every load raises, and without the checksum over it.
pub fn without_generation(json: &[u8]) -> (&[u8], &[u8]) {
    let at = |key: &[u8]| json.windows(key.len()).position(|window| window == key).expect("a saved state");
    (&json[..at(b",\"generation\":")], &json[at(b",\"scalars\":")..])
}

/// An adapter of the same size and model that is different in everything else.
pub fn stranger(shape: Shape, model_id: u32) -> HeapLora {
    thread_local! {
        static COMMON: HeapLora = make_stranger(FALLBACK, 0);
    }
    // Most texts have this size and model, and to train one anew takes longer than to load them.
    if (shape, model_id) == (FALLBACK, 0) {
        COMMON.with(HeapLora::clone)
    } else {
        make_stranger(shape, model_id)
    }
}

fn make_stranger(shape: Shape, model_id: u32) -> HeapLora {
    let config = Config::new().with_model_id(model_id).with_seed(3).with_alpha(1.0);
    let mut lora = HeapLora::new(shape.in_features, shape.out_features, shape.rank, &config);
    let noise = &mut Noise(8);
    for _ in 0..2 {
        lora.adapt_gradient(&noise.vec(shape.in_features), &noise.vec(shape.out_features)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora.adapt_gradient(&noise.vec(shape.in_features), &noise.vec(shape.out_features)).unwrap();
    lora
}

/// Saves and loads, with the same bits; returns what was loaded.
pub fn reload(lora: &HeapLora) -> HeapLora {
    let shape = Life::from_adapter(lora.clone()).shape();
    let json = save(lora);
    let mut restored = stranger(shape, lora.config().model_id);
    let own = restored.generation();
    restored.load_json(&json).expect("an adapter's own state");
    assert_eq!(restored.generation(), own.max(lora.generation()).saturating_add(1));
    assert!(without_generation(&save(&restored)) == without_generation(&json), "another state came back");
    assert!(same_stats(&restored.stats(), &lora.stats()));
    restored
}

/// Loads a text with its checksum corrected first, so that a mutation reaches the code behind the check. Under
/// `cfg(fuzzing)` the library ignores the checksum; in the replay it does not.
pub fn load<'t>(lora: &mut HeapLora, text: &'t [u8]) -> (Result<()>, Cow<'t, [u8]>) {
    let result = lora.load_json(text);
    if let Err(Error::Checksum { got, .. }) = result {
        let text = with_checksum(text, got);
        return (lora.load_json(&text), text.into());
    }
    (result, text.into())
}

fn with_checksum(text: &[u8], crc: u32) -> Vec<u8> {
    let key = b"\"crc32\"";
    let after_key =
        text.windows(key.len()).position(|window| window == key).expect("it was read") + key.len();
    let value = after_key + text[after_key..].iter().position(u8::is_ascii_digit).expect("it was read");
    let end = value + text[value..].iter().position(|byte| !byte.is_ascii_digit()).expect("a brace follows");
    [&text[..value], crc.to_string().as_bytes(), &text[end..]].concat()
}

/// The size and model of a saved state, if they can be read.
pub fn shape_of(text: &[u8]) -> Option<(Shape, u32)> {
    let info = StateInfo::peek(text).ok()?;
    let small = info.in_features <= MAX_FEATURES && info.out_features <= MAX_FEATURES;
    let shape = Shape { in_features: info.in_features, out_features: info.out_features, rank: info.rank };
    small.then_some((shape, info.model_id))
}

pub fn loading(text: &[u8]) {
    let peeked = shape_of(text);
    let (shape, model_id) = peeked.unwrap_or((FALLBACK, 0));
    let before = stranger(shape, model_id);
    let mut lora = before.clone();
    let (result, text) = load(&mut lora, text);
    match &result {
        Err(error) => {
            assert_unchanged(&lora, &before);
            assert_describes(error);
        }
        Ok(()) => {
            assert!(peeked.is_some(), "loaded what cannot be peeked at");
            sound(&lora);
            reload(&lora);
            live_on(lora.clone());
        }
    }
    if shape == FALLBACK {
        compare_owners(&text, model_id, result.is_ok().then_some(&lora));
    }
}

/// Every owner must load the same texts, to the same values.
fn compare_owners(text: &[u8], model_id: u32, lora: Option<&HeapLora>) {
    let owned = Fallback::from_json(text, model_id);
    let frozen = Frozen::from_json(text, model_id);
    let Some(lora) = lora else {
        let (owned, frozen) = (owned.expect_err("refused before"), frozen.expect_err("refused before"));
        // As text only if they differ, since an error quotes the number that it refuses, and that may be NaN.
        assert!(owned == frozen || owned.to_string() == frozen.to_string(), "{owned} and {frozen}");
        return;
    };
    let (owned, frozen) = (owned.expect("loaded before"), frozen.expect("loaded before"));
    assert!(without_generation(&save(&owned)) == without_generation(&save(lora)));
    assert!(same_stats(&frozen.stats(), &owned.freeze().stats()));
    assert_eq!((bits(frozen.lora_a()), bits(frozen.lora_b())), (bits(&lora.a), bits(&lora.b)));
}

/// No accepted state may break later calls.
fn live_on(lora: HeapLora) {
    let mut life = Life::from_adapter(lora);
    let Shape { in_features, out_features, .. } = life.shape();
    for rate in [0.01, 1000.0] {
        let _ = life.carry_out(&Op::gradient(vec![0.5; in_features], vec![0.25; out_features]));
        let _ = life.carry_out(&Op::Update(rate));
        let _ = life.carry_out(&Op::Apply(vec![0.5; in_features]));
    }
    reload(life.adapter());
}

/// Saves and loads one adapter in every way.
pub fn round_trip(lora: &HeapLora, source: &mut Source<'_>) {
    reload(lora);
    let json = save(lora);
    let info = StateInfo::peek(&json).expect("an adapter's own state");
    assert_eq!(
        (info.in_features, info.out_features, info.rank),
        (lora.in_features(), lora.out_features(), lora.rank())
    );
    assert_eq!((info.model_id, info.generation), (lora.config().model_id, lora.generation()));
    assert_eq!((info.samples_seen, info.pending), (lora.stats().samples_seen, lora.pending()));

    let short = json.len() * usize::from(source.below(255)) / 255;
    let mut buffer = vec![b'#'; short];
    assert_eq!(lora.write_json(&mut buffer), Err(Error::Buffer { needed: json.len(), got: short }));
    assert!(buffer.iter().all(|byte| *byte == b'#'), "a buffer that is too small was written to");

    let value: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("JSON").replace('/', "\\/");
    let mut other = stranger(Life::from_adapter(lora.clone()).shape(), info.model_id);
    other.load_json(pretty.as_bytes()).expect("the same state in another layout");
    assert!(without_generation(&save(&other)) == without_generation(&json));
}
