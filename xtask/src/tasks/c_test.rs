//! The header, the library and the C++ wrapper under compilers, sanitizers and valgrind.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::thread_sanitizer::{self, Std};
use super::{c_install, c_library};
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEPS: [&str; 6] = [HEADER, SANITIZERS, THREADS, VALGRIND, c_install::STEP, EXAMPLE];
const HEADER: &str = "C header";
const SANITIZERS: &str = "C tests, sanitizers";
const THREADS: &str = "C tests, ThreadSanitizer";
const VALGRIND: &str = "C tests, valgrind";
const EXAMPLE: &str = "C example";

/// Warnings under which the header and the tests must compile. Contraction would fuse multiplications and additions.
const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-ffp-contract=off"];
/// Warnings of clang's -Weverything about the README's program that are not faults: padding of structs, a float that
/// printf takes as a double, an enum passed as the int32_t that it is.
const PEDANTRY: &[&str] = &["-Wno-padded", "-Wno-double-promotion", "-Wno-sign-conversion"];
const COMPILERS: &[(&str, &str, &str)] = &[
    ("gcc", "c", "-std=c11"),
    ("clang", "c", "-std=c11"),
    ("g++", "c++", "-std=c++17"),
    ("clang++", "c++", "-std=c++17"),
];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(HEADER, || headers(shell));
    report.step(SANITIZERS, || sanitizers(shell));
    report.step(THREADS, || threads(shell));
    report.step(VALGRIND, || valgrind(shell));
    c_install::test(shell, report);
    report.step(EXAMPLE, || example(shell));
}

/// Each header compiles alone.
fn headers(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::GCC, &needs::CLANG])?;
    for (compiler, language, standard) in COMPILERS {
        let check = |header: &str| {
            cmd!(shell, "{compiler} -x {language} {standard} {STRICT...} -Iinclude -fsyntax-only -")
                .stdin(format!("#include \"{header}\"\n"))
                .run()
        };
        check("micro_lora.h")?;
        if *language == "c++" {
            check("micro_lora.hpp")?;
        }
    }
    let everything = cmd!(shell, "clang -Weverything -Werror {PEDANTRY...} -std=c11 -Iinclude");
    everything.args(["-fsyntax-only", "tests/c/readme.c"]).run()?;
    let old = cmd!(shell, "g++ -x c++ -std=c++14 -Iinclude -fsyntax-only -")
        .stdin("#include \"micro_lora.hpp\"\n")
        .ignore_status();
    let errors = String::from_utf8(old.output()?.stderr)?;
    let count = errors.matches("error:").count();
    ensure!(
        count == 1 && errors.contains("expected C++17"),
        "C++14: expected one error, got {count}\n{errors}"
    );
    Ok(())
}

fn sanitizers(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::GCC])?;
    let build = Build::new(shell)?;
    let flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let programs = [
        build.tests("sanitized", &flags)?,
        build.wrapper("wrapper-sanitized", &flags)?,
        build.out_of_memory("out-of-memory-sanitized", &flags)?,
    ];
    for program in programs {
        // If a compiler ignored the flag, this step would prove nothing.
        let symbols = cmd!(shell, "nm {program}").quiet().read()?;
        for symbol in ["__asan_init", "__ubsan_handle"] {
            ensure!(symbols.contains(symbol), "{}: expected {symbol} in it, got none", program.display());
        }
        cmd!(shell, "{program}").run()?;
    }
    Ok(())
}

/// The library is built for it too, so that it sees what the Rust code writes while another thread reads.
fn threads(shell: &Shell) -> Result<()> {
    let (build, folder) = thread_sanitizer::cargo(shell, "rustc", Std::Core)?;
    let package = c_library::prepare(shell)?;
    build.arg("--manifest-path").arg(package).args(["--crate-type", "staticlib"]).run()?;
    let build = Build::of(shell, folder.join("libmicro_lora.a"))?;
    let flags = ["-g", "-O1", thread_sanitizer::FLAG];
    let program = build.compile(thread_sanitizer::CLANG, "-std=c11", &sources(shell)?, &flags, "threads")?;
    // The sanitizer exits with an error of its own if it finds a race.
    Ok(cmd!(shell, "{program}").run()?)
}

/// It sees into the Rust code as well, which no sanitizer of a C compiler does.
fn valgrind(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::GCC, &needs::VALGRIND])?;
    let build = Build::new(shell)?;
    let flags = ["-g", "-O1"];
    let tests = build.tests("plain", &flags)?;
    let wrapper = build.wrapper("wrapper-plain", &flags)?;
    for (tool, program) in [("memcheck", &tests), ("memcheck", &wrapper), ("helgrind", &tests)] {
        let checks: &[&str] = if tool == "memcheck" { &["--leak-check=full"] } else { &[] };
        // Valgrind computes in the default floating-point mode, whatever mode a program sets.
        cmd!(shell, "valgrind --tool={tool} {checks...} --error-exitcode=99 {program}")
            .env("MLORA_WITHOUT_MODES", "1")
            .run()?;
    }
    Ok(())
}

/// The example in C and the same program in Rust end with the same bits. The gains in between may differ: the Rust
/// program scores by a matrix product, in another order, so two documents with equal scores may change places.
fn example(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::GCC])?;
    let build = Build::new(shell)?;
    let sources = c_sources(shell, "examples/c")?;
    let program = build.compile("gcc", "-std=c11", &sources, &["-O2"], "personalize")?;
    let in_c = cmd!(shell, "{program} examples/data").read()?;
    println!("{in_c}");
    let in_rust =
        cmd!(shell, "cargo run --release --package micro-lora-ffi --example personalize_as_in_c").read()?;
    let alike = in_c.lines().count() == in_rust.lines().count()
        && in_c.lines().zip(in_rust.lines()).all(|(c, rust)| match (gain(c), gain(rust)) {
            (Some(c), Some(rust)) => (c - rust).abs() < 0.001,
            _ => c == rust,
        });
    ensure!(alike, "expected of C what Rust prints\n{in_rust}\ngot\n{in_c}");
    Ok(())
}

/// The gain in a line `gain@100 +0.027 (base 0.159)`.
fn gain(line: &str) -> Option<f64> {
    line.strip_prefix("gain@")?.split(' ').nth(1)?.parse().ok()
}

/// The long life in C that `cargo xtask soak` runs.
pub fn soak_program(shell: &Shell) -> Result<PathBuf> {
    needs::ensure(shell, &[&needs::GCC])?;
    let flags = ["-O2", "-D_DEFAULT_SOURCE"];
    Build::new(shell)?.compile("gcc", "-std=c11", &["tests/c/soak/soak.c".into()], &flags, "soak")
}

/// The programs that test the C interface.
pub fn sources(shell: &Shell) -> Result<Vec<PathBuf>> {
    let mut sources = c_sources(shell, "tests/c")?;
    sources.retain(|path| !path.ends_with("readme.c"));
    Ok(sources)
}

fn c_sources(shell: &Shell, folder: &str) -> Result<Vec<PathBuf>> {
    let mut files = shell.read_dir(folder)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    Ok(files)
}

struct Build<'a> {
    shell: &'a Shell,
    archive: PathBuf,
    folder: PathBuf,
}

impl<'a> Build<'a> {
    fn new(shell: &'a Shell) -> Result<Self> {
        Self::of(shell, c_library::build(shell)?.join("libmicro_lora.a"))
    }

    /// Programs linked with this library.
    fn of(shell: &'a Shell, archive: PathBuf) -> Result<Self> {
        let folder = target_dir(shell).join("c/tests");
        shell.create_dir(&folder)?;
        Ok(Self { shell, archive, folder })
    }

    fn tests(&self, name: &str, flags: &[&str]) -> Result<PathBuf> {
        self.compile("gcc", "-std=c11", &sources(self.shell)?, flags, name)
    }

    fn wrapper(&self, name: &str, flags: &[&str]) -> Result<PathBuf> {
        self.compile("g++", "-std=c++17", &[PathBuf::from("tests/c/wrapper.cpp")], flags, name)
    }

    /// The wrapper with allocations that fail.
    fn out_of_memory(&self, name: &str, flags: &[&str]) -> Result<PathBuf> {
        self.compile("g++", "-std=c++17", &[PathBuf::from("tests/c/out_of_memory.cpp")], flags, name)
    }

    fn compile(
        &self,
        compiler: &str,
        standard: &str,
        sources: &[PathBuf],
        flags: &[&str],
        name: &str,
    ) -> Result<PathBuf> {
        let Self { shell, archive, folder } = self;
        let program = Path::new(folder).join(name);
        cmd!(
            shell,
            "{compiler} {standard} {STRICT...} {flags...} -Iinclude {sources...} {archive} -pthread -lm"
        )
        .args(["-o".as_ref(), program.as_os_str()])
        .run()?;
        Ok(program)
    }
}
