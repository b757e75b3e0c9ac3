//! Speed compared with linear-algebra libraries and plain C. `bench/` is a package of its own, so that nobody has to
//! compile these libraries to test an adapter.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::cli::Options;
use crate::needs::{self, CLIPPY, EIGEN, GCC, OPENBLAS};
use crate::report::{Lacking, Report};
use crate::workspace::target_dir;

pub const LINT_STEP: &str = "bench: lint and tests";
const STEP: &str = "bench";

const MANIFEST: &str = "bench/Cargo.toml";
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

pub fn run(shell: &Shell, options: &Options, report: &mut Report) {
    report.step(STEP, || measure(shell, options));
}

/// Checks that it compiles without warnings and that all contenders compute the same; does not judge times.
pub fn lint(shell: &Shell) -> Result<()> {
    let target_dir = prepare(shell)?;
    needs::ensure(shell, &[&CLIPPY])?;
    let package = ["--manifest-path", MANIFEST, "--target-dir", &target_dir];
    cmd!(shell, "cargo clippy --release {package...} --all-targets -- -D warnings").run()?;
    Ok(one_thread(cmd!(shell, "cargo test --release {package...}")).run()?)
}

fn measure(shell: &Shell, options: &Options) -> Result<()> {
    let target_dir = prepare(shell)?;
    let given = |flag: &'static str| options.has(flag).then_some(flag);
    let (quick, check) = (given("--quick"), given("--check"));
    ensure!(
        quick.is_none() || !options.has("--write"),
        "expected `--write` without `--quick`: few turns on two sizes say nothing"
    );
    let results = Path::new(&target_dir).join("results");
    shell.create_dir(&results)?;
    let (csv, markdown) = (results.join("times.csv"), results.join("tables.md"));
    let arguments = ["--csv".as_ref(), csv.as_os_str(), "--markdown".as_ref(), markdown.as_os_str()];
    let package = ["--manifest-path", MANIFEST, "--target-dir", &target_dir];
    cmd!(shell, "cargo build --release {package...}").run()?;
    one_thread(cmd!(
        shell,
        "cargo run --quiet --release {package...} -- {quick...} {check...} {arguments...}"
    ))
    .run()?;
    println!("\nevery time of everybody: {}", csv.display());
    if options.has("--write") {
        write(shell, &shell.read_file(&markdown)?)?;
    }
    Ok(())
}

/// Returns the target directory.
fn prepare(shell: &Shell) -> Result<String> {
    if !cfg!(target_arch = "x86_64") {
        return Err(Lacking("the peers are compiled for instructions of x86-64".to_owned()).into());
    }
    needs::ensure(shell, &[&GCC, &EIGEN, &OPENBLAS])?;
    let target_dir = target_dir(shell).join("bench");
    target_dir.into_os_string().into_string().ok().context("expected a target directory in UTF-8")
}

/// OpenBLAS without threads. Debian's build does not recognise CPUs newer than its compiler and uses older
/// instructions: if there is AVX-512, an environment variable selects it.
fn one_thread(command: xshell::Cmd<'_>) -> xshell::Cmd<'_> {
    let command = command.env("OPENBLAS_NUM_THREADS", "1");
    if std::env::var_os("OPENBLAS_CORETYPE").is_none() && has_avx512() {
        return command.env("OPENBLAS_CORETYPE", "SkylakeX");
    }
    command
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    use std::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512vl") && has!("avx512bw") && has!("avx512dq")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

/// Puts the tables in their place on the page.
fn write(shell: &Shell, tables: &str) -> Result<()> {
    let date = cmd!(shell, "date -u +%F").quiet().read()?;
    let page = shell.read_file(PAGE)?;
    let text = format!("`cargo xtask bench --write`, {date}.\n\n{}", tables.trim_end());
    shell.write_file(PAGE, replaced(&page, &text)?)?;
    println!("written to {PAGE}");
    Ok(())
}

fn replaced(page: &str, text: &str) -> Result<String> {
    let split = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = split.with_context(|| format!("expected `{BEGIN}` and `{END}` in {PAGE}"))?;
    Ok(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_replace_what_is_between_the_marks() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replaced(&page, "new").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert!(replaced("no marks", "new").unwrap_err().to_string().contains(BEGIN));
    }
}
