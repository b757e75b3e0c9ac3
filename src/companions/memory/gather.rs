//! The vectors and the scores of a list that is to be learned.

use super::clicks::Clicks;
use super::layout::{MemoryLayout, Stored};
use super::record::{Lookup, VectorId, find};
use crate::error::{Checked, refuse};
use crate::kernel;
use crate::learn::sample::Sample;

/// Copies query and documents into the scratch rows.
pub(super) fn gather(
    sample: &Sample<'_>,
    clicks: &Clicks<'_>,
    layout: &MemoryLayout,
    query_id: u32,
    query: &mut [f32],
    documents: &mut [f32],
    vectors: &mut impl FnMut(VectorId, &mut [f32]) -> Lookup,
) -> Checked<()> {
    kernel::copy(query, sample.input);
    if layout.queries == Stored::ById && find(VectorId::Query(query_id), query, vectors) != Lookup::Found {
        return Err(refuse::missing("a finite vector for the query's id"));
    }
    if layout.documents != Stored::ById {
        if !kernel::largest(clicks.documents).is_finite() {
            let index = kernel::first_not_finite(clicks.documents).unwrap_or_default();
            return Err(refuse::not_finite_at("documents", index));
        }
        kernel::copy(documents, clicks.documents);
        return Ok(());
    }
    for (id, document) in clicks.ids.iter().zip(kernel::rows_mut(documents, layout.out_features)) {
        if find(VectorId::Document(*id), document, vectors) != Lookup::Found {
            return Err(refuse::missing("a finite vector for a document's id"));
        }
    }
    Ok(())
}

/// The host's scores, or `document . base` in units of the lengths of both.
pub(super) fn score(
    scores: &mut [f32],
    sample: &Sample<'_>,
    clicks: &Clicks<'_>,
    layout: &MemoryLayout,
    documents: &[f32],
) {
    if !layout.scores {
        return;
    }
    if let Some(given) = clicks.scores {
        kernel::copy(scores, given);
        return;
    }
    let base = sample.base.unwrap_or(sample.input);
    kernel::dot_rows(scores, documents, base);
    let count = scores.len() as f32;
    let squared = (kernel::dot(documents, documents) / count) * kernel::dot(base, base);
    if squared > 0.0 {
        kernel::scale(scores, 1.0 / kernel::sqrt(squared));
    }
}
