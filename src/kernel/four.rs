//! Four values side by side, in a register where WebAssembly has such ones.

pub(crate) use imp::*;

#[cfg(target_feature = "simd128")]
mod imp {
    use core::arch::wasm32::{
        f32x4_add, f32x4_extract_lane as lane, f32x4_mul, f32x4_splat, f32x4_sub, i32x4_shuffle, v128,
        v128_load, v128_store,
    };

    pub(crate) type Four = v128;

    #[inline(always)]
    pub(crate) fn add(a: Four, b: Four) -> Four {
        f32x4_add(a, b)
    }

    #[inline(always)]
    pub(crate) fn sub(a: Four, b: Four) -> Four {
        f32x4_sub(a, b)
    }

    #[inline(always)]
    pub(crate) fn mul(a: Four, b: Four) -> Four {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Four {
        f32x4_splat(value)
    }

    #[inline(always)]
    pub(crate) fn load(from: &[f32; 4]) -> Four {
        // SAFETY: 16 bytes are there, at any alignment.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    #[inline(always)]
    pub(crate) fn store(to: &mut [f32; 4], four: Four) {
        // SAFETY: 16 bytes are there, at any alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), four) }
    }

    /// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
    pub(crate) fn reduce([a, b, c, d, e, f, g, h]: [Four; 8]) -> f32 {
        let sum = add(add(add(a, e), add(c, g)), add(add(b, f), add(d, h)));
        let sum = add(sum, i32x4_shuffle::<2, 3, 0, 1>(sum, sum));
        lane::<0>(sum) + lane::<1>(sum)
    }
}

#[cfg(not(target_feature = "simd128"))]
mod imp {
    pub(crate) type Four = [f32; 4];

    #[inline(always)]
    fn each([a, b, c, d]: Four, [e, f, g, h]: Four, of: impl Fn(f32, f32) -> f32) -> Four {
        [of(a, e), of(b, f), of(c, g), of(d, h)]
    }

    #[inline(always)]
    pub(crate) fn add(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    pub(crate) fn sub(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    pub(crate) fn mul(a: Four, b: Four) -> Four {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    pub(crate) const fn splat(value: f32) -> Four {
        [value; 4]
    }

    #[inline(always)]
    pub(crate) const fn load(from: &Four) -> Four {
        *from
    }

    #[inline(always)]
    pub(crate) const fn store(to: &mut Four, four: Four) {
        *to = four;
    }

    /// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
    pub(crate) fn reduce([a, b, c, d, e, f, g, h]: [Four; 8]) -> f32 {
        let [a, b, c, d] = add(add(add(a, e), add(c, g)), add(add(b, f), add(d, h)));
        (a + c) + (b + d)
    }
}
