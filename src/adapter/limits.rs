//! How large the numbers of an adapter may become, so that no sum or product of them overflows.

/// No matrix of a larger norm enters an adapter: with both at the limit, the square of an output is
/// still finite for inputs of norm up to 1000.
pub(crate) const NORM_LIMIT: f32 = 1e8;

/// Largest norm of one event's gradient over `lora_A` or `C`. With [`WEIGHT_LIMIT`] it keeps the
/// pending sums, and their Gram matrices, finite without a pass to check.
pub(crate) const GRADIENT_LIMIT: f32 = 1e11;

/// Largest sum of pending weights: up to here f32 still counts single events exactly.
pub(crate) const WEIGHT_LIMIT: f32 = 16_777_216.0;

/// The largest run-time strength.
pub(crate) const MAX_STRENGTH: f32 = 100.0;
