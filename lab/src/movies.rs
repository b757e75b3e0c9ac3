//! Real people: ratings of movies, in the order in which they were given.
//!
//! The first 60 % of a person's ratings make lists to learn on, the rest lists to measure on. A list is a query (a
//! movie that they liked, or the name of a genre) and the ten rated movies of that part nearest to it; those that the
//! person rated above their own mean count as clicked.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use micro_lora::Error;
use ndarray::{Array1, Array2, Axis};

use crate::Embeddings;
use crate::error::DataError;
use crate::labelled::read_array;
use crate::learners::{Contender, Setting};
use crate::people::{TEN, discount, top};
use crate::random::Chance;

const LEARNED: f64 = 0.6;
const MEASURED: usize = 120;
const MEASURED_MIN: usize = 5;
/// Movies from which a genre's list is chosen, and how many lists each genre has.
const CHOSEN_FROM: usize = 40;
const ROUNDS: usize = 5;
/// The weight of popularity, as a standard score, beside cosines in the host's ranking.
const HOST_SCALE: f32 = 0.1;

/// A folder of ratings.
pub struct Ratings {
    movies: Embeddings,
    genres: Embeddings,
    /// Mean rating by other people, as a standard score.
    popularity: Vec<f32>,
    /// For each person: movie and rating, in the order of time.
    people: Vec<Vec<(usize, f32)>>,
}

/// The kind of query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    Movie,
    Genre,
}

/// The ranking to which the correction is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Cosine,
    Popularity,
}

/// How well lists are ranked: nDCG, and the share of pairs in the right order.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    pub ndcg: f64,
    pub auc: f64,
}

impl Ratings {
    /// `movielens_f16.npz` and `genres_f16.npz` (array `emb`), `movies.tsv` (a `popularity` per row), `ratings.tsv`
    /// (`user`, `row`, `rating`, in the order of time).
    ///
    /// # Errors
    /// If a file is missing, or is not what it should be.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let embeddings = |name: &str| {
            let (_, columns, values) = read_array(&folder.join(name))?;
            Embeddings::normalised(columns, values)
        };
        let movies = embeddings("movielens_f16.npz")?;
        let table = Table::read(folder.join("movies.tsv"))?;
        let raw: Vec<f32> = table.column("popularity")?;
        if raw.len() != movies.len() {
            let (expected, got) = ((movies.len(), 1), (raw.len(), 1));
            return Err(DataError::Shape { path: table.path, expected, got });
        }
        let mean = raw.iter().sum::<f32>() / raw.len() as f32;
        let deviation = (raw.iter().map(|p| (p - mean).powi(2)).sum::<f32>() / raw.len() as f32).sqrt();
        let table = Table::read(folder.join("ratings.tsv"))?;
        let users: Vec<usize> = table.column("user")?;
        let (rows, ratings): (Vec<usize>, Vec<f32>) = (table.column("row")?, table.column("rating")?);
        let mut people = vec![vec![]; users.iter().map(|user| user + 1).max().unwrap_or(0).min(users.len())];
        for (line, ((user, row), rating)) in users.into_iter().zip(rows).zip(ratings).enumerate() {
            match people.get_mut(user).filter(|_| row < movies.len()) {
                Some(person) => person.push((row, rating)),
                None => {
                    let why = format!(
                        "expected a row below {} and users from 0, got {row} of {user}",
                        movies.len()
                    );
                    return Err(DataError::Line { path: table.path, line: line + 2, why });
                }
            }
        }
        let popularity = raw.iter().map(|p| (p - mean) / deviation).collect();
        Ok(Self { movies, genres: embeddings("genres_f16.npz")?, popularity, people })
    }

    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// One person's lists; none if there are too few to measure on.
    pub fn person(&self, person: usize, query: Query) -> Option<Person> {
        let ratings = &self.people[person];
        let mut rows: Vec<usize> = ratings.iter().map(|&(row, _)| row).collect();
        rows.sort_unstable();
        rows.dedup();
        let n = (LEARNED * ratings.len() as f64) as usize;
        let (learned, measured) = ratings.split_at(n);
        let mean = learned.iter().map(|&(_, rating)| rating).sum::<f32>() / n.max(1) as f32;
        let mut chance = Chance::new(u32::try_from(person).unwrap_or(u32::MAX));
        let [train, mut test] = [learned, measured].map(|part| {
            let part: Vec<(usize, bool)> = part.iter().map(|&(row, rating)| (row, rating > mean)).collect();
            let mut lists = match query {
                Query::Movie => self.by_movie(&part),
                Query::Genre => self.by_genre(&part, &mut chance),
            };
            for list in &mut lists {
                list.ids.iter_mut().for_each(|id| *id = rows.binary_search(id).unwrap_or(0));
            }
            lists
        });
        test.retain(|list| list.liked.contains(&true) && list.liked.contains(&false));
        test.truncate(MEASURED);
        let documents = Arc::new(self.movies.matrix().select(Axis(0), &rows));
        let popularity = rows.iter().map(|&row| self.popularity[row]).collect();
        let seed = u32::try_from(person).unwrap_or(u32::MAX);
        (test.len() >= MEASURED_MIN).then_some(Person { documents, popularity, train, test, seed })
    }

    fn list(&self, part: &[(usize, bool)], among: &[usize], query: &[f32]) -> List {
        let cosines: Array1<f32> =
            among.iter().map(|&i| crate::ranking::dot(self.movies.row(part[i].0), query)).collect();
        let best = top(cosines.view(), TEN).into_iter().map(|place| part[among[place]]);
        let (ids, liked) = best.unzip();
        List { query: Array1::from(query.to_vec()), ids, liked }
    }

    fn by_movie(&self, part: &[(usize, bool)]) -> Vec<List> {
        let liked = (0..part.len()).filter(|&i| part[i].1);
        let one = |i: usize| {
            let others: Vec<usize> = (0..part.len()).filter(|&other| other != i).collect();
            self.list(part, &others, self.movies.row(part[i].0))
        };
        liked.map(one).collect()
    }

    fn by_genre(&self, part: &[(usize, bool)], chance: &mut Chance) -> Vec<List> {
        let mut lists = vec![];
        for _ in 0..ROUNDS {
            for genre in chance.permutation(self.genres.len()) {
                let mut some = chance.permutation(part.len());
                some.truncate(CHOSEN_FROM);
                lists.push(self.list(part, &some, self.genres.row(genre)));
            }
        }
        lists
    }
}

struct List {
    query: Array1<f32>,
    ids: Vec<usize>,
    liked: Vec<bool>,
}

/// One person's movies and lists.
pub struct Person {
    documents: Arc<Array2<f32>>,
    popularity: Array1<f32>,
    train: Vec<List>,
    test: Vec<List>,
    seed: u32,
}

impl Person {
    /// Learns all lists to learn on, then ranks the others.
    ///
    /// # Errors
    /// As the learner's own.
    pub fn run(&self, host: Host, contender: &Contender) -> Result<Judged, Error> {
        let scaled = &self.popularity * HOST_SCALE;
        let mut setting = Setting::new(self.documents.clone(), self.seed);
        if host == Host::Popularity {
            setting.host = Some(Arc::new(scaled.clone()));
        }
        let mut learner = (contender.make)(&setting)?;
        for list in &self.train {
            learner.learn(list.query.view(), &list.ids, &list.liked)?;
        }
        self.judge(|list| {
            let base = match host {
                Host::Cosine => self.documents.dot(&list.query),
                Host::Popularity => scaled.clone(),
            };
            let query = list.query.view().insert_axis(Axis(0));
            let scores = learner.score(query, base.view().insert_axis(Axis(0)))?;
            Ok(list.ids.iter().map(|&id| scores[(0, id)]).collect())
        })
    }

    /// The figures of popularity alone.
    ///
    /// # Errors
    /// None.
    pub fn popularity(&self) -> Result<Judged, Error> {
        self.judge(|list| Ok(list.ids.iter().map(|&id| self.popularity[id]).collect()))
    }

    fn judge(&self, scores: impl Fn(&List) -> Result<Vec<f32>, Error>) -> Result<Judged, Error> {
        let (mut ndcg, mut auc) = (0.0, 0.0);
        for list in &self.test {
            let (n, a) = judged(&scores(list)?, &list.liked);
            ndcg += n;
            auc += a;
        }
        let n = self.test.len() as f64;
        Ok(Judged { ndcg: ndcg / n, auc: auc / n })
    }
}

/// nDCG of a list, and the share of its pairs in the right order; equal scores count half.
fn judged(scores: &[f32], liked: &[bool]) -> (f64, f64) {
    let order = top(Array1::from(scores.to_vec()).view(), scores.len());
    let dcg: f64 =
        order.iter().enumerate().filter(|&(_, &id)| liked[id]).map(|(place, _)| discount(place)).sum();
    let count = liked.iter().filter(|&&l| l).count();
    let (mut right, mut pairs) = (0.0, 0.0);
    for (yes, _) in scores.iter().zip(liked).filter(|&(_, &l)| l) {
        for (no, _) in scores.iter().zip(liked).filter(|&(_, &l)| !l) {
            right += if yes > no {
                1.0
            } else if yes == no {
                0.5
            } else {
                0.0
            };
            pairs += 1.0;
        }
    }
    (dcg / (0..count).map(discount).sum::<f64>(), right / pairs)
}

/// A table with names in its first line, fields separated by tabs.
struct Table {
    path: PathBuf,
    names: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    fn read(path: PathBuf) -> Result<Self, DataError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(DataError::Read { path, source }),
        };
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines().map(fields);
        Ok(Self { path, names: lines.next().unwrap_or_default(), lines: lines.collect() })
    }

    fn column<T: std::str::FromStr>(&self, name: &str) -> Result<Vec<T>, DataError> {
        let refuse = |line: usize, why: String| DataError::Line { path: self.path.clone(), line, why };
        let column = self.names.iter().position(|other| other == name);
        let column =
            column.ok_or_else(|| refuse(1, format!("expected a column {name}, got {:?}", self.names)))?;
        let number = |(line, fields): (usize, &Vec<String>)| {
            let field = fields.get(column).map_or("", String::as_str);
            field.parse().map_err(|_| refuse(line + 2, format!("expected a number as {name}, got {field:?}")))
        };
        self.lines.iter().enumerate().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_places_are_judged() {
        let (ndcg, auc) = judged(&[0.9, 0.5, 0.5, 0.1], &[false, true, false, true]);
        assert_eq!(auc, 0.125);
        let best = discount(0) + discount(1);
        assert!((ndcg - (discount(1) + discount(3)) / best).abs() < 1e-12, "{ndcg}");
        assert_eq!(judged(&[2.0, 1.0], &[true, false]), (1.0, 1.0));
    }
}
