//! One module of a file into the weights of an adapter.

use super::modules::Pair;
use super::problem::Problem;
use super::reduce::{MAX_REDUCED, Plan, Reduction};
use super::safetensors::{Dtype, Given, Metadata, Tensor, Tensors};
use super::{PeftConfig, WRONG_ALPHA, WRONG_RSLORA};
use crate::adapter::config::{Config, MAX_RANK};
use crate::adapter::header::Header;
use crate::adapter::limits::NORM_LIMIT;
use crate::adapter::view::AdapterMut;
use crate::error::{Error, Result};
use crate::forward::apply::Apply;
use crate::kernel;

impl<'a> Pair<'a> {
    /// Refuses what does not fit the adapter.
    fn check(&self, header: &Header, peft: Option<&PeftConfig>, way: Way) -> Result<()> {
        let (rank, max) = match way {
            Way::Whole => (header.rank, MAX_RANK),
            // A smaller rank is not enlarged.
            Way::Reduced => (header.rank.max(narrow(self.rank)), MAX_REDUCED),
        };
        for (what, got) in [("r", peft.map_or(self.rank, |peft| peft.rank)), ("rank", self.rank)] {
            if got > max {
                return Err(Error::Count { what, got, min: 1, max });
            }
        }
        for (what, expected, got) in [
            ("in_features", header.in_features, self.in_features),
            ("out_features", header.out_features, self.out_features),
            ("rank", rank, self.rank),
            ("r", rank, peft.map_or(self.rank, |peft| peft.rank)),
        ] {
            let got = narrow(got);
            if got != expected {
                return Err(Error::Mismatch { what, expected, got });
            }
        }
        let dtypes = [Some(self.a), Some(self.b), self.bias].map(|tensor| tensor.map(|tensor| tensor.dtype));
        if dtypes.contains(&Some(Dtype::Other)) {
            return Err(Error::Unsupported { field: "dtype", expected: "F32, F16 or BF16" });
        }
        Ok(())
    }

    /// Refuses a bias that there is no room for, and a config that says something else of it.
    fn check_bias(&self, room: usize, peft: Option<&PeftConfig>) -> Result<()> {
        if peft.is_some_and(|peft| peft.lora_bias != self.bias.is_some()) {
            let expected = "true with a bias of lora_B in the file, false without";
            return Err(Error::Unsupported { field: "lora_bias", expected });
        }
        if self.bias.is_some() && room != self.out_features {
            return Err(Error::Length { what: "bias", expected: self.out_features, got: room });
        }
        Ok(())
    }

    fn bias(&self) -> Option<Matrix<'a>> {
        let len = self.out_features;
        self.bias.map(|tensor| Matrix { what: "bias of lora_B", tensor, rank: 1, len, row_step: 0, step: 1 })
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
    /// [`check_weights`](Header::check_weights) would.
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

/// How a module becomes an adapter.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Whole,
    /// At the adapter's rank.
    Reduced,
}

fn narrow(size: usize) -> u32 {
    size.try_into().unwrap_or(u32::MAX)
}

/// What can be loaded without another error.
struct Usable<'a> {
    pair: Pair<'a>,
    /// With the alpha that makes the scaling what the file's is.
    config: Config,
}

/// Checks all of it, every value as well.
fn check<'a>(
    header: &Header,
    room: usize,
    file: &'a [u8],
    module: &str,
    peft: Option<&PeftConfig>,
    way: Way,
) -> Result<Usable<'a>> {
    header.check_sized()?;
    let opened = Tensors::open(file)?;
    let pair = Pair::find(opened.tensors, module)?;
    let mut config = scaled_as(header.config(), peft, opened.metadata)?;
    config.check()?;
    pair.check(header, peft, way)?;
    pair.check_bias(room, peft)?;
    if narrow(pair.rank) != header.rank {
        // The alpha that gives the same scaling with the adapter's rank.
        let ranks = f64::from(header.rank) / f64::from(narrow(pair.rank));
        let ratio = if config.use_rslora { libm::sqrt(ranks) } else { ranks };
        config = config.with_alpha((f64::from(config.alpha) * ratio) as f32);
        config.check()?;
    }
    pair.lora_a().decode(1.0, &mut [])?;
    // `take` decodes without the scaling, and must not fail.
    let scaling = config.scaling(header.rank()).max(1.0);
    pair.lora_b().decode(scaling, &mut [])?;
    if let Some(bias) = pair.bias() {
        bias.decode(scaling, &mut [])?;
    }
    Ok(Usable { pair, config })
}

/// What a module is loaded into. Without room for a bias (empty) one that is in the file is refused.
pub(crate) struct Weights<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) a: &'a mut [f32],
    pub(crate) b: &'a mut [f32],
    pub(crate) bias: &'a mut [f32],
}

/// Loads one module into the weights of an adapter. Nothing is written unless all of it is usable.
pub(crate) fn load(weights: Weights<'_>, file: &[u8], module: &str, peft: Option<&PeftConfig>) -> Result<()> {
    let usable = check(weights.header, weights.bias.len(), file, module, peft, Way::Whole)?;
    usable.take(weights)
}

/// The same for a module of any rank up to 64.
pub(crate) fn load_reduced(
    weights: Weights<'_>,
    file: &[u8],
    module: &str,
    peft: Option<&PeftConfig>,
) -> Result<Reduction> {
    let header = &*weights.header;
    let usable = check(header, weights.bias.len(), file, module, peft, Way::Reduced)?;
    let rank = usable.pair.rank;
    if narrow(rank) == header.rank {
        usable.take(weights)?;
        return Ok(Reduction { rank, kept: 1.0 });
    }
    let plan = Plan::of(&usable.pair, header.rank());
    plan.check(usable.config.scaling(header.rank()), NORM_LIMIT)?;
    weights.header.rescale(&usable.config);
    plan.write(&usable.pair, weights.header, weights.a, weights.b);
    usable.finish(weights)?;
    Ok(Reduction { rank, kept: plan.kept })
}

impl Usable<'_> {
    /// Nothing is left that could fail.
    fn take(&self, weights: Weights<'_>) -> Result<()> {
        self.pair.lora_a().decode(1.0, weights.a)?;
        self.pair.lora_b().decode(1.0, weights.b)?;
        weights.header.rescale(&self.config);
        self.finish(weights)
    }

    /// What the dual step knew is of other weights; the bias is the file's, or none.
    fn finish(&self, weights: Weights<'_>) -> Result<()> {
        let Weights { header, b, bias, .. } = weights;
        header.forget_dual();
        kernel::clear(bias);
        if let Some(stored) = self.pair.bias() {
            stored.decode(1.0, bias)?;
            kernel::scale(bias, header.scaling);
        }
        header.refresh_gram(b);
        header.measure_bias(b, bias);
        header.bump();
        Ok(())
    }
}

/// What [`Learn::load_safetensors`](crate::Learn::load_safetensors) would refuse of a file, in words; `None` if all
/// is well.
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora, peft};
/// let lora = MicroLora::<2, 3, 1>::new(Config::new())?;
/// let mut file = vec![0; lora.safetensors_len("q_proj")?];
/// lora.write_safetensors("q_proj", &mut file)?;
/// assert_eq!(peft::find_problem(&lora, &file, "q_proj", None), None);
///
/// let other = MicroLora::<2, 4, 1>::new(Config::new())?;
/// let problem = peft::find_problem(&other, &file, "q_proj", None).expect("other sizes");
/// assert_eq!(problem.to_string(), "out_features: expected 4, got 3");
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[must_use]
pub fn find_problem<L: Apply + ?Sized>(
    lora: &L,
    file: &[u8],
    module: &str,
    config: Option<&PeftConfig>,
) -> Option<Problem> {
    let view = lora.adapter();
    let error = check(view.header, view.bias.len(), file, module, config, Way::Whole).err()?;
    Some(explain(error, file, module))
}

/// An error of loading a module in words, with what the file has in the place.
///
/// ```
/// use micro_lora::{Config, Learn, MicroLora, peft};
/// let mut lora = MicroLora::<2, 3, 1>::new(Config::new())?;
/// let error = lora.load_safetensors(b"<html>", "q_proj", None).unwrap_err();
/// let problem = peft::explain(error, b"<html>", "q_proj");
/// assert_eq!(problem.field(), "safetensors");
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[must_use]
pub fn explain(error: Error, file: &[u8], module: &str) -> Problem {
    let Error::Unsupported { field, .. } = error else { return Problem::from(error) };
    let found = Tensors::open(file).ok().and_then(|opened| opened.tensors.seen(module, field));
    found.map_or_else(|| Problem::from(error), |value| Problem::of_field(error, field, value))
}

/// The settings with alpha from `adapter_config.json`, else from our own metadata, else as they are.
fn scaled_as(config: Config, peft: Option<&PeftConfig>, metadata: Metadata) -> Result<Config> {
    match (peft, metadata.alpha, metadata.use_rslora) {
        (Some(peft), ..) => Ok(config.with_alpha(peft.alpha).with_rslora(peft.use_rslora)),
        (None, Given::Nothing, _) => Ok(config),
        (None, Given::Wrong, _) => Err(WRONG_ALPHA),
        (None, Given::Value(_), Given::Wrong) => Err(WRONG_RSLORA),
        (None, Given::Value(alpha), Given::Value(use_rslora)) => {
            Ok(config.with_alpha(alpha).with_rslora(use_rslora))
        }
        (None, Given::Value(alpha), Given::Nothing) => Ok(config.with_alpha(alpha).with_rslora(false)),
    }
}

impl AdapterMut<'_> {
    pub(crate) fn load_module(&mut self, file: &[u8], module: &str, peft: Option<&PeftConfig>) -> Result<()> {
        load(self.weights(), file, module, peft)?;
        self.forget_sums();
        Ok(())
    }

    pub(crate) fn load_module_reduced(
        &mut self,
        file: &[u8],
        module: &str,
        peft: Option<&PeftConfig>,
    ) -> Result<Reduction> {
        let reduction = load_reduced(self.weights(), file, module, peft)?;
        self.forget_sums();
        Ok(reduction)
    }

    fn weights(&mut self) -> Weights<'_> {
        Weights { header: self.header, a: self.a, b: self.b, bias: self.bias }
    }

    fn forget_sums(&mut self) {
        kernel::clear(self.input_sum);
        self.clear_pending();
    }
}
