//! The crate as crates.io would get it.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::needs;
use crate::report::{Report, Skip};
use crate::workspace::target_dir;

pub const STEP: &str = "package";

const CRATE: &str = "micro-lora";
const SIZE_LIMIT: u64 = 300 * 1024;

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || check(shell));
}

fn check(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::GIT])?;
    let before = git_status(shell)?;

    // Cargo refuses to package uncommitted changes; that check stays on where there are none.
    let allow_dirty = if before.is_empty() { None } else { Some("--allow-dirty") };
    cmd!(shell, "cargo package --package {CRATE} --list {allow_dirty...}").run()?;
    // Explicit, so that the archive is found whatever the user's own configuration says.
    let target_dir = target_dir(shell);
    cmd!(shell, "cargo package --package {CRATE} --target-dir {target_dir} {allow_dirty...}").run()?;

    let size = archive_size(shell)?;
    println!("{CRATE}: {size} bytes packed, limit {SIZE_LIMIT}");
    ensure!(size <= SIZE_LIMIT, "the packed crate has {size} bytes, expected at most {SIZE_LIMIT}");

    let after = git_status(shell)?;
    ensure!(before == after, "packaging changed the checkout: expected git status\n{before}\ncame\n{after}");
    Ok(())
}

fn archive_size(shell: &Shell) -> Result<u64> {
    // The only thing in a package id after the last `#` or `@` is the version.
    let id = cmd!(shell, "cargo pkgid --package {CRATE}").quiet().read()?;
    let version =
        id.rsplit(['#', '@']).next().context("cargo pkgid printed nothing, expected a package id")?;
    let archive = target_dir(shell).join("package").join(format!("{CRATE}-{version}.crate"));
    let metadata =
        archive.metadata().with_context(|| format!("expected the packed crate at {}", archive.display()))?;
    Ok(metadata.len())
}

fn git_status(shell: &Shell) -> Result<String> {
    let status = cmd!(shell, "git status --porcelain").quiet().ignore_status().output()?;
    if !status.status.success() {
        let reason = String::from_utf8_lossy(&status.stderr);
        return Err(Skip(format!("not a git checkout: {}", reason.trim())).into());
    }
    Ok(String::from_utf8(status.stdout)?)
}
