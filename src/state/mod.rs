//! Saving and loading a whole adapter as JSON, in the caller's buffer.
//!
//! Loading is a transaction: everything is decoded and checked first, and only then written.

pub(crate) mod base64;
mod crc;
pub(crate) mod deserialize;
pub(crate) mod fields;
pub(crate) mod head;
mod owners;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod serialize;
#[cfg(test)]
mod tests;
mod values;
pub(crate) mod write;

use crate::adapter::config::Config;
use crate::adapter::header::Header;
use crate::adapter::limits::{GRADIENT_LIMIT, NORM_LIMIT, check_norm};
use crate::adapter::view::{Adapter, AdapterMut};
use crate::error::{Checked, Error, Result, check_length, check_range, public_result};
use crate::kernel;
use crate::peft::json::Out;
use crate::profile::HOST_CHECKS;
use base64::encode;
use fields::{ADAPTER, DUALS, SCALARS, SECTIONS, section_lens};
use read::Document;
use schema::{Outline, Schema, check_equal};
use write::Sections;

/// How far rounding may raise a norm above the limit that training checks.
pub(crate) const TOLERANCE: f32 = 1.01;

/// The sizes and counters of a saved state, read without loading it. The checksum is not verified.
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
        let document = Document::parse(&ADAPTER, json)?;
        // Sizes alone: what follows from them is computed.
        ADAPTER.check_integers(document.integers().get(..3).unwrap_or_default())?;
        let header = fields::header_of(document.integers());
        let (train_bytes, apply_bytes) = bytes(header.in_len(), header.out_len(), header.rank());
        Ok(Self {
            in_features: header.in_len(),
            out_features: header.out_len(),
            rank: header.rank(),
            model_id: header.model_id,
            generation: header.generation,
            samples_seen: header.samples,
            pending: header.pending,
            train_bytes,
            apply_bytes,
        })
    }

    /// Refuses sizes that no adapter has, and bytes that are not theirs.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { in_features, out_features, rank, train_bytes, apply_bytes, .. } = *self;
        Header::new(in_features, out_features, rank, &Config::new())?;
        let (train, apply) = bytes(in_features, out_features, rank);
        for (what, got, own) in [("train_bytes", train_bytes, train), ("apply_bytes", apply_bytes, apply)] {
            if got != own {
                return Err(Error::Count { what, got, min: own, max: own });
            }
        }
        Ok(())
    }
}

/// What an adapter of these sizes takes to train, and to apply.
const fn bytes(in_features: usize, out_features: usize, rank: usize) -> (usize, usize) {
    let weights = in_features.saturating_add(out_features).saturating_mul(rank);
    // A bias; with gradients, as much of it, the sum of inputs, and a row of scratch.
    let apply = weights.saturating_add(out_features);
    let train = apply
        .saturating_add(weights)
        .saturating_add(out_features.saturating_mul(2))
        .saturating_add(in_features);
    let header = size_of::<Header>();
    (header.saturating_add(train.saturating_mul(4)), header.saturating_add(apply.saturating_mul(4)))
}

/// The most characters that an adapter of these sizes takes.
pub(crate) const fn json_max(in_features: usize, out_features: usize, rank: usize) -> usize {
    let mut header = Header::zeroed();
    header.in_features = in_features as u32;
    header.out_features = out_features as u32;
    header.rank = rank as u32;
    header.pending = 1;
    header.dual.flags = Header::DUAL;
    ADAPTER.max_len(&section_lens(&header))
}

impl Adapter<'_> {
    pub(crate) fn state_len(&self) -> usize {
        self.outlined(|outline| ADAPTER.len(outline, Schema::crc32(outline, self)))
    }

    pub(crate) fn write_state(&self, buffer: &mut [u8]) -> Result<usize> {
        self.check_savable()?;
        self.outlined(|outline| ADAPTER.write(buffer, outline, self))
    }

    fn check_savable(&self) -> Checked<()> {
        self.header.check_initialised()?;
        let [_, _, _, grad_a, grad_c, _, bias, input_sum, grad_bias] = section_lens(self.header);
        for (what, got, needed) in [
            ("grad_A", self.grad_a.len(), grad_a),
            ("grad_B", self.grad_c.len(), grad_c),
            ("bias", self.bias.len(), bias),
            ("input_sum", self.input_sum.len(), input_sum),
            ("grad_bias", self.grad_bias.len(), grad_bias),
        ] {
            check_length(what, got.min(needed), needed)?;
        }
        Ok(())
    }

    fn outlined<T>(&self, with: impl FnOnce(&Outline<'_>) -> T) -> T {
        let version = fields::version_of(self.header);
        let (lens, integers) = (section_lens(self.header), fields::integers_of(self.header));
        let [own, words] = match ADAPTER.version(version) {
            Some(version) => [version.integers, version.sections].map(usize::from),
            None => [0, 0],
        };
        with(&Outline {
            version,
            integers: integers.get(..own).unwrap_or_default(),
            words: lens.get(..words).unwrap_or_default(),
        })
    }

    /// A section as it is saved; empty if it is not needed.
    fn section(&self, section: usize, with: impl FnOnce(&[f32])) {
        let (scalars, duals) = (fields::scalars_of(self.header), fields::duals_of(self.header));
        let all: [&[f32]; SECTIONS] = [
            &scalars,
            self.a,
            self.b,
            self.grad_a,
            self.grad_c,
            &duals,
            self.bias,
            self.input_sum,
            self.grad_bias,
        ];
        let needed = section_lens(self.header);
        let (values, len) = (all.get(section), needed.get(section));
        let len = len.copied().unwrap_or_default();
        with(values.and_then(|values| values.get(..len)).unwrap_or_default());
    }
}

impl Sections for Adapter<'_> {
    fn put(&self, section: usize, mut put: impl FnMut(u32)) {
        self.section(section, |values| values.iter().for_each(|value| put(value.to_bits())));
    }

    fn memory(&self, section: usize) -> Option<&[u8]> {
        let values = match section {
            1 => self.a,
            2 => self.b,
            3 => self.grad_a,
            4 => self.grad_c,
            6 => self.bias,
            7 => self.input_sum,
            8 => self.grad_bias,
            // From several places of the header.
            _ => return None,
        };
        serialize::bytes_of(values.get(..*section_lens(self.header).get(section)?)?)
    }

    fn encode(&self, section: usize, out: &mut Out<'_>) {
        self.section(section, |values| encode(values, out));
    }
}

/// The memory that a state is loaded into. Without gradient memory, pending events are checked and dropped.
pub(crate) struct Target<'a> {
    pub(crate) header: &'a mut Header,
    pub(crate) a: &'a mut [f32],
    pub(crate) b: &'a mut [f32],
    /// `out_features` values, or none: a state with a bias is then refused.
    pub(crate) bias: &'a mut [f32],
    pub(crate) training: Option<Training<'a>>,
}

/// The memory that only training needs.
pub(crate) struct Training<'a> {
    pub(crate) grad_a: &'a mut [f32],
    pub(crate) grad_c: &'a mut [f32],
    pub(crate) grad_bias: &'a mut [f32],
    pub(crate) input_sum: &'a mut [f32],
}

impl Target<'_> {
    pub(crate) fn load_json(self, json: &[u8]) -> Result<()> {
        self.header.check_sized()?;
        let document = Document::parse(&ADAPTER, json)?;
        let Header { in_features, out_features, rank, model_id, .. } = *self.header;
        let own = [in_features, out_features, rank, model_id];
        for ((field, own), saved) in ADAPTER.integers.iter().zip(own).zip(document.integers()) {
            check_equal(field.name, own, *saved)?;
        }
        // One header for everything: on a chip a second one is much of the stack.
        let mut header = fields::header_of(document.integers());
        check(&document, &mut header)?;
        let [.., bias, input_sum, _] = section_lens(&header);
        check_length("bias", self.bias.len().min(bias), bias)?;
        if let Some(training) = &self.training {
            check_length("input_sum", training.input_sum.len().min(input_sum), input_sum)?;
        }
        header.generation = header.generation.max(self.header.generation);
        self.commit(&document, &header);
        Ok(())
    }

    /// Nothing here can fail: the sections have been decoded once.
    #[inline(never)]
    fn commit(self, document: &Document<'_>, header: &Header) {
        let [_, lora_a, lora_b, saved_a, saved_c, _, bias, input_sum, grad_bias] = document.sections();
        fill(self.a, lora_a);
        fill(self.b, lora_b);
        fill(self.bias, bias);
        *self.header = *header;
        if let Some(training) = self.training {
            fill(training.grad_a, saved_a);
            fill(training.grad_c, saved_c);
            fill(training.grad_bias, grad_bias);
            fill(training.input_sum, input_sum);
        } else {
            // Only what training needs says what the rest of the dual step means.
            self.header.dual.flags &= !Header::DUAL;
            self.header.pending = 0;
            self.header.weight_sum = 0.0;
        }
        self.header.refresh_gram(self.b);
        self.header.measure_bias(self.b, self.bias);
        self.header.bump();
    }
}

/// Completes the header of a document, after all of it has been decoded without keeping it: encoding, checksum,
/// ranges, norms.
#[inline(never)]
fn check(document: &Document<'_>, header: &mut Header) -> Result<()> {
    let lens = section_lens(header);
    let (mut scalars, mut duals, mut squares) = ([0.0; SCALARS], [0.0; DUALS], [0.0; SECTIONS]);
    let (mut slots, mut dual_slots) = (scalars.iter_mut(), duals.iter_mut());
    document.scan(&lens, |section, word| {
        let value = f32::from_bits(word);
        let slots = match section {
            0 => Some(&mut slots),
            DUAL_SECTION => Some(&mut dual_slots),
            _ => None,
        };
        slots.and_then(Iterator::next).into_iter().for_each(|slot| *slot = value);
        if let Some(sum) = squares.get_mut(section) {
            *sum += value * value;
        }
    })?;
    fields::set_scalars(header, scalars);
    fields::set_duals(header, duals);
    header.refresh_scaling();
    header.check_values()?;
    check_equal("version", fields::version_of(header), document.version())?;
    let [_scalars, squares @ ..] = squares;
    public_result(check_norms(header, squares))
}

/// Refuses sections, from the second on, whose norms no adapter could have saved.
fn check_norms(header: &Header, squares: [f32; SECTIONS - 1]) -> Checked<()> {
    for ((what, square), limit) in ADAPTER.sections.iter().skip(1).zip(squares).zip(limits(header)) {
        // Values that are not finite have made the norm so.
        check_range(what, kernel::sqrt(square), 0.0, limit)?;
    }
    Ok(())
}

/// Where the section `dual` is.
const DUAL_SECTION: usize = 5;

/// The largest norm of each section but the first that an adapter could have saved.
fn limits(header: &Header) -> [f32; SECTIONS - 1] {
    let norm_b = NORM_LIMIT / header.scaling;
    let [a, sum_a, sum_b] = if header.is_dual() {
        [2.0, SUM_LIMIT, norm_b]
    } else {
        let pending = GRADIENT_LIMIT * header.weight_sum;
        [NORM_LIMIT, pending, pending]
    };
    [a, norm_b, sum_a, sum_b, SUM_LIMIT, NORM_LIMIT, SUM_LIMIT, NORM_LIMIT].map(|limit| limit * TOLERANCE)
}

/// Sums over lists that are longer than this cannot be squared.
pub(crate) const SUM_LIMIT: f32 = 1e18;

fn fill(out: &mut [f32], text: &str) {
    out.fill(0.0);
    out.iter_mut().zip(base64::words(text)).for_each(|(slot, word)| *slot = f32::from_bits(word));
}

impl AdapterMut<'_> {
    /// Accepts a state that the host itself has written into the memory of this view, header included, as the browser
    /// package does. It is checked as by [`load_json`](crate::Learn::load_json); then the scaling and the Gram matrix
    /// are computed. Without pending events, the gradients are cleared.
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

    /// As [`take_up`](Self::take_up), for a host that has checked the header's values against their ranges
    /// (`docs/state-format.md`): only the matrices are checked.
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
        if !HOST_CHECKS {
            self.prepare_weights()?;
        }
        self.header.refresh_gram(self.b);
        self.header.measure_bias(self.b, self.bias);
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
        let [limit_a, limit_b, sum_a, sum_b, _, limit_bias, limit_inputs, sum_bias] = limits(self.header);
        check_norm("lora_a", self.a, 1.0, limit_a)?;
        check_norm("lora_b", self.b, 1.0, limit_b)?;
        check_norm("grad_a", self.grad_a, 1.0, sum_a)?;
        check_norm("grad_c", self.grad_c, 1.0, sum_b)?;
        check_norm("bias", self.bias, 1.0, limit_bias)?;
        check_norm("input_sum", self.input_sum, 1.0, limit_inputs)?;
        check_norm("grad_bias", self.grad_bias, 1.0, sum_bias)
    }

    pub(crate) fn load_state(&mut self, json: &[u8]) -> Result<()> {
        let training = Some(Training {
            grad_a: self.grad_a,
            grad_c: self.grad_c,
            grad_bias: self.grad_bias,
            input_sum: self.input_sum,
        });
        Target { header: self.header, a: self.a, b: self.b, bias: self.bias, training }.load_json(json)
    }
}
