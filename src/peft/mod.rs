//! Adapters in the files of Hugging Face PEFT: `adapter_model.safetensors` and
//! `adapter_config.json`.
//!
//! PEFT keeps the matrices of one or more modules in the first file and what they are scaled by in
//! the second. An adapter here is one module's;
//! [`Learn::load_safetensors`](crate::Learn::load_safetensors) picks it by name, [`modules`] lists
//! the names. `lora_B` is transposed on the way, since PEFT stores `[out_features, rank]`.
//!
//! Both directions are about the adapter as PEFT knows it: `lora_A`, `lora_B`, alpha and rsLoRA.
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
mod safetensors;

pub use adapter_config::{PeftConfig, read_adapter_config};
pub use safetensors::Dtype;

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::limits::NORM_LIMIT;
use crate::adapter::owned::FrozenLora;
use crate::adapter::view::AdapterMut;
use crate::error::{Error, Result};
use crate::kernel;
use safetensors::{Metadata, Tensor, Tensors};

const WRONG_ALPHA: Error =
    Error::Unsupported { field: "lora_alpha", expected: "a number from 1e-6 to 1e6 of at most 19 digits" };
const WRONG_RSLORA: Error = Error::Unsupported { field: "use_rslora", expected: "true or false" };

const MORE_TENSORS: Error = Error::Unsupported { field: "tensors", expected: "lora_A and lora_B alone" };

/// PEFT wraps the model twice before it names the modules.
const PREFIX: &[u8] = b"base_model.model.";
const LORA_A: &[u8] = b".lora_A.weight";
const LORA_B: &[u8] = b".lora_B.weight";

/// A module that a file holds an adapter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Module<'a> {
    /// Its name in the base model, as `encoder.layer.0.query`.
    pub name: &'a str,
    /// Values of an input.
    pub in_features: usize,
    /// Values of an output.
    pub out_features: usize,
    /// `r`; only 1 to 4 can be loaded.
    pub rank: usize,
    /// How `lora_A` is stored.
    pub dtype: Dtype,
}

/// Lists the modules of an `adapter_model.safetensors`, having checked the whole header. A module
/// whose tensors are not a pair of matrices is an error in its place.
///
/// For files as PEFT writes them, where a module's two tensors are neighbours, all of it is one
/// pass; in others each module may take another pass over the header, which is at most 1 MiB long.
///
/// # Errors
/// [`Error::Syntax`] and [`Error::Count`] for what is not a safetensors file.
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora, peft};
/// let lora = MicroLora::<2, 3, 1>::new(Config::new())?;
/// let mut file = vec![0; lora.safetensors_len("q_proj")?];
/// lora.write_safetensors("q_proj", &mut file)?;
/// for module in peft::modules(&file)? {
///     let module = module?;
///     assert_eq!((module.name, module.in_features, module.out_features, module.rank), ("q_proj", 2, 3, 1));
/// }
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn modules(file: &[u8]) -> Result<Modules<'_>> {
    let (tensors, _) = Tensors::open(file)?;
    Ok(Modules { all: tensors, left: tensors })
}

/// The modules of a file: see [`modules`].
#[derive(Clone, Debug)]
pub struct Modules<'a> {
    all: Tensors<'a>,
    left: Tensors<'a>,
}

impl<'a> Iterator for Modules<'a> {
    type Item = Result<Module<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((name, a)) = self.left.next()? {
            if let Some(name) = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(LORA_A)) {
                let b = lora_b(self.left, name).or_else(|| lora_b(self.all, name));
                let name = core::str::from_utf8(name).unwrap_or_default();
                return Some(Pair::new(Some(a), b).map(|pair| pair.describe(name)));
            }
        }
        None
    }
}

fn lora_b<'a>(mut tensors: Tensors<'a>, module: &[u8]) -> Option<Tensor<'a>> {
    while let Some((name, tensor)) = tensors.next()? {
        if tensor_of(module, name) == Some(LORA_B) {
            return Some(tensor);
        }
    }
    None
}

/// What is left of a tensor's name after the module's: `.lora_A.weight`.
fn tensor_of<'a>(module: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    name.strip_prefix(PREFIX)?.strip_prefix(module)
}

/// The two tensors of one module.
struct Pair<'a> {
    a: Tensor<'a>,
    b: Tensor<'a>,
    in_features: usize,
    out_features: usize,
    rank: usize,
}

impl<'a> Pair<'a> {
    fn new(a: Option<Tensor<'a>>, b: Option<Tensor<'a>>) -> Result<Self> {
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => return Err(Error::Missing { what: "lora_A and lora_B of this module" }),
            // Not "missing": whoever lists the modules goes on until nothing is left.
            _ => return Err(Error::Unsupported { field: "tensors", expected: "lora_A and lora_B" }),
        };
        match (a.matrix, b.matrix) {
            (Some([rank, in_features]), Some([out_features, rank_of_b])) if rank == rank_of_b => {
                Ok(Self { a, b, in_features, out_features, rank })
            }
            _ => Err(Error::Unsupported { field: "shape", expected: "lora_A [r, in] and lora_B [out, r]" }),
        }
    }

    /// The pair of a named module. Anything else that PEFT keeps for it (a bias, DoRA's magnitudes)
    /// would be lost, so it is refused.
    fn find(mut tensors: Tensors<'a>, module: &str) -> Result<Self> {
        let mut pair = (None, None);
        match Self::collect(&mut tensors, module, &mut pair) {
            Some(()) => Self::new(pair.0, pair.1),
            None => Err(tensors.json.error()),
        }
    }

    fn collect(
        tensors: &mut Tensors<'a>,
        module: &str,
        (a, b): &mut (Option<Tensor<'a>>, Option<Tensor<'a>>),
    ) -> Option<()> {
        while let Some((name, tensor)) = tensors.next()? {
            match tensor_of(module.as_bytes(), name) {
                Some(LORA_A) => tensors.json.once(a, tensor)?,
                Some(LORA_B) => tensors.json.once(b, tensor)?,
                Some(rest) if rest.starts_with(b".lora_") => {
                    return tensors.json.refuse(&MORE_TENSORS);
                }
                _ => {}
            }
        }
        Some(())
    }

    const fn describe(&self, name: &'a str) -> Module<'a> {
        let Self { a, in_features, out_features, rank, .. } = *self;
        Module { name, in_features, out_features, rank, dtype: a.dtype }
    }

    /// Refuses what does not fit the adapter.
    fn check(&self, header: &Header, peft: Option<&PeftConfig>) -> Result<()> {
        for (what, expected, got) in [
            ("in_features", header.in_features, self.in_features),
            ("out_features", header.out_features, self.out_features),
            ("rank", header.rank, self.rank),
            ("r", header.rank, peft.map_or(self.rank, |peft| peft.rank)),
        ] {
            let got = got.try_into().unwrap_or(u32::MAX);
            if got != expected {
                return Err(Error::Mismatch { what, expected, got });
            }
        }
        if self.a.dtype == Dtype::Other || self.b.dtype == Dtype::Other {
            return Err(Error::Unsupported { field: "dtype", expected: "F32, F16 or BF16" });
        }
        Ok(())
    }

    fn lora_a(&self) -> Matrix<'a> {
        let (rank, len) = (self.rank, self.in_features);
        Matrix { what: "lora_A", tensor: self.a, rank, len, row_step: len, step: 1 }
    }

    /// PEFT's is the transpose of ours.
    fn lora_b(&self) -> Matrix<'a> {
        let (rank, len) = (self.rank, self.out_features);
        Matrix { what: "lora_B", tensor: self.b, rank, len, row_step: 1, step: rank }
    }
}

/// How one of our rank-major matrices lies in the file.
struct Matrix<'a> {
    what: &'static str,
    tensor: Tensor<'a>,
    rank: usize,
    /// Values of a row.
    len: usize,
    /// From one row to the next.
    row_step: usize,
    /// From one value of a row to the next.
    step: usize,
}

impl Matrix<'_> {
    /// Decodes all of it, and keeps as much as `out` takes. Refuses values that
    /// [`check_weights`](crate::adapter::view::check_weights) would.
    fn decode(&self, scale: f32, out: &mut [f32]) -> Result<()> {
        let what = self.what;
        let (mut slots, mut squares, mut index, mut bad) = (out.iter_mut(), 0.0, 0usize, None);
        for r in 0..self.rank {
            let mut at = self.row_step.saturating_mul(r);
            for _ in 0..self.len {
                let value = self.tensor.get(at);
                squares += value * value;
                if !value.is_finite() {
                    bad = bad.or(Some(index));
                }
                if let Some(slot) = slots.next() {
                    *slot = value;
                }
                index = index.saturating_add(1);
                at = at.saturating_add(self.step);
            }
        }
        match bad {
            Some(index) => Err(Error::NotFinite { what, index }),
            None if kernel::sqrt(squares) * scale > NORM_LIMIT => Err(Error::Overflow { what }),
            None => Ok(()),
        }
    }
}

/// Loads one module into the weights of an adapter. Nothing is written unless all of it is usable.
pub(crate) fn load(
    header: &mut Header,
    lora_a: &mut [f32],
    lora_b: &mut [f32],
    file: &[u8],
    module: &str,
    peft: Option<&PeftConfig>,
) -> Result<()> {
    header.check_sized()?;
    let (tensors, metadata) = Tensors::open(file)?;
    let pair = Pair::find(tensors, module)?;
    let config = scaled_as(header.config(), peft, metadata);
    config.check()?;
    pair.check(header, peft)?;
    let scaling = config.scaling(pair.rank);
    // Once to check, without keeping anything; the second time nothing is left that could fail.
    let (no_a, no_b): (&mut [f32], &mut [f32]) = (&mut [], &mut []);
    for (a, b) in [(no_a, no_b), (lora_a, &mut *lora_b)] {
        pair.lora_a().decode(1.0, a)?;
        pair.lora_b().decode(scaling, b)?;
    }
    header.rescale(&config);
    header.take_up(lora_b);
    header.bump();
    Ok(())
}

/// The settings with alpha from `adapter_config.json`, else from our own metadata, else as they are.
fn scaled_as(config: Config, peft: Option<&PeftConfig>, metadata: Option<Metadata>) -> Config {
    match (peft, metadata) {
        (Some(peft), _) => config.with_alpha(peft.alpha).with_rslora(peft.use_rslora),
        (None, Some(Metadata { alpha: Some(alpha), use_rslora })) => {
            config.with_alpha(alpha).with_rslora(use_rslora.unwrap_or(false))
        }
        _ => config,
    }
}

impl AdapterMut<'_> {
    pub(crate) fn load_module(&mut self, file: &[u8], module: &str, peft: Option<&PeftConfig>) -> Result<()> {
        load(self.header, self.a, self.b, file, module, peft)?;
        self.clear_pending();
        Ok(())
    }
}

impl<const IN: usize, const OUT: usize, const RANK: usize> FrozenLora<IN, OUT, RANK> {
    /// One module of PEFT's `adapter_model.safetensors`, to apply. Alpha and rsLoRA come from the
    /// same places as in [`Learn::load_safetensors`](crate::Learn::load_safetensors).
    ///
    /// # Errors
    /// As [`Learn::load_safetensors`](crate::Learn::load_safetensors); [`Error::OutOfRange`] for a
    /// setting.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora};
    /// let lora = FrozenLora::<1, 1, 1>::new(Config::new().with_alpha(1.0), &[[0.5]], &[[0.5]])?;
    /// let mut file = [0; 512];
    /// let length = lora.write_safetensors("q_proj", &mut file)?;
    /// let loaded = FrozenLora::<1, 1, 1>::from_safetensors(Config::new(), &file[..length], "q_proj", None)?;
    /// assert_eq!(loaded.apply(&[2.0])?, [0.5]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn from_safetensors(
        config: Config,
        file: &[u8],
        module: &str,
        peft: Option<&PeftConfig>,
    ) -> Result<Self> {
        let mut lora = Self::new(config, &[[0.0; IN]; RANK], &[[0.0; OUT]; RANK])?;
        lora.frozen_mut().load_safetensors(file, module, peft)?;
        Ok(lora)
    }
}
