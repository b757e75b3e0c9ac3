//! The last lists of results with their clicks, so that every click is learned from more than once.
//!
//! Vectors are kept as int8 with one scale each (the largest magnitude is 127), a quarter of the
//! memory of f32; clicks, scales and temperatures as they came.

pub(crate) mod codes;
mod owned;
pub(crate) mod rehearse;
pub(crate) mod save;
mod serde;

pub use owned::Replay;
pub use save::REPLAY_INTEGERS;

use crate::adapter::stats::{Outcome, Receipt, Skip};
use crate::error::{Error, Result, check_length, check_range, public_result};
use crate::kernel;
use crate::learn::Learn;
use crate::learn::limits::{MAX_TEMPERATURE, MAX_WEIGHT, MIN_TEMPERATURE, check_learning_rate};
use crate::learn::sample::{Listwise, MAX_CANDIDATES, MIN_CANDIDATES, Sample};
use codes::pack;

/// The number of rehearsals after every new list; measured in `docs/learning.md`.
///
/// ```
/// assert_eq!(micro_lora::REHEARSALS, 8);
/// ```
pub const REHEARSALS: u32 = 8;

/// The most lists of a ring.
pub(crate) const MAX_CAPACITY: usize = 65_536;

/// Sizes and positions of a ring, in fixed-width words: 28 bytes.
///
/// ```
/// let ring = micro_lora::ReplayHeader::new(384, 384, 10, 64)?;
/// assert_eq!(core::mem::size_of_val(&ring), 28);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct ReplayHeader {
    in_features: u32,
    out_features: u32,
    list: u32,
    capacity: u32,
    /// Lists remembered, and where the next one goes.
    len: u32,
    next: u32,
    /// The list to rehearse next, in turn.
    turn: u32,
}

/// A remembered list without its vectors and weights.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct ReplayEntry {
    input_scale: f32,
    temperature: f32,
    rows: u32,
    /// 1 if the row after the candidates is the sample's base.
    has_base: u32,
}

impl ReplayEntry {
    /// An empty place.
    ///
    /// ```
    /// let places = [micro_lora::ReplayEntry::EMPTY; 64];
    /// assert_eq!(core::mem::size_of_val(&places), 1024);
    /// ```
    pub const EMPTY: Self = Self { input_scale: 0.0, temperature: 0.0, rows: 0, has_base: 0 };
}

/// A ring in borrowed memory: [`Replay::view`], or built over memory of your own.
///
/// ```
/// use micro_lora::{ReplayEntry, ReplayHeader, ReplayMut};
/// let mut header = ReplayHeader::new(3, 3, 2, 1)?;
/// let (mut entries, mut inputs, mut candidates) = ([ReplayEntry::EMPTY; 1], [0; 3], [0; 6]);
/// let (mut scales, mut weights, mut row, mut rows) = ([0.0; 2], [0.0; 2], [0.0; 3], [0.0; 6]);
/// let ring = ReplayMut {
///     header: &mut header,
///     entries: &mut entries,
///     inputs: &mut inputs,
///     candidates: &mut candidates,
///     scales: &mut scales,
///     weights: &mut weights,
///     row: &mut row,
///     rows: &mut rows,
/// };
/// ring.check()?;
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Debug)]
pub struct ReplayMut<'a> {
    /// Sizes and positions.
    pub header: &'a mut ReplayHeader,
    /// `capacity` entries.
    pub entries: &'a mut [ReplayEntry],
    /// `capacity * in_features` codes.
    pub inputs: &'a mut [i8],
    /// `capacity * list * out_features` codes.
    pub candidates: &'a mut [i8],
    /// `capacity * list` scales of the candidates.
    pub scales: &'a mut [f32],
    /// `capacity * list` weights of the candidates.
    pub weights: &'a mut [f32],
    /// Scratch of `in_features` values.
    pub row: &'a mut [f32],
    /// Scratch of `list * out_features` values.
    pub rows: &'a mut [f32],
}

impl ReplayHeader {
    /// An empty ring: `capacity` lists (1 to 65,536) of at most `list` candidates (2 to 64); a sample
    /// with a base takes the place of one more.
    ///
    /// # Errors
    /// [`Error::Count`].
    ///
    /// ```
    /// let error = micro_lora::ReplayHeader::new(384, 384, 65, 64).unwrap_err();
    /// assert_eq!(error.to_string(), "list: expected 2 to 64, got 65");
    /// ```
    pub const fn new(in_features: usize, out_features: usize, list: usize, capacity: usize) -> Result<Self> {
        if list < MIN_CANDIDATES || list > MAX_CANDIDATES {
            return Err(Error::Count { what: "list", got: list, min: MIN_CANDIDATES, max: MAX_CANDIDATES });
        }
        if capacity < 1 || capacity > MAX_CAPACITY {
            return Err(Error::Count { what: "capacity", got: capacity, min: 1, max: MAX_CAPACITY });
        }
        let max = crate::MAX_FEATURES;
        if in_features < 1 || in_features > max {
            return Err(Error::Count { what: "in_features", got: in_features, min: 1, max });
        }
        if out_features < 1 || out_features > max {
            return Err(Error::Count { what: "out_features", got: out_features, min: 1, max });
        }
        Ok(Self {
            in_features: in_features as u32,
            out_features: out_features as u32,
            list: list as u32,
            capacity: capacity as u32,
            len: 0,
            next: 0,
            turn: 0,
        })
    }

    /// Values of an input, values of a candidate, candidates of a list, lists.
    ///
    /// ```
    /// assert_eq!(micro_lora::ReplayHeader::new(3, 4, 2, 8)?.sizes(), [3, 4, 2, 8]);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn sizes(&self) -> [usize; 4] {
        [self.in_features as usize, self.out_features as usize, self.list as usize, self.capacity as usize]
    }

    /// Lists remembered.
    ///
    /// ```
    /// assert_eq!(micro_lora::ReplayHeader::new(3, 3, 2, 8)?.len(), 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nothing is remembered.
    ///
    /// ```
    /// assert!(micro_lora::ReplayHeader::new(3, 3, 2, 8)?.is_empty());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl ReplayMut<'_> {
    /// Whether the memory has the sizes that the header says.
    ///
    /// # Errors
    /// [`Error::Length`].
    ///
    /// ```
    /// use micro_lora::Replay;
    /// assert!(Replay::<4, 4, 2, 8>::new().view().check().is_ok());
    /// ```
    pub fn check(&self) -> Result<()> {
        let ReplayHeader { in_features, out_features, list, capacity, .. } = *self.header;
        let [width, out, list, capacity] = [in_features, out_features, list, capacity].map(|n| n as usize);
        let rows = list.saturating_mul(out);
        check_length("entries", self.entries.len(), capacity)?;
        check_length("inputs", self.inputs.len(), capacity.saturating_mul(width))?;
        check_length("candidates", self.candidates.len(), capacity.saturating_mul(rows))?;
        check_length("scales", self.scales.len(), capacity.saturating_mul(list))?;
        check_length("weights", self.weights.len(), capacity.saturating_mul(list))?;
        check_length("row", self.row.len(), width)?;
        public_result(check_length("rows", self.rows.len(), rows))
    }

    /// Learns from a list at once: an event, an update, [`REHEARSALS`] rehearsals, and the list is
    /// remembered. A list that prefers no result, or a learning rate of 0, is skipped and not remembered:
    /// the receipt is then [`Outcome::Skipped`].
    ///
    /// # Errors
    /// As [`Learn::adapt_listwise`], [`Learn::apply_updates`] and [`push`](Self::push): nothing is then
    /// changed, except that after an [`Error::Overflow`] of the update the event stays pending.
    ///
    /// ```
    /// use micro_lora::{Config, Listwise, MicroLora, Replay, StepKind};
    /// let config = Config::new().with_step(StepKind::ScaledGradientV2);
    /// let mut lora = MicroLora::<2, 2, 1>::new(config)?;
    /// let mut ring = Replay::<2, 2, 2, 8>::new();
    /// let (query, shown) = ([0.6, 0.8], [1.0, 0.0, /* and */ 0.0, 1.0]);
    /// let receipt = ring.view().learn(&mut lora, &query, Listwise::new(&shown, &[0.0, 1.0]), 0.01)?;
    /// assert!(receipt.applied());
    /// assert_eq!(ring.len(), 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn learn<'s>(
        &mut self,
        lora: &mut impl Learn,
        sample: impl Into<Sample<'s>>,
        list: Listwise<'_>,
        learning_rate: f32,
    ) -> Result<Receipt> {
        let sample = sample.into();
        self.check_list(sample, list)?;
        public_result(lora.adapter_mut().check_rehearsal())?;
        // Checked first: otherwise the event would stay pending without an update.
        check_learning_rate(learning_rate)?;
        if learning_rate == 0.0 {
            let skipped = Outcome::Skipped(Skip::ZeroLearningRate);
            return Ok(lora.adapter_mut().header.receipt(skipped));
        }
        let receipt = lora.adapt_listwise(sample, list)?;
        if !receipt.applied() {
            return Ok(receipt);
        }
        let receipt = lora.apply_updates(learning_rate)?;
        if !receipt.applied() {
            return Ok(receipt);
        }
        self.rehearse(lora, learning_rate, REHEARSALS)?;
        self.push(sample, list)?;
        Ok(receipt)
    }

    /// Remembers a list, overwriting the oldest one when the ring is full. The sample's weight is not remembered: the
    /// number of results chosen decides the length of a rehearsal's step.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::BaseRequired`], [`Error::Count`] for more candidates than the ring's lists have,
    /// [`Error::NotFinite`], [`Error::OutOfRange`] for a weight or the temperature; nothing is then changed.
    ///
    /// ```
    /// use micro_lora::{Listwise, Replay};
    /// let mut ring = Replay::<2, 2, 2, 1>::new();
    /// ring.view().push(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]))?;
    /// ring.view().push(&[0.8, 0.6], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0]))?;
    /// assert_eq!(ring.len(), 1); // one place: the first list is gone
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn push<'s>(&mut self, sample: impl Into<Sample<'s>>, list: Listwise<'_>) -> Result<()> {
        let sample = sample.into();
        self.check()?;
        let rows = self.check_list(sample, list)?;
        for (what, values) in
            [("input", sample.input), ("candidates", list.candidates), ("weights", list.weights)]
        {
            if let Some(index) = kernel::first_not_finite(values) {
                return Err(Error::NotFinite { what, index });
            }
        }
        if let Some(index) = sample.base.and_then(kernel::first_not_finite) {
            return Err(Error::NotFinite { what: "base", index });
        }
        check_range("temperature", list.temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)?;
        list.weights.iter().try_for_each(|weight| check_range("weights", *weight, 0.0, MAX_WEIGHT))?;
        let ReplayHeader { in_features, out_features, list: most, capacity, next, .. } = *self.header;
        let (place, out, most) = (next as usize, out_features as usize, most as usize);
        let input_scale = pack(nth_mut(self.inputs, place, in_features as usize), sample.input);
        let codes = nth_mut(self.candidates, place, most.saturating_mul(out)).chunks_exact_mut(out.max(1));
        let vectors = kernel::rows(list.candidates, out).chain(sample.base);
        for ((codes, scale), vector) in codes.zip(nth_mut(self.scales, place, most)).zip(vectors) {
            *scale = pack(codes, vector);
        }
        kernel::copy(nth_mut(self.weights, place, most), list.weights);
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = ReplayEntry {
                input_scale,
                temperature: list.temperature,
                rows: rows as u32,
                has_base: u32::from(sample.base.is_some()),
            };
        }
        self.header.len = self.header.len.saturating_add(1).min(capacity);
        self.header.next = next.wrapping_add(1).checked_rem(capacity).unwrap_or_default();
        Ok(())
    }

    /// Lengths that would not fit this ring; the number of candidates.
    fn check_list(&self, sample: Sample<'_>, list: Listwise<'_>) -> Result<usize> {
        let (in_features, out) = (self.header.in_features as usize, self.header.out_features as usize);
        check_length("input", sample.input.len(), in_features)?;
        match sample.base {
            Some(base) => check_length("base", base.len(), out)?,
            None if in_features != out => return Err(Error::BaseRequired { in_features, out_features: out }),
            None => {}
        }
        // The errors of an adapter, in its order: candidates first, then weights.
        let rows = kernel::rows(list.candidates, out);
        let n = rows.len();
        if !rows.remainder().is_empty() {
            check_length("candidates", list.candidates.len(), n.saturating_add(1).saturating_mul(out))?;
        }
        let max = (self.header.list as usize).saturating_sub(usize::from(sample.base.is_some()));
        if n < MIN_CANDIDATES || n > max {
            return Err(Error::Count { what: "candidates", got: n, min: MIN_CANDIDATES, max });
        }
        check_length("weights", list.weights.len(), n)?;
        Ok(n)
    }

    /// Forgets every list.
    ///
    /// ```
    /// use micro_lora::{Listwise, Replay};
    /// let mut ring = Replay::<2, 2, 2, 8>::new();
    /// ring.view().push(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]))?;
    /// ring.view().clear();
    /// assert!(ring.is_empty());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn clear(&mut self) {
        (self.header.len, self.header.next, self.header.turn) = (0, 0, 0);
    }
}

/// The n-th piece of equal pieces; empty if there is none.
fn nth<T>(pieces: &[T], n: usize, len: usize) -> &[T] {
    pieces.chunks_exact(len.max(1)).nth(n).unwrap_or_default()
}

fn nth_mut<T>(pieces: &mut [T], n: usize, len: usize) -> &mut [T] {
    pieces.chunks_exact_mut(len.max(1)).nth(n).unwrap_or_default()
}
