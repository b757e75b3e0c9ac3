//! The libraries for C, as `ffi/library` builds them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::workspace::target_dir;

#[path = "c_library/elf.rs"]
mod elf;

const PACKAGE: &str = "ffi/library";

/// The paths of both libraries, built for this machine with symbols.
pub fn build(shell: &Shell) -> Result<PathBuf> {
    let target_dir = target_dir(shell).join("c");
    let manifest = prepare(shell)?;
    cmd!(shell, "cargo build --release --manifest-path {manifest} --target-dir {target_dir}").run()?;
    Ok(target_dir.join("release"))
}

/// The package's manifest, after its dependencies were set to the workspace's versions.
pub fn prepare(shell: &Shell) -> Result<PathBuf> {
    // A package outside the workspace would otherwise choose its own versions.
    shell.copy_file("Cargo.lock", Path::new(PACKAGE).join("Cargo.lock"))?;
    Ok(Path::new(PACKAGE).join("Cargo.toml"))
}

/// `1.2.3` of the package `ffi/library`.
pub fn version(shell: &Shell) -> Result<String> {
    version_in(&shell.read_file(Path::new(PACKAGE).join("Cargo.toml"))?)
}

/// The version in a manifest.
pub fn version_in(manifest: &str) -> Result<String> {
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.context("ffi/library/Cargo.toml: expected a version, got none")?.to_owned())
}

/// The tools to take an archive apart, for the target that it was built for.
pub struct Binutils {
    pub ar: String,
    pub nm: String,
    pub strip: String,
    /// Symbols that the object may need besides [`TAKEN`], from a compiler of the target.
    pub runtime: &'static [&'static str],
}

impl Binutils {
    /// This machine's own tools. The library needs no symbols of the compiler.
    pub fn host() -> Self {
        Self { ar: "ar".into(), nm: "nm".into(), strip: "strip".into(), runtime: &[] }
    }
}

/// Makes the archive to distribute from the one that rustc writes: our own object alone, stripped. The rest, parts of
/// `compiler_builtins` that nothing here needs, is nine tenths of its bytes. `with_object` gets our object
/// before its symbols are hidden.
pub fn slim_archive(
    shell: &Shell,
    tools: &Binutils,
    from: &Path,
    to: &Path,
    with_object: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let folder = shell.create_temp_dir()?;
    let ours = extract(shell, tools, from, folder.path())?;
    with_object(&ours)?;
    let object = shell.read_binary_file(&ours)?;
    // Object files of Windows have no hidden symbols.
    if object.starts_with(b"\x7FELF") {
        shell.write_file(&ours, elf::hide(object)?)?;
    }
    pack(shell, tools, &ours, to)
}

fn extract(shell: &Shell, tools: &Binutils, from: &Path, folder: &Path) -> Result<PathBuf> {
    let Binutils { ar, strip, .. } = tools;
    let members = cmd!(shell, "{ar} t {from}").quiet().read()?;
    let ours: Vec<_> = members
        .lines()
        .filter(|member| member.starts_with("micro_lora.") || member.starts_with("micro_lora-"))
        .collect();
    let [ours] = ours[..] else {
        bail!("{}: expected one object of ours, got {}", from.display(), ours.len());
    };
    let _inside = shell.push_dir(folder);
    cmd!(shell, "{ar} x {from} {ours}").quiet().run()?;
    cmd!(shell, "{strip} --strip-unneeded {ours}").quiet().run()?;
    Ok(folder.join(ours))
}

fn pack(shell: &Shell, tools: &Binutils, object: &Path, to: &Path) -> Result<()> {
    let ar = &tools.ar;
    shell.remove_path(to)?;
    cmd!(shell, "{ar} rcsD {to} {object}").quiet().run()?;
    check_symbols(shell, tools, to)
}

/// The functions of the interface that an object or archive defines.
pub fn defined_symbols(shell: &Shell, tools: &Binutils, file: &Path) -> Result<Vec<String>> {
    symbols(shell, tools, file, "--defined-only")
}

fn symbols(shell: &Shell, tools: &Binutils, file: &Path, option: &str) -> Result<Vec<String>> {
    let nm = &tools.nm;
    let list = cmd!(shell, "{nm} --extern-only {option} --format=posix {file}").quiet().read()?;
    let words = list.lines().filter(|line| !line.ends_with(':')).filter_map(|line| line.split(' ').next());
    Ok(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

/// The library may import these symbols, and must define nothing but its interface.
const TAKEN: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];

fn check_symbols(shell: &Shell, tools: &Binutils, archive: &Path) -> Result<()> {
    let defined = defined_symbols(shell, tools, archive)?;
    let foreign: Vec<_> = defined.iter().filter(|name| !name.starts_with("mlora_")).collect();
    ensure!(foreign.is_empty(), "libmicro_lora.a: expected mlora_ functions alone, got {foreign:?}");
    ensure!(defined.len() >= 30, "libmicro_lora.a: expected 30 functions or more, got {}", defined.len());
    let taken = symbols(shell, tools, archive, "--undefined-only")?;
    let is_known =
        |name: &str| TAKEN.contains(&name) || tools.runtime.iter().any(|prefix| name.starts_with(prefix));
    let unknown: Vec<_> = taken.iter().filter(|name| !is_known(name)).collect();
    ensure!(unknown.is_empty(), "libmicro_lora.a: expected to need {TAKEN:?} at most, got {unknown:?}");
    Ok(())
}
