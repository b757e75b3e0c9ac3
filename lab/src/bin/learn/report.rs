use std::fmt::Write;

use micro_lora_lab::{Answer, Estimate, Run, Search};

use crate::rows::{Condition, Row};
use crate::{Accuracies, Extent, Runs, Wishes};

/// Tables of the gain in nDCG@10, one per condition.
pub fn searches(extent: &Extent, rows: &[Row], runs: &[Runs]) -> String {
    let mut text = String::new();
    for condition in Condition::ALL {
        let mine: Vec<_> = rows.iter().zip(runs).filter(|(row, _)| row.condition == condition).collect();
        let Some((_, first)) = mine.first() else { continue };
        let title = format!("{}: gain in nDCG@10 after", condition.title());
        let _ = writeln!(text, "### {}\n", condition.title());
        text += &header(&title, extent.checkpoints);
        let bases: Vec<String> = extent
            .checkpoints
            .iter()
            .map(|&e| format!("{:.3}", Estimate::of(bases(first, e)).mean))
            .collect();
        let _ = writeln!(text, "| base: no adapter | {} | |", bases.join(" | "));
        for (row, runs) in mine {
            let cells = extent.checkpoints.iter().map(|&e| cell(gains(runs, e)));
            text += &line(row.name, cells, gains(runs, *extent.checkpoints.last().unwrap_or(&0)));
        }
        text.push('\n');
    }
    text
}

/// Tables of the gain in accuracy, for labels and for thumbs.
pub fn labels(extent: &Extent, rows: &[(Answer, &Row, Accuracies)]) -> String {
    let mut text = String::new();
    for (answer, title) in [(Answer::Label, "the right label"), (Answer::Thumb, "a thumb on the prediction")]
    {
        let mine: Vec<_> = rows.iter().filter(|(of, ..)| *of == answer).collect();
        let Some((.., first)) = mine.first() else { continue };
        let _ = writeln!(text, "### 20 classes from 3 examples each, told {title}\n");
        text += &header("Gain in accuracy after", extent.label_checkpoints);
        let base = Estimate::of(first.iter().filter_map(|run| Some(run.first()?.base))).mean;
        let bases = vec![format!("{base:.3}"); extent.label_checkpoints.len()];
        let _ = writeln!(text, "| base: no adapter | {} | |", bases.join(" | "));
        for (_, row, runs) in mine {
            let at = |events| label_gains(runs, events);
            let cells = extent.label_checkpoints.iter().map(|&events| cell(at(events)));
            text += &line(row.name, cells, at(*extent.label_checkpoints.last().unwrap_or(&0)));
        }
        text.push('\n');
    }
    text
}

/// Ways to find out what a person wishes for, where only a number is observed.
pub const SEARCHES: [(Search, &str); 4] = [
    (Search::QualityOnly, "quality of one answer"),
    (Search::Random, "pairs in 16 random directions"),
    (Search::Principal, "pairs in the 16 principal directions"),
    (Search::Told, "bound: told which way"),
];

/// A table of the share of a wish that is fulfilled.
pub fn explorations(extent: &Extent, runs: &[Wishes]) -> String {
    let mut text = String::from("### Only a number is observed\n\n");
    text += &header("Share of the wish fulfilled after", extent.pairs);
    for ((_, name), runs) in SEARCHES.iter().zip(runs) {
        let at =
            |n| runs.iter().flatten().filter(|(events, _)| *events == n).map(|(_, share)| *share).collect();
        let cells = extent.pairs.iter().map(|&n| cell(at(n)));
        text += &line(name, cells, at(*extent.pairs.last().unwrap_or(&0)));
    }
    text.push('\n');
    text
}

fn header(title: &str, checkpoints: &[usize]) -> String {
    let events: Vec<String> = checkpoints.iter().map(ToString::to_string).collect();
    format!(
        "| {title} | {} events | worst run |\n|---|{}---|\n",
        events.join(" | "),
        "---|".repeat(events.len())
    )
}

fn line(name: &str, cells: impl Iterator<Item = String>, last: Vec<f64>) -> String {
    let worst = last.into_iter().fold(f64::INFINITY, f64::min);
    format!("| {name} | {} | {worst:+.3} |\n", cells.collect::<Vec<_>>().join(" | "))
}

fn cell(values: Vec<f64>) -> String {
    let Estimate { mean, half_width } = Estimate::of(values);
    format!("{mean:+.3} ±{half_width:.3}")
}

/// The gain of every run after so many events.
pub fn gains(runs: &[Run], events: usize) -> Vec<f64> {
    runs.iter().flat_map(|run| &run.checkpoints).filter(|c| c.events == events).map(|c| c.gain()).collect()
}

fn bases(runs: &[Run], events: usize) -> Vec<f64> {
    runs.iter().flat_map(|run| &run.checkpoints).filter(|c| c.events == events).map(|c| c.base).collect()
}

pub fn label_gains(runs: &Accuracies, events: usize) -> Vec<f64> {
    runs.iter().flatten().filter(|a| a.events == events).map(|a| a.gain()).collect()
}
