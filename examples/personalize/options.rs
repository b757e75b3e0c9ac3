use std::ffi::OsString;
use std::path::PathBuf;

pub const HELP: &str = "\
Software search that learns its user's taste from clicks, measured on simulated users.

Usage: cargo run --release --example personalize -- [OPTIONS]

Options:
      --details    every user, other learners beside it, curves and costs
      --json       the summary as JSON, for machines
      --quick      a short run for test suites: fewer seeds and events, a lower bar
      --seeds N    runs per user (default 8, with --quick 3)
      --resume FILE
                   one user for 200 events, saved to FILE; if FILE is there, 200 more from where it
                   stopped, compared bit for bit with a run that never stopped
  -h, --help       print this help

Exits with 1 if the learner misses its goals.";

const SEEDS_MAX: u32 = 1000;

#[derive(Debug, Default)]
pub struct Options {
    pub quick: bool,
    pub details: bool,
    pub json: bool,
    /// Runs per user; none means the usual number.
    pub seeds: Option<u32>,
    /// The file that keeps one user's adapter between runs.
    pub resume: Option<PathBuf>,
    pub help: bool,
}

impl Options {
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        use lexopt::prelude::{Long, Short};
        let mut options = Self::default();
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next().map_err(|error| error.to_string())? {
            match arg {
                Long("quick") => options.quick = true,
                Long("details") => options.details = true,
                Long("json") => options.json = true,
                Long("resume") => options.resume = Some(resume(&mut parser)?),
                Long("seeds") => options.seeds = Some(seeds(&mut parser)?),
                Short('h') | Long("help") => options.help = true,
                _ => return Err(arg.unexpected().to_string()),
            }
        }
        Ok(options)
    }
}

fn resume(parser: &mut lexopt::Parser) -> Result<PathBuf, String> {
    parser.value().map(PathBuf::from).map_err(|error| error.to_string())
}

fn seeds(parser: &mut lexopt::Parser) -> Result<u32, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    let seeds = value.to_str().and_then(|text| text.parse().ok());
    seeds
        .filter(|seeds| (1..=SEEDS_MAX).contains(seeds))
        .ok_or_else(|| format!("--seeds: expected a number from 1 to {SEEDS_MAX}, got {value:?}"))
}
