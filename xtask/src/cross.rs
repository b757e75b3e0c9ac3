//! Compilers for targets other than the host.
//!
//! A target that rustup has installed is used. Otherwise Debian's second compiler builds `core` from its sources, which
//! works for every target and needs only Debian's packages; CI machines use this. If neither is available, rustup
//! downloads the target.
//!
//! The npm package is an exception: `core` as rustup compiled it uses newer WebAssembly features than the package's baseline,
//! so it is always built from its sources.

use std::env;
use std::path::Path;

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::needs::{self, DEBIAN_LLD, DEBIAN_RUSTC};

const DEBIAN_WASM_LLD: &str = "wasm-ld-22";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Toolchain {
    Rustup,
    /// Rustup's compiler, with `core` from its sources.
    RustupSource,
    Debian,
}

impl Toolchain {
    pub fn for_target(shell: &Shell, target: &str) -> Result<Self> {
        if rustup_lists(shell, "target", target) {
            return Ok(Self::Rustup);
        }
        let debian = Self::debian(shell);
        if debian.is_err() && rustup(shell, &["target", "add", target]) {
            return Ok(Self::Rustup);
        }
        debian
    }

    /// A compiler that builds `core` from its sources.
    pub fn from_source(shell: &Shell) -> Result<Self> {
        let debian = Self::debian(shell);
        // Asked for first: to add what is there needs the network.
        if debian.is_err()
            && (rustup_lists(shell, "component", "rust-src")
                || rustup(shell, &["component", "add", "rust-src"]))
        {
            return Ok(Self::RustupSource);
        }
        debian
    }

    pub fn debian(shell: &Shell) -> Result<Self> {
        needs::ensure(shell, &[&needs::RUSTC_WEB, &needs::LLD]).map(|()| Self::Debian)
    }

    /// Also names the directory of this compiler's output: two compilers sharing one would rebuild everything in turn.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::RustupSource => "rustup-source",
            Self::Debian => "debian",
        }
    }

    /// `cargo build --release` in `package`, with `core` as the only library if the compiler allows a choice; for
    /// WebAssembly with `alloc`.
    pub fn build<'a>(self, shell: &'a Shell, target: &str, package: &Path, target_dir: &Path) -> Cmd<'a> {
        self.cargo(shell, "build", target, package, target_dir)
    }

    /// Only the static library of a package that declares other kinds, too.
    pub fn build_archive<'a>(
        self,
        shell: &'a Shell,
        target: &str,
        package: &Path,
        target_dir: &Path,
    ) -> Cmd<'a> {
        self.cargo(shell, "rustc", target, package, target_dir).args(["--crate-type", "staticlib"])
    }

    fn cargo<'a>(
        self,
        shell: &'a Shell,
        command: &str,
        target: &str,
        package: &Path,
        target_dir: &Path,
    ) -> Cmd<'a> {
        let manifest = package.join("Cargo.toml");
        let build = cmd!(shell, "cargo {command} --release --manifest-path {manifest}")
            .args(["--target", target, "--target-dir"])
            .arg(target_dir)
            // Flags for the host (`target-cpu=native`) do not apply to another processor.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        let is_wasm = target.starts_with("wasm32");
        // wasm-bindgen names `alloc`, though nothing in the linked program allocates.
        let sources = if is_wasm { "-Zbuild-std=core,alloc" } else { "-Zbuild-std=core" };
        match self {
            Self::Rustup => build,
            Self::RustupSource => build.arg(sources).env("RUSTC_BOOTSTRAP", "1"),
            Self::Debian => {
                let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
                build
                    .arg(sources)
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env(linker, if is_wasm { DEBIAN_WASM_LLD } else { DEBIAN_LLD })
                    // `cargo run` sets this variable to its own compiler's libraries, which are the wrong ones here.
                    .env_remove("LD_LIBRARY_PATH")
            }
        }
    }
}

/// Whether rustup has installed a target or a component.
fn rustup_lists(shell: &Shell, kind: &str, name: &str) -> bool {
    let installed = cmd!(shell, "rustup {kind} list --installed").quiet().ignore_stderr().read();
    installed.is_ok_and(|list| list.lines().any(|line| line == name))
}

/// Lets rustup download something; false without rustup or a network.
fn rustup(shell: &Shell, what: &[&str]) -> bool {
    let offline = env::var_os("CARGO_NET_OFFLINE").is_some_and(|value| value == "true");
    !offline && needs::on_path("rustup") && cmd!(shell, "rustup {what...}").run().is_ok()
}
