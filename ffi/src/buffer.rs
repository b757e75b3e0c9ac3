//! Pointers from C, checked before a reference is made from them.

use core::ffi::c_char;
use core::marker::PhantomData;
use core::{ptr, slice};

use crate::status::Result;
use crate::status::mlora_status::{self, *};

/// A range of bytes in the caller's memory.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    bytes: usize,
}

impl Span {
    pub(crate) const NOTHING: Self = Self { start: 0, bytes: 0 };

    pub(crate) fn new<T>(data: *const T, bytes: usize) -> Self {
        Self { start: data.addr(), bytes }
    }

    fn overlaps(self, other: Self) -> bool {
        let reaches = |one: Self, two: Self| two.start.wrapping_sub(one.start) < one.bytes && two.bytes > 0;
        reaches(self, other) || reaches(other, self)
    }
}

/// Refuses a call in which an output overlaps an input or another output.
pub(crate) fn check_apart(read: &[Span], written: &[Span]) -> Result<()> {
    let mut rest = written;
    while let [first, others @ ..] = rest {
        if others.iter().chain(read).any(|other| first.overlaps(*other)) {
            return Err(MLORA_ERROR_OVERLAP);
        }
        rest = others;
    }
    Ok(())
}

/// Refuses a pointer that cannot become a reference.
pub(crate) fn check_pointer<T>(data: *const T) -> Result<()> {
    if data.is_null() {
        Err(MLORA_ERROR_NULL)
    } else if data.is_aligned() {
        Ok(())
    } else {
        Err(MLORA_ERROR_MISALIGNED)
    }
}

/// An empty array may be NULL, as the `data()` of an empty C++ vector is.
fn array_start<T>(data: *const T, len: usize) -> *const T {
    if data.is_null() && len == 0 { ptr::dangling() } else { data }
}

/// The bytes of an array, if an array can be that long.
fn array<T>(data: *const T, len: usize) -> Result<Span> {
    check_pointer(data)?;
    let bytes = len.checked_mul(size_of::<T>()).ok_or(MLORA_ERROR_LENGTH)?;
    let is_array = isize::try_from(bytes).is_ok() && data.addr().checked_add(bytes).is_some();
    if is_array { Ok(Span::new(data, bytes)) } else { Err(MLORA_ERROR_LENGTH) }
}

/// An array to read.
#[derive(Clone, Copy)]
pub(crate) struct Input<T> {
    data: *const T,
    len: usize,
    pub(crate) span: Span,
}

impl<T> Input<T> {
    pub(crate) fn new(data: *const T, len: usize) -> Result<Self> {
        let data = array_start(data, len);
        Ok(Self { data, len, span: array(data, len)? })
    }

    /// # Safety
    /// The caller's promise holds: `len` initialised values, and nobody writes to them during `'a`.
    pub(crate) unsafe fn slice<'a>(self) -> &'a [T] {
        // SAFETY: `new` has checked that it is not NULL, aligned and not too long. The values exist and do not change
        // by this function's contract.
        unsafe { slice::from_raw_parts(self.data, self.len) }
    }
}

/// An array to write to.
pub(crate) struct Output<T> {
    data: *mut T,
    len: usize,
    pub(crate) span: Span,
}

impl<T> Output<T> {
    pub(crate) fn new(data: *mut T, len: usize) -> Result<Self> {
        let data = array_start(data, len).cast_mut();
        Ok(Self { data, len, span: array(data, len)? })
    }

    /// # Safety
    /// The caller's promise holds for `len` values, [`check_apart`] has accepted them, and no other reference to them
    /// is made during `'a`.
    pub(crate) unsafe fn slice<'a>(self) -> &'a mut [T] {
        // SAFETY: `new` has checked that it is not NULL, aligned and not too long. No other reference to the values
        // exists by this function's contract. T is u8, u32 or f32, for which all bits are valid.
        unsafe { slice::from_raw_parts_mut(self.data, self.len) }
    }
}

/// Where one result goes.
pub(crate) struct Slot<'a, T> {
    data: *mut T,
    pub(crate) span: Span,
    borrow: PhantomData<&'a mut T>,
}

impl<T> Slot<'_, T> {
    pub(crate) fn required(data: *mut T) -> Result<Self> {
        check_pointer(data.cast_const())?;
        Ok(Self { data, span: Span::new(data.cast_const(), size_of::<T>()), borrow: PhantomData })
    }

    /// NULL for a result that the caller does not want.
    pub(crate) fn optional(data: *mut T) -> Result<Self> {
        if data.is_null() {
            Ok(Self { data, span: Span::NOTHING, borrow: PhantomData })
        } else {
            Self::required(data)
        }
    }

    /// # Safety
    /// The caller's promise holds for one value, and no reference to it is alive.
    pub(crate) unsafe fn put(self, value: T) {
        if !self.data.is_null() {
            // SAFETY: not NULL and aligned: `required` has checked; nobody else uses it by this function's contract.
            unsafe { self.data.write(value) }
        }
    }
}

/// Reads a struct from the caller's memory.
///
/// # Safety
/// The caller's promise holds for one value, of a type for which all bits are valid.
pub(crate) unsafe fn read<T: Copy>(data: *const T) -> core::result::Result<T, mlora_status> {
    check_pointer(data)?;
    // SAFETY: not NULL and aligned, as just checked; valid by this function's contract.
    Ok(unsafe { data.read() })
}

/// A text to read, without a closing NUL.
pub(crate) struct Text {
    pub(crate) bytes: Input<u8>,
}

impl Text {
    pub(crate) fn new(text: *const c_char, len: usize) -> Result<Self> {
        Ok(Self { bytes: Input::new(text.cast(), len)? })
    }

    /// NULL with length 0 is no text.
    pub(crate) fn optional(text: *const c_char, len: usize) -> Result<Option<Self>> {
        if text.is_null() && len == 0 { Ok(None) } else { Self::new(text, len).map(Some) }
    }

    pub(crate) fn span(text: &Option<Self>) -> Span {
        text.as_ref().map_or(Span::NOTHING, |text| text.bytes.span)
    }

    /// # Safety
    /// The caller's promise for the text during `'a`.
    pub(crate) unsafe fn read<'a>(&self) -> Result<&'a str> {
        // SAFETY: this function's contract.
        let bytes = unsafe { self.bytes.slice() };
        core::str::from_utf8(bytes).map_err(|_| MLORA_ERROR_SYNTAX)
    }
}
