//! Runs of every learner on every task of a set.

use std::error::Error;

use micro_lora_lab::learners::{Contender, ROSTER, Setting, When};
use micro_lora_lab::people::{
    Course, Measure, PERSONS, Persons, SearchTask, group_task, personal_search, simulate,
};
use micro_lora_lab::{Answer, Classes, Corpus, Exploration, FEATURES, Host, Query, Ratings, Search as Way};
use rayon::prelude::*;

use crate::options::Options;
use crate::results::{Row, Table};
use crate::sets::{LABELS_AT, PAIRS_AT, Rivals, Search, Set, Source, What};

type Failure = Box<dyn Error + Send + Sync>;
type Runs = Vec<Vec<Vec<f64>>>;

/// Metrics of searches, as [`values`] gives them.
pub const SEARCHES: &[&str] =
    &["gain in nDCG@10", "topic", "known item", "distinct", "kept", "gain at kept .90"];
pub const GAIN: &str = SEARCHES[0];
pub const CLASSES: &[&str] = &["gain in accuracy"];
pub const RATINGS: &[&str] = &["gain in AUC", "gain in nDCG"];
pub const PERSONAL: &[&str] = &["liked of five", "content", "distinct", "known item"];

/// All data to measure on.
pub struct Sources {
    pub persons: Persons,
    pub sections: Corpus,
    pub data: Option<Corpus>,
    pub ratings: Option<Ratings>,
}

impl Sources {
    pub fn load(options: &Options) -> Result<Self, Failure> {
        let data = options.data.as_deref().map(Corpus::load).transpose()?;
        if let Some(dim) = data.as_ref().map(|set| set.embeddings().dim()).filter(|dim| *dim != FEATURES) {
            return Err(format!("--data: expected embeddings of {FEATURES} columns, got {dim}").into());
        }
        let ratings = options.ratings.as_deref().map(Ratings::load).transpose()?;
        Ok(Self { persons: Persons::embedded()?, sections: Corpus::debian()?, data, ratings })
    }

    fn corpus(&self, from: Source) -> Option<&Corpus> {
        if from == Source::Data { self.data.as_ref() } else { Some(&self.sections) }
    }
}

/// None if the folder for the set was not given.
pub fn measure(set: &Set, sources: &Sources, options: &Options) -> Result<Option<Table>, Failure> {
    let seeds = options.seeds.unwrap_or(set.seeds);
    let table = match set.what {
        What::Search(search) => searches(&search, sources, options, seeds)?,
        What::Classes { from, answer } => classes(sources.corpus(from), answer, options, seeds)?,
        What::Ratings { query, host } => ratings(sources.ratings.as_ref(), query, host, options, seeds)?,
        What::Personal { interface } => Some(personal(&sources.persons, interface, options)?),
        What::Explore => Some(explorations(&sources.sections, options, seeds)?),
    };
    Ok(table.map(|table| Table { set: set.name, title: set.about.to_owned(), ..table }))
}

/// The learners that were asked for by name, or else those that belong to this set.
fn contenders(options: &Options, is_usual: impl Fn(When) -> bool) -> Vec<&'static Contender> {
    let is_named = |name: &str| {
        options.learners.iter().any(|asked| {
            let is_exact = ROSTER.iter().any(|contender| contender.name == asked);
            if is_exact { name == asked } else { name.starts_with(asked.as_str()) }
        })
    };
    let is_wanted = |contender: &Contender| {
        if options.quick {
            return contender.is_quick();
        }
        if options.learners.is_empty() { is_usual(contender.when) } else { is_named(contender.name) }
    };
    ROSTER.iter().filter(|contender| is_wanted(contender)).collect()
}

fn rows(contenders: &[&Contender], by_task: &[Runs]) -> Vec<Row> {
    let row = |(place, contender): (usize, &&Contender)| Row {
        name: contender.name.to_owned(),
        runs: by_task.iter().map(|runs| runs[place].clone()).collect(),
    };
    contenders.iter().enumerate().map(row).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn table(metrics: &'static [&'static str], at: &[usize], rows: Vec<Row>, frozen: String) -> Table {
    Table { set: "", title: String::new(), metrics, at: at.to_vec(), rows, frozen }
}

fn values(measure: &Measure) -> Vec<f64> {
    let Measure { gain, topic, known, distinct, kept, gain_at_kept, .. } = *measure;
    vec![gain, topic, known, distinct, kept, gain_at_kept]
}

fn searches(
    search: &Search,
    sources: &Sources,
    options: &Options,
    seeds: u32,
) -> Result<Option<Table>, Failure> {
    let persons: &[usize] = match search.from {
        // Graded by the tags of all packages, two of the four people have the same searches.
        Source::Persons(micro_lora_lab::people::Kind::Graded) => &[0, 1, 3],
        Source::Persons(_) => &[0, 1, 2, 3],
        Source::Data | Source::Sections => &[0],
    };
    debug_assert!(persons.iter().all(|person| *person < PERSONS.len()));
    let task = |person: usize, seed: u32| -> Result<Option<SearchTask>, Failure> {
        Ok(match (search.from, sources.corpus(search.from)) {
            (Source::Persons(kind), _) => Some(sources.persons.task(person, kind, seed)?),
            (_, Some(Corpus::Labelled(set))) => Some(group_task(set, seed)?),
            _ => None,
        })
    };
    if search.from == Source::Data && sources.data.is_none() {
        return Ok(None);
    }
    let contenders = contenders(options, |when| match when {
        When::Always => true,
        When::Clicks => search.rivals == Rivals::Few,
        When::Searches => search.rivals != Rivals::Few,
        When::Bounds => search.rivals == Rivals::AndBounds,
        _ => false,
    });
    let at: Vec<usize> = search.at.iter().copied().filter(|at| !options.quick || *at <= 100).collect();
    let course =
        Course { clicking: search.clicking, at: &at, switch: search.switch, validation: options.validation };
    let jobs: Vec<(usize, u32)> =
        (0..seeds).flat_map(|seed| persons.iter().map(move |&p| (p, seed))).collect();
    let by_task: Vec<(f64, Runs)> = jobs
        .into_par_iter()
        .map(|(person, seed)| {
            let Some(task) = task(person, seed)? else { return Err("--data: expected labels".into()) };
            let mut frozen = f64::NAN;
            let one = |contender: &&Contender| -> Result<Vec<Vec<f64>>, Failure> {
                let mut learner = (contender.make)(&Setting::new(task.documents.clone(), seed))?;
                let measures = simulate(&task, course, &mut *learner)?;
                frozen = measures.first().map_or(f64::NAN, |measure| measure.frozen);
                Ok(measures.iter().map(values).collect())
            };
            let runs = contenders.iter().map(one).collect::<Result<_, Failure>>()?;
            Ok((frozen, runs))
        })
        .collect::<Result<_, Failure>>()?;
    let frozen =
        format!("nDCG@10 of the frozen ranking: {:.3}.", mean(by_task.iter().map(|(frozen, _)| *frozen)));
    let runs: Vec<Runs> = by_task.into_iter().map(|(_, runs)| runs).collect();
    Ok(Some(table(SEARCHES, &at, rows(&contenders, &runs), frozen)))
}

fn classes(
    corpus: Option<&Corpus>,
    answer: Answer,
    options: &Options,
    seeds: u32,
) -> Result<Option<Table>, Failure> {
    let Some(corpus) = corpus else { return Ok(None) };
    let contenders = contenders(options, |when| when == When::Always);
    let by_task: Vec<(f64, Runs)> = (0..seeds)
        .into_par_iter()
        .map(|seed| {
            let set = Classes::new(corpus, seed)?;
            let (mut frozen, mut runs) = (f64::NAN, vec![]);
            for contender in &contenders {
                let (base, gains) = set.run(corpus, answer, LABELS_AT, contender)?;
                frozen = base;
                runs.push(gains.into_iter().map(|gain| vec![gain]).collect());
            }
            Ok((frozen, runs))
        })
        .collect::<Result<_, Failure>>()?;
    let frozen =
        format!("Accuracy of the frozen model: {:.3}.", mean(by_task.iter().map(|(frozen, _)| *frozen)));
    let runs: Vec<Runs> = by_task.into_iter().map(|(_, runs)| runs).collect();
    Ok(Some(table(CLASSES, LABELS_AT, rows(&contenders, &runs), frozen)))
}

fn ratings(
    ratings: Option<&Ratings>,
    query: Query,
    host: Host,
    options: &Options,
    people: u32,
) -> Result<Option<Table>, Failure> {
    let Some(ratings) = ratings else { return Ok(None) };
    let contenders = contenders(options, |when| {
        when == When::Always || when == When::Ratings || (host == Host::Popularity && when == When::Hosted)
    });
    let by_person: Vec<(f64, Vec<Vec<f64>>)> = (0..ratings.people().min(people as usize))
        .into_par_iter()
        .filter_map(|person| ratings.person(person, query))
        .map(|person| {
            let popularity = person.popularity()?;
            let frozen = person.run(Host::Cosine, &ROSTER[0])?;
            let base = if host == Host::Popularity { popularity } else { frozen };
            let mut runs = vec![];
            for contender in &contenders {
                let judged = person.run(host, contender)?;
                runs.push(vec![judged.auc - base.auc, judged.ndcg - base.ndcg]);
            }
            // Last, for comparison: popularity among other people alone.
            runs.push(vec![popularity.auc - base.auc, popularity.ndcg - base.ndcg]);
            Ok((base.auc, runs))
        })
        .collect::<Result<_, Failure>>()?;
    let names = contenders.iter().map(|contender| contender.name).chain(["popularity of others"]);
    let rows = names.enumerate().map(|(place, name)| Row {
        name: name.to_owned(),
        runs: by_person.iter().map(|(_, runs)| vec![runs[place].clone()]).collect(),
    });
    let base = if host == Host::Popularity { "popularity alone" } else { "the frozen ranking" };
    let frozen = format!("AUC of {base}: {:.3}.", mean(by_person.iter().map(|(auc, _)| *auc)));
    let rows: Vec<Row> = rows.collect();
    Ok(Some(table(RATINGS, &[1], rows, frozen)))
}

fn personal(persons: &Persons, interface: &str, options: &Options) -> Result<Table, Failure> {
    let contenders = contenders(options, |when| when == When::Always);
    let row = |contender: &&Contender| -> Result<Row, Failure> {
        let found = personal_search(persons, interface, contender)?;
        let values = vec![found.liked, found.content, found.distinct as f64, found.known];
        Ok(Row { name: contender.name.to_owned(), runs: vec![vec![values]] })
    };
    let rows = contenders.par_iter().map(row).collect::<Result<_, Failure>>()?;
    Ok(table(PERSONAL, &[1], rows, "Sixty searches that nobody learned on.".into()))
}

/// Ways to find a person's wish if only a number is observed.
const WAYS: [(Way, &str); 4] = [
    (Way::QualityOnly, "quality of one answer"),
    (Way::Random, "pairs in 16 random directions"),
    (Way::Principal, "pairs in the 16 principal directions"),
    (Way::Told, "bound: told which way"),
];

fn explorations(corpus: &Corpus, options: &Options, seeds: u32) -> Result<Table, Failure> {
    let is_wanted =
        |name: &str| options.learners.is_empty() || options.learners.iter().any(|p| name.starts_with(p));
    let ways: Vec<_> = WAYS.into_iter().filter(|(_, name)| is_wanted(name)).collect();
    let by_seed: Vec<Runs> = (0..seeds)
        .into_par_iter()
        .map(|seed| {
            let person = Exploration::new(corpus, seed)?;
            let one = |(way, _): &(Way, &str)| {
                let points = person.run(*way, PAIRS_AT)?;
                Ok(points.into_iter().map(|(_, share)| vec![share]).collect())
            };
            ways.iter().map(one).collect::<Result<_, micro_lora::Error>>()
        })
        .collect::<Result<_, _>>()?;
    let row = |(place, (_, name)): (usize, &(Way, &str))| Row {
        name: (*name).to_owned(),
        runs: by_seed.iter().map(|runs| runs[place].clone()).collect(),
    };
    let rows = ways.iter().enumerate().map(row).collect();
    Ok(table(&["share of the wish fulfilled"], PAIRS_AT, rows, "Of no correction: 0.".into()))
}
