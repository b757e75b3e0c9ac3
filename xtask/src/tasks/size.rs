//! What a browser downloads, held to ceilings.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::npm::{self, ENGINES, PACKAGE};
use crate::cross::Toolchain;
use crate::report::Report;

pub const STEP: &str = "size of the npm package";

/// An engine and the module that loads it, in bytes after brotli: together what one visitor downloads.
const DOWNLOADS: [(&str, [&str; 2], usize); 4] = [
    ("micro-lora", ["micro_lora_simd.wasm", "index.js"], 12_288),
    ("micro-lora without simd128", ["micro_lora.wasm", "index.js"], 12_288),
    ("micro-lora/lite", ["lite_simd.wasm", "lite.js"], 8_192),
    ("micro-lora/lite without simd128", ["lite.wasm", "lite.js"], 8_192),
];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        let toolchain = npm::build(shell)?;
        check(shell, toolchain)
    });
}

fn check(shell: &Shell, toolchain: Toolchain) -> Result<()> {
    let sizes = sizes(shell)?;
    if toolchain == Toolchain::Rustup {
        println!("built with rustup's compiled `core`: releases build it from source, and are smaller");
    }
    println!("{:<34} {:>7} {:>7} {:>7}", "bytes", "raw", "gzip", "brotli");
    for Size { file, raw, gzip, brotli } in &sizes {
        println!("{file:<34} {raw:>7} {gzip:>7} {brotli:>7}");
    }
    let mut too_large = Vec::new();
    for (download, files, ceiling) in DOWNLOADS {
        let of =
            |file| sizes.iter().find(|size| size.file == file).map_or(usize::MAX / 2, |size| size.brotli);
        let sum: usize = files.map(of).iter().sum();
        println!("{download:<34} {:>15} {sum:>7}, ceiling {ceiling}", "");
        if sum > ceiling {
            too_large.push(format!("{download}: expected at most {ceiling} bytes after brotli, got {sum}"));
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
    let files = ENGINES.iter().map(|engine| engine.file).chain(["index.js", "lite.js"]);
    let paths: Vec<_> = files.map(|file| Path::new(PACKAGE).join(file)).collect();
    let text = cmd!(shell, "node wasm/tools/sizes.mjs {paths...}").quiet().read()?;
    text.lines()
        .map(|line| Size::parse(line).with_context(|| format!("sizes.mjs printed `{line}`")))
        .collect()
}

impl Size {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let file = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        Some(Self { file, raw: number()?, gzip: number()?, brotli: number()? })
    }
}
