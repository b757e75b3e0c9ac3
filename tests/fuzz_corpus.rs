//! Replays all inputs of the fuzz corpora: on the stable compiler, with the checksum on and debug
//! assertions and overflow checks enabled.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A target with fewer inputs has lost its corpus.
const FEWEST_INPUTS: usize = 10;

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Names of the entries of a directory, without extension.
fn names(directory: &Path) -> BTreeSet<String> {
    files(directory).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_target_has_a_binary_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<_> = fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&directory("fuzz_targets")), targets);
    assert_eq!(names(&directory("corpus")), targets);
}

#[test]
fn every_input_of_every_corpus_holds() {
    let mut failed = vec![];
    for (name, target) in fuzz::TARGETS {
        let inputs = files(&directory("corpus").join(name));
        assert!(inputs.len() >= FEWEST_INPUTS, "{name}: {} inputs", inputs.len());
        for path in &inputs {
            let input = fs::read(path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
                failed.push(path.display().to_string());
            }
        }
        println!("{name}: {} inputs", inputs.len());
    }
    assert!(
        failed.is_empty(),
        "{} inputs failed, each with its reason above:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
