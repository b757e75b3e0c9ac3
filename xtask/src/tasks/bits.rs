//! The same bits everywhere: one script of operations, built for every target and every variant of the code, run there
//! or in an emulator, and held against the committed hashes.
//!
//! `tests/script` is the script, `tests/hosts` the program around it. That a deviation is noticed is part of every run:
//! with multiply and add fused on purpose, the hashes must not be the committed ones.

use std::env::consts::EXE_SUFFIX;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::cross::Toolchain;
use crate::needs::{self, Tool};
use crate::qemu;
use crate::report::{Lacking, Report};
use crate::workspace::target_dir;

#[path = "../../../tests/script/committed.rs"]
mod committed;

use committed::{Committed, LARGE, SMALL};

pub const STEP: &str = "bits";

/// One row of the table. `name` is what the program must call itself.
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
}

/// On x86-64 one program, which takes the kernels to use as an argument and prints those that it used.
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
];

/// With the instructions that could fuse a multiplication and an addition into one rounding, and must not be used so.
const FMA: Variant =
    Variant { argument: "AVX2", ..Variant::of("x86-64 AVX2 + FMA", Machine::X86, &["avx2", "fma"]) };

const FUSE: &str = "-Cllvm-args=-fp-contract=fast";

pub fn run(shell: &Shell, report: &mut Report) {
    let mut table = Table::new();
    for variant in VARIANTS {
        report.step(format!("{STEP}: {}", variant.name), || {
            let ran = variant.run(shell, &[]);
            table.add(variant.name, &ran);
            ran?.check(variant)
        });
    }
    report.step(format!("{STEP}: fused on purpose"), || {
        let ran = FMA.run(shell, &[FUSE]);
        table.add("FMA, fused on purpose", &ran);
        ran?.check_all_differ(&FMA)
    });
    print!("{}", table.0);
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
        // The versions that everything else is tested with.
        shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        let target = self.machine.target(shell)?;
        let toolchain = match self.machine {
            Machine::X86 => Toolchain::Rustup,
            _ => Toolchain::for_target(shell, &target)?,
        };
        let directory = target_dir(shell).join("bits").join(toolchain.name());
        toolchain
            .build(shell, &target, &package, &directory)
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
        let cpu = if self.machine == Machine::X86 { "-Ctarget-cpu=x86-64 " } else { "" };
        format!("{cpu}-Ctarget-feature={}", features.join(","))
    }

    fn committed(&self) -> impl Iterator<Item = &'static Committed> {
        // The larger shapes do not fit in its 16 KB.
        let large = if self.machine == Machine::CortexM0 { &[] } else { &LARGE[..] };
        SMALL.iter().chain(large)
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
        })
    }

    fn tools(self) -> &'static [&'static Tool] {
        match self {
            Self::X86 => &[],
            Self::Aarch64 => &[&needs::QEMU_AARCH64],
            Self::Wasm => &[&needs::NODE],
            Self::CortexM0 | Self::CortexM4F => &[&needs::QEMU_ARM],
        }
    }

    fn run<'a>(self, shell: &'a Shell, program: &Path) -> Cmd<'a> {
        match self {
            Self::X86 => cmd!(shell, "{program}"),
            Self::Aarch64 => cmd!(shell, "qemu-aarch64 {program}"),
            Self::Wasm => cmd!(shell, "node tests/hosts/run-wasm.mjs {program}"),
            Self::CortexM0 => qemu::board(shell, "microbit", program),
            Self::CortexM4F => qemu::board(shell, "mps2-an386", program),
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

/// What a program printed.
#[derive(Debug, PartialEq)]
struct Ran {
    variant: String,
    outcomes: Vec<Outcome>,
}

#[derive(Debug, PartialEq)]
struct Outcome {
    shape: String,
    script: u64,
    save: u64,
}

impl Ran {
    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let variant = lines.next().and_then(|line| line.strip_prefix("variant: "));
        let variant = variant.with_context(|| format!("expected `variant: ...` first, came:\n{text}"))?;
        let outcomes = lines.map(|line| {
            Outcome::parse(line)
                .with_context(|| format!("expected `shape: script 0x..., save 0x...`, came `{line}`"))
        });
        Ok(Self { variant: variant.to_owned(), outcomes: outcomes.collect::<Result<_>>()? })
    }

    fn check(&self, expected: &Variant) -> Result<()> {
        self.check_identity(expected)?;
        let mut differences = String::new();
        for (outcome, Committed { shape, script, save }) in self.outcomes.iter().zip(expected.committed()) {
            for (what, came, committed) in [("script", outcome.script, script), ("save", outcome.save, save)]
            {
                if came != *committed {
                    write!(differences, "\n{shape}, {what}: expected {committed:#018x}, came {came:#018x}")?;
                }
            }
        }
        ensure!(differences.is_empty(), "{} gives other bits:{differences}", self.variant);
        Ok(())
    }

    /// For a program that computes otherwise: no hash may be the committed one.
    fn check_all_differ(&self, expected: &Variant) -> Result<()> {
        self.check_identity(expected)?;
        for (came, committed) in self.outcomes.iter().zip(expected.committed()) {
            if came.script == committed.script || came.save == committed.save {
                bail!("{}: expected other bits with multiply and add fused, came the committed", came.shape);
            }
        }
        Ok(())
    }

    fn check_identity(&self, expected: &Variant) -> Result<()> {
        let (name, came) = (expected.name, &self.variant);
        ensure!(name == came, "expected the program to run as `{name}`, it ran as `{came}`");
        let shapes: Vec<_> = expected.committed().map(|committed| committed.shape).collect();
        let came: Vec<_> = self.outcomes.iter().map(|outcome| outcome.shape.as_str()).collect();
        ensure!(shapes == came, "expected the shapes {shapes:?}, came {came:?}");
        Ok(())
    }
}

impl Outcome {
    fn parse(line: &str) -> Option<Self> {
        let (shape, hashes) = line.split_once(": script 0x")?;
        let (script, save) = hashes.split_once(", save 0x")?;
        let hash = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { shape: shape.to_owned(), script: hash(script)?, save: hash(save)? })
    }
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
            Ok(ran) => {
                let hashes = ran.outcomes.iter().map(|outcome| (outcome.script, outcome.save));
                self.values(name, &hashes.collect::<Vec<_>>());
            }
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
    use super::*;

    /// What a faultless program prints.
    fn printed(variant: &Variant) -> String {
        let line = |c: &Committed| format!("{}: script {:#018x}, save {:#018x}\n", c.shape, c.script, c.save);
        format!("variant: {}\n{}", variant.name, variant.committed().map(line).collect::<String>())
    }

    fn refusal(text: &str) -> String {
        Ran::parse(text).and_then(|ran| ran.check(&FMA)).expect_err("must be refused").to_string()
    }

    #[test]
    fn the_committed_hashes_pass_and_do_not_count_as_other_bits() {
        for variant in VARIANTS {
            let ran = Ran::parse(&printed(variant)).unwrap();
            ran.check(variant).unwrap();
            let error = ran.check_all_differ(variant).unwrap_err().to_string();
            assert!(error.starts_with("1x1 r1: expected other bits"), "{error}");
        }
    }

    #[test]
    fn a_single_other_hash_is_refused_and_named() {
        for committed in FMA.committed() {
            for (what, hash) in [("script", committed.script), ("save", committed.save)] {
                let (was, is) = (format!("{hash:#018x}"), format!("{:#018x}", hash ^ 1));
                let error = refusal(&printed(&FMA).replace(&was, &is));
                let expected = format!("{}, {what}: expected {was}, came {is}", committed.shape);
                assert!(error.ends_with(&expected), "{error}");
            }
        }
    }

    #[test]
    fn a_program_that_ran_as_something_else_or_not_to_its_end_is_refused() {
        let good = printed(&FMA);
        let (all_but_last, _) = good.trim_end().rsplit_once('\n').unwrap();
        for (text, expected) in [
            (good.replace("AVX2 + FMA", "SSE2"), "it ran as `x86-64 SSE2`"),
            (all_but_last.to_owned(), "expected the shapes"),
            (good.clone() + "panicked", "came `panicked`"),
            (String::new(), "expected `variant: ...` first"),
        ] {
            let error = refusal(&text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn every_hash_is_part_of_the_one_value() {
        let hashes = [(1, 2), (3, 4)];
        for other in [[(0, 2), (3, 4)], [(1, 0), (3, 4)], [(1, 2), (0, 4)], [(1, 2), (3, 0)]] {
            assert_ne!(combine(&hashes), combine(&other));
        }
    }
}
