//! Large values that are constructed directly on the heap.

use alloc::alloc::{alloc_zeroed, handle_alloc_error};
use alloc::boxed::Box;
use core::alloc::Layout;

use crate::adapter::config::Config;
use crate::adapter::limits::assert_sizes;
use crate::adapter::owned::MicroLora;
use crate::companions::memory::{Memory, MemoryLayout};
use crate::error::Result;

impl<const IN: usize, const OUT: usize, const RANK: usize> MicroLora<IN, OUT, RANK> {
    /// A fresh adapter on the heap, as [`new`](Self::new), but made in place: `Box::new(MicroLora::new(..)?)` may
    /// build the adapter on the stack first, and a large adapter overflows it. Needs the feature `alloc`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a setting outside its range.
    ///
    /// ```
    /// use micro_lora::{Apply, Config, MicroLora};
    /// let lora = MicroLora::<4096, 4096, 4>::boxed(Config::new())?;
    /// assert_eq!(lora.rank(), 4);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[allow(unsafe_code, reason = "nothing safe makes a value on the heap without one on the stack")]
    pub fn boxed(config: Config) -> Result<Box<Self>> {
        const { assert_sizes::<IN, OUT, RANK>() }
        // SAFETY: all of the type is u32, f32 and arrays of them, for which zeros are valid; its header makes it larger than
        // zero bytes.
        let mut lora = unsafe { zeroed::<Self>() };
        lora.init(config)?;
        Ok(lora)
    }
}

impl<const WORDS: usize, const SCRATCH: usize> Memory<WORDS, SCRATCH> {
    /// An empty memory on the heap, as [`new`](Self::new), but made in place: `Box::new(Memory::new(..)?)` may build the
    /// memory on the stack first, and one that keeps vectors overflows it. Needs the feature `alloc`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(384, 384, 10);
    /// let memory = Memory::<{ LAYOUT.words(2000) }, { LAYOUT.scratch() }>::boxed(LAYOUT)?;
    /// assert_eq!((memory.capacity(), memory.len()), (2000, 0));
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[allow(unsafe_code, reason = "nothing safe makes a value on the heap without one on the stack")]
    pub fn boxed(layout: MemoryLayout) -> Result<Box<Self>> {
        let header = Self::header_of(layout)?;
        // SAFETY: all of the type is u32, f32 and arrays of them, for which zeros are valid; its header makes it larger than
        // zero bytes.
        let mut memory = unsafe { zeroed::<Self>() };
        memory.header = header;
        Ok(memory)
    }
}

/// # Safety
/// `T` is larger than zero bytes, and all bytes zero are a valid value of it.
#[allow(unsafe_code, reason = "nothing safe makes a value on the heap without one on the stack")]
unsafe fn zeroed<T>() -> Box<T> {
    let layout = Layout::new::<T>();
    // SAFETY: the caller's promise: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: the memory is this layout's and nobody else's, of the allocator that a Box gives it back to, and zeros are a
    // value: the caller's promise.
    unsafe { Box::from_raw(memory) }
}
