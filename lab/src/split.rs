use fastrand::Rng;

use crate::Relevance;

const DOCUMENTS: usize = 1500;
const TRAIN: usize = 1300;
const VALIDATION: usize = 250;
const HELD_OUT: usize = 450;
/// With fewer held-out queries than this, every part shrinks in proportion instead.
const HELD_OUT_MIN: usize = 300;

/// Documents with a topic, split at random into disjoint parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The documents to search in.
    pub documents: Vec<usize>,
    /// Queries to learn on.
    pub train: Vec<usize>,
    /// Queries to choose settings on.
    pub validation: Vec<usize>,
    /// Queries that only the final figures may use.
    pub held_out: Vec<usize>,
}

impl Split {
    pub fn new(relevance: &Relevance, rng: &mut Rng) -> Self {
        let mut all: Vec<usize> = (0..relevance.len()).filter(|&p| relevance.has_topic(p)).collect();
        rng.shuffle(&mut all);
        let [documents, train, validation] = sizes(all.len());
        let (documents, rest) = all.split_at(documents);
        let (train, rest) = rest.split_at(train);
        let (validation, rest) = rest.split_at(validation);
        Self {
            documents: documents.to_vec(),
            train: train.to_vec(),
            validation: validation.to_vec(),
            held_out: rest[..rest.len().min(HELD_OUT)].to_vec(),
        }
    }
}

fn sizes(packages: usize) -> [usize; 3] {
    let wanted = [DOCUMENTS, TRAIN, VALIDATION];
    let sum: usize = wanted.iter().sum();
    if packages < sum + HELD_OUT_MIN { wanted.map(|part| part * packages / (sum + HELD_OUT)) } else { wanted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Debian, USERS};

    #[test]
    fn parts_have_the_expected_sizes_and_do_not_overlap() {
        let data = Debian::embedded().unwrap();
        for (user, expected) in USERS.iter().zip([
            [1242, 1076, 207, 373],
            [1242, 1076, 207, 373],
            [895, 776, 149, 270],
            [1500, 1300, 250, 450],
        ]) {
            let relevance = Relevance::new(&data, user);
            let split = Split::new(&relevance, &mut Rng::with_seed(1));
            let parts = [&split.documents, &split.train, &split.validation, &split.held_out];
            assert_eq!(parts.map(Vec::len), expected, "{}", user.name);
            let mut all = parts.map(Vec::as_slice).concat();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), expected.iter().sum::<usize>(), "{}", user.name);
        }
    }

    #[test]
    fn the_seed_decides() {
        let data = Debian::embedded().unwrap();
        let relevance = Relevance::new(&data, &USERS[0]);
        let split = |seed| Split::new(&relevance, &mut Rng::with_seed(seed));
        assert_eq!(split(1), split(1));
        assert_ne!(split(1).documents, split(2).documents);
    }
}
