//! How well each way of learning works: `cargo xtask learn`, which writes `docs/learning.md`.

mod chart;
mod goals;
mod options;
mod report;
mod rows;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use micro_lora_lab::{
    Accuracy, Answer, Classification, Corpus, Exploration, Learner, PEOPLE, Plan, Run, Switch, Task, run,
};
use rayon::prelude::*;

use options::{HELP, Options};
use rows::{Condition, Row};

/// Where what is printed is also kept.
const PAGE: &str = "docs/learning.md";

/// How much is measured.
pub struct Extent {
    pub seeds: u32,
    pub checkpoints: &'static [usize],
    pub label_seeds: u32,
    pub label_checkpoints: &'static [usize],
    pub pairs: &'static [usize],
}

const FULL: Extent = Extent {
    seeds: 12,
    checkpoints: &[25, 50, 100, 200, 300, 400, 600, 1000],
    label_seeds: 16,
    label_checkpoints: &[50, 100, 200, 500, 1000],
    pairs: &[50, 100, 200, 500, 1000, 2000],
};
const QUICK: Extent = Extent {
    seeds: 1,
    checkpoints: &[50, 100, 200],
    label_seeds: 2,
    label_checkpoints: &[100, 200],
    pairs: &[100],
};

/// One row's runs, in the order of people and, within a person, of seeds.
pub type Runs = Vec<Run>;
/// The same for labels, in the order of seeds.
pub type Accuracies = Vec<Vec<Accuracy>>;
/// The same where only a number is observed: events, and the share of a wish that is fulfilled.
pub type Wishes = Vec<Vec<(usize, f64)>>;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("learn: {error}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    match measure(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("learn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<(), Box<dyn Error>> {
    let corpus = match &options.data {
        Some(folder) => Corpus::load(folder)?,
        None => Corpus::debian()?,
    };
    let extent = if options.quick { QUICK } else { FULL };
    let rows: Vec<Row> = rows::all().into_iter().filter(|row| !options.quick || row.is_quick).collect();

    let searches = searches(&corpus, &extent, &rows)?;
    let answers = [Answer::Label, Answer::Thumb];
    let labels: Vec<(Answer, &Row, Accuracies)> = answers
        .into_iter()
        .flat_map(|answer| {
            rows.iter().filter(move |row| row.answers.contains(&answer)).map(move |row| (answer, row))
        })
        .map(|(answer, row)| Ok((answer, row, accuracies(&corpus, &extent, answer, row)?)))
        .collect::<Result<_, micro_lora::Error>>()?;

    let explored = explorations(&corpus, &extent)?;

    let mut text = report::searches(&extent, &rows, &searches);
    text += &report::labels(&extent, &labels);
    text += &report::explorations(&extent, &explored);
    text += &goals::report(corpus.name(), &rows, &searches, &labels);
    println!("{text}");
    if options.quick {
        return goals::quick(&rows, &searches);
    }
    keep(&corpus, &text, &chart::curves(&rows, &searches))?;
    Ok(())
}

/// All rows on one person's one seed meet the same split, queries and chance: they compare in pairs.
fn searches(corpus: &Corpus, extent: &Extent, rows: &[Row]) -> Result<Vec<Runs>, micro_lora::Error> {
    let tasks: Vec<(usize, u32)> =
        (0..PEOPLE).flat_map(|person| (0..extent.seeds).map(move |seed| (person, seed))).collect();
    let by_task: Vec<Runs> = tasks
        .into_par_iter()
        .map(|(person, seed)| {
            let task = Task::of(corpus.embeddings(), corpus.relevance(person, seed), seed);
            let other = corpus.relevance(corpus.opposite(person), seed);
            rows.iter()
                .map(|row| {
                    let checkpoints = extent.checkpoints.to_vec();
                    let switch = match row.condition {
                        Condition::Switch => Some(Switch { after: rows::SWITCH_AFTER, to: other.clone() }),
                        _ => None,
                    };
                    let plan = Plan { checkpoints, switch, ..Plan::of(row.condition.clicks()) };
                    let mut learner: Box<dyn Learner> = (row.learner)(seed)?;
                    run(&task, &plan, &mut *learner)
                })
                .collect()
        })
        .collect::<Result<_, _>>()?;
    Ok((0..rows.len()).map(|row| by_task.iter().map(|runs| runs[row].clone()).collect()).collect())
}

fn accuracies(
    corpus: &Corpus,
    extent: &Extent,
    answer: Answer,
    row: &Row,
) -> Result<Accuracies, micro_lora::Error> {
    (0..extent.label_seeds)
        .into_par_iter()
        .map(|seed| {
            let mut learner = (row.learner)(seed)?;
            Classification::new(corpus, seed).run(answer, extent.label_checkpoints, &mut *learner)
        })
        .collect()
}

/// By way of searching, then by seed.
fn explorations(corpus: &Corpus, extent: &Extent) -> Result<Vec<Wishes>, micro_lora::Error> {
    let by_seed: Vec<Vec<_>> = (0..extent.seeds)
        .into_par_iter()
        .map(|seed| {
            let person = Exploration::new(corpus, seed)?;
            report::SEARCHES.iter().map(|(search, _)| person.run(*search, extent.pairs)).collect()
        })
        .collect::<Result<_, _>>()?;
    let of = |search: usize| by_seed.iter().map(|runs: &Vec<_>| runs[search].clone()).collect();
    Ok((0..report::SEARCHES.len()).map(of).collect())
}

/// Puts the tables of this data set in its place on the page, and its curves beside it.
fn keep(corpus: &Corpus, text: &str, svg: &str) -> Result<(), Box<dyn Error>> {
    let name = corpus.name();
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let page = fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?;
    let place = || Some((page.split_once(&begin)?.0, page.split_once(&end)?.1));
    let (before, after) = place().ok_or(format!("{PAGE}: expected {begin} and {end} in it, got neither"))?;
    let picture = format!("learning-{name}.svg");
    fs::write(Path::new("docs").join(&picture), svg)?;
    let page = format!("{before}{begin}\n\n![learning curves]({picture})\n\n{text}{end}{after}");
    fs::write(PAGE, page)?;
    println!("written to {PAGE}");
    Ok(())
}
