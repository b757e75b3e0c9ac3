use crate::SHOWN;

/// The discount of a rank that counts from 0.
fn discount(rank: usize) -> f64 {
    1.0 / ((rank + 2) as f64).log2()
}

/// nDCG@10 with binary relevance: 1 for the best possible ranking.
///
/// `relevant` says which of the results are relevant, `total` how many relevant documents exist.
pub fn ndcg(relevant: &[bool; SHOWN], total: usize) -> f64 {
    let ideal: f64 = (0..total.min(SHOWN)).map(discount).sum();
    if ideal == 0.0 {
        return 0.0;
    }
    discounted(relevant) / ideal
}

/// A list's quality as its clicks show it, from 0 (none) to 1 (all): the scalar that rules without a
/// direction learn from.
pub fn click_quality(clicks: &[bool; SHOWN]) -> f32 {
    (discounted(clicks) / (0..SHOWN).map(discount).sum::<f64>()) as f32
}

fn discounted(hits: &[bool; SHOWN]) -> f64 {
    hits.iter().enumerate().filter(|&(_, &hit)| hit).map(|(rank, _)| discount(rank)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ranks: &[usize]) -> [bool; SHOWN] {
        std::array::from_fn(|rank| ranks.contains(&rank))
    }

    #[test]
    fn ndcg_of_known_rankings() {
        assert_eq!(ndcg(&at(&[0, 1, 2]), 3), 1.0);
        assert_eq!(ndcg(&at(&[]), 3), 0.0);
        // One of two relevant documents, on place 3: (1 / log2 4) / (1 / log2 2 + 1 / log2 3).
        assert!((ndcg(&at(&[2]), 2) - 0.306_573_6).abs() < 1e-6);
        // Only ten documents can be shown, so ten relevant ones are perfect.
        assert_eq!(ndcg(&[true; SHOWN], 500), 1.0);
    }

    #[test]
    fn quality_spans_zero_to_one_and_prefers_the_top() {
        assert_eq!(click_quality(&at(&[])), 0.0);
        assert_eq!(click_quality(&[true; SHOWN]), 1.0);
        assert!(click_quality(&at(&[0])) > click_quality(&at(&[9])));
    }
}
