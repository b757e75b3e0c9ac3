//! What was refused last, as five words that JavaScript reads: the address and length of what it is about, and up to
//! three numbers in the order in which the message has them.

#[cfg(micro_lora_terse)]
pub(crate) use terse::{address, put_down};
#[cfg(not(micro_lora_terse))]
pub(crate) use whole::{address, put_down};

/// The core puts the words down by itself, and an error is its code alone: what `cargo xtask npm` builds.
#[cfg(micro_lora_terse)]
mod terse {
    pub(crate) fn address() -> usize {
        (&raw const micro_lora::REPORT).addr()
    }

    pub(crate) fn put_down(_: &micro_lora::Error) {}
}

/// From the error as the crate has it: what a build without flags of ours does.
#[cfg(not(micro_lora_terse))]
mod whole {
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use micro_lora::Error;

    static REPORT: [AtomicU32; 5] = [const { AtomicU32::new(0) }; 5];

    pub(crate) fn address() -> usize {
        (&raw const REPORT).addr()
    }

    pub(crate) fn put_down(error: &Error) {
        let (what, numbers) = match *error {
            Error::Length { what, expected, got } => (what, [expected as u32, got as u32, 0]),
            Error::NotFinite { what, index } => (what, [index as u32, 0, 0]),
            Error::OutOfRange { what, got, min, max } => (what, [min, max, got].map(f32::to_bits)),
            Error::Count { what, got, min, max } => (what, [min as u32, max as u32, got as u32]),
            Error::BaseRequired { in_features, out_features } => {
                ("base", [in_features as u32, out_features as u32, 0])
            }
            Error::SquareRequired { what, in_features, out_features, .. } => {
                (what, [in_features as u32, out_features as u32, 0])
            }
            Error::Overflow { what }
            | Error::ZeroNorm { what }
            | Error::Missing { what }
            | Error::Unsupported { field: what, .. }
            | Error::Step { feedback: what } => (what, [0; 3]),
            _ => ("", [0; 3]),
        };
        let words = [what.as_ptr().addr() as u32, what.len() as u32];
        for (place, word) in REPORT.iter().zip(words.into_iter().chain(numbers)) {
            place.store(word, Relaxed);
        }
    }
}
