//! The ring as arrays whose sizes are fixed when the program is built.

use super::{ReplayEntry, ReplayHeader, ReplayMut};

/// A ring of the last `CAPACITY` lists of at most `LIST` results, for a
/// [`MicroLora`](crate::MicroLora) of `IN` and `OUT`.
///
/// A ring learns more from each click: `docs/learning.md` says how much. It is for lists of results, and
/// takes `CAPACITY * (IN + LIST * (OUT + 8) + 16) + 4 * (IN + LIST * OUT) + 28` bytes: 299 KB for
/// 64 lists of ten vectors of 384. The default ring is 64; 32 do nearly as well.
///
/// ```
/// use micro_lora::{Config, Listwise, MicroLora, Replay, StepKind};
/// static EMPTY: Replay<4, 4, 10, 64> = Replay::new();
/// let config = Config::new().with_step(StepKind::ScaledGradientV2);
/// let (mut lora, mut ring) = (MicroLora::<4, 4, 1>::new(config)?, EMPTY.clone());
/// let list = Listwise::new(&[1.0, 0.0, 0.0, 0.0, /* and */ 0.0, 1.0, 0.0, 0.0], &[0.0, 1.0]);
/// for _ in 0..20 {
///     ring.view().learn(&mut lora, &[0.5; 4], list, 0.01)?;
/// }
/// assert_eq!(ring.len(), 20);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Replay<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> {
    pub(super) header: ReplayHeader,
    pub(super) entries: [ReplayEntry; CAPACITY],
    pub(super) scales: [[f32; LIST]; CAPACITY],
    pub(super) weights: [[f32; LIST]; CAPACITY],
    row: [f32; IN],
    rows: [[f32; OUT]; LIST],
    pub(super) inputs: [[i8; IN]; CAPACITY],
    pub(super) candidates: [[[i8; OUT]; LIST]; CAPACITY],
}

impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize>
    Replay<IN, OUT, LIST, CAPACITY>
{
    pub(super) const EMPTY: ReplayHeader = match ReplayHeader::new(IN, OUT, LIST, CAPACITY) {
        Ok(header) => header,
        Err(_) => panic!("see ReplayHeader::new for the ranges"),
    };

    /// An empty ring. Sizes outside their ranges fail to compile.
    ///
    /// ```
    /// use micro_lora::Replay;
    /// let ring = Box::new(Replay::<384, 384, 10, 64>::new());
    /// assert_eq!((ring.len(), ring.capacity()), (0, 64));
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            header: Self::EMPTY,
            entries: [ReplayEntry::EMPTY; CAPACITY],
            scales: [[0.0; LIST]; CAPACITY],
            weights: [[0.0; LIST]; CAPACITY],
            row: [0.0; IN],
            rows: [[0.0; OUT]; LIST],
            inputs: [[0; IN]; CAPACITY],
            candidates: [[[0; OUT]; LIST]; CAPACITY],
        }
    }

    /// The engine's view of this ring; its methods do the work.
    ///
    /// ```
    /// assert!(micro_lora::Replay::<2, 2, 2, 8>::new().view().check().is_ok());
    /// ```
    pub fn view(&mut self) -> ReplayMut<'_> {
        ReplayMut {
            header: &mut self.header,
            entries: &mut self.entries,
            inputs: self.inputs.as_flattened_mut(),
            candidates: self.candidates.as_flattened_mut().as_flattened_mut(),
            scales: self.scales.as_flattened_mut(),
            weights: self.weights.as_flattened_mut(),
            row: &mut self.row,
            rows: self.rows.as_flattened_mut(),
        }
    }

    /// Lists remembered.
    ///
    /// ```
    /// assert_eq!(micro_lora::Replay::<2, 2, 2, 8>::new().len(), 0);
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.header.len()
    }

    /// Whether nothing is remembered.
    ///
    /// ```
    /// assert!(micro_lora::Replay::<2, 2, 2, 8>::new().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.is_empty()
    }

    /// Lists that it can remember.
    ///
    /// ```
    /// assert_eq!(micro_lora::Replay::<2, 2, 2, 8>::new().capacity(), 8);
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> Default
    for Replay<IN, OUT, LIST, CAPACITY>
{
    fn default() -> Self {
        Self::new()
    }
}

/// Compares what is remembered, not the scratch memory.
impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> PartialEq
    for Replay<IN, OUT, LIST, CAPACITY>
{
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
            && self.entries == other.entries
            && self.scales == other.scales
            && self.weights == other.weights
            && self.inputs == other.inputs
            && self.candidates == other.candidates
    }
}
