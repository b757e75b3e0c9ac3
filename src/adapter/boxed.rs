//! An adapter that is constructed directly on the heap.

use alloc::alloc::{alloc_zeroed, handle_alloc_error};
use alloc::boxed::Box;
use core::alloc::Layout;

use crate::adapter::config::Config;
use crate::adapter::limits::assert_sizes;
use crate::adapter::owned::MicroLora;
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
        let layout = Layout::new::<Self>();
        // SAFETY: the layout is not empty: there is a header.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<Self>();
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the memory is this layout's and nobody else's, of the allocator that a Box gives it back to. All of the
        // type is u32, f32 and arrays of them, for which zeros are valid: they are `zeroed()`.
        let mut lora = unsafe { Box::from_raw(memory) };
        lora.init(config)?;
        Ok(lora)
    }
}
