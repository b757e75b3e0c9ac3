//! Marks memory as busy while a function works on it that calls back into the program.

/// A first word that marks the memory after it as busy.
pub(crate) struct Occupied {
    magic: *mut u32,
    free: u32,
}

impl Occupied {
    /// # Safety
    /// The word exists and is aligned, and nobody else writes to it during the value's life.
    pub(crate) unsafe fn new(magic: *mut u32, busy: u32) -> Self {
        // SAFETY: this function's contract.
        let free = unsafe { magic.replace(busy) };
        Self { magic, free }
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        // SAFETY: the contract of `new`, which still holds.
        unsafe { self.magic.write(self.free) };
    }
}
