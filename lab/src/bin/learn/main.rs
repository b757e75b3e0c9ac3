//! How well each way of learning works: `cargo xtask learn`.

mod chart;
mod measure;
mod musts;
mod options;
mod results;
mod sets;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use micro_lora_lab::learners::{MAIN, ROSTER, When};

use measure::{Sources, measure};
use options::{HELP, Options};
use results::Table;
use sets::{SETS, Set};

/// The page into which `--write` puts the tables.
const PAGE: &str = "docs/learning.md";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}\n\n{}", names());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("learn: {error}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("learn: {error}");
            ExitCode::FAILURE
        }
    }
}

fn names() -> String {
    let sets = SETS.iter().map(|set| format!("  {:<17} {}\n", set.name, set.about));
    let asked = |when| if when == When::Asked { "  (only if asked for)" } else { "" };
    let learners = ROSTER.iter().map(|one| format!("  {}{}\n", one.name, asked(one.when)));
    format!("Sets:\n{}\nLearners:\n{}", sets.collect::<String>(), learners.collect::<String>().trim_end())
}

fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    if let Some(name) = options.sets.iter().find(|name| SETS.iter().all(|set| set.name != **name)) {
        let known: Vec<&str> = SETS.iter().map(|set| set.name).collect();
        return Err(format!("--set: expected one of {}, got {name}", known.join(", ")).into());
    }
    if let Some(prefix) =
        options.learners.iter().find(|p| ROSTER.iter().all(|one| !one.name.starts_with(p.as_str())))
    {
        return Err(format!("--learner: expected the beginning of a learner's name, got {prefix:?}").into());
    }
    let sources = Sources::load(options)?;
    let is_wanted = |set: &&Set| if options.quick { set.name == "graded" } else { options.wants(set.name) };
    let (mut tables, mut missing) = (vec![], vec![]);
    for set in SETS.iter().filter(is_wanted) {
        match measure(set, &sources, options)? {
            Some(table) => {
                println!("{}", table.print(MAIN));
                tables.push(table);
            }
            None => missing.push(format!("{}: expected {} DIR", set.name, set.needs().unwrap_or_default())),
        }
    }
    if !missing.is_empty() {
        println!("Not measured: {}.\n", missing.join("; "));
    }
    if options.quick {
        return Ok(musts::quick(&tables)?);
    }
    let (text, missed) = musts::report(&tables);
    println!("{text}");
    if options.write {
        // With only some sets, most of the musts are not measured.
        keep(&tables, options.sets.is_empty().then_some(text.as_str()))?;
    }
    if options.check && missed > 0 {
        return Err(format!("expected every figure that must be reached, {missed} are not").into());
    }
    Ok(())
}

/// Puts tables and charts into their places on the page.
fn keep(tables: &[Table], musts: Option<&str>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut page = fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?;
    for table in tables {
        let mut text = table.print(MAIN);
        if table.set == "graded" {
            let picture = "learning-graded.svg";
            fs::write(Path::new("docs").join(picture), chart::curves(table))?;
            text = format!("![learning curves]({picture})\n\n{text}");
        }
        page = replaced(&page, table.set, &text)?;
    }
    if let Some(musts) = musts {
        page = replaced(&page, "musts", musts)?;
    }
    fs::write(PAGE, page)?;
    println!("written to {PAGE}");
    Ok(())
}

/// The page with the text between its two marks.
fn replaced(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let place = || Some((page.split_once(&begin)?.0, page.split_once(&end)?.1));
    let (before, after) = place().ok_or(format!("{PAGE}: expected {begin} and {end} in it, got neither"))?;
    Ok(format!("{before}{begin}\n\n{text}{end}{after}"))
}
