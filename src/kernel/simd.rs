//! Which instructions the kernels use.
//!
//! On x86-64 every kernel is compiled three times and the best of them chosen at run time; elsewhere
//! once, for what the target is sure to have.

/// Instructions that the kernels can use. The results are the same with all of them, bit for bit.
///
/// On x86-64 the best that the CPU offers are chosen when the first kernel runs. On any other target
/// there is only [`Portable`](Self::Portable): what the target is sure to have, NEON on aarch64, say.
///
/// ```
/// use micro_lora::Simd;
/// assert!(Simd::current() <= Simd::best());
/// println!("{} of {}", Simd::current().name(), Simd::best().name()); // AVX2 of AVX2, say
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Simd {
    /// The target's own: SSE2 on x86-64.
    Portable,
    /// 256 bits. FMA, which most such CPUs have too, is never used: it rounds otherwise.
    Avx2,
    /// 512 bits: AVX-512F.
    Avx512,
}

impl Simd {
    /// The best that the CPU and its operating system offer.
    ///
    /// ```
    /// assert!(micro_lora::Simd::best() >= micro_lora::Simd::Portable);
    /// ```
    #[must_use]
    pub fn best() -> Self {
        choice::best()
    }

    /// What the kernels use.
    ///
    /// ```
    /// assert!(micro_lora::Simd::current() <= micro_lora::Simd::best());
    /// ```
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        choice::current()
    }

    /// From now on the kernels use nothing better than this, in the whole program: to compare, or to
    /// keep clear of instructions that lower a CPU's clock.
    ///
    /// ```
    /// micro_lora::Simd::Avx2.limit(); // no AVX-512; less, if the CPU has less
    /// ```
    pub fn limit(self) {
        choice::limit(self);
    }

    /// Its usual name; that of [`Portable`](Self::Portable) depends on what the program was built for.
    ///
    /// ```
    /// assert_eq!(micro_lora::Simd::Avx512.name(), "AVX-512");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Portable if cfg!(target_feature = "avx") => "SSE2 code built with AVX",
            Self::Portable if cfg!(target_feature = "sse2") => "SSE2",
            Self::Portable if cfg!(target_feature = "neon") => "NEON",
            Self::Portable if cfg!(target_feature = "simd128") => "simd128",
            Self::Portable => "scalar",
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod choice {
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    use super::Simd;

    cpufeatures::new!(avx2, "avx2");
    cpufeatures::new!(avx512, "avx512f");

    /// What the CPU has, and the operating system saves.
    pub(super) fn best() -> Simd {
        match () {
            () if avx512::get() => Simd::Avx512,
            () if avx2::get() => Simd::Avx2,
            () => Simd::Portable,
        }
    }

    const PORTABLE: u8 = Simd::Portable as u8;
    const AVX2: u8 = Simd::Avx2 as u8;
    const AVX512: u8 = Simd::Avx512 as u8;

    /// Private to this module, since code relies on it: never better than [`best`].
    static CHOSEN: AtomicU8 = AtomicU8::new(u8::MAX);

    #[inline(always)]
    pub(super) fn current() -> Simd {
        match CHOSEN.load(Relaxed) {
            AVX512 => Simd::Avx512,
            AVX2 => Simd::Avx2,
            PORTABLE => Simd::Portable,
            _ => limit(Simd::Avx512),
        }
    }

    #[cold]
    pub(super) fn limit(simd: Simd) -> Simd {
        let simd = simd.min(best());
        CHOSEN.store(simd as u8, Relaxed);
        simd
    }
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
mod choice {
    use super::Simd;

    pub(super) const fn best() -> Simd {
        Simd::Portable
    }

    pub(super) const fn current() -> Simd {
        Simd::Portable
    }

    pub(super) const fn limit(_: Simd) -> Simd {
        Simd::Portable
    }
}
