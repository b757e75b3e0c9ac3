//! `adapter_config.json`: how PEFT says what the tensors mean.

use super::decimal;
use crate::adapter::config::MAX_RANK;
use crate::adapter::header::Header;
use crate::error::{Error, Result};
use crate::peft::json::{Json, Out};

/// Fields that cannot change what a trained `lora_A` and `lora_B` give: where they go, how they
/// were initialised and trained, and names.
const NO_MATTER: &[&str] = &[
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
];

/// Fields that do, unless they are off. A field that is in neither list is newer than this crate: it
/// must be off too, but its name is not known here.
static MUST_BE_OFF: [Error; 17] = [
    off("alora_invocation_tokens"),
    off("alpha_pattern"),
    off("arrow_config"),
    off("fan_in_fan_out"),
    off("kasa_config"),
    off("layer_replication"),
    off("lora_bias"),
    off("megatron_config"),
    off("modules_to_save"),
    off("monteclora_config"),
    off("rank_pattern"),
    off("target_parameters"),
    off("trainable_token_indices"),
    off("use_bdlora"),
    off("use_dora"),
    off("use_qalora"),
    off("velora_config"),
];

const fn off(field: &'static str) -> Error {
    unsupported(field, "null, false or empty")
}

/// Initialisations after which the base weights are what they were. PiSSA, OLoRA, CorDA, LoRA-GA and
/// LoftQ take something out of the base model, so that the saved tensors fit only a base model
/// changed in the same way. PEFT converts such adapters with
/// `path_initial_model_for_weight_conversion`, and then writes `true`.
const KEEP_THE_BASE: &[&str] = &["eva", "gaussian", "mica", "orthogonal"];

const CHANGES_THE_BASE: Error =
    unsupported("init_lora_weights", "an initialisation that leaves the base model as it is");

const fn unsupported(field: &'static str, expected: &'static str) -> Error {
    Error::Unsupported { field, expected }
}

/// What an `adapter_config.json` says of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeftConfig {
    /// `r`, 1 to 4.
    pub rank: usize,
    /// `lora_alpha`, `1e-6..=1e6`.
    pub alpha: f32,
    /// Whether `s` is `alpha / sqrt(rank)` rather than `alpha / rank`.
    pub use_rslora: bool,
}

/// Reads an `adapter_config.json` that PEFT saved. Whatever a MicroLoRA adapter cannot represent is
/// refused by name.
///
/// # Errors
/// [`Error::Syntax`], [`Error::Missing`] for `peft_type`, `r` or `lora_alpha`,
/// [`Error::Unsupported`], and [`Error::UnknownField`] for a field of a newer PEFT that is neither
/// null, false nor empty.
///
/// ```
/// use micro_lora::peft::read_adapter_config;
/// let json = br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]}"#;
/// let config = read_adapter_config(json)?;
/// assert_eq!((config.rank, config.alpha, config.use_rslora), (4, 16.0, false));
///
/// let dora = br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "use_dora": true}"#;
/// let message = "use_dora: expected null, false or empty, got something else";
/// assert_eq!(read_adapter_config(dora).unwrap_err().to_string(), message);
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn read_adapter_config(json: &[u8]) -> Result<PeftConfig> {
    let mut json = Json::utf8(json)?;
    read(&mut json).ok_or(json.error())
}

fn read(json: &mut Json<'_>) -> Option<PeftConfig> {
    let (mut kind, mut rank, mut alpha, mut use_rslora) = (None, None, None, None);
    json.pass(b'{')?;
    let mut first = true;
    loop {
        match json.next_key(&mut first)? {
            b"peft_type" => {
                let is_lora = json.string()? == b"LORA";
                require(json, is_lora, &const { unsupported("peft_type", "\"LORA\"") })?;
                json.once(&mut kind, ())?;
            }
            b"r" => {
                let value = json.integer()?;
                require(json, (1..=MAX_RANK).contains(&value), &const { unsupported("r", "1 to 4") })?;
                json.once(&mut rank, value)?;
            }
            b"lora_alpha" => {
                let value = decimal::parse(json.number()?);
                require(json, value.is_some(), &super::WRONG_ALPHA)?;
                json.once(&mut alpha, value)?;
            }
            b"use_rslora" => {
                let value = json.boolean();
                require(json, value.is_some(), &super::WRONG_RSLORA)?;
                json.once(&mut use_rslora, value)?;
            }
            [] => break,
            key => check_other(json, key)?,
        }
    }
    json.end()?;
    json.refuse::<()>(&Error::Missing { what: "peft_type, r or lora_alpha" });
    kind?;
    // PEFT had no rsLoRA before 0.7.
    let use_rslora = use_rslora.flatten().unwrap_or(false);
    Some(PeftConfig { rank: rank?, alpha: alpha??, use_rslora })
}

fn require(json: &mut Json<'_>, holds: bool, error: &'static Error) -> Option<()> {
    if holds { Some(()) } else { json.refuse(error) }
}

fn check_other(json: &mut Json<'_>, key: &[u8]) -> Option<()> {
    if is_one_of(NO_MATTER, key) {
        return json.skip();
    }
    match key {
        b"bias" => {
            let none = json.string()? == b"none";
            require(json, none, &const { unsupported("bias", "\"none\"") })
        }
        b"init_lora_weights" if json.peek() == b'"' => {
            let init = json.string()?;
            require(json, is_one_of(KEEP_THE_BASE, init), &CHANGES_THE_BASE)
        }
        b"init_lora_weights" => json.skip(),
        _ if json.nothing() => Some(()),
        _ => {
            let named =
                |error: &&Error| matches!(error, Error::Unsupported { field, .. } if field.as_bytes() == key);
            json.refuse(MUST_BE_OFF.iter().find(named).unwrap_or(&Error::UnknownField { at: 0 }))
        }
    }
}

fn is_one_of(names: &[&str], key: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == key)
}

/// Writes what PEFT needs to load the tensors of one module; PEFT takes its own defaults for the
/// rest.
pub(super) fn write(out: &mut Out<'_>, header: &Header, module: &str, base_model: Option<&str>) {
    out.text("{\n  \"base_model_name_or_path\": ");
    match base_model {
        Some(name) => out.string(name),
        None => out.text("null"),
    }
    out.text(",\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n  \"inference_mode\": true");
    out.text(",\n  \"lora_alpha\": ");
    decimal::write(out, header.alpha);
    out.text(
        ",\n  \"lora_dropout\": 0.0,\n  \"modules_to_save\": null,\n  \"peft_type\": \"LORA\",\n  \"r\": ",
    );
    out.decimal(header.rank, 0);
    // The whole name: PEFT takes `q_proj` alone to mean that module of every layer.
    out.text(",\n  \"target_modules\": [\n    ");
    out.string(module);
    out.text("\n  ],\n  \"task_type\": null,\n  \"use_dora\": false,\n  \"use_rslora\": ");
    out.boolean(header.uses_rslora());
    out.text("\n}\n");
}
