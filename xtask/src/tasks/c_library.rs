//! The libraries for C, as `ffi/library` builds them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::workspace::target_dir;

#[path = "c_library/elf.rs"]
mod elf;

const PACKAGE: &str = "ffi/library";

/// Where the two libraries are. They were built for this machine, with symbols.
pub fn build(shell: &Shell) -> Result<PathBuf> {
    let target_dir = target_dir(shell).join("c");
    // A package outside the workspace would otherwise choose versions of its own.
    shell.copy_file("Cargo.lock", Path::new(PACKAGE).join("Cargo.lock"))?;
    let manifest = Path::new(PACKAGE).join("Cargo.toml");
    cmd!(shell, "cargo build --release --manifest-path {manifest} --target-dir {target_dir}").run()?;
    Ok(target_dir.join("release"))
}

/// `1.2.3` of the package `ffi/library`.
pub fn version(shell: &Shell) -> Result<String> {
    version_in(&shell.read_file(Path::new(PACKAGE).join("Cargo.toml"))?)
}

/// The version of a manifest.
pub fn version_in(manifest: &str) -> Result<String> {
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.context("ffi/library/Cargo.toml: expected a version, got none")?.to_owned())
}

/// Makes of the archive that rustc writes the one to hand out: our own object alone, stripped. The rest of it, the
/// parts of `compiler_builtins` that nothing here needs, is nine tenths of its bytes.
pub fn slim_archive(shell: &Shell, from: &Path, to: &Path) -> Result<()> {
    let folder = shell.create_temp_dir()?;
    let members = cmd!(shell, "ar t {from}").quiet().read()?;
    let ours: Vec<_> = members.lines().filter(|member| member.starts_with("micro_lora.")).collect();
    let [ours] = ours[..] else {
        bail!("{}: expected one object of ours, got {}", from.display(), ours.len());
    };
    {
        let _inside = shell.push_dir(folder.path());
        cmd!(shell, "ar x {from} {ours}").quiet().run()?;
        cmd!(shell, "strip --strip-unneeded {ours}").quiet().run()?;
        let ours = folder.path().join(ours);
        let hidden = elf::hide(shell.read_binary_file(&ours)?)?;
        shell.write_file(&ours, hidden)?;
        shell.remove_path(to)?;
        cmd!(shell, "ar rcsD {to} {ours}").quiet().run()?;
    }
    check_symbols(shell, to)
}

/// The library may take these from whatever it is linked to, and must not define anything but its interface.
const TAKEN: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

fn check_symbols(shell: &Shell, archive: &Path) -> Result<()> {
    let names = |option| -> Result<Vec<String>> {
        let list = cmd!(shell, "nm --extern-only {option} --format=posix {archive}").quiet().read()?;
        let words =
            list.lines().filter(|line| !line.ends_with(':')).filter_map(|line| line.split(' ').next());
        Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    };
    let defined = names("--defined-only")?;
    let foreign: Vec<_> = defined.iter().filter(|name| !name.starts_with("mlora_")).collect();
    ensure!(foreign.is_empty(), "libmicro_lora.a: expected mlora_ functions alone, got {foreign:?}");
    ensure!(defined.len() >= 30, "libmicro_lora.a: expected 30 functions or more, got {}", defined.len());
    let taken = names("--undefined-only")?;
    let unknown: Vec<_> = taken.iter().filter(|name| !TAKEN.contains(&name.as_str())).collect();
    ensure!(unknown.is_empty(), "libmicro_lora.a: expected to need {TAKEN:?} at most, got {unknown:?}");
    Ok(())
}
