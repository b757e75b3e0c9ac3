//! The results of a search, before and after learning.

use std::fmt;
use std::sync::Arc;

use fastrand::Rng;
use micro_lora::Error;
use micro_lora_lab::learners::{ROSTER, Ranker, Setting};
use micro_lora_lab::{Clicks, Debian, SHOWN, Task};
use ndarray::{ArrayView1, Axis};

/// Results that a reader compares.
pub const FIVE: usize = 5;

/// Gives the clicks a random stream apart from the one that made the split.
const CLICK_STREAM: u64 = 77 << 32;

/// All unseen searches after this many learned ones.
pub struct Sight {
    pub judged: Vec<Judged>,
}

/// One unseen search.
#[derive(Clone)]
pub struct Judged {
    query: usize,
    /// The results, and whether each is good.
    before: [(usize, bool); FIVE],
    after: [(usize, bool); FIVE],
}

/// How many searches became better, stayed the same or became worse.
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub better: usize,
    pub same: usize,
    pub worse: usize,
}

impl Sight {
    /// The results of a learner after each of these numbers of searches, which must ascend.
    pub fn of<const N: usize>(
        task: &Task<'_>,
        learner: &str,
        checkpoints: [usize; N],
    ) -> Result<[Self; N], Box<dyn std::error::Error>> {
        let documents = Arc::new(task.document_rows().matrix().to_owned());
        let contender = ROSTER.iter().find(|one| one.name == learner).ok_or("no such learner")?;
        let mut learner = (contender.make)(&Setting::new(documents.clone(), task.seed))?;
        let mut rng = Rng::with_seed(CLICK_STREAM + u64::from(task.seed));
        let (mut order, mut seen) = (vec![], 0);
        let mut sights = checkpoints.map(|_| Self { judged: vec![] });
        for (checkpoint, sight) in checkpoints.into_iter().zip(&mut sights) {
            while seen < checkpoint {
                if order.is_empty() {
                    order.clone_from(&task.train);
                    rng.shuffle(&mut order);
                }
                let Some(query) = order.pop() else { return Err("no search to learn from".into()) };
                let shown = show(task, &mut *learner, query)?;
                let good = task.relevant_shown(&task.relevance, query, &shown);
                let clicked = Clicks::HONEST.on(&good, &mut rng);
                learner.learn(ArrayView1::from(task.query(query)), &shown, &clicked)?;
                seen += 1;
            }
            for (query, frozen) in task.held_out_frozen() {
                let after = show(task, &mut *learner, query)?;
                let five = |shown: &[usize; SHOWN]| {
                    let good = task.relevant_shown(&task.relevance, query, shown);
                    std::array::from_fn(|rank| (shown[rank], good[rank]))
                };
                sight.judged.push(Judged { query, before: five(frozen), after: five(&after) });
            }
        }
        Ok(sights)
    }
}

fn show(task: &Task<'_>, learner: &mut dyn Ranker, query: usize) -> Result<[usize; SHOWN], Error> {
    let query = ArrayView1::from(task.query(query));
    let base = task.document_rows().matrix().dot(&query);
    let scores = learner.score(query.insert_axis(Axis(0)), base.view().insert_axis(Axis(0)))?;
    let shown = micro_lora_lab::people::top(scores.row(0), SHOWN);
    Ok(std::array::from_fn(|rank| shown[rank]))
}

impl Judged {
    fn gain(&self) -> isize {
        let good = |five: &[(usize, bool); FIVE]| five.iter().filter(|(_, good)| *good).count() as isize;
        good(&self.after) - good(&self.before)
    }

    pub fn print(&self, data: &Debian, task: &Task<'_>) {
        let verdict = match self.gain() {
            1.. => "better",
            0 => "same",
            _ => "worse",
        };
        println!("\n{verdict:>6}: \"{}\"", data.packages[self.query].description);
        for ((before, is_good), (after, is_good_now)) in self.before.iter().zip(&self.after) {
            let text = |document: usize, is_good: bool| {
                let package = &data.packages[task.row_of(document)];
                clip(&format!(
                    "{} {}: {}",
                    if is_good { '*' } else { ' ' },
                    package.name,
                    package.description
                ))
            };
            println!("  {} | {}", text(*before, *is_good), text(*after, *is_good_now).trim_end());
        }
    }
}

/// Truncated or padded to a column.
fn clip(text: &str) -> String {
    const WIDTH: usize = 56;
    if text.chars().count() <= WIDTH {
        return format!("{text:WIDTH$}");
    }
    text.chars().take(WIDTH - 1).chain(['…']).collect()
}

impl Count {
    pub fn add(&mut self, judged: &Judged) {
        match judged.gain() {
            1.. => self.better += 1,
            0 => self.same += 1,
            _ => self.worse += 1,
        }
    }

    pub fn all(self) -> usize {
        self.better + self.same + self.worse
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} better, {} same, {} worse", self.better, self.same, self.worse)
    }
}
