//! Reads the output of `llvm-cov export --format=lcov`. It merges the instances of a generic function: a line ran if it
//! ran in one of them.

use std::path::Path;

use anyhow::{Context, Result};

/// Sources that are counted: not the tests, not the tools.
const FOLDERS: [&str; 2] = ["src/", "ffi/src/"];

#[derive(Debug, Default, PartialEq)]
pub struct File {
    /// Relative to the workspace's root.
    pub path: String,
    pub lines: u64,
    pub missed_lines: Vec<u64>,
    /// Twice the number of conditions: each may be true or false.
    pub branches: u64,
    pub missed_branches: Vec<Branch>,
}

/// One side of a line's condition that no test took.
#[derive(Debug, PartialEq)]
pub struct Branch {
    pub line: u64,
    /// The number of the condition in its line, from 1.
    pub condition: u64,
    pub side: bool,
}

/// The files of the core and of the C interface. `source` reads a file, to tell its tests from the rest.
pub fn parse(text: &str, root: &Path, source: impl Fn(&str) -> Result<String>) -> Result<Vec<File>> {
    let mut files = vec![];
    for record in text.split("end_of_record\n") {
        let Some(path) = record.lines().find_map(|line| line.strip_prefix("SF:")) else { continue };
        let path =
            Path::new(path).strip_prefix(root).unwrap_or(Path::new(path)).to_string_lossy().into_owned();
        if FOLDERS.iter().any(|folder| path.starts_with(folder)) {
            let end = tests_begin(&source(&path)?);
            files.push(file(path, record, end)?);
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The line at which a file's own tests begin; they are always at its end.
fn tests_begin(source: &str) -> u64 {
    let lines: Vec<_> = source.lines().collect();
    let begins =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(begins).map_or(u64::MAX, |line| line as u64 + 1)
}

fn file(path: String, record: &str, end: u64) -> Result<File> {
    let mut file = File { path, ..File::default() };
    for line in record.lines() {
        if let Some(fields) = line.strip_prefix("DA:") {
            let [line, count] = numbers(fields)?;
            if line < end {
                file.lines += 1;
                file.missed_lines.extend((count == 0).then_some(line));
            }
        } else if let Some(fields) = line.strip_prefix("BRDA:") {
            let [line, condition, side, count] = numbers(fields)?;
            if line < end {
                file.branches += 1;
                let branch = Branch { line, condition: condition + 1, side: side % 2 == 0 };
                file.missed_branches.extend((count == 0).then_some(branch));
            }
        }
    }
    Ok(file)
}

/// `-` is a branch whose line never ran.
fn numbers<const N: usize>(fields: &str) -> Result<[u64; N]> {
    let parsed = fields.split(',').map(|field| if field == "-" { Ok(0) } else { field.parse() });
    let parsed: Vec<u64> = parsed.collect::<Result<_, _>>().with_context(|| format!("lcov: `{fields}`"))?;
    parsed.try_into().ok().with_context(|| format!("lcov: expected {N} numbers, got `{fields}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn one() {}\nfn two() {}\n#[cfg(test)]\nmod tests {\n    fn three() {}\n}\n";

    fn parsed(text: &str) -> Result<Vec<File>> {
        parse(text, Path::new("/checkout"), |_| Ok(SOURCE.to_owned()))
    }

    #[test]
    fn a_file_has_its_lines_and_its_branches_but_not_those_of_its_tests() {
        let text = "SF:/checkout/src/a.rs\nBRDA:1,0,0,5\nBRDA:1,0,1,0\nBRDA:2,1,0,-\nBRDA:2,1,1,-\nBRDA:5,0,0,0\n\
                    DA:1,5\nDA:2,0\nDA:5,0\nend_of_record\n\
                    SF:/checkout/tests/b.rs\nDA:1,0\nend_of_record\n";
        let missed = [(1, 1, false), (2, 2, true), (2, 2, false)];
        let missed = missed.map(|(line, condition, side)| Branch { line, condition, side });
        let expected = File {
            path: "src/a.rs".into(),
            lines: 2,
            missed_lines: vec![2],
            branches: 4,
            missed_branches: missed.into(),
        };
        assert_eq!(parsed(text).unwrap(), [expected]);
    }

    #[test]
    fn a_line_of_another_form_is_an_error() {
        for wrong in ["DA:1", "DA:1,x", "BRDA:1,0,0"] {
            assert!(parsed(&format!("SF:/checkout/src/a.rs\n{wrong}\nend_of_record\n")).is_err(), "{wrong}");
        }
    }
}
