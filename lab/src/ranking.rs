use ndarray::ArrayView2;

use crate::Embeddings;

/// How many results a search shows.
pub const SHOWN: usize = 10;

/// Document indices, best first.
pub type Shown = [usize; SHOWN];

/// The documents nearest to a query by dot product; equal ones in the order of their indices.
///
/// # Panics
/// If there are fewer than [`SHOWN`] documents.
pub fn top(documents: &Embeddings, query: &[f32]) -> Shown {
    assert!(documents.len() >= SHOWN, "expected {SHOWN} documents, got {}", documents.len());
    best(documents.rows().map(|document| dot(document, query)))
}

/// The indices of the highest scores.
fn best(scores: impl Iterator<Item = f32>) -> Shown {
    let mut best = [(f32::NEG_INFINITY, usize::MAX); SHOWN];
    for (index, score) in scores.enumerate() {
        let score = sortable(score);
        // An unused place ranks below any document, even one with an infinite score.
        let beats = |&(other, place): &(f32, usize)| place == usize::MAX || score > other;
        if beats(&best[SHOWN - 1]) {
            let at = best.iter().position(beats).unwrap_or(SHOWN - 1);
            best[at..].rotate_right(1);
            best[at] = (score, index);
        }
    }
    best.map(|(_, index)| index)
}

/// [`top`] for many queries at once, the scores computed by a matrix product.
pub fn top_of_each(documents: &Embeddings, queries: &[f32]) -> Vec<Shown> {
    /// Queries per block, so that their scores stay in cache.
    const BLOCK: usize = 64;
    let documents = matrix(documents.dim(), documents.values());
    let blocks = queries.chunks(BLOCK * documents.ncols());
    let lists = blocks.map(|block| {
        let scores = matrix(documents.ncols(), block).dot(&documents.t());
        scores.rows().into_iter().map(|row| best(row.iter().copied())).collect::<Vec<_>>()
    });
    lists.flatten().collect()
}

fn matrix(columns: usize, values: &[f32]) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((values.len() / columns, columns), values).expect("rows of one length")
}

/// A diverged learner must rank badly, not stop the benchmark.
fn sortable(score: f32) -> f32 {
    if score.is_nan() { f32::NEG_INFINITY } else { score }
}

/// Sixteen independent sums, so that the compiler can use vector registers without reordering.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0_f32; LANES];
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Debian;

    #[test]
    fn top_agrees_with_sorting_every_score() {
        let documents = Debian::embedded().unwrap().embeddings;
        for query in [0, 17, 3599].map(|i| documents.row(i)) {
            let mut all: Vec<(f64, usize)> = documents
                .rows()
                .enumerate()
                .map(|(i, row)| {
                    let exact = row.iter().zip(query).map(|(&x, &y)| f64::from(x) * f64::from(y));
                    (exact.sum(), i)
                })
                .collect();
            all.sort_by(|a, b| b.0.total_cmp(&a.0));
            let expected: Vec<usize> = all[..SHOWN].iter().map(|&(_, i)| i).collect();
            assert_eq!(top(&documents, query).to_vec(), expected);
        }
    }

    #[test]
    fn many_queries_at_once_find_what_each_would() {
        let documents = Debian::embedded().unwrap().embeddings;
        let queries: Vec<f32> = (0..130).flat_map(|i| documents.row(27 * i)).copied().collect();
        let one_by_one: Vec<Shown> =
            queries.chunks(documents.dim()).map(|query| top(&documents, query)).collect();
        let differing =
            top_of_each(&documents, &queries).iter().zip(&one_by_one).filter(|(a, b)| a != b).count();
        // Another order of summation may swap documents that differ only by rounding.
        assert!(differing <= 2, "{differing} of 130 lists differ");
    }

    #[test]
    fn a_query_of_nan_still_gives_distinct_documents() {
        let documents = Debian::embedded().unwrap().embeddings;
        let query = vec![f32::NAN; documents.dim()];
        assert_eq!(top(&documents, &query), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn dot_includes_the_tail() {
        let a: Vec<f32> = (0..19_u8).map(f32::from).collect();
        assert_eq!(dot(&a, &a), 2109.0);
    }
}
