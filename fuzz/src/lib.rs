//! What must hold for any input whatever. Each target is a function of bytes: the fuzzer calls it with inputs of its
//! own making, `tests/fuzz_corpus.rs` with the committed ones, on the stable compiler.

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

/// Loading any text: refused, and nothing changed, or an adapter that is sound and can be lived with.
pub fn json_load(text: &[u8]) {
    check::loading(text);
}

/// Loading any text as a ring of lists, as a memory and as a holdback: refused, or one that can be used and saves to what it was.
pub fn companion_load(text: &[u8]) {
    companions::loading(text);
}

/// The same with texts that are states but for a few fields, whose values are chosen to hurt.
pub fn json_fields(bytes: &[u8]) {
    check::loading(&fields::text(&mut source::Source::new(bytes)));
}

/// What this crate loads, serde_json and the base64 crate read with the same values, and the other way round.
pub fn differential(text: &[u8]) {
    differential::compare(text);
}

/// Any adapter, however it came about, saves and loads without the loss of a bit.
pub fn round_trip(bytes: &[u8]) {
    let mut source = source::Source::new(bytes);
    if let Some(lora) = life::Life::of(&mut source) {
        check::round_trip(lora.adapter(), &mut source);
    }
}

/// Any calls in any order, with numbers chosen to hurt: errors change nothing, weights stay finite, and saving and
/// loading in between changes no later result.
pub fn api(bytes: &[u8]) {
    api::run(&mut source::Source::new(bytes));
}

/// Any calls to an adapter of the dual step and its memory, in any order: errors change nothing, values stay finite,
/// what the lists have moved adds up to the correction, and saving and loading in between changes no later bit.
pub fn memory(bytes: &[u8]) {
    engine::play_bytes(bytes);
}

/// A configuration of PEFT's that is accepted says what serde_json finds in it, and nothing that would be lost.
pub fn adapter_config(json: &[u8]) {
    peft::adapter_config(json);
}

/// A file of PEFT's: refused, and nothing changed, or the weights that another reader finds in it.
pub fn safetensors(file: &[u8]) {
    peft::safetensors(file);
}
