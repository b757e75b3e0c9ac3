//! The peers: linear-algebra libraries, each used as its documentation recommends,
//! and plain C.

mod algebra;
mod faer;
mod nalgebra;
mod native;
mod ndarray;
mod runner;
mod scaled_gradient;

use micro_lora::Simd;

pub struct Peer {
    pub name: &'static str,
    /// The instructions it was compiled for; the best of the CPU if it chooses by itself.
    pub simd: Option<Simd>,
    pub new: fn() -> Box<dyn Algebra>,
}

pub const PEERS: [Peer; 9] = [
    Peer { name: "Eigen SSE2", simd: Some(Simd::Portable), new: || Box::new(native::EIGEN_SSE2) },
    Peer { name: "Eigen AVX2+FMA", simd: Some(Simd::Avx2), new: || Box::new(native::EIGEN_AVX2) },
    Peer { name: "Eigen AVX-512", simd: Some(Simd::Avx512), new: || Box::new(native::EIGEN_AVX512) },
    Peer { name: OPENBLAS, simd: None, new: || Box::new(native::OPENBLAS) },
    Peer { name: "faer", simd: None, new: || Box::new(faer::Faer) },
    Peer { name: "nalgebra", simd: None, new: || Box::new(nalgebra::Nalgebra) },
    Peer { name: "ndarray", simd: None, new: || Box::new(ndarray::Ndarray) },
    Peer { name: "C", simd: None, new: || Box::new(native::PLAIN) },
    Peer { name: "C, -ffast-math", simd: None, new: || Box::new(native::PLAIN_FAST) },
];

pub const OPENBLAS: &str = "OpenBLAS";

pub use algebra::Algebra;
pub use native::openblas_core;
pub use runner::contender;
