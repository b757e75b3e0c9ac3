//! Less common targets: the hash of the script of operations, the tests of the C interface, and saved states that are
//! exchanged with this machine.
//!
//! On each target the library is a Rust archive with only `core`, and a C compiler for the target links the programs:
//! `tests/ports` for the script, `tests/c` for the tests, `tests/ports/state.c` for states. The bare chip has no libc
//! and runs only the script. `cargo xtask bits` runs two of the targets, riscv32 and s390x, without any C.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Cmd, Shell, cmd};

use super::{bits, c_install, c_library, c_test};
use crate::c_target::{C_TARGETS, CTarget};
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

/// On these the installed package is tested too.
const INSTALLED: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-unknown-linux-gnu"];

const BARE: &str = "riscv32imac-unknown-none-elf";

/// All targets, or the one of a triple.
pub fn run(shell: &Shell, only: Option<&str>, report: &mut Report) {
    let is_wanted = |triple: &str| only.is_none_or(|only| only == triple);
    if is_wanted(BARE) {
        report.step("ports: riscv32imac, bare", || {
            bits::check_riscv32(shell)?;
            println!("riscv32imac, bare: hashes as committed");
            Ok(())
        });
    } else if let Err(error) = only.map_or(Ok(()), |triple| CTarget::find(triple).map(|_| ())) {
        report.step("ports", || Err(error));
    }
    let targets = || C_TARGETS.iter().filter(|target| is_wanted(target.triple));
    for target in targets() {
        report.step(format!("ports: {}", target.name), || Port::new(shell, target)?.check());
    }
    for target in targets().filter(|target| INSTALLED.contains(&target.triple)) {
        report.step(format!("ports: c-install --target {}", target.triple), || {
            c_install::check_for(shell, target)
        });
    }
}

struct Port<'a> {
    shell: &'a Shell,
    target: &'static CTarget,
    folder: PathBuf,
}

impl<'a> Port<'a> {
    fn new(shell: &'a Shell, target: &'static CTarget) -> Result<Self> {
        needs::ensure(shell, &[&needs::GCC])?;
        target.prepare(shell)?;
        let folder = target_dir(shell).join("ports/programs").join(target.triple);
        shell.create_dir(&folder)?;
        Ok(Self { shell, target, folder })
    }

    fn check(&self) -> Result<()> {
        self.check_hash()?;
        let library = self.target.build_archive(self.shell, "ffi/library", "micro_lora")?;
        self.run_c_tests(&library)?;
        self.exchange_states(&library)?;
        println!("{}: hashes as committed, C tests passed, states cross both ways", self.target.name);
        Ok(())
    }

    fn check_hash(&self) -> Result<()> {
        let script = self.target.build_archive(self.shell, "tests/ports", "ports")?;
        let program = self.link("script", &["tests/ports/script.c".into()], &script)?;
        let printed = self.target.run(self.shell, &program).ignore_status().read()?;
        // Windows ends a line with two characters.
        bits::check_printed(&printed.replace('\r', ""), self.target.identity)
    }

    fn run_c_tests(&self, library: &Path) -> Result<()> {
        let program = self.link("tests", &c_test::sources(self.shell)?, library)?;
        Ok(self.target.run(self.shell, &program).run()?)
    }

    /// One machine saves, the other loads, and both continue with the same bits.
    fn exchange_states(&self, library: &Path) -> Result<()> {
        let there = self.link("state", &["tests/ports/state.c".into()], library)?;
        let here = self.folder.join("state-here");
        let own = c_library::build(self.shell)?.join("libmicro_lora.a");
        cmd!(self.shell, "gcc -O1 -ffp-contract=off -Iinclude tests/ports/state.c {own} -o {here}").run()?;
        let here = |stdin: &[u8]| state(cmd!(self.shell, "{here}"), stdin);
        let there = |stdin: &[u8]| state(self.target.run(self.shell, &there), stdin);

        let (saved_here, saved_there) = (here(b"")?, there(b"")?);
        ensure!(saved_here == saved_there, "expected the same state of both machines, got two");
        let (went_on_here, went_on_there) = (here(&saved_there)?, there(&saved_here)?);
        ensure!(
            went_on_here == went_on_there,
            "expected a loaded state to go on with the same bits, it did not"
        );
        ensure!(
            went_on_here != saved_here,
            "expected a state that has learned more, got the one that was loaded"
        );
        Ok(())
    }

    fn link(&self, name: &str, sources: &[PathBuf], archive: &Path) -> Result<PathBuf> {
        let program = self.folder.join(name).with_extension("exe");
        self.target
            .compile(self.shell)
            .arg("-Iinclude")
            .args(sources)
            .arg(archive)
            .args(["-lm", "-o"])
            .arg(&program)
            .run()?;
        Ok(program)
    }
}

/// The output of `tests/ports/state.c`: the state of a new adapter, or of the given one after more training.
fn state(program: Cmd<'_>, given: &[u8]) -> Result<Vec<u8>> {
    let output = program.stdin(given).quiet().output().context("state.c")?;
    Ok(output.stdout)
}
