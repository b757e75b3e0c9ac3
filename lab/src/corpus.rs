//! The benchmark's data sets behind one interface.

use std::collections::HashMap;
use std::path::Path;

use crate::error::DataError;
use crate::{Debian, Embeddings, Labelled, Relevance, USERS};

/// A data set with four simulated people who search in it, and classes to tell apart.
pub enum Corpus {
    /// The set in this repository.
    Debian(Debian),
    /// A set from a folder.
    Labelled(Labelled),
}

/// How many people search in a corpus.
pub const PEOPLE: usize = 4;
/// How many classes the few-shot task tells apart: the most frequent ones.
pub const CLASSES: usize = 20;

impl Corpus {
    /// The set that is compiled into this crate.
    pub fn debian() -> Result<Self, DataError> {
        Debian::embedded().map(Self::Debian)
    }

    /// A set from a folder, see [`Labelled::load`].
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        Labelled::load(folder).map(Self::Labelled)
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Debian(_) => "debian",
            Self::Labelled(set) => &set.name,
        }
    }

    pub fn embeddings(&self) -> &Embeddings {
        match self {
            Self::Debian(set) => &set.embeddings,
            Self::Labelled(set) => &set.embeddings,
        }
    }

    /// What one of the [`PEOPLE`] finds relevant.
    pub fn relevance(&self, person: usize, seed: u32) -> Relevance {
        match self {
            Self::Debian(set) => Relevance::new(set, &USERS[person % USERS.len()]),
            Self::Labelled(set) => set.relevance(person, seed),
        }
    }

    /// The person whose taste replaces this one's after a switch: among the Debian users the one with the same searches
    /// and the opposite taste.
    pub fn opposite(&self, person: usize) -> usize {
        person ^ 1
    }

    /// The rows of the [`CLASSES`] most frequent classes, each with its class.
    pub fn classes(&self) -> Vec<(usize, usize)> {
        let names: Vec<&str> = match self {
            Self::Debian(set) => set.packages.iter().map(|package| package.section.as_str()).collect(),
            Self::Labelled(set) => set.labels.iter().map(String::as_str).collect(),
        };
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for name in &names {
            *counts.entry(name).or_default() += 1;
        }
        let mut order: Vec<&str> = counts.keys().copied().collect();
        // Equally frequent classes in the order of their names: a hash map has no order.
        order.sort_by_key(|name| (std::cmp::Reverse(counts[name]), *name));
        order.truncate(CLASSES);
        let class = |name: &&str| order.iter().position(|other| other == name);
        names.iter().enumerate().filter_map(|(row, name)| Some((row, class(name)?))).collect()
    }
}
