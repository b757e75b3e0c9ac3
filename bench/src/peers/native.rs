//! Plain C, OpenBLAS and Eigen: bindings to `native/`, one per set of instructions.

use std::ffi::{CStr, c_char, c_long};

use super::algebra::Algebra;
use crate::lora::Lora;

/// `Lora` of `native/peer.h`.
#[repr(C)]
struct RawLora {
    inputs: c_long,
    outputs: c_long,
    rank: c_long,
    scaling: f32,
    a: *const f32,
    b: *const f32,
    grad_a: *const f32,
    grad_b: *const f32,
}

impl RawLora {
    fn of(lora: &Lora) -> Self {
        Self {
            inputs: lora.shape.inputs as c_long,
            outputs: lora.shape.outputs as c_long,
            rank: lora.shape.rank as c_long,
            scaling: lora.scaling,
            a: lora.a.as_ptr(),
            b: lora.b.as_ptr(),
            grad_a: lora.grad_a.as_ptr(),
            grad_b: lora.grad_b.as_ptr(),
        }
    }

    fn of_mut(lora: &mut Lora) -> Self {
        let (grad_a, grad_b) = (lora.grad_a.as_mut_ptr(), lora.grad_b.as_mut_ptr());
        Self { grad_a, grad_b, ..Self::of(lora) }
    }
}

type Matrix = *const f32;

/// The functions of `native/peer.h`.
#[derive(Clone, Copy)]
pub struct Native {
    apply: unsafe extern "C" fn(*const RawLora, *const f32, *mut f32),
    add: unsafe extern "C" fn(*const RawLora, *const f32, *mut f32),
    apply_batch: unsafe extern "C" fn(*const RawLora, c_long, *const f32, *mut f32, *mut f32),
    gradient: unsafe extern "C" fn(*mut RawLora, *const f32, *const f32),
    gradient_batch: unsafe extern "C" fn(*mut RawLora, c_long, *const f32, *const f32, *mut f32),
    project: unsafe extern "C" fn(Matrix, c_long, c_long, *const f32, *mut f32),
    combine: unsafe extern "C" fn(Matrix, c_long, c_long, *const f32, *mut f32),
    gram: unsafe extern "C" fn(Matrix, c_long, c_long, *mut f32),
    update: unsafe extern "C" fn(*mut f32, c_long, c_long, f32, *const f32, *mut f32),
}

/// Declares the functions with one prefix, by their names for the linker.
macro_rules! native {
    ($table:ident, $prefix:literal) => {
        pub const $table: Native = {
            unsafe extern "C" {
                #[link_name = concat!($prefix, "_apply")]
                fn apply(lora: *const RawLora, x: *const f32, y: *mut f32);
                #[link_name = concat!($prefix, "_add")]
                fn add(lora: *const RawLora, x: *const f32, y: *mut f32);
                #[link_name = concat!($prefix, "_apply_batch")]
                fn apply_batch(lora: *const RawLora, n: c_long, x: *const f32, y: *mut f32, h: *mut f32);
                #[link_name = concat!($prefix, "_gradient")]
                fn gradient(lora: *mut RawLora, x: *const f32, g: *const f32);
                #[link_name = concat!($prefix, "_gradient_batch")]
                fn gradient_batch(lora: *mut RawLora, n: c_long, x: *const f32, g: *const f32, h: *mut f32);
                #[link_name = concat!($prefix, "_project")]
                fn project(m: Matrix, n: c_long, len: c_long, v: *const f32, z: *mut f32);
                #[link_name = concat!($prefix, "_combine")]
                fn combine(m: Matrix, n: c_long, len: c_long, z: *const f32, v: *mut f32);
                #[link_name = concat!($prefix, "_gram")]
                fn gram(m: Matrix, n: c_long, len: c_long, g: *mut f32);
                #[link_name = concat!($prefix, "_update")]
                fn update(m: *mut f32, n: c_long, len: c_long, keep: f32, w: *const f32, g: *mut f32);
            }
            Native { apply, add, apply_batch, gradient, gradient_batch, project, combine, gram, update }
        };
    };
}

native!(EIGEN_SSE2, "eigen_sse2");
native!(EIGEN_AVX2, "eigen_avx2");
native!(EIGEN_AVX512, "eigen_avx512");
native!(OPENBLAS, "openblas");
native!(PLAIN, "plain");
native!(PLAIN_FAST, "plain_fast");

/// The kernels that OpenBLAS has chosen.
pub fn openblas_core() -> String {
    unsafe extern "C" {
        fn openblas_get_corename() -> *const c_char;
    }
    // SAFETY: OpenBLAS returns a static text.
    unsafe { CStr::from_ptr(openblas_get_corename()) }.to_string_lossy().into_owned()
}

// SAFETY of every call: lengths are those of the shape, or of a matrix of `n` rows of `len`; the functions
// neither keep a pointer nor write more than the header file says.
impl Algebra for Native {
    fn apply(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        assert_eq!((x.len(), y.len()), (lora.shape.inputs, lora.shape.outputs));
        // SAFETY: see above.
        unsafe { (self.apply)(&RawLora::of(lora), x.as_ptr(), y.as_mut_ptr()) }
    }

    fn add(&mut self, lora: &Lora, x: &[f32], y: &mut [f32]) {
        assert_eq!((x.len(), y.len()), (lora.shape.inputs, lora.shape.outputs));
        // SAFETY: see above.
        unsafe { (self.add)(&RawLora::of(lora), x.as_ptr(), y.as_mut_ptr()) }
    }

    fn residual(&mut self, lora: &Lora, x: &mut [f32]) {
        assert_eq!([x.len(); 2], [lora.shape.inputs, lora.shape.outputs]);
        let x = x.as_mut_ptr();
        // SAFETY: see above; all of `A x` is formed before the first write.
        unsafe { (self.add)(&RawLora::of(lora), x, x) }
    }

    fn apply_batch(&mut self, lora: &Lora, n: usize, x: &[f32], y: &mut [f32], h: &mut [f32]) {
        assert_eq!((x.len(), y.len()), (n * lora.shape.inputs, n * lora.shape.outputs));
        assert!(h.len() >= n * lora.shape.rank);
        // SAFETY: see above.
        unsafe {
            (self.apply_batch)(&RawLora::of(lora), n as c_long, x.as_ptr(), y.as_mut_ptr(), h.as_mut_ptr());
        }
    }

    fn gradient(&mut self, lora: &mut Lora, x: &[f32], g: &[f32]) {
        assert_eq!((x.len(), g.len()), (lora.shape.inputs, lora.shape.outputs));
        // SAFETY: see above.
        unsafe { (self.gradient)(&mut RawLora::of_mut(lora), x.as_ptr(), g.as_ptr()) }
    }

    fn gradient_batch(&mut self, lora: &mut Lora, n: usize, x: &[f32], g: &[f32], h: &mut [f32]) {
        assert_eq!((x.len(), g.len()), (n * lora.shape.inputs, n * lora.shape.outputs));
        assert!(h.len() >= 2 * n * lora.shape.rank);
        let (x, g, h) = (x.as_ptr(), g.as_ptr(), h.as_mut_ptr());
        // SAFETY: see above.
        unsafe { (self.gradient_batch)(&mut RawLora::of_mut(lora), n as c_long, x, g, h) }
    }

    fn project(&mut self, m: &[f32], v: &[f32], z: &mut [f32]) {
        assert_eq!(m.len(), z.len() * v.len());
        // SAFETY: see above.
        unsafe {
            (self.project)(m.as_ptr(), z.len() as c_long, v.len() as c_long, v.as_ptr(), z.as_mut_ptr())
        }
    }

    fn combine(&mut self, m: &[f32], z: &[f32], v: &mut [f32]) {
        assert_eq!(m.len(), z.len() * v.len());
        // SAFETY: see above.
        unsafe {
            (self.combine)(m.as_ptr(), z.len() as c_long, v.len() as c_long, z.as_ptr(), v.as_mut_ptr())
        }
    }

    fn gram(&mut self, m: &[f32], n: usize) -> [f32; 16] {
        assert!(n <= 4);
        let mut gram = [0.0; 16];
        // SAFETY: see above.
        unsafe { (self.gram)(m.as_ptr(), n as c_long, (m.len() / n) as c_long, gram.as_mut_ptr()) }
        gram
    }

    fn update(&mut self, m: &mut [f32], n: usize, keep: f32, w: &[f32; 16], g: &mut [f32]) {
        assert!(n <= 4 && m.len() == g.len());
        let len = (m.len() / n) as c_long;
        // SAFETY: see above.
        unsafe { (self.update)(m.as_mut_ptr(), n as c_long, len, keep, w.as_ptr(), g.as_mut_ptr()) }
    }
}
