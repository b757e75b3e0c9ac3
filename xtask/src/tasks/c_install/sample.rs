//! Builds the documents' programs with an installed library, in every documented way.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::common::{FIXTURES, Version};
use super::{STEP, install};
use crate::needs;
use crate::report::Report;
use crate::tasks::c_library;
use crate::workspace::target_dir;

/// Installs to a scratch folder and builds the documents' programs with it, in every documented way.
pub fn test(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        let tools = [&needs::GCC, &needs::CMAKE, &needs::MESON, &needs::PKG_CONFIG, &needs::CFFI];
        needs::ensure(shell, &tools)?;
        let folder = shell.create_temp_dir()?;
        let sample = Sample { shell, folder: folder.path(), prefix: folder.path().join("prefix") };
        install(shell, &sample.prefix)?;
        sample.write()?;
        sample.by_hand()?;
        sample.as_plugin()?;
        sample.by_pkg_config()?;
        sample.by_cmake()?;
        sample.by_cmake_from_source()?;
        sample.by_meson()?;
        sample.test_with_python()
    });
}

/// The program of a memory of lists that docs/c.md shows.
const REMEMBERING: &str = "examples/c/memory/memory.c";

struct Sample<'a> {
    shell: &'a Shell,
    folder: &'a Path,
    prefix: PathBuf,
}

impl Sample<'_> {
    fn write(&self) -> Result<()> {
        // The documents must show exactly the programs that are tested here.
        for (language, document) in [("c", "README.md"), ("cpp", "docs/c.md")] {
            let file = format!("tests/c/readme.{language}");
            let program = self.shell.read_file(&file)?;
            let text = self.shell.read_file(document)?;
            let shown = program_in(&text, language).unwrap_or_default();
            ensure!(shown.trim() == program.trim(), "{document}: expected {file}, got\n{shown}");
            self.shell.write_file(self.folder.join(format!("sample.{language}")), program)?;
        }
        let text = self.shell.read_file("docs/c.md")?;
        let shown = program_in(&text, "c").unwrap_or_default();
        let program = self.shell.read_file(REMEMBERING)?;
        ensure!(shown.trim() == program.trim(), "docs/c.md: expected {REMEMBERING}, got\n{shown}");
        let version = Version::new(&c_library::version(self.shell)?)?;
        version.fill(self.shell, "sample/CMakeLists.txt", self.folder)
    }

    fn by_hand(&self) -> Result<()> {
        let (shell, lib, include) = (self.shell, self.prefix.join("lib"), self.prefix.join("include"));
        let (source, program) = (self.folder.join("sample.c"), self.folder.join("by-hand"));
        cmd!(shell, "gcc {source} -I{include} -L{lib} -lmicro_lora -o {program}").run()?;
        self.check(cmd!(shell, "{program}").env("LD_LIBRARY_PATH", &lib))?;
        let archive = lib.join("libmicro_lora.a");
        cmd!(shell, "gcc {source} -I{include} {archive} -o {program}").run()?;
        self.check(cmd!(shell, "{program}"))?;
        self.print_size("gcc app.c libmicro_lora.a", &program)?;
        cmd!(shell, "gcc -O2 {source} -I{include} {archive} -Wl,--gc-sections -s -o {program}").run()?;
        self.check(cmd!(shell, "{program}"))?;
        self.print_size("gcc -O2 app.c libmicro_lora.a -Wl,--gc-sections -s", &program)?;
        let strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
        cmd!(shell, "gcc {strict...} {REMEMBERING} -I{include} {archive} -o {program}").run()?;
        let said = cmd!(shell, "{program}").read()?;
        ensure!(said.contains("forgotten: yes"), "expected \"forgotten: yes\", got {said:?}");
        let source = self.folder.join("sample.cpp");
        cmd!(shell, "g++ -std=c++17 {source} -I{include} {archive} -o {program}").run()?;
        self.check(cmd!(shell, "{program}"))
    }

    fn print_size(&self, line: &str, program: &Path) -> Result<()> {
        println!("{line}: {} bytes", program.metadata()?.len());
        Ok(())
    }

    /// A shared library that contains the archive exports none of its functions.
    fn as_plugin(&self) -> Result<()> {
        let (shell, folder) = (self.shell, self.folder);
        let (archive, include) = (self.prefix.join("lib/libmicro_lora.a"), self.prefix.join("include"));
        let (source, plugin) = (folder.join("plugin.c"), folder.join("plugin.so"));
        let program = "#include <micro_lora.h>\n\
                       const char *plugin_version(void) { return mlora_version(); }\n";
        shell.write_file(&source, program)?;
        cmd!(shell, "gcc -shared -fPIC {source} -I{include} {archive} -o {plugin}").run()?;
        let symbols = cmd!(shell, "nm --dynamic --defined-only {plugin}").read()?;
        ensure!(symbols.contains("plugin_version"), "expected plugin_version in the plugin, got\n{symbols}");
        ensure!(!symbols.contains("mlora_"), "expected a plugin without mlora_ symbols, got\n{symbols}");
        self.print_size("a plugin that asks for the version", &plugin)
    }

    /// The repository as a part of the user's build.
    fn by_cmake_from_source(&self) -> Result<()> {
        let (shell, build) = (self.shell, self.folder.join("build-from-source"));
        let (source, root) = (self.folder.join("from-source"), shell.current_dir());
        shell.create_dir(&source)?;
        let (sample, c) = (self.folder.join("sample.c"), source.join("sample.c"));
        shell.copy_file(sample, c)?;
        let fixture = Path::new(FIXTURES).join("sample/from-source/CMakeLists.txt");
        shell.copy_file(fixture, source.join("CMakeLists.txt"))?;
        // Reuse what the other steps have built.
        let target = target_dir(shell).join("c");
        cmd!(shell, "cmake -S {source} -B {build} -DMICRO_LORA_SOURCE={root}")
            .arg(format!("-DMICRO_LORA_TARGET_DIR={}", target.display()))
            .ignore_stdout()
            .run()?;
        cmd!(shell, "cmake --build {build}").ignore_stdout().run()?;
        let program = build.join("sample");
        self.check(cmd!(shell, "{program}"))
    }

    /// As a Meson subproject.
    fn by_meson(&self) -> Result<()> {
        let (shell, build) = (self.shell, self.folder.join("build-by-meson"));
        let (source, root) = (self.folder.join("meson"), shell.current_dir());
        shell.create_dir(source.join("subprojects"))?;
        let subproject = source.join("subprojects/micro-lora");
        cmd!(shell, "ln -s {root} {subproject}").quiet().run()?;
        shell.copy_file(self.folder.join("sample.c"), &source)?;
        shell.copy_file(Path::new(FIXTURES).join("sample/meson/meson.build"), &source)?;
        // Reuse what the other steps have built.
        let target = format!("-Dmicro-lora:cargo_target_dir={}", target_dir(shell).join("c").display());
        cmd!(shell, "meson setup {build} {source} {target}").ignore_stdout().run()?;
        cmd!(shell, "meson compile -C {build}").ignore_stdout().run()?;
        let program = build.join("sample");
        self.check(cmd!(shell, "{program}"))
    }

    /// How other languages use it: they need only the header and the shared library.
    fn test_with_python(&self) -> Result<()> {
        let (shell, prefix) = (self.shell, &self.prefix);
        self.check(cmd!(shell, "python3 -B examples/python/personal_search.py {prefix}"))
    }

    fn by_pkg_config(&self) -> Result<()> {
        let (shell, lib) = (self.shell, self.prefix.join("lib"));
        let flags = cmd!(shell, "pkg-config --cflags --libs micro_lora")
            .env("PKG_CONFIG_PATH", lib.join("pkgconfig"))
            .read()?;
        let flags = flags.split_whitespace();
        let (source, program) = (self.folder.join("sample.c"), self.folder.join("by-pkg-config"));
        cmd!(shell, "gcc {source} {flags...} -o {program}").run()?;
        self.check(cmd!(shell, "{program}").env("LD_LIBRARY_PATH", &lib))
    }

    fn by_cmake(&self) -> Result<()> {
        let (shell, folder, prefix) = (self.shell, self.folder, &self.prefix);
        let build = folder.join("build");
        cmd!(shell, "cmake -S {folder} -B {build} -DCMAKE_PREFIX_PATH={prefix}").ignore_stdout().run()?;
        cmd!(shell, "cmake --build {build}").ignore_stdout().run()?;
        // CMake has written the library's folder into the program.
        for program in ["shared", "static"] {
            let program = build.join(program);
            self.check(cmd!(shell, "{program}"))?;
        }
        Ok(())
    }

    fn check(&self, program: xshell::Cmd<'_>) -> Result<()> {
        let said = program.read()?;
        let expected = "ok: the query moved to ";
        let last = said.lines().last().unwrap_or_default();
        ensure!(last.starts_with(expected), "expected {expected:?}, got {said:?}");
        println!("{said}");
        Ok(())
    }
}

/// The first program in a language in a Markdown text.
fn program_in<'a>(markdown: &'a str, language: &str) -> Option<&'a str> {
    Some(markdown.split_once(&format!("```{language}\n"))?.1.split_once("```")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_from_other_code() {
        let text = "```rust\nfn\n```\n\n```c\nint x;\n```\n";
        assert_eq!(program_in(text, "c"), Some("int x;\n"));
        assert_eq!(program_in(text, "cpp"), None);
        assert_eq!(program_in("```cpp\nint x;\n```\n", "c"), None);
    }
}
