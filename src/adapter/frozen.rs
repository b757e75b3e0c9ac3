//! An adapter without gradient memory: its owner and its borrowed view.

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::limits::assert_sizes;
use crate::adapter::view::Adapter;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, check_length, public_result};
use crate::forward::apply::Apply;
use crate::kernel;
use crate::peft::{self, PeftConfig, Reduction};
use crate::state::Target;

/// A borrowed adapter without gradient memory, whose weights can be replaced but not trained. Its
/// other methods are those of [`Apply`].
///
/// [`FrozenLora::frozen_mut`](crate::FrozenLora::frozen_mut) returns it; with memory of your own, use
/// [`FrozenMut::from_parts`].
///
/// ```
/// use micro_lora::{Apply, Config, FrozenMut, Header};
/// let mut header = Header::new(2, 2, 1, &Config::new().with_alpha(1.0))?;
/// let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
/// let mut view = FrozenMut::from_parts(&mut header, &mut a, &mut b)?;
/// view.set_weights(&[0.5, 0.25], &[1.0, 2.0])?;
/// let mut delta = [0.0; 2];
/// view.apply_into(&[1.0, 2.0], &mut delta)?;
/// assert_eq!(delta, [1.0, 2.0]);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Debug)]
pub struct FrozenMut<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) a: &'a mut [f32],
    pub(crate) b: &'a mut [f32],
    /// `out_features` values, or empty: a state with a bias is then refused.
    pub(crate) bias: &'a mut [f32],
}

impl<'a> FrozenMut<'a> {
    /// A view over memory of the caller's: `lora_a` of `rank * in_features` values and `lora_b` of
    /// `rank * out_features`, both rank-major. With a header of [`Header::of_weights`] it is ready; after
    /// [`Header::new`], set or load weights.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Config, Error, FrozenMut, Header};
    /// let mut header = Header::new(3, 2, 1, &Config::new())?;
    /// let error = FrozenMut::from_parts(&mut header, &mut [0.0; 3], &mut [0.0; 3]).unwrap_err();
    /// assert_eq!(error, Error::Length { what: "lora_B", expected: 2, got: 3 });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_parts(header: &'a mut Header, lora_a: &'a mut [f32], lora_b: &'a mut [f32]) -> Result<Self> {
        check_length("lora_A", lora_a.len(), header.a_len())?;
        check_length("lora_B", lora_b.len(), header.b_len())?;
        Ok(Self { header, a: lora_a, b: lora_b, bias: &mut [] })
    }

    /// The same view with memory for a bias, `out_features` values. Adapters that learned from lists have a bias.
    ///
    /// # Errors
    /// [`Error::Length`] if it does not fit the header.
    ///
    /// ```
    /// use micro_lora::{Config, FrozenMut, Header};
    /// let mut header = Header::new(3, 2, 1, &Config::new())?;
    /// let (mut a, mut b, mut bias) = ([0.0; 3], [0.0; 2], [0.0; 2]);
    /// assert!(FrozenMut::from_parts(&mut header, &mut a, &mut b)?.with_bias(&mut bias).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn with_bias(self, bias: &'a mut [f32]) -> Result<Self> {
        check_length("bias", bias.len(), self.header.out_len())?;
        Ok(Self { bias, ..self })
    }

    /// Sets both matrices to zero, so that every correction is zero, and resets everything else but the settings.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenMut, Header};
    /// let mut header = Header::new(1, 1, 1, &Config::new())?;
    /// let (mut a, mut b) = ([1.0], [1.0]);
    /// let mut view = FrozenMut::from_parts(&mut header, &mut a, &mut b)?;
    /// view.clear();
    /// let mut delta = [1.0];
    /// view.apply_into(&[1.0], &mut delta)?;
    /// assert_eq!(delta, [0.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn clear(&mut self) {
        if self.header.check_sized().is_ok() {
            self.a.fill(0.0);
            self.b.fill(0.0);
            self.bias.fill(0.0);
            self.header.reset();
        }
    }

    /// Replaces both matrices, as [`Learn::set_weights`](crate::Learn::set_weights).
    ///
    /// # Errors
    /// As [`Learn::set_weights`](crate::Learn::set_weights).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora};
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new(), &[[1.0]], &[[1.0]])?;
    /// lora.frozen_mut().set_weights(&[2.0], &[3.0])?;
    /// assert_eq!((lora.lora_a(), lora.lora_b()), (&[2.0][..], &[3.0][..]));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn set_weights(&mut self, lora_a: &[f32], lora_b: &[f32]) -> Result<()> {
        self.header.check_sized()?;
        self.header.check_weights(lora_a, lora_b)?;
        kernel::copy(self.a, lora_a);
        kernel::copy(self.b, lora_b);
        kernel::clear(self.bias);
        self.header.forget_dual();
        self.header.refresh_gram(self.b);
        self.header.bump();
        Ok(())
    }

    /// Sets the run-time strength, as [`Learn::set_strength`](crate::Learn::set_strength).
    ///
    /// # Errors
    /// As [`Learn::set_strength`](crate::Learn::set_strength).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora};
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new(), &[[1.0]], &[[1.0]])?;
    /// lora.frozen_mut().set_strength(0.5)?;
    /// assert_eq!(lora.strength(), 0.5);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn set_strength(&mut self, strength: f32) -> Result<()> {
        public_result(self.header.set_strength(strength))
    }

    /// Loads a saved adapter, as [`Learn::load_json`](crate::Learn::load_json). Pending events are
    /// checked and dropped.
    ///
    /// # Errors
    /// As [`Learn::load_json`](crate::Learn::load_json).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora, MicroLora};
    /// let saved = MicroLora::<1, 1, 1>::new(Config::new().with_seed(3))?;
    /// let json = saved.to_json::<{ MicroLora::<1, 1, 1>::JSON_MAX }>()?;
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new(), &[[1.0]], &[[1.0]])?;
    /// lora.frozen_mut().load_json(json.as_bytes())?;
    /// assert_eq!(lora.lora_a(), saved.lora_a());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn load_json(&mut self, json: &[u8]) -> Result<()> {
        Target { header: self.header, a: self.a, b: self.b, bias: self.bias, training: None }.load_json(json)
    }

    /// Loads one module of PEFT's `adapter_model.safetensors`, as
    /// [`Learn::load_safetensors`](crate::Learn::load_safetensors).
    ///
    /// # Errors
    /// As [`Learn::load_safetensors`](crate::Learn::load_safetensors).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora, MicroLora};
    /// let trained = MicroLora::<1, 1, 1>::new(Config::new().with_seed(3))?;
    /// let mut file = [0; 512];
    /// let length = trained.write_safetensors("q_proj", &mut file)?;
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new(), &[[1.0]], &[[1.0]])?;
    /// lora.frozen_mut().load_safetensors(&file[..length], "q_proj", None)?;
    /// assert_eq!(lora.lora_a(), trained.lora_a());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn load_safetensors(&mut self, file: &[u8], module: &str, config: Option<&PeftConfig>) -> Result<()> {
        peft::load(self.weights(), file, module, config)
    }

    /// Loads one module of a larger rank, as
    /// [`Learn::load_safetensors_reduced`](crate::Learn::load_safetensors_reduced).
    ///
    /// # Errors
    /// As [`Learn::load_safetensors_reduced`](crate::Learn::load_safetensors_reduced).
    ///
    /// ```
    /// use micro_lora::{Config, FrozenLora, MicroLora, Apply};
    /// let trained = FrozenLora::<2, 2, 2>::new(Config::new(), &[[1.0, 0.0], [0.0, 1.0]], &[[4.0, 0.0], [0.0, 3.0]])?;
    /// let mut file = [0; 512];
    /// let length = trained.write_safetensors("q_proj", &mut file)?;
    /// let mut lora = FrozenLora::<2, 2, 1>::new(Config::new(), &[[0.0; 2]], &[[0.0; 2]])?;
    /// let reduction = lora.frozen_mut().load_safetensors_reduced(&file[..length], "q_proj", None)?;
    /// assert_eq!((reduction.rank, reduction.kept), (2, 0.8));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn load_safetensors_reduced(
        &mut self,
        file: &[u8],
        module: &str,
        config: Option<&PeftConfig>,
    ) -> Result<Reduction> {
        peft::load_reduced(self.weights(), file, module, config)
    }

    fn weights(&mut self) -> peft::Weights<'_> {
        peft::Weights { header: self.header, a: self.a, b: self.b, bias: self.bias }
    }
}

impl Apply for FrozenMut<'_> {
    fn adapter(&self) -> Adapter<'_> {
        Adapter {
            header: self.header,
            a: self.a,
            b: self.b,
            grad_a: &[],
            grad_c: &[],
            bias: self.bias,
            grad_bias: &[],
            input_sum: &[],
        }
    }
}

/// An adapter that only applies: the weights, without gradient memory. It takes
/// `260 + 4 * (RANK * (IN + OUT) + OUT)` bytes ([`FrozenLora::BYTES`]), half of a [`MicroLora`](crate::MicroLora).
///
/// ```
/// use micro_lora::{Apply, Config, FrozenLora};
/// let lora = FrozenLora::<2, 2, 1>::new(Config::new().with_alpha(1.0), &[[0.5, 0.25]], &[[1.0, 2.0]])?;
/// assert_eq!(lora.apply(&[1.0, 2.0])?, [1.0, 2.0]);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct FrozenLora<const IN: usize, const OUT: usize, const RANK: usize> {
    pub(crate) header: Header,
    pub(crate) a: [[f32; IN]; RANK],
    pub(crate) b: [[f32; OUT]; RANK],
    pub(crate) bias: [f32; OUT],
}

impl<const IN: usize, const OUT: usize, const RANK: usize> FrozenLora<IN, OUT, RANK> {
    /// What one adapter takes.
    ///
    /// ```
    /// assert_eq!(micro_lora::FrozenLora::<384, 384, 4>::BYTES, 14_084);
    /// ```
    pub const BYTES: usize = size_of::<Self>();

    /// An adapter of weights that were trained elsewhere, rank-major.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a setting,
    /// [`Error::NotFinite`](crate::Error::NotFinite) or [`Error::Overflow`](crate::Error::Overflow)
    /// for weights.
    ///
    /// ```
    /// use micro_lora::{Config, FrozenLora};
    /// let nan = FrozenLora::<1, 1, 1>::new(Config::new(), &[[f32::NAN]], &[[1.0]]);
    /// assert_eq!(nan.unwrap_err().to_string(), "lora_A: expected finite values, got NaN or infinity at index 0");
    /// ```
    pub fn new(config: Config, lora_a: &[[f32; IN]; RANK], lora_b: &[[f32; OUT]; RANK]) -> Result<Self> {
        const { assert_sizes::<IN, OUT, RANK>() }
        let (a, b) = (lora_a.as_flattened(), lora_b.as_flattened());
        let header = Header::of_weights(IN, OUT, RANK, &config, a, b)?;
        Ok(Self { header, a: *lora_a, b: *lora_b, bias: [0.0; OUT] })
    }

    /// `delta` for one vector, as [`apply_into`](Apply::apply_into).
    ///
    /// # Errors
    /// As [`apply_into`](Apply::apply_into).
    ///
    /// ```
    /// use micro_lora::{Config, FrozenLora};
    /// let lora = FrozenLora::<1, 1, 1>::new(Config::new().with_alpha(1.0), &[[0.5]], &[[0.5]])?;
    /// assert_eq!(lora.apply(&[2.0])?, [0.5]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn apply(&self, x: &[f32]) -> Result<[f32; OUT]> {
        let mut delta = [0.0; OUT];
        self.apply_into(x, &mut delta)?;
        Ok(delta)
    }

    /// Sets the run-time strength, as [`Learn::set_strength`](crate::Learn::set_strength).
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) outside `0.0..=100.0`.
    ///
    /// ```
    /// use micro_lora::{Config, FrozenLora};
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new(), &[[1.0]], &[[1.0]])?;
    /// lora.set_strength(0.0)?;
    /// assert_eq!(lora.apply(&[1.0])?, [0.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn set_strength(&mut self, strength: f32) -> Result<()> {
        public_result(self.header.set_strength(strength))
    }

    /// The weights of a saved adapter, made for the model `model_id` (0 if unused). Pending events
    /// are checked and dropped.
    ///
    /// # Errors
    /// As [`Learn::load_json`](crate::Learn::load_json).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, FrozenLora, MicroLora};
    /// type Lora = MicroLora<4, 4, 1>;
    /// let lora = Lora::new(Config::new())?;
    /// let json = lora.to_json::<{ Lora::JSON_MAX }>()?;
    /// let frozen = FrozenLora::<4, 4, 1>::from_json(json.as_bytes(), 0)?;
    /// assert_eq!(frozen.lora_a(), lora.lora_a());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn from_json(json: &[u8], model_id: u32) -> Result<Self> {
        const { assert_sizes::<IN, OUT, RANK>() }
        let config = Config::new().with_model_id(model_id);
        let mut lora = Self::new(config, &[[0.0; IN]; RANK], &[[0.0; OUT]; RANK])?;
        lora.frozen_mut().load_json(json)?;
        Ok(lora)
    }

    /// The engine's view of this adapter, to replace its weights.
    ///
    /// ```
    /// use micro_lora::{Config, FrozenLora};
    /// let mut lora = FrozenLora::<1, 1, 1>::new(Config::new().with_alpha(1.0), &[[0.0]], &[[0.0]])?;
    /// lora.frozen_mut().set_weights(&[1.0], &[0.5])?;
    /// assert_eq!(lora.apply(&[2.0])?, [1.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn frozen_mut(&mut self) -> FrozenMut<'_> {
        FrozenMut {
            header: &mut self.header,
            a: self.a.as_flattened_mut(),
            b: self.b.as_flattened_mut(),
            bias: &mut self.bias,
        }
    }
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

impl<const IN: usize, const OUT: usize, const RANK: usize> Apply for FrozenLora<IN, OUT, RANK> {
    fn adapter(&self) -> Adapter<'_> {
        Adapter {
            header: &self.header,
            a: self.a.as_flattened(),
            b: self.b.as_flattened(),
            grad_a: &[],
            grad_c: &[],
            bias: &self.bias,
            grad_bias: &[],
            input_sum: &[],
        }
    }
}
