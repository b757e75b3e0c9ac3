//! Firmware for bare chips, linked with `core` alone.
//!
//! Compiling the crate for such a target would prove little, since an installed target has a compiled `alloc`. So this
//! links a whole program without an allocator (`fixtures/bare-metal/firmware.rs`). As soon as any crate in it uses
//! `alloc`, the compiler misses a global allocator, or, if it builds the library from source, `alloc` itself.
//! Every run also checks the proof: the same program with an offending dependency must fail to link.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use xshell::Shell;

use crate::cross::Toolchain;
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEP: &str = "bare metal";

const TARGETS: &[&str] = &["thumbv7em-none-eabihf", "thumbv6m-none-eabi"];

/// A dependency that must not get into firmware, and the compiler's error for it.
struct Culprit {
    library: &'static str,
    refusals: &'static [&'static str],
}

const CULPRITS: &[Culprit] = &[
    Culprit {
        library: "alloc",
        refusals: &["can't find crate for `alloc`", "no global memory allocator found"],
    },
    Culprit { library: "std", refusals: &["can't find crate for `std`"] },
];

pub fn run(shell: &Shell, report: &mut Report) {
    for target in TARGETS {
        report.step(format!("{STEP}: {target}"), || check(shell, target));
    }
}

fn check(shell: &Shell, target: &str) -> Result<()> {
    let toolchain = Toolchain::for_target(shell, target)?;
    let firmware = Firmware { shell, toolchain, target };
    firmware.link()?;
    for culprit in CULPRITS {
        firmware.must_refuse(culprit)?;
    }
    println!(
        "{target}: links with core alone ({} toolchain), refused with alloc and with std",
        toolchain.name()
    );
    Ok(())
}

struct Firmware<'a> {
    shell: &'a Shell,
    toolchain: Toolchain,
    target: &'a str,
}

impl Firmware<'_> {
    fn link(&self) -> Result<()> {
        let package = self.write_package("firmware", "", "")?;
        Ok(self.toolchain.build(self.shell, self.target, &package, &self.directory()).run()?)
    }

    fn must_refuse(&self, culprit: &Culprit) -> Result<()> {
        let library = culprit.library;
        let name = format!("culprit-{library}");
        let source = self.fixture(&format!("culprit_{library}.rs"));
        self.write(&self.directory().join(&name), &name, &format!("[lib]\npath = '{}'\n", source.display()))?;
        let package = self.write_package(
            &format!("firmware-with-{library}"),
            &format!("{name} = {{ path = '../{name}' }}\n"),
            &format!("\nuse culprit_{library} as _;\n"),
        )?;
        let build = self.toolchain.build(self.shell, self.target, &package, &self.directory());
        let output = build.ignore_status().output()?;
        let messages = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "firmware that uses {library} was linked, expected a refusal");
        // Any other error (a typing mistake in the fixture, no network) would let this test pass without testing
        // anything.
        if !culprit.refusals.iter().any(|refusal| messages.contains(refusal)) {
            bail!(
                "expected firmware that uses {library} to be refused with one of {:?}, came:\n{messages}",
                culprit.refusals
            );
        }
        Ok(())
    }

    /// A package outside the workspace, so that its panic handler and features do not affect the workspace's builds.
    fn write_package(&self, name: &str, extra_dependency: &str, extra_code: &str) -> Result<PathBuf> {
        let package = self.directory().join(name);
        let code = self.shell.read_file(self.fixture("firmware.rs"))?;
        self.shell.write_file(package.join("src/main.rs"), code + extra_code)?;
        // The versions that all other tests use.
        self.shell.copy_file("Cargo.lock", package.join("Cargo.lock"))?;
        let root = self.shell.current_dir();
        let dependencies = format!(
            "[dependencies]\nmicro-lora = {{ path = '{}', default-features = false }}\n{extra_dependency}",
            root.display()
        );
        self.write(&package, name, &dependencies)?;
        Ok(package)
    }

    fn write(&self, package: &Path, name: &str, sections: &str) -> Result<()> {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{sections}"
        );
        Ok(self.shell.write_file(package.join("Cargo.toml"), manifest)?)
    }

    fn fixture(&self, file: &str) -> PathBuf {
        self.shell.current_dir().join("xtask/fixtures/bare-metal").join(file)
    }

    fn directory(&self) -> PathBuf {
        target_dir(self.shell).join("bare-metal").join(self.toolchain.name())
    }
}
