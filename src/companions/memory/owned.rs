//! A memory as arrays whose sizes are fixed when the program is built.

use super::{MemoryHeader, MemoryLayout, MemoryMut};
use crate::error::Result;

/// A memory of lists for an adapter that learns by the dual step: `WORDS` is [`MemoryLayout::words`] of how many lists
/// it is to hold, `SCRATCH` is [`MemoryLayout::scratch`].
///
/// It is large, 157 KB for 256 lists of ten results by id at 384 values: put it into a `static`, or into a box: with
/// the feature `alloc`, `Memory::boxed` makes it there; `Box::new` may need the stack for it.
///
/// ```
/// use micro_lora::{Memory, MemoryLayout};
/// const LAYOUT: MemoryLayout = MemoryLayout::by_id(384, 384, 10);
/// let memory = Box::new(Memory::<{ LAYOUT.words(64) }, { LAYOUT.scratch() }>::new(LAYOUT)?);
/// assert_eq!((memory.capacity(), memory.len()), (64, 0));
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Memory<const WORDS: usize, const SCRATCH: usize> {
    pub(crate) header: MemoryHeader,
    scratch: [f32; SCRATCH],
    words: [u32; WORDS],
}

impl<const WORDS: usize, const SCRATCH: usize> Memory<WORDS, SCRATCH> {
    /// An empty memory of as many lists as there is room for.
    ///
    /// # Errors
    /// [`Error::Count`](crate::Error::Count) for sizes outside their ranges, or no room for one list.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// let layout = MemoryLayout::by_id(384, 384, 10);
    /// assert!(Memory::<10, 10>::new(layout).is_err());
    /// ```
    pub const fn new(layout: MemoryLayout) -> Result<Self> {
        match Self::header_of(layout) {
            Ok(header) => Ok(Self { header, scratch: [0.0; SCRATCH], words: [0; WORDS] }),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn header_of(layout: MemoryLayout) -> Result<MemoryHeader> {
        let lists = WORDS.saturating_sub(layout.words_of_mean());
        let capacity = match lists.checked_div(layout.words_per_list()) {
            Some(capacity) => capacity,
            None => 0,
        };
        MemoryHeader::new(layout, capacity)
    }

    /// The view that has the methods.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// memory.view().clear();
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn view(&mut self) -> MemoryMut<'_> {
        let words = self.header.layout().words(self.header.capacity());
        MemoryMut {
            header: &mut self.header,
            words: self.words.get_mut(..words).unwrap_or_default(),
            scratch: &mut self.scratch,
        }
    }

    /// Lists remembered.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// let memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// assert_eq!(memory.len(), 0);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.header.len()
    }

    /// Whether nothing is remembered.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// assert!(Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?.is_empty());
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.is_empty()
    }

    /// The most lists that are remembered.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 3, 2);
    /// assert_eq!(Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?.capacity(), 8);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.header.capacity()
    }
}
