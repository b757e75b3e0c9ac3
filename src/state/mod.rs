//! Saving and loading a whole adapter as JSON, in the caller's buffer.
//!
//! Loading is a transaction: everything is decoded and checked first, and only then written.

mod base64;
pub(crate) mod beside;
pub(crate) mod crc;
pub(crate) mod wire;

use core::iter::once;

use crate::adapter::header::Header;
use crate::adapter::limits::{GRADIENT_LIMIT, NORM_LIMIT};
use crate::adapter::view::{Adapter, AdapterMut, check_norm};
use crate::error::{Checked, Error, Result, check_length, check_range};
use crate::kernel;
use crate::peft::json::Out;
use crate::state::base64::{Decoder, encode, encoded_len};
use crate::state::crc::Crc;
use crate::state::wire::{HEAD_MAX, SCALARS, Wire, check_equal};

/// What stands between the base64 texts; each opens the string that follows it.
const OPENERS: [&str; 5] =
    [",\"scalars\":\"", "\",\"lora_a\":\"", "\",\"lora_b\":\"", "\",\"grad_a\":\"", "\",\"grad_c\":\""];
const CLOSER: &str = "\"}";

/// How far rounding may put a norm past the limit that was checked while training.
const TOLERANCE: f32 = 1.01;

/// What a saved state says of itself, without loading it. Its checksum has not been looked at.
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora, StateInfo};
/// let lora = MicroLora::<8, 4, 2>::new(Config::new().with_model_id(7))?;
/// let json = lora.to_json::<{ MicroLora::<8, 4, 2>::JSON_MAX }>()?;
/// let info = StateInfo::peek(json.as_bytes())?;
/// assert_eq!((info.in_features, info.out_features, info.rank, info.model_id), (8, 4, 2, 7));
/// assert_eq!(info.train_bytes, size_of_val(&lora));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateInfo {
    /// Values of an input.
    pub in_features: usize,
    /// Values of an output.
    pub out_features: usize,
    /// 1 to 4.
    pub rank: usize,
    /// The model that the adapter was made for.
    pub model_id: u32,
    /// The adapter's generation when it was saved.
    pub generation: u32,
    /// Feedback events it had seen.
    pub samples_seen: u32,
    /// Events that were pending.
    pub pending: u32,
    /// Bytes of a [`MicroLora`](crate::MicroLora) of these sizes.
    pub train_bytes: usize,
    /// Bytes of a [`FrozenLora`](crate::FrozenLora) of these sizes.
    pub apply_bytes: usize,
}

impl StateInfo {
    /// Reads the sizes from a saved state.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Format`], [`Error::Mismatch`] for a version that this library
    /// does not know, [`Error::Count`] for sizes that no adapter has.
    ///
    /// ```
    /// use micro_lora::{Error, StateInfo};
    /// assert!(matches!(StateInfo::peek(b"[]"), Err(Error::Syntax { .. })));
    /// ```
    pub fn peek(json: &[u8]) -> Result<Self> {
        let wire = Wire::parse(json)?;
        let header = wire.sizes()?;
        let weights = header.a_len().saturating_add(header.b_len()).saturating_mul(4);
        let apply_bytes = size_of::<Header>().saturating_add(weights);
        let scratch = header.out_len().saturating_mul(4);
        Ok(Self {
            in_features: header.in_len(),
            out_features: header.out_len(),
            rank: header.rank as usize,
            model_id: wire.model_id,
            generation: wire.generation,
            samples_seen: wire.samples,
            pending: wire.pending,
            train_bytes: apply_bytes.saturating_add(weights).saturating_add(scratch),
            apply_bytes,
        })
    }
}

/// The most characters that an adapter of these sizes takes.
pub(crate) const fn json_max(in_features: usize, out_features: usize, rank: usize) -> usize {
    let (a, b) = (in_features.saturating_mul(rank), out_features.saturating_mul(rank));
    let matrices = encoded_len(a).saturating_add(encoded_len(b)).saturating_mul(2);
    HEAD_MAX.saturating_add(BETWEEN).saturating_add(encoded_len(SCALARS)).saturating_add(matrices)
}

/// Characters of a state besides its integers and its base64.
const BETWEEN: usize = {
    let [a, b, c, d, e] = OPENERS;
    a.len() + b.len() + c.len() + d.len() + e.len() + CLOSER.len()
};

impl Adapter<'_> {
    pub(crate) fn state_len(&self) -> usize {
        self.len_of(&self.wire())
    }

    fn len_of(&self, wire: &Wire<'_>) -> usize {
        let base64 =
            self.saved().iter().fold(encoded_len(SCALARS), |sum, m| sum.saturating_add(encoded_len(m.len())));
        wire.head_len().saturating_add(BETWEEN).saturating_add(base64)
    }

    pub(crate) fn write_state(&self, buffer: &mut [u8]) -> Result<usize> {
        self.header.check_initialised()?;
        if self.header.pending > 0 {
            check_length("grad_A", self.grad_a.len(), self.header.a_len())?;
        }
        let wire = self.wire();
        let needed = self.len_of(&wire);
        if buffer.len() < needed {
            return Err(Error::Buffer { needed, got: buffer.len() });
        }
        let mut out = Out::new(buffer);
        wire.write_head(&mut out);
        let scalars = wire::scalars(self.header);
        for (opener, values) in OPENERS.iter().zip(once(&scalars[..]).chain(self.saved())) {
            out.text(opener);
            encode(values, &mut out);
        }
        out.text(CLOSER);
        Ok(out.len())
    }

    /// The matrices as they are saved: gradients only if an event is pending, else they are all zero.
    fn saved(&self) -> [&[f32]; 4] {
        if self.header.pending == 0 {
            [self.a, self.b, &[], &[]]
        } else {
            [self.a, self.b, self.grad_a, self.grad_c]
        }
    }

    /// The integers to save, checksum included.
    fn wire(&self) -> Wire<'static> {
        let mut wire = Wire::of(self.header);
        let mut crc = wire.checksum();
        let scalars = wire::scalars(self.header);
        for values in once(&scalars[..]).chain(self.saved()) {
            values.iter().for_each(|value| crc.word(value.to_bits()));
        }
        wire.crc32 = crc.finish();
        wire
    }
}

/// Where a state goes. Without gradient memory, pending events are checked and then dropped.
pub(crate) struct Target<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) a: &'a mut [f32],
    pub(crate) b: &'a mut [f32],
    pub(crate) grads: Option<(&'a mut [f32], &'a mut [f32])>,
}

impl Target<'_> {
    pub(crate) fn load_json(self, json: &[u8]) -> Result<()> {
        self.header.check_sized()?;
        let wire = Wire::parse(json)?;
        check_equal("in_features", self.header.in_features, wire.in_features)?;
        check_equal("out_features", self.header.out_features, wire.out_features)?;
        check_equal("rank", self.header.rank, wire.rank)?;
        check_equal("model_id", self.header.model_id, wire.model_id)?;
        let header = check(&wire, self.header.a_len(), self.header.b_len())?;
        self.commit(&wire, header);
        Ok(())
    }

    /// Nothing here can fail: the texts have been decoded once.
    fn commit(self, wire: &Wire<'_>, header: Header) {
        fill(self.a, wire.lora_a);
        fill(self.b, wire.lora_b);
        let generation = header.generation.max(self.header.generation);
        *self.header = Header { generation, ..header };
        match self.grads {
            Some((grad_a, grad_c)) if header.pending > 0 => {
                fill(grad_a, wire.grad_a);
                fill(grad_c, wire.grad_c);
            }
            Some((grad_a, grad_c)) => {
                grad_a.fill(0.0);
                grad_c.fill(0.0);
            }
            None => {
                self.header.pending = 0;
                self.header.weight_sum = 0.0;
            }
        }
        self.header.take_up(self.b);
        self.header.bump();
    }
}

/// Decodes everything without keeping it: encoding, checksum, ranges and norms. The checksum goes
/// before whatever it would explain.
fn check(wire: &Wire<'_>, a_len: usize, b_len: usize) -> Result<Header> {
    let mut crc = wire.checksum();
    let mut scalars = [0.0; SCALARS];
    read("scalars", wire.scalars, SCALARS, &mut crc, &mut scalars)?;
    let (grad_a_len, grad_b_len) = if wire.pending == 0 { (0, 0) } else { (a_len, b_len) };
    let matrices = [
        ("lora_a", wire.lora_a, a_len),
        ("lora_b", wire.lora_b, b_len),
        ("grad_a", wire.grad_a, grad_a_len),
        ("grad_c", wire.grad_c, grad_b_len),
    ];
    let mut norms = [0.0; 4];
    for (norm, (what, text, len)) in norms.iter_mut().zip(matrices) {
        *norm = kernel::sqrt(read(what, text, len, &mut crc, &mut [])?);
    }
    // A fuzzer changes bytes at random; it must get past this to reach what follows.
    if !cfg!(fuzzing) && crc.finish() != wire.crc32 {
        return Err(Error::Checksum { expected: wire.crc32, got: crc.finish() });
    }
    let header = wire.header(scalars)?;
    for ((what, _, _), (norm, limit)) in matrices.into_iter().zip(norms.into_iter().zip(limits(&header))) {
        // Values that are not finite have made the norm so.
        check_range(what, norm, 0.0, limit)?;
    }
    Ok(header)
}

/// The largest norm of `lora_A`, `lora_B` and their pending gradients that an adapter could have saved.
fn limits(header: &Header) -> [f32; 4] {
    let pending = GRADIENT_LIMIT * header.weight_sum;
    [NORM_LIMIT, NORM_LIMIT / header.scaling, pending, pending].map(|limit| limit * TOLERANCE)
}

/// Reads `len` values: adds them to the checksum, keeps the first ones, gives the sum of squares.
fn read(what: &'static str, text: &[u8], len: usize, crc: &mut Crc, first: &mut [f32]) -> Result<f32> {
    let mut decoder = Decoder::new(text);
    let mut keep = first.iter_mut();
    let mut squares = 0.0;
    for _ in 0..len {
        let value = decoder.value().ok_or(Error::Base64 { what, values: len })?;
        crc.word(value.to_bits());
        squares += value * value;
        if let Some(slot) = keep.next() {
            *slot = value;
        }
    }
    if decoder.finish() { Ok(squares) } else { Err(Error::Base64 { what, values: len }) }
}

fn fill(out: &mut [f32], text: &[u8]) {
    let mut decoder = Decoder::new(text);
    for slot in out {
        *slot = decoder.value().unwrap_or_default();
    }
}

impl AdapterMut<'_> {
    /// Takes up what a host has written into the memory of this view by itself, header included: a
    /// state that it has read by means of its own, as the browser package does. All of it is checked
    /// as by [`load_json`](crate::Learn::load_json), and what follows from it (the scaling, the Gram
    /// matrix) is computed. Without pending events, the gradients are cleared.
    ///
    /// # Errors
    /// [`Error::Count`], [`Error::OutOfRange`], [`Error::NotFinite`], [`Error::Overflow`]. The adapter
    /// then is not initialised.
    ///
    /// ```
    /// use micro_lora::{AdapterMut, Apply, Config, Header};
    /// let mut header = Header::new(1, 1, 1, &Config::new().with_alpha(1.0))?;
    /// let (mut a, mut b) = ([0.5], [2.0]);
    /// let (mut grad_a, mut grad_b, mut scratch) = ([0.0], [0.0], [0.0]);
    /// let mut view = AdapterMut::from_parts(
    ///     &mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch,
    /// )?;
    /// view.take_up()?;
    /// let mut delta = [0.0];
    /// view.apply_into(&[1.0], &mut delta)?;
    /// assert_eq!(delta, [1.0]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn take_up(&mut self) -> Result<()> {
        self.header.flags &= !Header::READY;
        self.header.refresh_scaling();
        if self.header.rank > 0 {
            self.header.check_values()?;
        }
        self.take_up_weights()
    }

    /// As [`take_up`](Self::take_up), for a host that has held the values of the header to their ranges
    /// (`docs/state-format.md`) itself: only the matrices are checked.
    ///
    /// # Errors
    /// [`Error::NotFinite`], [`Error::Overflow`], [`Error::NotInitialised`] for a header without sizes. The
    /// adapter then is not initialised.
    ///
    /// ```
    /// use micro_lora::{AdapterMut, Config, Error, Header};
    /// let mut header = Header::new(1, 1, 1, &Config::new())?;
    /// let (mut a, mut b) = ([0.5], [f32::NAN]);
    /// let (mut grad_a, mut grad_b, mut scratch) = ([0.0], [0.0], [0.0]);
    /// let mut view = AdapterMut::from_parts(
    ///     &mut header, &mut a, &mut b, &mut grad_a, &mut grad_b, &mut scratch,
    /// )?;
    /// assert_eq!(view.take_up_weights(), Err(Error::NotFinite { what: "lora_b", index: 0 }));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn take_up_weights(&mut self) -> Result<()> {
        // In the smallest package JavaScript has seen to it, in fewer bytes.
        if !cfg!(micro_lora_lite) {
            self.prepare_weights()?;
        }
        self.header.take_up(self.b);
        self.header.bump();
        Ok(())
    }

    fn prepare_weights(&mut self) -> Checked<()> {
        self.header.check_sized()?;
        self.header.flags &= !Header::READY;
        self.header.refresh_scaling();
        if self.header.pending == 0 {
            self.clear_pending();
        }
        let [limit_a, limit_b, limit_pending, _] = limits(self.header);
        check_norm("lora_a", self.a, 1.0, limit_a)?;
        check_norm("lora_b", self.b, 1.0, limit_b)?;
        check_norm("grad_a", self.grad_a, 1.0, limit_pending)?;
        check_norm("grad_c", self.grad_c, 1.0, limit_pending)
    }

    pub(crate) fn load_state(&mut self, json: &[u8]) -> Result<()> {
        let grads = Some((&mut *self.grad_a, &mut *self.grad_c));
        Target { header: self.header, a: self.a, b: self.b, grads }.load_json(json)
    }
}
