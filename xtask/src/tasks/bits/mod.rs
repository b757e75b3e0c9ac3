//! The same bits everywhere: builds one script of operations for every target and every variant of the code, runs it
//! there or in an emulator, and compares the hashes with the committed ones.
//!
//! `tests/script` is the script, `tests/hosts` the program around it. Every run also checks that a deviation is
//! noticed: with multiply and add fused on purpose, the hashes must differ from the committed ones.

use std::env::consts::EXE_SUFFIX;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cross::Toolchain;
use crate::needs::{self, Tool};
use crate::qemu;
use crate::report::{Lacking, Report};
use crate::workspace::target_dir;

#[path = "../../../../tests/script/committed.rs"]
mod committed;
mod ran;

use committed::{Committed, LARGE, SMALL};
use ran::Ran;

pub const STEP: &str = "bits";

/// One row of the table. `name` is the name that the program must print.
struct Variant {
    name: &'static str,
    machine: Machine,
    /// Instructions the compiler may use besides the target's own.
    features: &'static [&'static str],
    /// The program's argument: on x86-64, the best kernels it may use.
    argument: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Machine {
    X86,
    Aarch64,
    Wasm,
    CortexM0,
    CortexM4F,
    Riscv32,
    S390x,
}

/// On x86-64 one program, which takes the kernels to use as an argument and prints those it used.
const VARIANTS: &[Variant] = &[
    Variant { argument: "SSE2", ..Variant::of("x86-64 SSE2", Machine::X86, &[]) },
    Variant { argument: "AVX2", ..Variant::of("x86-64 AVX2", Machine::X86, &[]) },
    FMA,
    Variant { argument: "AVX-512", ..Variant::of("x86-64 AVX-512", Machine::X86, &[]) },
    Variant::of("aarch64 NEON", Machine::Aarch64, &[]),
    Variant::of("wasm scalar", Machine::Wasm, &[]),
    Variant::of("wasm simd128", Machine::Wasm, &["simd128"]),
    Variant::of("Cortex-M4F", Machine::CortexM4F, &[]),
    Variant::of("Cortex-M0", Machine::CortexM0, &[]),
    RISCV32,
    Variant::of("s390x, big-endian", Machine::S390x, &[]),
];

const RISCV32: Variant = Variant::of("riscv32imac", Machine::Riscv32, &[]);

/// With instructions that could fuse multiply and add into one rounding; the compiler must not use them so.
const FMA: Variant =
    Variant { argument: "AVX2", ..Variant::of("x86-64 AVX2 + FMA", Machine::X86, &["avx2", "fma"]) };

const FUSE: &str = "-Cllvm-args=-fp-contract=fast";

/// All variants, or those whose name begins with this.
pub fn run(shell: &Shell, only: Option<&str>, report: &mut Report) {
    let mut table = Table::new();
    let only = only.unwrap_or_default();
    for variant in VARIANTS.iter().filter(|variant| variant.name.starts_with(only)) {
        report.step(format!("{STEP}: {}", variant.name), || {
            let ran = variant.run(shell, &[]);
            table.add(variant.name, &ran);
            ran?.check(variant.name, &variant.committed())
        });
    }
    if only.is_empty() {
        report.step(format!("{STEP}: fused on purpose"), || {
            let ran = FMA.run(shell, &[FUSE]);
            table.add("FMA, fused on purpose", &ran);
            ran?.check_all_differ(FMA.name, &FMA.committed())
        });
    }
    print!("{}", table.0);
}

/// Only the variant for a bare RISC-V chip.
pub fn check_riscv32(shell: &Shell) -> Result<()> {
    RISCV32.run(shell, &[])?.check(RISCV32.name, &RISCV32.committed())
}

/// The output of another program with the same script.
pub fn check_printed(text: &str, name: &str) -> Result<()> {
    Ran::parse(text)?.check(name, &SMALL.iter().chain(&LARGE).collect::<Vec<_>>())
}

impl Variant {
    const fn of(name: &'static str, machine: Machine, features: &'static [&'static str]) -> Self {
        Self { name, machine, features, argument: "" }
    }

    fn run(&self, shell: &Shell, flags: &[&str]) -> Result<Ran> {
        if self.machine == Machine::X86 {
            let kernels = match self.argument {
                "AVX-512" => "avx512f",
                "AVX2" => "avx2",
                _ => "sse2",
            };
            for feature in self.features.iter().chain([&kernels]) {
                ensure!(cpu_has(feature), Lacking(format!("this machine has no x86-64 CPU with {feature}")));
            }
        }
        needs::ensure(shell, self.machine.tools())?;
        let program = self.build(shell, flags)?;
        let arguments = Some(self.argument).filter(|argument| !argument.is_empty());
        let output = self.machine.run(shell, &program).args(arguments).ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}{}", String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "expected the program to end well, came {}:\n{text}", output.status);
        Ran::parse(&text)
    }

    fn build(&self, shell: &Shell, flags: &[&str]) -> Result<PathBuf> {
        let package = shell.current_dir().join("tests/hosts");
        // The versions that all other tests use.
        shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        let target = self.machine.target(shell)?;
        let toolchain = match self.machine {
            Machine::X86 => Toolchain::Rustup,
            // The libraries that rustup installs leave memcpy to a libc, which this program does not have.
            Machine::S390x => Toolchain::debian(shell)?,
            _ => Toolchain::for_target(shell, &target)?,
        };
        let directory = target_dir(shell).join("bits").join(toolchain.name());
        let memcpy = Some("-Zbuild-std-features=compiler-builtins-mem");
        toolchain
            .build(shell, &target, &package, &directory)
            .args(memcpy.filter(|_| self.machine == Machine::S390x))
            .env("RUSTFLAGS", [&[self.flags().as_str()], flags].concat().join(" "))
            .run()?;
        let suffix = match self.machine {
            Machine::X86 => EXE_SUFFIX,
            Machine::Wasm => ".wasm",
            _ => "",
        };
        Ok(directory.join(target).join(format!("release/hosts{suffix}")))
    }

    fn flags(&self) -> String {
        let features: Vec<_> = self.features.iter().map(|feature| format!("+{feature}")).collect();
        let machine = match self.machine {
            Machine::X86 => "-Ctarget-cpu=x86-64 ",
            // Only the kernel loads it.
            Machine::S390x => "-Crelocation-model=static ",
            _ => "",
        };
        format!("{machine}-Ctarget-feature={}", features.join(","))
    }

    fn committed(&self) -> Vec<&'static Committed> {
        // The larger shapes do not fit the 16 KB of this chip.
        let large = if self.machine == Machine::CortexM0 { &[] } else { &LARGE[..] };
        SMALL.iter().chain(large).collect()
    }
}

impl Machine {
    fn target(self, shell: &Shell) -> Result<String> {
        Ok(match self {
            Self::X86 => host_target(shell)?,
            Self::Aarch64 => "aarch64-unknown-none".to_owned(),
            Self::Wasm => "wasm32-unknown-unknown".to_owned(),
            Self::CortexM0 => "thumbv6m-none-eabi".to_owned(),
            Self::CortexM4F => "thumbv7em-none-eabihf".to_owned(),
            Self::Riscv32 => "riscv32imac-unknown-none-elf".to_owned(),
            Self::S390x => "s390x-unknown-linux-gnu".to_owned(),
        })
    }

    fn tools(self) -> &'static [&'static Tool] {
        match self {
            Self::X86 => &[],
            Self::Aarch64 | Self::S390x => &[&needs::QEMU_USER],
            Self::Wasm => &[&needs::NODE],
            Self::CortexM0 | Self::CortexM4F => &[&needs::QEMU_ARM],
            Self::Riscv32 => &[&needs::QEMU_RISCV],
        }
    }

    fn run<'a>(self, shell: &'a Shell, program: &Path) -> Cmd<'a> {
        match self {
            Self::X86 => cmd!(shell, "{program}"),
            Self::Aarch64 => cmd!(shell, "qemu-aarch64 {program}"),
            Self::S390x => cmd!(shell, "qemu-s390x {program}"),
            Self::Wasm => cmd!(shell, "node tests/hosts/run-wasm.mjs {program}"),
            Self::CortexM0 => qemu::board(shell, "microbit", program),
            Self::CortexM4F => qemu::board(shell, "mps2-an386", program),
            Self::Riscv32 => qemu::riscv32(shell, program),
        }
    }
}

fn host_target(shell: &Shell) -> Result<String> {
    let version = cmd!(shell, "rustc --version --verbose").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("expected `rustc --version --verbose` to name its host, it did not")
}

#[cfg(target_arch = "x86_64")]
fn cpu_has(feature: &str) -> bool {
    match feature {
        "sse2" => is_x86_feature_detected!("sse2"),
        "avx2" => is_x86_feature_detected!("avx2"),
        "fma" => is_x86_feature_detected!("fma"),
        "avx512f" => is_x86_feature_detected!("avx512f"),
        _ => false,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_has(_feature: &str) -> bool {
    false
}

/// One line for each variant, after that of the committed hashes.
struct Table(String);

impl Table {
    fn new() -> Self {
        let mut table = Self(String::new());
        table.line("", "every target's", "larger shapes");
        let hashes = SMALL.iter().chain(&LARGE).map(|committed| (committed.script, committed.save));
        table.values("committed", &hashes.collect::<Vec<_>>());
        table
    }

    fn add(&mut self, name: &str, ran: &Result<Ran>) {
        match ran {
            Ok(ran) => self.values(name, &ran.hashes()),
            Err(error) => {
                let error = error.to_string();
                self.line(name, "did not run:", error.lines().next().unwrap_or_default());
            }
        }
    }

    fn values(&mut self, name: &str, hashes: &[(u64, u64)]) {
        let (small, large) = hashes.split_at(hashes.len().min(SMALL.len()));
        let large = if large.is_empty() { "not run".to_owned() } else { format!("{:#018x}", combine(large)) };
        self.line(name, &format!("{:#018x}", combine(small)), &large);
    }

    fn line(&mut self, name: &str, small: &str, large: &str) {
        writeln!(self.0, "{name:<22} {small:<18} {large}").expect("a String takes every write");
    }
}

/// All hashes of a column as one value: FNV-1a.
fn combine(hashes: &[(u64, u64)]) -> u64 {
    let bytes = hashes.iter().flat_map(|(script, save)| [script.to_le_bytes(), save.to_le_bytes()]);
    bytes
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::combine;

    #[test]
    fn every_hash_is_part_of_the_one_value() {
        let hashes = [(1, 2), (3, 4)];
        for other in [[(0, 2), (3, 4)], [(1, 0), (3, 4)], [(1, 2), (0, 4)], [(1, 2), (3, 0)]] {
            assert_ne!(combine(&hashes), combine(&other));
        }
    }
}
