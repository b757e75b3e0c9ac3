//! Targets for which Debian has a C compiler, and what runs their programs here.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

use crate::cross::Toolchain;
use crate::needs::{self, Tool};
use crate::workspace::target_dir;

pub struct CTarget {
    pub name: &'static str,
    pub triple: &'static str,
    /// What the script of operations must call itself there.
    pub identity: &'static str,
    compiler: &'static str,
    flags: &'static [&'static str],
    /// What comes before a program to run it.
    runner: &'static [&'static str],
    tools: &'static [&'static Tool],
}

const LITTLE_64: &str = "64 bits, little-endian";
const LITTLE_32: &str = "32 bits, little-endian";

pub const C_TARGETS: &[CTarget] = &[
    CTarget {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        identity: LITTLE_64,
        compiler: "riscv64-linux-gnu-gcc",
        flags: &[],
        runner: &["qemu-riscv64"],
        tools: &[&needs::GCC_RISCV64, &needs::QEMU_USER],
    },
    CTarget {
        name: "i686",
        triple: "i686-unknown-linux-gnu",
        identity: LITTLE_32,
        // Floats in registers of their own size, as the library has them.
        compiler: "i686-linux-gnu-gcc",
        flags: &["-msse2", "-mfpmath=sse"],
        runner: &["qemu-i386"],
        tools: &[&needs::GCC_I686, &needs::QEMU_USER],
    },
    CTarget {
        name: "armv7",
        triple: "armv7-unknown-linux-gnueabihf",
        identity: LITTLE_32,
        compiler: "arm-linux-gnueabihf-gcc",
        flags: &[],
        runner: &["qemu-arm"],
        tools: &[&needs::GCC_ARMV7, &needs::QEMU_USER],
    },
    CTarget {
        name: "aarch64",
        triple: "aarch64-unknown-linux-gnu",
        identity: LITTLE_64,
        compiler: "aarch64-linux-gnu-gcc",
        flags: &[],
        runner: &["qemu-aarch64"],
        tools: &[&needs::GCC_AARCH64, &needs::QEMU_USER],
    },
    CTarget {
        name: "s390x, big-endian",
        triple: "s390x-unknown-linux-gnu",
        identity: "64 bits, big-endian",
        compiler: "s390x-linux-gnu-gcc",
        flags: &[],
        runner: &["qemu-s390x"],
        tools: &[&needs::GCC_S390X, &needs::QEMU_USER],
    },
    CTarget {
        name: "musl",
        triple: "x86_64-unknown-linux-musl",
        identity: LITTLE_64,
        compiler: "musl-gcc",
        flags: &[],
        runner: &[],
        tools: &[&needs::MUSL],
    },
    CTarget {
        name: "Windows",
        triple: "x86_64-pc-windows-gnu",
        identity: LITTLE_64,
        compiler: "x86_64-w64-mingw32-gcc",
        flags: &[],
        runner: &["wine"],
        tools: &[&needs::MINGW, &needs::WINE],
    },
    CTarget {
        name: "WASI",
        triple: "wasm32-wasip1",
        identity: LITTLE_32,
        // The stack that the linker gives by default overflows into data without a word.
        compiler: "clang",
        flags: &["--target=wasm32-wasi", "-fuse-ld=/usr/bin/wasm-ld-22", "-Wl,-z,stack-size=1048576"],
        runner: &["node", "--no-warnings", "tests/ports/run-wasi.mjs"],
        tools: &[&needs::WASI, &needs::NODE],
    },
];

impl CTarget {
    pub fn find(triple: &str) -> Result<&'static Self> {
        C_TARGETS.iter().find(|target| target.triple == triple).with_context(|| {
            let triples: Vec<_> = C_TARGETS.iter().map(|target| target.triple).collect();
            format!("expected a target of {}, got {triple}", triples.join(", "))
        })
    }

    pub fn prepare(&self, shell: &Shell) -> Result<()> {
        needs::ensure(shell, self.tools)
    }

    pub fn is_windows(&self) -> bool {
        self.triple.ends_with("windows-gnu")
    }

    /// The static library of a package, which takes nothing but `core`.
    pub fn build_archive(&self, shell: &Shell, package: &str, name: &str) -> Result<PathBuf> {
        let package = Path::new(package);
        // The versions that everything else is tested with.
        shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        let toolchain = Toolchain::for_target(shell, self.triple)?;
        let directory = target_dir(shell).join("ports").join(toolchain.name());
        toolchain.build_archive(shell, self.triple, package, &directory).run()?;
        Ok(directory.join(self.triple).join("release").join(format!("lib{name}.a")))
    }

    pub fn is_wasm(&self) -> bool {
        self.triple.starts_with("wasm32")
    }

    /// The C compiler, with what the target wants.
    pub fn compiler<'a>(&self, shell: &'a Shell) -> Cmd<'a> {
        let (compiler, flags) = (self.compiler, self.flags);
        cmd!(shell, "{compiler} {flags...}")
    }

    /// For a program that takes no shared libraries. Contraction would fuse multiplications and additions of the program.
    pub fn compile<'a>(&self, shell: &'a Shell) -> Cmd<'a> {
        // For clang, threads would make another kind of WebAssembly.
        let linked: &[&str] = if self.is_wasm() { &[] } else { &["-static", "-pthread"] };
        self.compiler(shell).args(linked).args(["-O1", "-std=gnu11", "-ffp-contract=off"])
    }

    /// A tool that goes with the compiler: `ar`, `nm`, `strip`.
    pub fn binutil(&self, tool: &str) -> String {
        let prefix = self.compiler.strip_suffix("gcc").unwrap_or("");
        // The compiler for musl is this machine's own.
        if prefix == "musl-" { tool.to_owned() } else { format!("{prefix}{tool}") }
    }

    pub fn run<'a>(&self, shell: &'a Shell, program: &Path) -> Cmd<'a> {
        let command = match self.runner {
            [] => cmd!(shell, "{program}"),
            [runner, arguments @ ..] => cmd!(shell, "{runner} {arguments...} {program}"),
        };
        // Where the emulator finds the target's own libc, for what is not linked statically.
        let libc = format!("/usr/{}", self.compiler.strip_suffix("-gcc").unwrap_or_default());
        let command = command.env("QEMU_LD_PREFIX", libc);
        // A Windows of its own, not that of who calls.
        let command = command.env("WINEPREFIX", target_dir(shell).join("wine")).env("WINEDEBUG", "-all");
        // WebAssembly has one floating-point mode.
        if self.is_wasm() { command.env("MLORA_WITHOUT_MODES", "1") } else { command }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_found_by_its_triple_and_others_are_named() {
        assert!(CTarget::find("x86_64-pc-windows-gnu").is_ok_and(CTarget::is_windows));
        let error = CTarget::find("pdp11").err().expect("must be refused").to_string();
        assert!(error.contains("riscv64gc-unknown-linux-gnu") && error.contains("got pdp11"), "{error}");
    }

    #[test]
    fn binutils_are_those_of_the_compiler() {
        let tool = |triple| CTarget::find(triple).unwrap().binutil("ar");
        assert_eq!(tool("s390x-unknown-linux-gnu"), "s390x-linux-gnu-ar");
        assert_eq!(tool("x86_64-unknown-linux-musl"), "ar");
    }
}
