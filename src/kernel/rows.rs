//! Matrices row by row.

/// The rows of a rank-major matrix. A length of zero gives no rows rather than a panic.
pub(crate) fn rows(matrix: &[f32], len: usize) -> core::slice::ChunksExact<'_, f32> {
    matrix.chunks_exact(len.max(1))
}

/// The rows of a rank-major matrix, to write.
pub(crate) fn rows_mut(matrix: &mut [f32], len: usize) -> core::slice::ChunksExactMut<'_, f32> {
    matrix.chunks_exact_mut(len.max(1))
}
