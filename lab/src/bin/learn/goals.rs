use std::error::Error;
use std::fmt::Write;

use micro_lora_lab::{Answer, Estimate};

use crate::report::{gains, label_gains};
use crate::rows::{Condition, DEFAULT, HOLDBACK, QUALITY, REPLAY, Row};
use crate::{Accuracies, Runs};

/// What is asked for on one data set: at 100 and 600 events, labels, thumbs.
fn asked(corpus: &str) -> Option<[f64; 4]> {
    match corpus {
        "debian" => Some([0.05, 0.12, 0.14, 0.09]),
        "news20" => Some([0.10, 0.25, 0.11, 0.065]),
        _ => None,
    }
}

/// What was asked for beside what was reached.
pub fn report(corpus: &str, rows: &[Row], runs: &[Runs], labels: &[(Answer, &Row, Accuracies)]) -> String {
    let Some([at_100, at_600, label, thumb]) = asked(corpus) else { return String::new() };
    let of = |name, condition, events| {
        let row = rows.iter().position(|row| row.name == name && row.condition == condition);
        row.map(|row| gains(&runs[row], events)).filter(|gains| !gains.is_empty())
    };
    let told = |answer, name| {
        let row = labels.iter().find(|(of, row, _)| *of == answer && row.name == name);
        row.map(|(.., runs)| label_gains(runs, 1000)).filter(|gains| !gains.is_empty())
    };
    let mean = |gains: Option<Vec<f64>>| gains.map(|gains| Estimate::of(gains).mean);
    let worst = |gains: Option<Vec<f64>>| gains.map(|gains| gains.into_iter().fold(f64::INFINITY, f64::min));
    let clean = mean(of(REPLAY, Condition::Clean, 600));
    let share = |name, condition| Some(mean(of(name, condition, 600))? / clean?);
    let goals = [
        ("gain at 100 events, with replay", at_100, mean(of(REPLAY, Condition::Clean, 100))),
        ("gain at 600 events, with replay", at_600, clean),
        ("worst run at 600 events", 0.0, worst(of(REPLAY, Condition::Clean, 600))),
        ("share of that gain at 30 % noise", 0.5, share(REPLAY, Condition::Noise)),
        ("labels at 1000 events", label, mean(told(Answer::Label, DEFAULT))),
        ("thumbs at 1000 events", thumb, mean(told(Answer::Thumb, DEFAULT))),
        ("random clicks with holdback, mean", -0.002, mean(of(HOLDBACK, Condition::Random, 600))),
        ("random clicks with holdback, worst run", -0.01, worst(of(HOLDBACK, Condition::Random, 600))),
        ("share of the gain that holdback keeps", 0.85, share(HOLDBACK, Condition::Clean)),
        ("quality alone, searches at 600 events", 0.0, mean(of(QUALITY, Condition::Clean, 600))),
        ("quality alone, thumbs at 1000 events", 0.0, mean(told(Answer::Thumb, QUALITY))),
    ];
    let mut text = String::from("### What was asked for\n\n| | at least | reached | |\n|---|---|---|---|\n");
    for (name, least, reached) in goals {
        let Some(reached) = reached else { continue };
        let verdict = if reached >= least { "yes" } else { "**no**" };
        let _ = writeln!(text, "| {name} | {least:+.3} | {reached:+.3} | {verdict} |");
    }
    text.push('\n');
    text
}

/// What a short run must show: learning, and more of it with replay.
pub fn quick(rows: &[Row], runs: &[Runs]) -> Result<(), Box<dyn Error>> {
    let at = |name| {
        let row = rows.iter().position(|row| row.name == name).ok_or(format!("expected a row {name}"))?;
        Ok::<_, String>(Estimate::of(gains(&runs[row], 200)).mean)
    };
    let (plain, replay) = (at(DEFAULT)?, at(REPLAY)?);
    if plain < 0.015 || replay < plain {
        let got = format!("got {plain:+.3} and {replay:+.3}");
        return Err(format!("expected at least +0.015 at 200 events and more with replay, {got}").into());
    }
    Ok(())
}
