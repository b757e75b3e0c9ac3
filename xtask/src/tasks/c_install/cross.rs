//! The same package for another system, with that system's C compiler.
//!
//! cargo builds the static library, which needs only `core`; the C compiler makes the shared library from it.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell};

use super::common::{Version, install_common, link_shared, print_sizes};
use crate::c_target::CTarget;
use crate::tasks::c_library::{self, Binutils};

pub fn install(shell: &Shell, prefix: &Path, target: &CTarget) -> Result<()> {
    target.prepare(shell)?;
    let version = Version::new(&c_library::version(shell)?)?;
    install_common(shell, prefix, &version)?;
    let built = target.build_archive(shell, "ffi/library", "micro_lora")?;
    let archive = prefix.join("lib/libmicro_lora.a");
    if target.is_wasm() {
        // Nothing is loaded at run time there, and not every clang comes with a tool to take archives apart.
        shell.copy_file(built, &archive)?;
        return print_sizes(&[archive]);
    }
    let tools = Binutils {
        ar: target.binutil("ar"),
        nm: target.binutil("nm"),
        strip: target.binutil("strip"),
        // Symbols that gcc adds to every program, as 64-bit arithmetic on 32 bits.
        runtime: &["__"],
    };
    let mut shared = PathBuf::new();
    c_library::slim_archive(shell, &tools, &built, &archive, |object| {
        shared = if target.is_windows() {
            make_dll(shell, prefix, target, &version, &tools, object)?
        } else {
            make_shared(shell, prefix, target, &version, object)?
        };
        Ok(())
    })?;
    print_sizes(&[archive, shared])
}

fn make_shared(
    shell: &Shell,
    prefix: &Path,
    target: &CTarget,
    version: &Version,
    object: &Path,
) -> Result<PathBuf> {
    let shared = prefix.join(format!("lib/libmicro_lora.so.{}", version.text));
    let exports = object.with_extension("map");
    shell.write_file(&exports, "{ global: mlora_*; local: *; };\n")?;
    let options = format!("-Wl,-soname,{},--version-script={}", version.soname(), exports.display());
    let compile = target.compiler(shell).args(["-shared", "-s", &options]);
    compile.arg(object).arg("-o").arg(&shared).run()?;
    link_shared(shell, version, &prefix.join("lib"))?;
    Ok(shared)
}

/// Also makes the import library, which programs are linked with.
fn make_dll(
    shell: &Shell,
    prefix: &Path,
    target: &CTarget,
    version: &Version,
    tools: &Binutils,
    object: &Path,
) -> Result<PathBuf> {
    let (bin, import) = (prefix.join("bin"), prefix.join("lib/libmicro_lora.dll.a"));
    shell.create_dir(&bin)?;
    let names = c_library::defined_symbols(shell, tools, object)?;
    let names: Vec<_> = names.into_iter().filter(|name| name.starts_with("mlora_")).collect();
    ensure!(names.len() >= 30, "expected 30 functions or more, got {}", names.len());
    let exports = object.with_extension("def");
    shell.write_file(&exports, format!("EXPORTS\n{}\n", names.join("\n")))?;
    let dll = bin.join(version.dll());
    let options = format!("-Wl,--out-implib,{}", import.display());
    let compile = target.compiler(shell).args(["-shared", "-static-libgcc", "-s", &options]);
    compile.arg(object).arg(exports).arg("-o").arg(&dll).run()?;
    Ok(dll)
}

/// Builds the README's program with either library and runs it in the target's emulator.
pub fn check(shell: &Shell, target: &CTarget) -> Result<()> {
    let folder = shell.create_temp_dir()?;
    let prefix = folder.path().join("prefix");
    install(shell, &prefix, target)?;
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    let program = folder.path().join("static.exe");
    let archive = lib.join("libmicro_lora.a");
    target
        .compile(shell)
        .arg("tests/c/readme.c")
        .arg("-I")
        .arg(&include)
        .arg(archive)
        .arg("-o")
        .arg(&program)
        .run()?;
    says_that_it_moved(target.run(shell, &program))?;
    if target.is_wasm() {
        return Ok(());
    }
    let program = folder.path().join("shared.exe");
    let mut link = target.compiler(shell).arg("tests/c/readme.c").arg("-I").arg(include).arg("-L").arg(&lib);
    if !target.is_windows() {
        link = link.arg(format!("-Wl,-rpath,{}", lib.display()));
    }
    link.args(["-lmicro_lora", "-o"]).arg(&program).run()?;
    if target.is_windows() {
        // Windows looks for DLLs beside the program.
        for entry in shell.read_dir(prefix.join("bin"))? {
            shell.copy_file(entry, folder.path())?;
        }
    }
    says_that_it_moved(target.run(shell, &program))
}

fn says_that_it_moved(program: Cmd<'_>) -> Result<()> {
    let said = program.read()?;
    ensure!(said.contains("ok: the query moved to "), "expected the README's program to work, got {said:?}");
    Ok(())
}
