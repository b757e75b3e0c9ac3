//! `adapter_config.json`: how PEFT says what the tensors mean.

#![allow(
    clippy::result_large_err,
    reason = "a refusal in words, made once where a file is read, and never on a hot path"
)]

use super::problem::Problem;
use super::{decimal, kinds, pattern};
use crate::adapter::header::Header;
use crate::error::Error;
use crate::peft::json::{Json, Out};

/// Fields that cannot change what the `lora_A` and `lora_B` of a module give: where they go, how they were initialised
/// and trained, names, and what becomes of other modules. A trained bias, and whatever else is saved of the module
/// itself, is seen in the tensors.
const NO_MATTER: &[&str] = &[
    "auto_mapping",
    "base_model_name_or_path",
    "bias",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "modules_to_save",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "target_parameters",
    "task_type",
    "trainable_token_indices",
];

/// Fields that do change it, unless they are off. A field that is in neither list is newer than this crate: it
/// must be off too, but its name is not known here.
static MUST_BE_OFF: [Error; 10] = [
    off("alora_invocation_tokens"),
    off("arrow_config"),
    off("kasa_config"),
    off("layer_replication"),
    off("megatron_config"),
    off("monteclora_config"),
    off("use_bdlora"),
    off("use_dora"),
    off("use_qalora"),
    off("velora_config"),
];

const fn off(field: &'static str) -> Error {
    unsupported(field, "null, false, 0 or empty")
}

/// Initialisations after which the base weights are what they were. PiSSA, OLoRA, CorDA, LoRA-GA and
/// LoftQ take something out of the base model, so that the saved tensors fit only a base model
/// changed in the same way. PEFT converts such adapters with
/// `path_initial_model_for_weight_conversion`, and then writes `true`.
const KEEP_THE_BASE: &[&str] = &["eva", "gaussian", "mica", "orthogonal"];

const CHANGES_THE_BASE: Error =
    unsupported("init_lora_weights", "an initialisation that leaves the base model as it is");
const WRONG_RANK: Error = unsupported("r", "a whole number from 1 to 65536");
const WRONG_RANKS: Error = unsupported("rank_pattern", "whole numbers from 1 to 65536 by names of modules");
const WRONG_ALPHAS: Error = unsupported("alpha_pattern", "numbers from 1e-6 to 1e6 by names of modules");
const NO_MODULE: &str = "nothing, unless it is read for a named module";
const NO_NAME: &str = "names of modules, or patterns of `.`, `.*`, `^` and `$` alone";

const fn unsupported(field: &'static str, expected: &'static str) -> Error {
    Error::Unsupported { field, expected }
}

/// No adapter has a larger `r`.
const MAX_R: usize = 65_536;

/// What an `adapter_config.json` says of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeftConfig {
    /// `r`. [`Learn::load_safetensors`](crate::Learn::load_safetensors) takes 1 to 4,
    /// [`Learn::load_safetensors_reduced`](crate::Learn::load_safetensors_reduced) up to 64.
    pub rank: usize,
    /// `lora_alpha`, `1e-6..=1e6`.
    pub alpha: f32,
    /// Whether `s` is `alpha / sqrt(rank)` rather than `alpha / rank`.
    pub use_rslora: bool,
    /// Whether `lora_B` has a bias, which is scaled by `s` as well.
    pub lora_bias: bool,
}

/// Reads an `adapter_config.json` that PEFT saved, for all of its modules. Whatever a MicroLoRA adapter cannot
/// represent is refused by name, with what it is. Where `rank_pattern` or `alpha_pattern` give modules values of
/// their own, [`read_module_config`] reads it for one of them.
///
/// # Errors
/// [`Problem`], of [`Error::Syntax`]; [`Error::Missing`] for `peft_type`, `r` or `lora_alpha`;
/// [`Error::Unsupported`]; [`Error::UnknownField`] for a field of a newer PEFT that is
/// neither null, false, 0 nor empty; [`Error::KeyStyle`] for the file of another program.
///
/// ```
/// use micro_lora::peft::read_adapter_config;
/// let json = br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]}"#;
/// let config = read_adapter_config(json)?;
/// assert_eq!((config.rank, config.alpha, config.use_rslora), (4, 16.0, false));
///
/// let dora = br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "use_dora": true}"#;
/// let message = "use_dora: expected null, false, 0 or empty, got true";
/// assert_eq!(read_adapter_config(dora).unwrap_err().to_string(), message);
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn read_adapter_config(json: &[u8]) -> Result<PeftConfig, Problem> {
    Reader::start(json, None)?.finish()
}

/// Reads an `adapter_config.json` for one module, named as in [`Module::name`](super::Module::name): of `rank_pattern`
/// and `alpha_pattern` the first name or pattern that holds for it counts, as in PEFT.
///
/// # Errors
/// As [`read_adapter_config`], and [`Error::Unsupported`] for a pattern with more in it than names, `.`, `.*`, `^`
/// and `$`.
///
/// ```
/// use micro_lora::peft::read_module_config;
/// let json = br#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "alpha_pattern": {"k_proj": 8}}"#;
/// assert_eq!(read_module_config(json, "layers.0.k_proj")?.alpha, 8.0);
/// assert_eq!(read_module_config(json, "layers.0.q_proj")?.alpha, 16.0);
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn read_module_config(json: &[u8], module: &str) -> Result<PeftConfig, Problem> {
    Reader::start(json, Some(module))?.finish()
}

/// One pass over the file.
struct Reader<'a> {
    json: Json<'a>,
    module: Option<&'a str>,
    /// The field that is being read, as it stands in the file, and where its value begins.
    key: &'a [u8],
    value: Json<'a>,
    kind: Option<()>,
    rank: Option<usize>,
    alpha: Option<f32>,
    use_rslora: Option<bool>,
    lora_bias: Option<bool>,
    own_rank: Option<Option<usize>>,
    own_alpha: Option<Option<f32>>,
}

impl<'a> Reader<'a> {
    fn start(text: &'a [u8], module: Option<&'a str>) -> Result<Self, Problem> {
        kinds::check_config(text)?;
        let json = Json::utf8(text)?;
        let (kind, rank, alpha, use_rslora, own_rank, own_alpha) = (None, None, None, None, None, None);
        let lora_bias = None;
        let (key, value) = (&[][..], json);
        Ok(Self { json, module, key, value, kind, rank, alpha, use_rslora, lora_bias, own_rank, own_alpha })
    }

    fn finish(mut self) -> Result<PeftConfig, Problem> {
        if self.read().is_none() {
            return Err(self.problem());
        }
        let missing = |what| Problem::from(Error::Missing { what });
        self.kind.ok_or_else(|| missing("peft_type"))?;
        let rank = self.rank.ok_or_else(|| missing("r"))?;
        let alpha = self.alpha.ok_or_else(|| missing("lora_alpha"))?;
        Ok(PeftConfig {
            rank: self.own_rank.flatten().unwrap_or(rank),
            alpha: self.own_alpha.flatten().unwrap_or(alpha),
            // PEFT had no rsLoRA before 0.7.
            use_rslora: self.use_rslora.unwrap_or(false),
            lora_bias: self.lora_bias.unwrap_or(false),
        })
    }

    /// Why reading stopped. The error shows a value that is valid JSON but not valid for its field.
    fn problem(&self) -> Problem {
        let mut json = self.value;
        let shown = json.skip().map(|()| json.since(self.value)).and_then(|value| text(value));
        match (self.json.error(), shown) {
            (Error::UnknownField { .. }, Some(value)) => {
                let error = Error::UnknownField { at: self.value.offset() };
                Problem::of_field(error, text(self.key).unwrap_or_default(), value)
            }
            (error @ Error::Unsupported { .. }, Some(value)) => {
                Problem::of_field(error, text(self.key).unwrap_or_default(), value)
            }
            (error @ Error::Syntax { .. }, _) => Problem::at(error, self.json.offset()),
            (error, _) => Problem::from(error),
        }
    }

    fn read(&mut self) -> Option<()> {
        self.json.pass(b'{')?;
        let mut first = true;
        loop {
            self.key = self.json.next_key(&mut first)?;
            self.json.peek();
            self.value = self.json;
            match self.key {
                [] => return self.json.end(),
                b"peft_type" => {
                    let is_lora = self.json.string().map(|kind| kind == b"LORA");
                    self.take(
                        is_lora.filter(|is_lora| *is_lora),
                        &const { unsupported("peft_type", "\"LORA\"") },
                    )?;
                    self.json.once(&mut self.kind, ())?;
                }
                b"r" => {
                    let rank = self.rank(&WRONG_RANK)?;
                    self.json.once(&mut self.rank, rank)?;
                }
                b"lora_alpha" => {
                    let alpha = self.alpha(&super::WRONG_ALPHA)?;
                    self.json.once(&mut self.alpha, alpha)?;
                }
                b"use_rslora" => {
                    let value = if self.json.nothing() { Some(false) } else { self.json.boolean() };
                    let value = self.take(value, &super::WRONG_RSLORA)?;
                    self.json.once(&mut self.use_rslora, value)?;
                }
                b"lora_bias" => {
                    let value = if self.json.nothing() { Some(false) } else { self.json.boolean() };
                    let value = self.take(value, &const { unsupported("lora_bias", "true or false") })?;
                    self.json.once(&mut self.lora_bias, value)?;
                }
                b"rank_pattern" => {
                    let rank =
                        self.pattern("rank_pattern", &WRONG_RANKS, |reader| reader.rank(&WRONG_RANKS))?;
                    self.json.once(&mut self.own_rank, rank)?;
                }
                b"alpha_pattern" => {
                    let alpha =
                        self.pattern("alpha_pattern", &WRONG_ALPHAS, |reader| reader.alpha(&WRONG_ALPHAS))?;
                    self.json.once(&mut self.own_alpha, alpha)?;
                }
                key => self.check_other(key)?,
            }
        }
    }

    /// A value that was read. If there is none, and its text is good JSON, it is not what its field must be.
    fn take<T>(&mut self, value: Option<T>, error: &'static Error) -> Option<T> {
        if value.is_some() || self.json.is_refused() {
            return value;
        }
        let mut whole = self.value;
        match whole.skip() {
            Some(()) => self.json.refuse(error),
            None => {
                self.json = whole;
                None
            }
        }
    }

    fn rank(&mut self, error: &'static Error) -> Option<usize> {
        let rank = self.json.integer();
        match self.take(rank, error)? {
            rank @ 1..=MAX_R => Some(rank),
            _ => self.json.refuse(error),
        }
    }

    fn alpha(&mut self, error: &'static Error) -> Option<f32> {
        let alpha = self.json.number().and_then(decimal::parse);
        self.take(alpha, error)
    }

    /// What the first key that holds for the module has; `None` inside `Some` if none does.
    fn pattern<T>(
        &mut self,
        field: &'static str,
        wrong: &'static Error,
        read: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        let (no_module, no_name) = match field {
            "rank_pattern" => (
                &const { unsupported("rank_pattern", NO_MODULE) },
                &const { unsupported("rank_pattern", NO_NAME) },
            ),
            _ => (
                &const { unsupported("alpha_pattern", NO_MODULE) },
                &const { unsupported("alpha_pattern", NO_NAME) },
            ),
        };
        if self.json.nothing() {
            return Some(None);
        }
        let Some(module) = self.module else {
            return self.take(None, no_module);
        };
        let open = self.json.pass(b'{');
        self.take(open, wrong)?;
        let (mut first, mut found) = (true, None);
        loop {
            if !self.json.next(&mut first, b'}')? {
                return Some(found);
            }
            let key = self.json.quoted()?;
            self.json.pass(b':')?;
            let value = read(self)?;
            match pattern::holds(key, module.as_bytes()) {
                Some(true) if found.is_none() => found = Some(value),
                None if found.is_none() => return self.json.refuse(no_name),
                _ => {}
            }
        }
    }

    fn check_other(&mut self, key: &[u8]) -> Option<()> {
        if is_one_of(NO_MATTER, key) {
            return self.json.skip();
        }
        match key {
            b"init_lora_weights" if self.json.peek() == b'"' => {
                let init = self.json.string()?;
                let keeps = is_one_of(KEEP_THE_BASE, init).then_some(());
                self.take(keeps, &CHANGES_THE_BASE)
            }
            b"init_lora_weights" => self.json.skip(),
            b"lora_parameters" | b"fine_tune_type" => {
                self.json.refuse(&const { Error::KeyStyle { got: "MLX (lora_parameters)" } })
            }
            _ if self.json.nothing() => Some(()),
            _ => {
                let named = |error: &&Error| matches!(error, Error::Unsupported { field, .. } if field.as_bytes() == key);
                let error = MUST_BE_OFF.iter().find(named).unwrap_or(&Error::UnknownField { at: 0 });
                self.take(None, error)
            }
        }
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

fn is_one_of(names: &[&str], key: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == key)
}

/// Writes the fields that PEFT needs to load the tensors of one module; PEFT uses its defaults for the
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
    out.text("\n  ],");
    if header.has_bias() {
        out.text("\n  \"lora_bias\": true,");
    }
    out.text("\n  \"task_type\": null,\n  \"use_dora\": false,\n  \"use_rslora\": ");
    out.boolean(header.uses_rslora());
    out.text("\n}\n");
}
