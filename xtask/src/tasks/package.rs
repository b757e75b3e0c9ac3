//! The crate as it would be published on crates.io.

use std::path::{Path, PathBuf};

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

    // Cargo refuses to package uncommitted changes; that check stays on if there are none.
    let allow_dirty = if before.is_empty() { None } else { Some("--allow-dirty") };
    cmd!(shell, "cargo package --package {CRATE} --list {allow_dirty...}").run()?;
    // Set explicitly, so that the archive is found whatever the user's configuration is.
    let target_dir = target_dir(shell);
    cmd!(shell, "cargo package --package {CRATE} --target-dir {target_dir} {allow_dirty...}").run()?;

    let archive = archive(shell)?;
    let size = archive.metadata()?.len();
    println!("{CRATE}: {size} bytes packed, limit {SIZE_LIMIT}");
    ensure!(size <= SIZE_LIMIT, "the packed crate has {size} bytes, expected at most {SIZE_LIMIT}");

    use_in_empty_project(shell, &archive)?;

    let after = git_status(shell)?;
    ensure!(before == after, "packaging changed the checkout: expected git status\n{before}\ncame\n{after}");
    Ok(())
}

fn archive(shell: &Shell) -> Result<PathBuf> {
    // The only thing in a package id after the last `#` or `@` is the version.
    let id = cmd!(shell, "cargo pkgid --package {CRATE}").quiet().read()?;
    let version =
        id.rsplit(['#', '@']).next().context("cargo pkgid printed nothing, expected a package id")?;
    let archive = target_dir(shell).join("package").join(format!("{CRATE}-{version}.crate"));
    ensure!(archive.is_file(), "expected the packed crate at {}", archive.display());
    Ok(archive)
}

/// Builds the README's first program with the packed crate, to show that no file is missing in it.
fn use_in_empty_project(shell: &Shell, archive: &Path) -> Result<()> {
    let folder = shell.create_temp_dir()?;
    let (folder, project) = (folder.path(), folder.path().join("project"));
    cmd!(shell, "tar -xzf {archive} -C {folder}").run()?;
    let unpacked = archive.file_stem().context("an archive has a name")?;
    let unpacked = folder.join(unpacked);
    let readme = shell.read_file(unpacked.join("README.md"))?;
    let program = readme.split("```rust\n").nth(1).and_then(|text| text.split("```").next());
    let program = program.context("README.md: expected a program in Rust, got none")?.replace("\n# ", "\n");
    let code = format!(
        "#[test]\nfn first_example() -> Result<(), micro_lora::Error> {{\n{}\n}}\n",
        program.replace("Ok::<(), micro_lora::Error>(())", "Ok(())")
    );
    shell.write_file(project.join("src/lib.rs"), code)?;
    let manifest = format!(
        "[package]\nname = \"project\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{CRATE} = {{ path = '{}', features = [\"alloc\"] }}\n",
        unpacked.display()
    );
    shell.write_file(project.join("Cargo.toml"), manifest)?;
    // The versions that all other tests use.
    shell.copy_file("Cargo.lock", project.join("Cargo.lock"))?;
    let (manifest, target) = (project.join("Cargo.toml"), target_dir(shell).join("package/project"));
    let output = cmd!(shell, "cargo test --manifest-path {manifest} --target-dir {target}").read()?;
    ensure!(output.contains("1 passed"), "expected the README's program to pass, got\n{output}");
    println!("{CRATE}: the README's first program passes in an empty project with what was packed");
    Ok(())
}

fn git_status(shell: &Shell) -> Result<String> {
    let status = cmd!(shell, "git status --porcelain").quiet().ignore_status().output()?;
    if !status.status.success() {
        let reason = String::from_utf8_lossy(&status.stderr);
        return Err(Skip(format!("not a git checkout: {}", reason.trim())).into());
    }
    Ok(String::from_utf8(status.stdout)?)
}
