//! Marks memory as in use while a function works on it that calls back into the program.

/// A first word that says that a function works on what follows it.
pub(crate) struct Occupied {
    magic: *mut u32,
    free: u32,
}

impl Occupied {
    /// # Safety
    /// The word is there and aligned, and nobody else writes to it during the value's life.
    pub(crate) unsafe fn new(magic: *mut u32, busy: u32) -> Self {
        // SAFETY: this function's own condition.
        let free = unsafe { magic.replace(busy) };
        Self { magic, free }
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        // SAFETY: the condition of `new`, which still holds.
        unsafe { self.magic.write(self.free) };
    }
}
