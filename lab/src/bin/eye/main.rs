//! Prints twenty unseen searches of two people, before and after learning, for a reader: `cargo xtask eye`.

mod sight;

use std::error::Error;
use std::process::ExitCode;

use fastrand::Rng;
use micro_lora_lab::learners::{MAIN, RIDGE};
use micro_lora_lab::{Debian, Task, USERS};

use sight::{Count, FIVE, Sight};

const HELP: &str = "\
Twenty unseen searches of two people, before and after learning, as text.

Usage: cargo xtask eye [OPTIONS]

Options:
      --clicks N  searches that are learned from, 1 to 600 (default 200)
      --seed N    which searches are learned from, and which are shown (default 0)
  -h, --help      print this help

A result is good if the package shares a purpose (debtag use::) with the package that the query describes, and has the
interface that the person likes. A search is better if more of its first five results are good after learning, worse if
fewer are. Exits with 1 unless, of the twenty, more are better than worse.";

/// Two people with the same searches and opposite tastes: command line and graphical.
const PAIR: [usize; 2] = [0, 1];
/// Searches printed for each person.
const SHOWN: usize = 10;
/// Numbers of learned searches after which all unseen searches are counted.
const COUNTED: [usize; 4] = [50, 100, 200, 600];
/// Gives the choice of searches a random stream apart from those of the split and of the clicks.
const CHOICE: u64 = 99 << 32;

struct Options {
    clicks: usize,
    seed: u32,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("eye: {error}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(Count { better, worse, .. }) if better > worse => ExitCode::SUCCESS,
        Ok(count) => {
            eprintln!("eye: expected more searches that got better than worse, got {count}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("eye: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { clicks: 200, seed: 0 };
    while let Some(argument) = arguments.next() {
        let mut number = |range: std::ops::RangeInclusive<u32>| {
            let value = arguments.next().unwrap_or_default();
            value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
                format!(
                    "{argument}: expected a number from {} to {}, got {value:?}",
                    range.start(),
                    range.end()
                )
            })
        };
        match argument.as_str() {
            "--clicks" => options.clicks = number(1..=600)? as usize,
            "--seed" => options.seed = number(0..=1000)?,
            "-h" | "--help" => return Ok(None),
            other => return Err(format!("expected one of the options, got {other:?}")),
        }
    }
    Ok(Some(options))
}

/// Prints everything; returns how the twenty searches changed.
fn run(options: &Options) -> Result<Count, Box<dyn Error>> {
    let data = Debian::embedded()?;
    println!(
        "Two people search {} programs; each likes one kind and never says so. MicroLoRA learned from {} searches of\n\
         each. The queries below were not among them; seed {} chose them. * fits the query and the person.",
        Task::new(&data, &USERS[PAIR[0]], options.seed).document_rows().len(),
        options.clicks,
        options.seed
    );
    let mut twenty = Count::default();
    for user in PAIR.map(|user| &USERS[user]) {
        let task = Task::new(&data, user, options.seed);
        let [sight] = Sight::of(&task, MAIN, [options.clicks])?;
        let mut unseen = sight.judged.iter().collect::<Vec<_>>();
        Rng::with_seed(CHOICE + u64::from(options.seed)).shuffle(&mut unseen);
        println!("\n=== likes {} programs", user.interface);
        for judged in unseen.into_iter().take(SHOWN) {
            judged.print(&data, &task);
            twenty.add(judged);
        }
    }
    println!("\nof these 20 searches: {twenty}");
    println!(
        "\nall unseen searches, both people   {:>12} {:>8} {:>8} {:>8}",
        "searches", "better", "same", "worse"
    );
    for name in [MAIN, RIDGE] {
        let mut counts = [Count::default(); COUNTED.len()];
        for user in PAIR.map(|user| &USERS[user]) {
            let task = Task::new(&data, user, options.seed);
            let sights = Sight::of(&task, name, COUNTED)?;
            counts
                .iter_mut()
                .zip(&sights)
                .for_each(|(count, sight)| sight.judged.iter().for_each(|one| count.add(one)));
        }
        for (searches, count) in COUNTED.iter().zip(counts) {
            let share = |part: usize| 100.0 * part as f64 / count.all() as f64;
            let Count { better, same, worse } = count;
            println!(
                "  {:<32} {searches:>12} {:>6.0} % {:>6.0} % {:>6.0} %",
                if name == MAIN { "MicroLoRA" } else { "ridge regression" },
                share(better),
                share(same),
                share(worse)
            );
        }
    }
    println!("\n(the first {FIVE} results of each)");
    Ok(twenty)
}
