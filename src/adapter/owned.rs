//! Owners with sizes fixed at compile time. Their methods borrow a view and call the engine with it.

use crate::adapter::config::Config;
use crate::adapter::frozen::FrozenLora;
use crate::adapter::header::Header;
use crate::adapter::limits::assert_sizes;
use crate::adapter::view::{Adapter, AdapterMut};
use crate::error::{Error, Result};
use crate::forward::apply::Apply;
use crate::kernel::rng;
use crate::learn::Learn;
use crate::state::json_max;

/// Clears in place: assigning an array of zeros may build it on the stack first.
const fn clear(values: &mut [f32]) {
    let mut rest = values;
    while let [first, others @ ..] = rest {
        *first = 0.0;
        rest = others;
    }
}

/// A LoRA adapter that learns: weights, pending gradients and a scratch row in one value, without
/// allocation.
///
/// `IN`: `in_features`, `OUT`: `out_features`, `RANK`: 1 to 4; other sizes fail to compile. It takes
/// `260 + 4 * (2 * RANK * (IN + OUT) + 3 * OUT + IN)` bytes ([`MicroLora::BYTES`]): 13 KB at rank 1 and
/// 31 KB at rank 4 for 384 x 384. Where a stack is small, make it in place: a `static` with
/// [`zeroed`](Self::zeroed), then [`init`](Self::init).
///
/// Two adapters are equal if everything that is saved is equal, except for the generation.
///
/// ```
/// use micro_lora::{Apply, Choice, Config, Learn, MicroLora};
/// let mut lora = MicroLora::<4, 4, 2>::new(Config::new())?;
/// let query = [0.5; 4];
/// let results = [1.0, 0.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0, 0.0];
/// for _ in 0..20 {
///     lora.adapt_choice(&query, Choice::click(&results, 1))?;
///     lora.apply_updates(0.01)?;
/// }
/// let delta = lora.apply(&query)?;
/// assert!(delta[1] > delta[0]);
/// assert_eq!(size_of_val(&lora), MicroLora::<4, 4, 2>::BYTES);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct MicroLora<const IN: usize, const OUT: usize, const RANK: usize> {
    header: Header,
    a: [[f32; IN]; RANK],
    b: [[f32; OUT]; RANK],
    grad_a: [[f32; IN]; RANK],
    grad_c: [[f32; OUT]; RANK],
    bias: [f32; OUT],
    grad_bias: [f32; OUT],
    input_sum: [f32; IN],
    scratch: [f32; OUT],
}

impl<const IN: usize, const OUT: usize, const RANK: usize> MicroLora<IN, OUT, RANK> {
    /// The size of one adapter in bytes.
    ///
    /// ```
    /// assert_eq!(micro_lora::MicroLora::<384, 384, 4>::BYTES, 30_980);
    /// ```
    pub const BYTES: usize = size_of::<Self>();

    /// A fresh adapter: `lora_A` seeded, `lora_B` zero, so that it changes nothing yet.
    ///
    /// It is `const`, so it can initialise a `static`; the values are then part of the program's image.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a setting outside its range.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// static LORA: MicroLora<4, 4, 2> = match MicroLora::new(Config::new()) {
    ///     Ok(lora) => lora,
    ///     Err(_) => panic!("the settings are outside their ranges"),
    /// };
    /// assert_eq!(LORA.apply(&[1.0; 4])?, [0.0; 4]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub const fn new(config: Config) -> Result<Self> {
        // In every constructor, so that the compiler names the line of the caller's.
        const { assert_sizes::<IN, OUT, RANK>() }
        let mut lora = Self::zeroed();
        match lora.init(config) {
            Ok(()) => Ok(lora),
            Err(error) => Err(error),
        }
    }

    /// All zeros, so that a `static` of it adds nothing to the program's image. Until
    /// [`init`](Self::init) every call returns
    /// [`Error::NotInitialised`](crate::Error::NotInitialised).
    ///
    /// ```
    /// use micro_lora::{Config, Error, MicroLora};
    /// let mut lora = MicroLora::<4, 4, 2>::zeroed();
    /// assert_eq!(lora.apply(&[1.0; 4]), Err(Error::NotInitialised));
    /// lora.init(Config::new())?;
    /// assert_eq!(lora.apply(&[1.0; 4])?, [0.0; 4]);
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub const fn zeroed() -> Self {
        const { assert_sizes::<IN, OUT, RANK>() }
        Self {
            header: Header::zeroed(),
            a: [[0.0; IN]; RANK],
            b: [[0.0; OUT]; RANK],
            grad_a: [[0.0; IN]; RANK],
            grad_c: [[0.0; OUT]; RANK],
            bias: [0.0; OUT],
            grad_bias: [0.0; OUT],
            input_sum: [0.0; IN],
            scratch: [0.0; OUT],
        }
    }

    /// Initialises the adapter in place with these settings. Anything it had learned is lost.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a setting outside its range; nothing is
    /// then changed.
    ///
    /// ```
    /// use micro_lora::{Config, MicroLora};
    /// let mut lora = MicroLora::<4, 4, 2>::zeroed();
    /// assert!(lora.init(Config::new().with_cap(-1.0)).is_err());
    /// assert!(lora.init(Config::new().with_cap(2.0)).is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub const fn init(&mut self, config: Config) -> Result<()> {
        match Header::new(IN, OUT, RANK, &config) {
            Ok(header) => self.header = Header { flags: header.flags | Header::READY, ..header },
            Err(error) => return Err(error),
        }
        let bound = rng::sqrt(3.0 / IN as f32);
        rng::fill_uniform(self.a.as_flattened_mut(), bound, self.header.seed);
        clear(self.b.as_flattened_mut());
        clear(self.grad_a.as_flattened_mut());
        clear(self.grad_c.as_flattened_mut());
        clear(&mut self.bias);
        clear(&mut self.grad_bias);
        clear(&mut self.input_sum);
        Ok(())
    }

    /// `delta` for one vector, as [`apply_into`](Apply::apply_into).
    ///
    /// # Errors
    /// As [`apply_into`](Apply::apply_into).
    ///
    /// ```
    /// use micro_lora::{Config, MicroLora};
    /// let lora = MicroLora::<3, 2, 1>::new(Config::new())?;
    /// assert_eq!(lora.apply(&[1.0, 2.0, 3.0])?, [0.0, 0.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn apply(&self, x: &[f32]) -> Result<[f32; OUT]> {
        let mut delta = [0.0; OUT];
        self.apply_into(x, &mut delta)?;
        Ok(delta)
    }

    /// The weights alone, for a host that only applies.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, Learn, MicroLora};
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new())?;
    /// lora.set_weights(&[0.5, 0.25], &[2.0, 1.0])?;
    /// assert_eq!(lora.freeze().apply(&[0.1, 0.2])?, lora.apply(&[0.1, 0.2])?);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn freeze(&self) -> FrozenLora<IN, OUT, RANK> {
        let mut header = Header { pending: 0, weight_sum: 0.0, ..self.header };
        header.dual.flags &= !Header::DUAL;
        FrozenLora { header, a: self.a, b: self.b, bias: self.bias }
    }

    /// The largest number of bytes of a saved state of this size: the `N` for [`to_json`](Self::to_json).
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// type Lora = MicroLora<768, 768, 2>;
    /// assert!(Lora::new(Config::new())?.json_len() <= Lora::JSON_MAX);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub const JSON_MAX: usize = json_max(IN, OUT, RANK);

    /// The whole adapter as JSON, in a string without allocation. `N` must be at least
    /// [`JSON_MAX`](Self::JSON_MAX), or compilation fails. [`Apply::write_json`] writes to any buffer.
    ///
    /// # Errors
    /// [`Error::NotInitialised`](crate::Error::NotInitialised).
    ///
    /// ```
    /// use micro_lora::{Config, MicroLora};
    /// type Lora = MicroLora<4, 4, 1>;
    /// let lora = Lora::new(Config::new().with_seed(3))?;
    /// let json = lora.to_json::<{ Lora::JSON_MAX }>()?;
    /// assert!(json.starts_with("{\"format\":\"micro-lora\",\"version\":2,"));
    /// assert!(Lora::from_json(json.as_bytes(), 0)? == lora);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn to_json<const N: usize>(&self) -> Result<heapless::String<N>> {
        const { assert!(N >= Self::JSON_MAX, "N must be at least JSON_MAX") }
        to_string(self)
    }

    /// A saved adapter of this size, made for the model `model_id` (0 if unused).
    ///
    /// # Errors
    /// As [`Learn::load_json`].
    ///
    /// ```
    /// use micro_lora::{Config, Error, MicroLora};
    /// type Lora = MicroLora<4, 4, 1>;
    /// let json = Lora::new(Config::new().with_model_id(7))?.to_json::<{ Lora::JSON_MAX }>()?;
    /// let other = Lora::from_json(json.as_bytes(), 8);
    /// assert_eq!(other.unwrap_err(), Error::Mismatch { what: "model_id", expected: 8, got: 7 });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn from_json(json: &[u8], model_id: u32) -> Result<Self> {
        const { assert_sizes::<IN, OUT, RANK>() }
        let mut lora = Self::new(Config::new().with_model_id(model_id))?;
        lora.load_json(json)?;
        Ok(lora)
    }
}

impl<const IN: usize, const OUT: usize, const RANK: usize> Apply for MicroLora<IN, OUT, RANK> {
    fn adapter(&self) -> Adapter<'_> {
        Adapter {
            header: &self.header,
            a: self.a.as_flattened(),
            b: self.b.as_flattened(),
            grad_a: self.grad_a.as_flattened(),
            grad_c: self.grad_c.as_flattened(),
            bias: &self.bias,
            grad_bias: &self.grad_bias,
            input_sum: &self.input_sum,
        }
    }
}

impl<const IN: usize, const OUT: usize, const RANK: usize> Learn for MicroLora<IN, OUT, RANK> {
    fn adapter_mut(&mut self) -> AdapterMut<'_> {
        AdapterMut {
            header: &mut self.header,
            a: self.a.as_flattened_mut(),
            b: self.b.as_flattened_mut(),
            grad_a: self.grad_a.as_flattened_mut(),
            grad_c: self.grad_c.as_flattened_mut(),
            bias: &mut self.bias,
            grad_bias: &mut self.grad_bias,
            input_sum: &mut self.input_sum,
            scratch: &mut self.scratch,
        }
    }
}

impl<const IN: usize, const OUT: usize, const RANK: usize> PartialEq for MicroLora<IN, OUT, RANK> {
    fn eq(&self, other: &Self) -> bool {
        let same_header = Header { generation: other.header.generation, ..self.header } == other.header;
        same_header
            && self.a == other.a
            && self.b == other.b
            && self.grad_a == other.grad_a
            && self.grad_c == other.grad_c
            && self.bias == other.bias
            && self.grad_bias == other.grad_bias
            && self.input_sum == other.input_sum
    }
}

fn to_string<const N: usize>(lora: &impl Apply) -> Result<heapless::String<N>> {
    let mut bytes = heapless::Vec::<u8, N>::new();
    // `N` is checked at compile time, so the text fits.
    let _ = bytes.resize_default(N);
    let len = lora.write_json(&mut bytes)?;
    bytes.truncate(len);
    heapless::String::from_utf8(bytes).map_err(|_| Error::Overflow { what: "state" })
}
