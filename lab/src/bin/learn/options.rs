use std::path::PathBuf;

pub const HELP: &str = "\
How well MicroLoRA learns, on simulated users of real embeddings.

Usage: cargo xtask learn [OPTIONS]

Options:
      --quick      a few runs, for test suites; writes nothing
      --data DIR   another data set: NAME_f16.npz with NAME.jsonl beside it, a \"label\" per line
  -h, --help       print this help

Writes its tables and curves to docs/learning.md, where that page has a place for the data set.";

#[derive(Debug, Default)]
pub struct Options {
    pub quick: bool,
    pub data: Option<PathBuf>,
}

impl Options {
    /// None if help was asked for.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--data" => {
                    let folder = arguments.next().ok_or("expected a folder after --data, got nothing")?;
                    options.data = Some(folder.into());
                }
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("expected one of the options, got {other}")),
            }
        }
        Ok(Some(options))
    }
}
