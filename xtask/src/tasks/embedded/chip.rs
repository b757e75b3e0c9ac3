//! The two chips, and programs for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cross::Toolchain;
use crate::qemu;
use crate::workspace::target_dir;

pub const FIRMWARE: &str = "examples/firmware/c";

pub struct Chip {
    pub name: &'static str,
    pub target: &'static str,
    board: &'static str,
    flags: &'static [&'static str],
    memory: &'static str,
    /// The sizes in tests/firmware/measure.c: as large as the memory allows.
    pub shape: Shape,
    /// Bytes of the texts in tests/firmware/hostile.c.
    pub longest: usize,
}

pub struct Shape {
    pub features: usize,
    pub rank: usize,
    pub shown: usize,
}

pub const CHIPS: [Chip; 2] = [
    Chip {
        name: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        board: "mps2-an386",
        flags: &["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
        memory: "cortex-m4f.ld",
        shape: Shape { features: 768, rank: 2, shown: 10 },
        longest: 20_000,
    },
    Chip {
        name: "Cortex-M0",
        target: "thumbv6m-none-eabi",
        board: "microbit",
        flags: &["-mcpu=cortex-m0"],
        memory: "cortex-m0.ld",
        shape: Shape { features: 64, rank: 2, shown: 10 },
        longest: 4_000,
    },
];

/// The flags with which all C code is compiled; contraction would fuse multiplications and additions.
pub const STRICT: &[&str] = &[
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
    "-ffp-contract=off",
    "-Iinclude",
];

/// A chip with its tools.
pub struct Workshop<'a> {
    pub shell: &'a Shell,
    pub chip: &'static Chip,
    toolchain: Toolchain,
}

impl<'a> Workshop<'a> {
    pub fn new(shell: &'a Shell, chip: &'static Chip) -> Result<Self> {
        Ok(Self { shell, chip, toolchain: Toolchain::for_target(shell, chip.target)? })
    }

    /// `libmicro_lora.a` at an opt-level.
    pub fn library(&self, opt_level: &str) -> Result<PathBuf> {
        self.lock_library()?;
        self.build(Path::new("ffi/library"), opt_level, &[], "libmicro_lora.a")
    }

    /// The same, built with the dual step alone: `src/profile.rs`.
    pub fn dual_library(&self, opt_level: &str) -> Result<PathBuf> {
        self.lock_library()?;
        let folder = self.builds().join("dual").join(opt_level);
        let built =
            self.build_in(&folder, Path::new("ffi/library"), opt_level, &[], "--cfg micro_lora_dual")?;
        Ok(built.join("libmicro_lora.a"))
    }

    /// The same, in a build where a reachable panic is an undefined symbol.
    pub fn proof_library(&self, opt_level: &str) -> Result<PathBuf> {
        self.lock_library()?;
        let package = Path::new("ffi/library");
        let built = self.build(package, opt_level, &["--features", "link-proof"], "libmicro_lora.a")?;
        // The next build of the library has the same name.
        let proof = built.with_file_name("libmicro_lora_proof.a");
        self.shell.copy_file(built, &proof)?;
        Ok(proof)
    }

    /// A package outside the workspace would otherwise choose its own versions.
    fn lock_library(&self) -> Result<()> {
        Ok(self.shell.copy_file("Cargo.lock", "ffi/library/Cargo.lock")?)
    }

    /// The same with `xtask/fixtures/embedded/culprit.rs` in it.
    pub fn library_with_culprit(&self) -> Result<PathBuf> {
        let package = self.folder()?.join("culprit");
        let shell = self.shell;
        let ffi = format!("path = '{}'", shell.current_dir().join("ffi").display());
        let manifest = shell.read_file("ffi/library/Cargo.toml")?.replace("path = \"..\"", &ffi);
        let code = shell.read_file("ffi/library/src/lib.rs")?;
        let culprit = shell.read_file("xtask/fixtures/embedded/culprit.rs")?;
        shell.write_file(package.join("Cargo.toml"), manifest)?;
        shell.write_file(package.join("src/lib.rs"), code + &culprit)?;
        shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        self.build(&package, "s", &["--features", "link-proof"], "libmicro_lora.a")
    }

    /// The firmware in Rust.
    pub fn rust_firmware(&self) -> Result<PathBuf> {
        let package = Path::new("examples/firmware/rust");
        // Start from the workspace's lock file: cargo adds what only this program uses, and would otherwise look for
        // newer versions every time.
        if !self.shell.path_exists(package.join("Cargo.lock")) {
            self.shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        }
        self.build(package, "s", &[], "firmware")
    }

    fn build(&self, package: &Path, opt_level: &str, options: &[&str], file: &str) -> Result<PathBuf> {
        let folder = self.builds().join(opt_level);
        Ok(self.build_in(&folder, package, opt_level, options, "")?.join(file))
    }

    fn builds(&self) -> PathBuf {
        target_dir(self.shell).join("embedded").join(self.toolchain.name())
    }

    /// Returns the folder of its files. The output includes the stack of each function.
    fn build_in(
        &self,
        folder: &Path,
        package: &Path,
        opt_level: &str,
        options: &[&str],
        flags: &str,
    ) -> Result<PathBuf> {
        self.toolchain
            .build(self.shell, self.chip.target, package, folder)
            .args(options)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", opt_level)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("-Zemit-stack-sizes {flags}"))
            .run()?;
        Ok(folder.join(self.chip.target).join("release"))
    }

    /// Links only these functions of the library and what they need.
    pub fn link_functions(&self, name: &str, archive: &Path, functions: &[&str]) -> Result<PathBuf> {
        let program = self.folder()?.join(name);
        // Linked but never run, since all functions together need not fit the smallest board.
        self.linker(functions, archive, &program)?.arg("-Wl,--defsym=flash_size=0x100000").run()?;
        Ok(program)
    }

    /// The linker's error, if it refuses to link the functions.
    pub fn refusal(&self, archive: &Path, functions: &[&str]) -> Result<Option<String>> {
        let program = self.folder()?.join("refused.elf");
        let output = self.linker(functions, archive, &program)?.ignore_status().output()?;
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn linker(&self, functions: &[&str], archive: &Path, program: &Path) -> Result<Cmd<'a>> {
        let entry = functions.first().context("expected a function to link, got none")?;
        let wanted = functions.iter().map(|function| format!("-Wl,-u,{function}"));
        Ok(self.gcc().arg(format!("-Wl,-e,{entry}")).args(wanted).arg(archive).arg("-o").arg(program))
    }

    /// A program in C for the chip.
    pub fn compile(
        &self,
        name: &str,
        sources: &[&str],
        options: &[String],
        archive: &Path,
    ) -> Result<PathBuf> {
        let program = self.folder()?.join(name);
        let start = format!("{FIRMWARE}/cortex-m.c");
        self.gcc()
            .args(STRICT)
            .args(["-Os", "-ffreestanding", "-I", FIRMWARE])
            .args(options)
            .args(sources)
            .arg(start)
            .arg(archive)
            .arg("-o")
            .arg(&program)
            .run()?;
        Ok(program)
    }

    fn gcc(&self) -> Cmd<'a> {
        let Chip { flags, memory, .. } = *self.chip;
        cmd!(self.shell, "arm-none-eabi-gcc -mthumb {flags...} -nostdlib -L {FIRMWARE} -T {memory}").args([
            "-Wl,--gc-sections",
            "-Wl,-z,noexecstack",
            "-Wl,--fatal-warnings",
        ])
    }

    /// Runs a program, and returns its output.
    pub fn run(&self, program: &Path, options: &[String]) -> Result<String> {
        let output =
            qemu::board(self.shell, self.chip.board, program).args(options).ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        let messages = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "expected the firmware to end well, came {}:\n{text}{messages}",
            output.status
        );
        Ok(text)
    }

    /// The folder for the programs.
    pub fn folder(&self) -> Result<PathBuf> {
        let folder = target_dir(self.shell).join("embedded").join(self.chip.target);
        Ok(self.shell.create_dir(folder)?)
    }
}
