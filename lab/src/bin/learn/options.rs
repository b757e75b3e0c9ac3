use std::path::PathBuf;

pub const HELP: &str = "\
How well MicroLoRA learns, compared with simple methods: simulated people who search, labels, real people's ratings.

Usage: cargo xtask learn [OPTIONS]

Options:
      --quick           a few runs, for test suites
      --check           fails if a required figure is missed
      --write           puts tables and curves into docs/learning.md, if that page has a place for the set
      --data DIR        measures another set as well: NAME_f16.npz with NAME.jsonl beside it, a \"label\" per line
      --ratings DIR     measures real people as well: movielens_f16.npz, genres_f16.npz, movies.tsv, ratings.tsv
      --set NAME        only this set; may be repeated
      --learner PREFIX  only learners whose names begin with PREFIX; of an exact name, that learner alone
      --seeds N         N runs per person instead of the usual number; with --ratings, N people
      --validation      measures on the queries for choosing settings, instead of those for the final figures
  -h, --help            print this help, the sets and the learners";

#[derive(Debug, Default)]
pub struct Options {
    pub quick: bool,
    pub check: bool,
    pub write: bool,
    pub validation: bool,
    pub data: Option<PathBuf>,
    pub ratings: Option<PathBuf>,
    pub sets: Vec<String>,
    pub learners: Vec<String>,
    pub seeds: Option<u32>,
}

impl Options {
    /// None if help was asked for.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = |what: &str| {
                arguments.next().ok_or_else(|| format!("expected {what} after {argument}, got nothing"))
            };
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--check" => options.check = true,
                "--write" => options.write = true,
                "--validation" => options.validation = true,
                "--data" => options.data = Some(value("a folder")?.into()),
                "--ratings" => options.ratings = Some(value("a folder")?.into()),
                "--set" => options.sets.push(value("the name of a set")?),
                "--learner" => options.learners.push(value("the beginning of a learner's name")?),
                "--seeds" => {
                    let text = value("a number")?;
                    let seeds = text.parse().ok().filter(|seeds| (1..=1000).contains(seeds));
                    options.seeds =
                        Some(seeds.ok_or_else(|| format!("expected 1 to 1000 after --seeds, got {text}"))?);
                }
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("expected one of the options, got {other}")),
            }
        }
        let part = options.is_part();
        if part.is_some() && (options.write || options.check) {
            let whole = if options.write { "--write" } else { "--check" };
            return Err(format!("{whole} is for whole runs: expected no {}", part.unwrap_or_default()));
        }
        Ok(Some(options))
    }

    /// The option that makes this a partial measurement.
    fn is_part(&self) -> Option<&'static str> {
        [
            (self.quick, "--quick"),
            (self.validation, "--validation"),
            (!self.learners.is_empty(), "--learner"),
            (self.seeds.is_some(), "--seeds"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }

    /// Whether this set is wanted: it was asked for, or none was.
    pub fn wants(&self, set: &str) -> bool {
        self.sets.is_empty() || self.sets.iter().any(|name| name == set)
    }
}
