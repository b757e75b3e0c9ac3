//! People who look for software, each with a taste that no query mentions.

use std::collections::HashMap;
use std::sync::Arc;

use ndarray::{Array2, Axis};

use super::{SearchTask, Searches, TooSmall, top};
use crate::debian::{UNREVIEWED, tags, typed};
use crate::error::DataError;
use crate::random::Chance;
use crate::{Debian, Embeddings};

/// How relevant a document is, before taste.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shares any label of one facet with the query.
    Coarse,
    /// The same, and is among the 60 documents nearest to the query.
    Strict,
    /// Jaccard index of the packagers' tags, weighted by idf (without interface, toolkit, language and role), doubled,
    /// at most 1: relevance that does not depend on the embedding.
    Graded,
}

/// The facet of a person's queries, and the interface that they like.
pub const PERSONS: [(Facet, &str); 4] = [
    (Facet::Use, "commandline"),
    (Facet::Use, "x11"),
    (Facet::WorksWith, "commandline"),
    (Facet::Section, "x11"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    Use,
    WorksWith,
    Section,
}

const NEAR: usize = 60;
/// Numbers of documents, and of queries to learn on, to choose settings on, to measure on.
const SIZES: [usize; 4] = [1500, 1300, 250, 450];
/// With fewer queries to measure on than this, every part shrinks in proportion instead.
const MEASURED_MIN: usize = 300;

/// The Debian set with everything that the simulated people need.
pub struct Persons {
    data: Debian,
    facets: [Vec<Vec<u16>>; 3],
    /// The packages in a facet's searches: those with a label, and those that nobody has reviewed yet.
    dealt: [Vec<usize>; 3],
    /// The tags of each package, ascending; the weight of each tag; the sum of weights per package.
    tags: Vec<Vec<u16>>,
    idf: Vec<f32>,
    weight: Vec<f32>,
    typed: (Vec<usize>, Embeddings),
}

/// Labels as numbers; labels of fewer than `least` rows are left out.
fn numbered(rows: Vec<Vec<String>>, least: usize) -> (Vec<Vec<u16>>, Vec<usize>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    rows.iter().flatten().for_each(|label| *counts.entry(label).or_default() += 1);
    let mut names: Vec<(&str, usize)> = counts.into_iter().filter(|&(_, count)| count >= least).collect();
    names.sort_unstable();
    let number: HashMap<&str, u16> =
        names.iter().zip(0..).map(|(&(name, _), number)| (name, number)).collect();
    let one = |row: &Vec<String>| {
        let mut row: Vec<u16> = row.iter().filter_map(|label| number.get(label.as_str()).copied()).collect();
        row.sort_unstable();
        row.dedup();
        row
    };
    (rows.iter().map(one).collect(), names.into_iter().map(|(_, count)| count).collect())
}

fn common<'a>(left: &'a [u16], right: &'a [u16]) -> impl Iterator<Item = usize> + 'a {
    left.iter().filter(|tag| right.contains(tag)).map(|&tag| usize::from(tag))
}

impl Persons {
    /// The set that is compiled into this crate.
    ///
    /// # Errors
    /// If its files do not belong together.
    pub fn embedded() -> Result<Self, DataError> {
        let data = Debian::embedded()?;
        let facet =
            |of: fn(&crate::Package) -> Vec<String>| numbered(data.packages.iter().map(of).collect(), 1).0;
        let facets =
            [facet(|p| p.uses.clone()), facet(|p| p.works_with.clone()), facet(|p| vec![p.section.clone()])];
        let more = tags()?;
        let unreviewed = ["use", "works-with", "section"].map(|facet| format!("{facet}::{UNREVIEWED}"));
        let dealt = [0, 1, 2].map(|facet: usize| {
            let takes_part =
                |row: &usize| !facets[facet][*row].is_empty() || more[*row].contains(&unreviewed[facet]);
            (0..data.packages.len()).filter(takes_part).collect()
        });
        let about = data.packages.iter().zip(more).map(|(package, more)| {
            let named = |facet: &str, tags: &[String]| {
                tags.iter().map(|t| format!("{facet}::{t}")).collect::<Vec<_>>()
            };
            let mut all = named("section", std::slice::from_ref(&package.section));
            all.extend(named("use", &package.uses));
            all.extend(named("works-with", &package.works_with));
            all.extend(more.into_iter().filter(|tag| !unreviewed.contains(tag)));
            all
        });
        let (tags, counts) = numbered(about.collect(), 2);
        let rows = data.packages.len() as f32;
        let idf: Vec<f32> = counts.into_iter().map(|count| (rows / count as f32).ln()).collect();
        let weight = tags.iter().map(|row| row.iter().map(|&tag| idf[usize::from(tag)]).sum()).collect();
        Ok(Self { facets, dealt, tags, idf, weight, typed: typed(&data)?, data })
    }

    pub fn data(&self) -> &Debian {
        &self.data
    }

    /// Packages for which a typed query exists, and the queries.
    pub fn typed(&self) -> (&[usize], &Embeddings) {
        (&self.typed.0, &self.typed.1)
    }

    /// Whether each package has this interface.
    pub fn liked(&self, interface: &str) -> Vec<bool> {
        self.data.packages.iter().map(|p| p.interfaces.iter().any(|i| i == interface)).collect()
    }

    /// One person's searches.
    ///
    /// # Errors
    /// If there are too few queries with relevant documents for a figure.
    pub fn task(&self, person: usize, kind: Kind, seed: u32) -> Result<SearchTask, TooSmall> {
        let (facet, interface) = PERSONS[person % PERSONS.len()];
        let [documents, train, validation, test] = split(&self.dealt[facet as usize], seed);
        let facet = &self.facets[facet as usize];
        let select = |rows: &[usize]| self.data.embeddings.matrix().select(Axis(0), rows);
        let vectors = select(&documents);
        let of = |all: &[bool]| documents.iter().map(|&d| all[d]).collect::<Vec<_>>();
        let (liked, opposite) =
            (of(&self.liked(interface)), if interface == "x11" { "commandline" } else { "x11" });
        let searches = |rows: &[usize]| {
            let queries = select(rows);
            let topic = match kind {
                Kind::Graded => self.graded(rows, &documents),
                Kind::Coarse => shared(facet, rows, &documents),
                Kind::Strict => {
                    let mut topic = shared(facet, rows, &documents);
                    near_only(&mut topic, &queries.dot(&vectors.t()));
                    topic
                }
            };
            Searches::new(queries, topic, &liked)
        };
        SearchTask {
            train: searches(&train),
            validation: searches(&validation),
            test: searches(&test),
            typed: Some(self.typed_in(&documents)),
            liked_next: of(&self.liked(opposite)),
            documents: Arc::new(vectors),
            liked,
            seed,
        }
        .checked()
    }

    fn graded(&self, queries: &[usize], documents: &[usize]) -> Array2<f32> {
        Array2::from_shape_fn((queries.len(), documents.len()), |(q, d)| {
            let (q, d) = (queries[q], documents[d]);
            let both: f32 = common(&self.tags[q], &self.tags[d]).map(|tag| self.idf[tag]).sum();
            (2.0 * both / (self.weight[q] + self.weight[d] - both).max(1e-6)).min(1.0)
        })
    }

    fn typed_in(&self, documents: &[usize]) -> (Array2<f32>, Vec<usize>) {
        let (rows, queries) = &self.typed;
        let place: HashMap<usize, usize> =
            documents.iter().zip(0..).map(|(&row, place)| (row, place)).collect();
        let mine = rows.iter().enumerate().filter_map(|(i, row)| Some((i, *place.get(row)?)));
        let (typed, own): (Vec<usize>, Vec<usize>) = mine.unzip();
        (queries.matrix().select(Axis(0), &typed), own)
    }
}

/// Packages, split at random into disjoint parts.
fn split(dealt: &[usize], seed: u32) -> [Vec<usize>; 4] {
    let mut all = dealt.to_vec();
    Chance::new(1000 + seed).shuffle(&mut all);
    let [documents, train, validation, measured] = SIZES;
    let wanted = documents + train + validation;
    let shrinks = all.len() < wanted + MEASURED_MIN;
    let mut rest = all.as_slice();
    let mut part = |size: usize| {
        let size = if shrinks { size * dealt.len() / (wanted + measured) } else { size };
        let (part, others) = rest.split_at(size);
        rest = others;
        part.to_vec()
    };
    let [documents, train, validation] = [documents, train, validation].map(&mut part);
    [documents, train, validation, rest[..rest.len().min(measured)].to_vec()]
}

fn shared(facet: &[Vec<u16>], queries: &[usize], documents: &[usize]) -> Array2<f32> {
    Array2::from_shape_fn((queries.len(), documents.len()), |(q, d)| {
        f32::from(common(&facet[queries[q]], &facet[documents[d]]).next().is_some())
    })
}

fn near_only(topic: &mut Array2<f32>, scores: &Array2<f32>) {
    for (mut row, scores) in topic.rows_mut().into_iter().zip(scores.rows()) {
        let near = top(scores, NEAR);
        let lowest = near.last().map_or(f32::NEG_INFINITY, |&id| scores[id]);
        row.iter_mut().zip(scores).filter(|(_, score)| **score < lowest).for_each(|(on, _)| *on = 0.0);
    }
}
