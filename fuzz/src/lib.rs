//! What must hold for any input. Each target is a function of bytes: the fuzzer calls it with inputs that it
//! generates, `tests/fuzz_corpus.rs` with the committed ones, on the stable compiler.

#[path = "../../tests/common/mod.rs"]
mod common;

mod api;
mod check;
mod companions;
mod compare;
mod differential;
#[path = "../../tests/dual/engine.rs"]
#[allow(dead_code, reason = "a part of it is for the tests of the dual step")]
mod engine;
mod fields;
mod life;
mod ops;
mod peft;
mod source;

type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its binary and of its corpus.
pub const TARGETS: &[Target] = &[
    ("adapter_config", adapter_config),
    ("api", api),
    ("companion_load", companion_load),
    ("differential", differential),
    ("json_fields", json_fields),
    ("json_load", json_load),
    ("memory", memory),
    ("round_trip", round_trip),
    ("safetensors", safetensors),
];

/// Loads any text: it is refused and nothing changes, or it gives a valid adapter that can be used.
pub fn json_load(text: &[u8]) {
    check::loading(text);
}

/// Loads any text as a ring of lists, as a memory and as a holdback: it is refused, or gives a value that can be used
/// and saves to the same text.
pub fn companion_load(text: &[u8]) {
    companions::loading(text);
}

/// As [`json_load`], with saved states in which a few fields have hostile values.
pub fn json_fields(bytes: &[u8]) {
    check::loading(&fields::text(&mut source::Source::new(bytes)));
}

/// What this crate loads, serde_json and the base64 crate read with the same values, and the reverse.
pub fn differential(text: &[u8]) {
    differential::compare(text);
}

/// Any adapter, however it was made, saves and loads without the loss of a bit.
pub fn round_trip(bytes: &[u8]) {
    let mut source = source::Source::new(bytes);
    if let Some(lora) = life::Life::of(&mut source) {
        check::round_trip(lora.adapter(), &mut source);
    }
}

/// Any calls in any order, with hostile numbers: errors change nothing, weights stay finite, and saving and
/// loading in between changes no later result.
pub fn api(bytes: &[u8]) {
    api::run(&mut source::Source::new(bytes));
}

/// Any calls to an adapter of the dual step and its memory, in any order: errors change nothing, values stay finite,
/// the lists' shares add up to the correction, and saving and loading in between changes no later bit.
pub fn memory(bytes: &[u8]) {
    engine::play_bytes(bytes);
}

/// If a configuration of PEFT's is accepted, its values are those that serde_json finds, and no other field matters.
pub fn adapter_config(json: &[u8]) {
    peft::adapter_config(json);
}

/// A file of PEFT's is refused and nothing changes, or gives the weights that another reader finds in it.
pub fn safetensors(file: &[u8]) {
    peft::safetensors(file);
}
