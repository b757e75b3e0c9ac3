//! Adapters in the files of Hugging Face PEFT: `adapter_model.safetensors` and
//! `adapter_config.json`.
//!
//! PEFT keeps the matrices of one or more modules in the first file and what they are scaled by in
//! the second. An adapter here is one module's;
//! [`Learn::load_safetensors`](crate::Learn::load_safetensors) picks it by name, [`modules`] lists
//! the names. `lora_B` is transposed on the way, since PEFT stores `[out_features, rank]`.
//!
//! Both directions are about the adapter as PEFT knows it: `lora_A`, `lora_B`, alpha, rsLoRA, and the bias of `lora_B`
//! (`lora_bias`). PEFT scales that bias as well, and does not centre the input: of an adapter's bias b it is
//! `(b - C^T A mu) / s`.
//! The run-time strength, the output guard and the state of training are this crate's own, and stay
//! as they are.
//!
//! ```
//! use micro_lora::{Apply, Config, Learn, MicroLora, peft};
//! let mut lora = MicroLora::<2, 3, 1>::new(Config::new().with_alpha(0.5))?;
//! lora.set_weights(&[1.0, 2.0], &[3.0, 4.0, 5.0])?;
//!
//! let mut file = vec![0; lora.safetensors_len("encoder.q_proj")?];
//! lora.write_safetensors("encoder.q_proj", &mut file)?;
//! let mut json = vec![0; lora.adapter_config_len("encoder.q_proj", None)?];
//! lora.write_adapter_config("encoder.q_proj", None, &mut json)?;
//!
//! let mut other = MicroLora::<2, 3, 1>::new(Config::new())?;
//! other.load_safetensors(&file, "encoder.q_proj", Some(&peft::read_adapter_config(&json)?))?;
//! assert_eq!(other.apply(&[0.1, 0.2])?, lora.apply(&[0.1, 0.2])?);
//! # Ok::<(), micro_lora::Error>(())
//! ```

mod adapter_config;
mod decimal;
mod export;
pub(crate) mod json;
mod kinds;
mod load;
mod modules;
mod names;
mod pattern;
mod problem;
mod reduce;
mod safetensors;

pub use adapter_config::{PeftConfig, read_adapter_config, read_module_config};
pub(crate) use load::{Weights, load, load_reduced};
pub use load::{explain, find_problem};
#[doc(hidden)]
pub use modules::Cursor;
pub use modules::{Module, Modules, modules};
pub use problem::Problem;
pub use reduce::Reduction;
pub use safetensors::Dtype;

use crate::error::Error;

const WRONG_ALPHA: Error =
    Error::Unsupported { field: "lora_alpha", expected: "a number from 1e-6 to 1e6 of at most 19 digits" };
const WRONG_RSLORA: Error = Error::Unsupported { field: "use_rslora", expected: "true or false" };
