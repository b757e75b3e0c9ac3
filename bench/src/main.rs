//! MicroLoRA compared with linear-algebra libraries and plain C, in one process. `cargo xtask bench` runs it.

mod bound;
mod goals;
mod lora;
mod measure;
mod operation;
mod ours;
mod peers;
mod race;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io::Write};

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::lora::Shape;
use crate::measure::Effort;
use crate::operation::OPERATIONS;
use crate::race::Race;

struct Options {
    /// Two sizes, one rank, few rounds.
    quick: bool,
    /// Fail if a goal is missed.
    check: bool,
    /// All times of all contenders, as CSV.
    csv: Option<PathBuf>,
    /// The tables and the goals, as Markdown.
    markdown: Option<PathBuf>,
}

fn options() -> Result<Options> {
    let mut options = Options { quick: false, check: false, csv: None, markdown: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => options.quick = true,
            Long("check") => options.check = true,
            Long("csv") => options.csv = Some(parser.value()?.into()),
            Long("markdown") => options.markdown = Some(parser.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

fn shapes(quick: bool) -> Vec<Shape> {
    let sizes: &[(usize, usize)] = if quick {
        &[(64, 64), (768, 768), (4096, 4096)]
    } else {
        &[(64, 64), (384, 384), (768, 768), (1536, 1536), (4096, 4096), (768, 3072)]
    };
    let ranks = if quick { 2..=2 } else { 1..=4 };
    let of = |(inputs, outputs)| ranks.clone().map(move |rank| Shape { inputs, outputs, rank });
    sizes.iter().copied().flat_map(of).collect()
}

fn effort(quick: bool) -> Effort {
    let turn = Duration::from_micros(if quick { 20 } else { 40 });
    Effort { rounds: if quick { 20 } else { 250 }, turn }
}

fn run_all(quick: bool) -> Result<Vec<Race>> {
    let mut races = vec![];
    for operation in OPERATIONS {
        for shape in shapes(quick).into_iter().filter(|shape| operation.fits(*shape)) {
            races.push(Race::run(operation, shape, effort(quick))?);
        }
        eprint!(".");
        std::io::stderr().flush()?;
    }
    eprintln!();
    Ok(races)
}

fn main() -> Result<ExitCode> {
    let options = options()?;
    let races = run_all(options.quick)?;
    let goals = goals::judge(&races);
    let text = report::write(&races, &goals);
    print!("{text}");
    if let Some(path) = &options.csv {
        fs::write(path, report::csv(&races)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &options.markdown {
        fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let missed = goals.iter().filter(|goal| !goal.is_met()).count();
    Ok(if options.check && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
