//! What a browser downloads, compared with ceilings.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::npm::{self, ENGINES, PACKAGE};
use crate::cross::Toolchain;
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEP: &str = "size of the npm package";

/// The bytes that one visitor downloads, compressed with brotli.
struct Download {
    entry: &'static str,
    /// An engine and its modules.
    files: &'static [&'static str],
    /// The ceiling.
    ceiling: usize,
    /// The aim.
    goal: usize,
}

const DOWNLOADS: [Download; 9] = [
    Download {
        entry: "micro-lora",
        files: &["micro_lora_simd.wasm", "index.js"],
        ceiling: 21_740,
        goal: 13_312,
    },
    Download {
        entry: "micro-lora without simd128",
        files: &["micro_lora.wasm", "index.js"],
        ceiling: 22_640,
        goal: 13_312,
    },
    Download {
        entry: "micro-lora with micro-lora/learn",
        files: &["learn_simd.wasm", "index.js", "learn.js"],
        ceiling: 41_650,
        goal: 19_456,
    },
    Download {
        entry: "the same without simd128",
        files: &["learn.wasm", "index.js", "learn.js"],
        ceiling: 42_630,
        goal: 19_456,
    },
    Download {
        entry: "micro-lora/lite",
        files: &["lite_simd.wasm", "lite.js"],
        ceiling: 14_080,
        goal: 8_192,
    },
    Download {
        entry: "micro-lora/lite without simd128",
        files: &["lite.wasm", "lite.js"],
        ceiling: 15_330,
        goal: 8_192,
    },
    Download { entry: "micro-lora/inline", files: &["inline-index.js"], ceiling: 26_790, goal: 26_500 },
    Download {
        entry: "the same with inline/learn",
        files: &["inline-index-learn.js"],
        ceiling: 64_800,
        goal: 59_500,
    },
    Download { entry: "micro-lora/inline/lite", files: &["inline-lite.js"], ceiling: 17_320, goal: 17_200 },
];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        npm::build(shell)?;
        check(shell)
    });
}

/// The package has to be built.
pub fn check(shell: &Shell) -> Result<()> {
    let sizes = sizes(shell)?;
    if Toolchain::from_source(shell)? != Toolchain::Debian {
        println!("built with rustup's compiler: releases are built with Debian's, and have other sizes");
    }
    println!("{:<34} {:>7} {:>7} {:>7}", "bytes", "raw", "gzip", "brotli");
    for Size { file, raw, gzip, brotli } in &sizes {
        println!("{file:<34} {raw:>7} {gzip:>7} {brotli:>7}");
    }
    let mut too_large = Vec::new();
    for Download { entry, files, ceiling, goal } in DOWNLOADS {
        let of =
            |file| sizes.iter().find(|size| size.file == file).map_or(usize::MAX / 2, |size| size.brotli);
        let sum: usize = files.iter().map(|file| of(*file)).sum();
        let missed = match sum.saturating_sub(goal) {
            0 => "met".to_owned(),
            by => format!("missed by {by}"),
        };
        println!("{entry:<34} {:>15} {sum:>7}, ceiling {ceiling}, goal {goal}: {missed}", "");
        if sum > ceiling {
            too_large.push(format!("{entry}: expected at most {ceiling} bytes after brotli, got {sum}"));
        }
    }
    ensure!(too_large.is_empty(), "{}", too_large.join("\n"));
    Ok(())
}

struct Size {
    file: String,
    raw: usize,
    gzip: usize,
    brotli: usize,
}

fn sizes(shell: &Shell) -> Result<Vec<Size>> {
    let files =
        ENGINES.iter().map(|engine| engine.file).chain(["index.js", "lite.js", "peft.js", "learn.js"]);
    let mut paths: Vec<_> = files.map(|file| Path::new(PACKAGE).join(file)).collect();
    for entries in [&["index"][..], &["index", "learn"], &["lite"]] {
        paths.push(inline(shell, entries)?);
    }
    let text = cmd!(shell, "node wasm/tools/sizes.mjs {paths...}").quiet().read()?;
    text.lines()
        .map(|line| Size::parse(line).with_context(|| format!("sizes.mjs printed `{line}`")))
        .collect()
}

/// Entries of `micro-lora/inline`, bundled into one file as a bundler would: the package does not minify them.
fn inline(shell: &Shell, entries: &[&str]) -> Result<PathBuf> {
    let written = target_dir(shell).join("npm").join(format!("inline-{}.js", entries.join("-")));
    let program: String =
        entries.iter().map(|entry| format!("export * from './{PACKAGE}/inline/{entry}.js';\n")).collect();
    let esbuild = npm::tool(shell, "esbuild");
    cmd!(shell, "{esbuild} --bundle --minify --format=esm --outfile={written} --log-level=warning")
        .stdin(format!("{program}export {{ default }} from './{PACKAGE}/inline/{}.js';\n", entries[0]))
        .quiet()
        .run()?;
    Ok(written)
}

impl Size {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let file = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        Some(Self { file, raw: number()?, gzip: number()?, brotli: number()? })
    }
}
