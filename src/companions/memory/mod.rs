//! Lists that the dual step remembers, to visit them again, to attribute a result to them, and to remove one.
//!
//! A list keeps its clicks, its dual variables and its query; its documents too, or only their ids, which the host
//! resolves. All of it lies in one slab of 32-bit words, `words_per_list` for each list, oldest first in a ring:
//! [`layout`] says what is where.

mod clicks;
mod gather;
mod layout;
mod learn;
mod mean;
mod owned;
mod record;
mod removal;
mod save;
mod told;
mod visit;
mod why;

pub use clicks::{Clicks, MemoryReceipt};
pub use layout::{MemoryLayout, Stored};
pub use owned::Memory;
pub use record::{Lookup, VectorId, no_vectors};
pub use removal::Forgotten;
pub use save::MEMORY_INTEGERS;
pub(crate) use {layout::ALPHA, mean::HEAD as MEAN_HEAD, save::INTEGERS};

use crate::error::{Result, check_length, public_result};
use mean::Mean;

/// How many remembered lists are visited after each new one.
///
/// ```
/// assert_eq!(micro_lora::VISITS, 9);
/// ```
pub const VISITS: u32 = 9;

/// Layout and positions of a memory, in fixed-width words: 36 bytes.
///
/// ```
/// use micro_lora::{MemoryHeader, MemoryLayout};
/// let header = MemoryHeader::new(MemoryLayout::by_id(384, 384, 10), 256)?;
/// assert_eq!(core::mem::size_of_val(&header), 36);
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct MemoryHeader {
    in_features: u32,
    out_features: u32,
    list: u32,
    /// [`Stored`] of queries, of documents times 4, 16 for scores.
    kinds: u32,
    capacity: u32,
    /// Lists remembered, and the place of the oldest.
    len: u32,
    oldest: u32,
    /// How many lists after the oldest the last visit was.
    turn: u32,
    /// Number of the last list that was learned.
    last: u32,
}

impl MemoryHeader {
    /// An empty memory of so many lists, 1 to 65,536.
    ///
    /// # Errors
    /// [`Error::Count`](crate::Error::Count) for sizes outside their ranges.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// let error = MemoryHeader::new(MemoryLayout::by_id(384, 384, 65), 256).unwrap_err();
    /// assert_eq!(error.to_string(), "list: expected 2 to 64, got 65");
    /// ```
    pub const fn new(layout: MemoryLayout, capacity: usize) -> Result<Self> {
        if let Err(error) = layout.check(capacity) {
            return Err(error);
        }
        Ok(Self {
            in_features: layout.in_features as u32,
            out_features: layout.out_features as u32,
            list: layout.list as u32,
            kinds: layout.kinds(),
            capacity: capacity as u32,
            len: 0,
            oldest: 0,
            turn: 0,
            last: 0,
        })
    }

    /// The layout of its lists.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// let layout = MemoryLayout::by_id(384, 384, 10);
    /// assert_eq!(MemoryHeader::new(layout, 256)?.layout(), layout);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn layout(&self) -> MemoryLayout {
        MemoryLayout::of(
            [self.in_features as usize, self.out_features as usize, self.list as usize],
            self.kinds,
        )
    }

    /// Lists remembered.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// assert_eq!(MemoryHeader::new(MemoryLayout::by_id(384, 384, 10), 256)?.len(), 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nothing is remembered.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// assert!(MemoryHeader::new(MemoryLayout::by_id(384, 384, 10), 256)?.is_empty());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The most lists that are remembered.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// assert_eq!(MemoryHeader::new(MemoryLayout::by_id(384, 384, 10), 256)?.capacity(), 256);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// The words of the lists, and the mean of their documents.
    fn split<'a>(&self, words: &'a mut [u32]) -> (&'a mut [u32], Mean<'a>) {
        let lists = self.layout().words_of_lists(self.capacity());
        let (lists, mean) = words.split_at_mut_checked(lists).unwrap_or_default();
        (lists, Mean { words: mean })
    }

    /// The place of the n-th list, the oldest first.
    fn place(&self, n: u32) -> usize {
        let place = self.oldest.wrapping_add(n);
        (if place >= self.capacity { place.wrapping_sub(self.capacity) } else { place }) as usize
    }
}

/// A memory in borrowed words: [`Memory::view`], or built over memory of your own.
///
/// ```
/// use micro_lora::{MemoryHeader, MemoryLayout, MemoryMut};
/// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
/// let mut header = MemoryHeader::new(LAYOUT, 8)?;
/// let (mut words, mut scratch) = ([0; LAYOUT.words(8)], [0.0; LAYOUT.scratch()]);
/// let memory = MemoryMut { header: &mut header, words: &mut words, scratch: &mut scratch };
/// memory.check()?;
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryMut<'a> {
    /// Layout and positions.
    pub header: &'a mut MemoryHeader,
    /// [`MemoryLayout::words`] of the capacity.
    pub words: &'a mut [u32],
    /// [`MemoryLayout::scratch`] values. Never saved, never read before written.
    pub scratch: &'a mut [f32],
}

impl MemoryMut<'_> {
    /// Whether the memory has the sizes that the header says.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length).
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// assert!(memory.view().check().is_ok());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        let layout = self.header.layout();
        layout.check(self.header.capacity())?;
        check_length("words", self.words.len(), layout.words(self.header.capacity()))?;
        public_result(check_length("scratch", self.scratch.len(), layout.scratch()))
    }

    fn mean(&mut self) -> Mean<'_> {
        self.header.split(self.words).1
    }

    /// Overwrites every list. Their parts of the weights stay. To remove those as well, call
    /// [`forget`](Self::forget) for each list, or reset the adapter.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// memory.view().clear();
    /// assert!(memory.is_empty());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn clear(&mut self) {
        self.words.fill(0);
        (self.header.len, self.header.oldest, self.header.turn) = (0, 0, 0);
    }
}
