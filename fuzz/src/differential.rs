//! Reads the state a second time, with libraries that share no code with the crate's reader.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use micro_lora::{Apply, Error, StepKind};
use serde::Deserialize;

use super::check::{load, shape_of, stranger};
use super::common::HeapLora;
use super::compare::bits;
use super::fields::{checksum, version};

/// `docs/state-format.md` as a type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    version: u32,
    in_features: u32,
    out_features: u32,
    rank: u32,
    model_id: u32,
    seed: u32,
    step: u32,
    use_rslora: u32,
    pending: u32,
    updates: u32,
    samples: u32,
    rated: u32,
    capped: u32,
    generation: u32,
    crc32: u32,
    scalars: String,
    lora_a: String,
    lora_b: String,
    grad_a: String,
    grad_c: String,
    // In version 2 only.
    dual_flags: Option<u32>,
    lists: Option<u32>,
    dual: Option<String>,
    bias: Option<String>,
    input_sum: Option<String>,
    grad_bias: Option<String>,
}

impl State {
    /// `None` unless every section of the version is there, in base64.
    fn values(&self) -> Option<Vec<Vec<f32>>> {
        let decode = |text: &String| {
            let bytes = BASE64_STANDARD.decode(text).ok()?;
            let words = bytes.chunks(4).map(|word| Some(f32::from_le_bytes(word.try_into().ok()?)));
            words.collect::<Option<Vec<_>>>()
        };
        let first = [&self.scalars, &self.lora_a, &self.lora_b, &self.grad_a, &self.grad_c].map(Some);
        let second = [&self.dual, &self.bias, &self.input_sum, &self.grad_bias].map(Option::as_ref);
        let (_, count) = version(self.version);
        let texts = first.into_iter().chain(second).take(count);
        texts.map(|text| decode(text?)).collect()
    }

    fn integers(&self) -> Vec<u32> {
        let first = [
            self.version,
            self.in_features,
            self.out_features,
            self.rank,
            self.model_id,
            self.seed,
            self.step,
            self.use_rslora,
            self.pending,
            self.updates,
            self.samples,
            self.rated,
            self.capped,
            self.generation,
        ];
        first.into_iter().chain(self.dual_flags).chain(self.lists).collect()
    }

    /// Whether every value could be read; whether each is in its range is checked elsewhere.
    fn complete(&self) -> Option<Vec<Vec<f32>>> {
        let (a, b) = (self.rank * self.in_features, self.rank * self.out_features);
        let (is_pending, flags) = (u32::from(self.pending > 0), self.dual_flags.unwrap_or(0));
        let (is_dual, has_bias) = (flags & 1, u32::from(flags & 5 != 0));
        let lens = [
            10,
            a,
            b,
            a * (is_pending | is_dual),
            b * is_pending,
            18 * has_bias,
            self.out_features * has_bias,
            self.in_features * is_dual,
            self.out_features * is_pending * is_dual,
        ];
        let (integers, sections) = version(self.version);
        let values = self.values()?;
        let fits = values.iter().map(|values| values.len() as u32).eq(lens.into_iter().take(sections));
        (fits && self.integers().len() == integers).then_some(values)
    }
}

pub fn compare(text: &[u8]) {
    let Some((shape, model_id)) = shape_of(text) else { return };
    let before = stranger(shape, model_id);
    let mut lora = before.clone();
    let (result, text) = load(&mut lora, text);
    let state = serde_json::from_slice::<State>(&text);
    match result {
        Ok(()) => {
            let state = state.expect("serde_json refuses what was loaded");
            let values = state.complete().expect("base64 refuses what was loaded");
            if !cfg!(fuzzing) {
                assert_eq!(checksum(&state.integers(), &values), state.crc32);
            }
            assert_holds(&lora, &state, &values, before.generation());
        }
        Err(Error::Syntax { .. } | Error::Format { .. }) if plain(&text) => {
            assert!(
                state.map_or(true, |state| state.format != "micro-lora"),
                "serde_json reads what was refused"
            );
        }
        Err(Error::Base64 { .. }) if plain(&text) => {
            let values = state.ok().and_then(|state| state.complete());
            assert!(values.is_none(), "base64 reads what was refused");
        }
        // The values were read, but are outside their ranges.
        Err(_) => {}
    }
}

/// serde_json accepts two things that this crate refuses: escapes other than `\/`, and an array in place of
/// the object.
fn plain(text: &[u8]) -> bool {
    let escapes = text.windows(2).any(|pair| pair[0] == b'\\' && pair[1] != b'/');
    !escapes && text.trim_ascii_start().first() == Some(&b'{')
}

/// What was loaded must equal the text, field by field.
fn assert_holds(lora: &HeapLora, state: &State, values: &[Vec<f32>], own_generation: u32) {
    assert_eq!(state.format.as_str(), "micro-lora");
    assert!(matches!(state.version, 1 | 2));
    let [scalars, a, b, grad_a, grad_c, more @ ..] = values else { panic!("{} sections", values.len()) };
    assert_eq!((bits(&lora.a), bits(&lora.b)), (bits(a), bits(b)));
    if state.pending > 0 {
        assert_eq!((bits(&lora.grad_a), bits(&lora.grad_b)), (bits(grad_a), bits(grad_c)));
    }
    if let [_dual, bias, input_sum, grad_bias] = more {
        let own = [(&lora.bias, bias), (&lora.input_sum, input_sum), (&lora.grad_bias, grad_bias)];
        for (own, saved) in own.into_iter().filter(|(_, saved)| !saved.is_empty()) {
            assert_eq!(bits(own), bits(saved));
        }
    }
    let [alpha, cap, decay, strength, _weight, _v_a, _v_c, _c, mean_quality, _baseline] = scalars[..] else {
        panic!("{} scalars", scalars.len());
    };
    let config = lora.config();
    assert_eq!(
        bits(&[config.alpha, config.cap, config.decay, lora.strength(), lora.stats().mean_quality]),
        bits(&[alpha, cap, decay, strength, mean_quality])
    );
    assert_eq!((config.seed, config.model_id), (state.seed, state.model_id));
    assert_eq!((config.use_rslora, config.step), (state.use_rslora == 1, step(state.step)));
    let stats = lora.stats();
    assert_eq!(
        [stats.pending, stats.updates, stats.samples_seen, stats.rated, stats.capped],
        [state.pending, state.updates, state.samples, state.rated, state.capped]
    );
    assert_eq!(stats.generation, own_generation.max(state.generation).saturating_add(1));
    assert_scalars_kept(lora, scalars);
}

fn step(code: u32) -> StepKind {
    StepKind::from_code(code).expect("it was loaded")
}

/// The scalars without a getter are read from the state when it is saved again.
fn assert_scalars_kept(lora: &HeapLora, scalars: &[f32]) {
    let again: State = serde_json::from_slice(&super::check::save(lora)).expect("our own JSON");
    let values = again.complete().expect("our own base64");
    assert_eq!(bits(&values[0]), bits(scalars));
    assert_eq!(checksum(&again.integers(), &values), again.crc32);
}
