use std::time::{Duration, Instant};

use fastrand::Rng;
use micro_lora::Error;

use crate::{Clicks, Event, Learner, Relevance, SHOWN, Task, Truth, click_quality};

/// Gives the clicks a random stream apart from the one that made the split.
const CLICK_STREAM: u64 = 77 << 32;

/// The plan of a run, apart from the learner.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Numbers of events after which to measure, ascending; the last one ends the run.
    pub checkpoints: Vec<usize>,
    /// The number of events that the learner has already seen, for example in an earlier process: the run continues as
    /// if it had never stopped.
    pub seen: usize,
    pub clicks: Clicks,
    pub switch: Option<Switch>,
}

impl Plan {
    /// From the first event on, with one taste and no checkpoints.
    pub fn of(clicks: Clicks) -> Self {
        Self { checkpoints: vec![], seen: 0, clicks, switch: None }
    }
}

/// A switch of the user's taste.
#[derive(Clone, Debug)]
pub struct Switch {
    /// After this many events ...
    pub after: usize,
    /// ... these clicks and judgements apply.
    pub to: Relevance,
}

/// Mean nDCG@10 over the held-out queries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    pub events: usize,
    /// With the frozen embeddings.
    pub base: f64,
    /// With the corrected ones.
    pub adapted: f64,
}

impl Checkpoint {
    pub fn gain(&self) -> f64 {
        self.adapted - self.base
    }
}

/// What a run measured.
#[derive(Clone, Debug)]
pub struct Run {
    pub checkpoints: Vec<Checkpoint>,
    /// Results that the user clicked.
    pub clicks: usize,
    /// Time of [`Learner::correct`] in each event.
    pub correct_times: Vec<Duration>,
    /// Time of [`Learner::learn`] in each event that changed the learner.
    pub learn_times: Vec<Duration>,
}

/// Runs the training queries one by one, learns from the clicks, and measures at the checkpoints.
pub fn run(task: &Task<'_>, plan: &Plan, learner: &mut dyn Learner) -> Result<Run, Error> {
    let mut rng = Rng::with_seed(CLICK_STREAM + u64::from(task.seed));
    let events = plan.checkpoints.last().copied().unwrap_or(0);
    let mut order = Vec::new();
    let mut result = Run { checkpoints: vec![], clicks: 0, correct_times: vec![], learn_times: vec![] };
    for event in 0..events {
        let changed = plan.switch.as_ref().filter(|switch| event >= switch.after);
        let relevance = changed.map_or(&task.relevance, |switch| &switch.to);
        if order.is_empty() {
            order.clone_from(&task.train);
            rng.shuffle(&mut order);
        }
        let Some(query) = order.pop() else { break };
        if event < plan.seen {
            // The earlier process has used these random numbers.
            plan.clicks.on(&[false; SHOWN], &mut rng);
            continue;
        }
        serve(task, relevance, query, plan.clicks, &mut rng, learner, &mut result)?;
        if plan.checkpoints.contains(&(event + 1)) {
            result.checkpoints.push(measure(task, relevance, event + 1, learner)?);
        }
    }
    Ok(result)
}

/// One event: search, clicks, learning.
fn serve(
    task: &Task<'_>,
    relevance: &Relevance,
    query: usize,
    clicks: Clicks,
    rng: &mut Rng,
    learner: &mut dyn Learner,
    result: &mut Run,
) -> Result<(), Error> {
    let mut corrected = task.query(query).to_vec();
    let start = Instant::now();
    learner.correct(&mut corrected)?;
    result.correct_times.push(start.elapsed());

    let shown = if learner.compares() {
        let base = task.search(task.query(query));
        learner.merge(&base, task.query(query), &|query| task.search(query))?
    } else {
        task.search(&corrected)
    };
    let clicks = clicks.on(&task.relevant_shown(relevance, query, &shown), rng);
    result.clicks += clicks.iter().filter(|clicked| **clicked).count();
    let event = Event {
        query: task.query(query),
        shown: &shown.map(|document| task.document_rows().row(document)).concat(),
        clicks,
        quality: click_quality(&clicks),
        truth: Truth {
            documents: task.document_rows(),
            relevant: &task.relevant_documents(relevance, query),
        },
    };
    let start = Instant::now();
    if learner.learn(&event)? {
        result.learn_times.push(start.elapsed());
    }
    Ok(())
}

/// Ranks every held-out query with and without the learner.
fn measure(
    task: &Task<'_>,
    relevance: &Relevance,
    events: usize,
    learner: &dyn Learner,
) -> Result<Checkpoint, Error> {
    let (mut base, mut adapted, mut queries) = (0.0, 0.0, 0.0);
    let mut corrected = vec![];
    for (query, _) in task.held_out_frozen() {
        let start = corrected.len();
        corrected.extend_from_slice(task.query(query));
        learner.correct(&mut corrected[start..])?;
    }
    for ((query, frozen), shown) in task.held_out_frozen().zip(task.search_all(&corrected)) {
        let scores = [frozen, &shown].map(|list| task.score(relevance, query, list));
        if let [Some(frozen), Some(shown)] = scores {
            base += frozen;
            adapted += shown;
            queries += 1.0;
        }
    }
    Ok(Checkpoint { events, base: base / queries, adapted: adapted / queries })
}
