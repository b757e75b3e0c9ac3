//! C compilers and emulators for other systems, and other tools that test C programs.

use std::path::Path;

use xshell::cmd;

use super::tool::{Tool, on_path};

/// gcc for Linux on another processor, with its C library.
macro_rules! linux_gcc {
    ($triple:literal, $gcc:literal, $libc:literal) => {
        Tool {
            name: concat!($triple, "-gcc"),
            is_present: |_| {
                on_path(concat!($triple, "-gcc"))
                    && Path::new(concat!("/usr/", $triple, "/include/stdio.h")).exists()
            },
            packages: &[$gcc, $libc],
            elsewhere: "gcc for this target, with its libc in /usr/TARGET, as cross compilers of distributions have it",
        }
    };
}

pub const GCC_RISCV64: Tool =
    linux_gcc!("riscv64-linux-gnu", "gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross");
pub const GCC_I686: Tool = linux_gcc!("i686-linux-gnu", "gcc-i686-linux-gnu", "libc6-dev-i386-cross");
pub const GCC_ARMV7: Tool =
    linux_gcc!("arm-linux-gnueabihf", "gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross");
pub const GCC_AARCH64: Tool =
    linux_gcc!("aarch64-linux-gnu", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross");
pub const GCC_S390X: Tool = linux_gcc!("s390x-linux-gnu", "gcc-s390x-linux-gnu", "libc6-dev-s390x-cross");

pub const MUSL: Tool = Tool {
    name: "musl-gcc",
    is_present: |_| on_path("musl-gcc"),
    packages: &["musl-tools"],
    elsewhere: "https://musl.libc.org",
};

pub const MINGW: Tool = Tool {
    name: "x86_64-w64-mingw32-gcc",
    is_present: |_| on_path("x86_64-w64-mingw32-gcc"),
    packages: &["gcc-mingw-w64-x86-64-posix"],
    elsewhere: "https://www.mingw-w64.org",
};

pub const WINE: Tool = Tool {
    name: "wine",
    is_present: |_| on_path("wine"),
    packages: &["wine", "wine64"],
    elsewhere: "https://www.winehq.org",
};

/// C for WebAssembly: libc, compiler-rt, and a linker.
pub const WASI: Tool = Tool {
    name: "wasi-libc",
    is_present: |shell| {
        let compile =
            cmd!(shell, "clang --target=wasm32-wasi -fuse-ld=/usr/bin/wasm-ld-22 -x c - -o /dev/null");
        let program = "#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n";
        compile.stdin(program).quiet().ignore_stdout().ignore_stderr().run().is_ok()
    },
    packages: &["wasi-libc", "clang", "lld-22", "libclang-rt-14-dev-wasm32"],
    elsewhere: "https://github.com/WebAssembly/wasi-sdk, with clang on the PATH",
};

pub const MESON: Tool = Tool {
    name: "meson",
    is_present: |_| on_path("meson") && (on_path("ninja") || on_path("ninja-build")),
    packages: &["meson", "ninja-build"],
    elsewhere: "https://mesonbuild.com",
};

pub const HNSWLIB: Tool = Tool {
    name: "hnswlib",
    is_present: |_| Path::new("/usr/include/hnswlib/hnswlib.h").exists(),
    packages: &["libhnswlib-dev"],
    elsewhere: "https://github.com/nmslib/hnswlib, its headers in /usr/include",
};
