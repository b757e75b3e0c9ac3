//! Lines and branches that the tests of the core and of the C interface run, the tests in C included.
//!
//! It builds everything below `target/coverage`: the checkout and other builds stay as they are.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cli::Options;
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

mod lcov;
mod table;

/// The tests of the core, of the C interface in Rust, and in C and C++.
const PACKAGES: [&str; 3] = ["micro-lora", "micro-lora-ffi", "micro-lora-c-tests"];

/// A million corruptions of one state: counting would take half an hour, and the smaller states of that test run the
/// same code.
const SLOW: &str = "sixty_four_by_sixty_four_rank_four";

/// The required shares, in tenths of a percent of all files in the table. Raise them when the shares grow.
const LINES: u64 = 969;
const BRANCHES: u64 = 929;

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step("coverage", || {
        let tools = Tools::new(shell)?;
        tools.run_tests()?;
        let text = tools.export()?;
        let files = lcov::parse(&text, &shell.current_dir(), |file| Ok(shell.read_file(file)?))?;
        ensure!(
            !files.is_empty(),
            "expected files of src/ and ffi/src/ in {}, got none",
            tools.lcov().display()
        );
        let prefix = options.value("--files").unwrap_or_default();
        print!("{}", table::print(&files, prefix));
        println!("\nline by line: {}", tools.lcov().display());
        if options.has("--check") { table::check(&files, LINES, BRANCHES) } else { Ok(()) }
    });
}

struct Tools<'a> {
    shell: &'a Shell,
    llvm: PathBuf,
    folder: PathBuf,
}

impl<'a> Tools<'a> {
    fn new(shell: &'a Shell) -> Result<Self> {
        needs::ensure(shell, &[&needs::GCC])?;
        needs::ensure_nightly(shell)?;
        needs::ensure_subcommand(shell, "llvm-cov")?;
        let llvm = needs::ensure_llvm(shell)?;
        Ok(Self { shell, llvm, folder: target_dir(shell).join("coverage") })
    }

    fn lcov(&self) -> PathBuf {
        self.folder.join("coverage.lcov")
    }

    fn llvm_cov(&self, arguments: &[&str]) -> Cmd<'a> {
        let command = cmd!(self.shell, "cargo +nightly llvm-cov {arguments...}");
        needs::other_compiler(command)
            .env("CARGO_LLVM_COV_TARGET_DIR", &self.folder)
            .env("LLVM_COV", self.llvm.join("llvm-cov"))
            .env("LLVM_PROFDATA", self.llvm.join("llvm-profdata"))
    }

    fn run_tests(&self) -> Result<()> {
        // Deletes the counts of an earlier run, but keeps what it compiled.
        self.llvm_cov(&["clean", "--profraw-only"]).run()?;
        let test = self.llvm_cov(&["test", "--no-report", "--branch", "--lib", "--tests"]);
        Ok(test.args(packages()).args(["--", "--skip", SLOW]).run()?)
    }

    fn export(&self) -> Result<String> {
        let path = self.lcov();
        self.llvm_cov(&["report", "--branch", "--lcov"])
            .args(packages())
            .arg("--output-path")
            .arg(&path)
            .run()?;
        Ok(self.shell.read_file(&path)?)
    }
}

fn packages() -> impl Iterator<Item = &'static str> {
    PACKAGES.iter().flat_map(|package| ["--package", package])
}
