//! Two people's searches before and after learning.

use micro_lora::Error;
use micro_lora_lab::{Contender, Debian, Learner, Shown, Task, USERS, run};
use serde::Serialize;

/// Two users with the same searches and opposite tastes, and a description of each.
const PAIR: [(usize, &str); 2] = [(0, "the command line"), (1, "windows")];
const SEED: u32 = 0;
const FIVE: usize = 5;

/// How the searches changed that these people had not made before.
#[derive(Serialize)]
pub struct Showcase {
    pub searches: Vec<Search>,
    pub unseen: usize,
    pub better: usize,
    pub worse: usize,
    /// How many of the frozen model's ten results are among the ten after learning, on average.
    pub kept: f64,
}

#[derive(Serialize)]
pub struct Search {
    pub likes: &'static str,
    pub query: String,
    pub before: Vec<Hit>,
    pub after: Vec<Hit>,
}

#[derive(Serialize)]
pub struct Hit {
    pub name: String,
    /// Serves the purpose of the query, and is of the kind that the person likes.
    pub is_good: bool,
}

/// One person after learning.
struct Person<'a> {
    data: &'a Debian,
    task: Task<'a>,
    learner: Box<dyn Learner>,
}

/// One search of each person, and a summary of all of them.
///
/// The searches are not picked by hand: for each person it is the one with the upper quartile of the gain, of those that
/// show more good results and still the frozen model's first one.
pub fn searches(data: &Debian, contender: &Contender) -> Result<Showcase, Error> {
    let mut all = Showcase { searches: vec![], unseen: 0, better: 0, worse: 0, kept: 0.0 };
    let mut kept = 0;
    for (user, likes) in PAIR {
        let person = Person::learn(data, user, contender)?;
        let mut improved = vec![];
        for (query, frozen) in person.task.held_out_frozen() {
            let shown = person.search(query)?;
            let Some(gain) = person.gain(query, frozen, &shown) else { continue };
            all.unseen += 1;
            all.better += usize::from(gain > 0.0);
            all.worse += usize::from(gain < 0.0);
            kept += shown.iter().filter(|document| frozen.contains(document)).count();
            let shows_more = person.good(query, &shown) > person.good(query, frozen);
            if gain > 0.0 && shows_more && shown[..FIVE].contains(&frozen[0]) {
                improved.push((gain, query, *frozen, shown));
            }
        }
        improved.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, query, before, after)) = improved.get(improved.len() * 3 / 4) {
            all.searches.push(Search {
                likes,
                query: data.packages[*query].description.clone(),
                before: person.results(*query, before),
                after: person.results(*query, after),
            });
        }
    }
    all.kept = kept as f64 / all.unseen as f64;
    Ok(all)
}

impl<'a> Person<'a> {
    fn learn(data: &'a Debian, user: usize, contender: &Contender) -> Result<Self, Error> {
        let task = Task::new(data, &USERS[user], SEED);
        let mut learner = (contender.learner)(SEED)?;
        run(&task, &contender.plan, &mut *learner)?;
        Ok(Self { data, task, learner })
    }

    fn search(&self, query: usize) -> Result<Shown, Error> {
        let mut corrected = self.task.query(query).to_vec();
        self.learner.correct(&mut corrected)?;
        Ok(self.task.search(&corrected))
    }

    /// How far learning changed the nDCG@10 of one query; none if the user likes too few documents on it.
    fn gain(&self, query: usize, before: &Shown, after: &Shown) -> Option<f64> {
        let score = |shown| self.task.score(&self.task.relevance, query, shown);
        score(after).zip(score(before)).map(|(after, before)| after - before)
    }

    /// How many of the results that are printed are good.
    fn good(&self, query: usize, shown: &Shown) -> usize {
        self.results(query, shown).iter().filter(|result| result.is_good).count()
    }

    fn results(&self, query: usize, shown: &Shown) -> Vec<Hit> {
        let good = self.task.relevant_shown(&self.task.relevance, query, shown);
        let result = |(&document, is_good): (&usize, bool)| Hit {
            name: self.data.packages[self.task.row_of(document)].name.clone(),
            is_good,
        };
        shown.iter().zip(good).take(FIVE).map(result).collect()
    }
}
