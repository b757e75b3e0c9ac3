//! Examples with popular vector indexes and databases, each a package of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::{c_install, npm, web_tools};
use crate::needs;
use crate::report::{Report, Skip};
use crate::workspace::target_dir;

pub const STEPS: [&str; 4] = [HNSWLIB, HNSW_RS, SQLITE, BROWSER];
const HNSWLIB: &str = "example: hnswlib, C++";
const HNSW_RS: &str = "example: hnsw_rs, Rust";
const SQLITE: &str = "example: SQLite, Node";
const BROWSER: &str = "example: IndexedDB, browser";

pub fn run(shell: &Shell, is_quick: bool, report: &mut Report) {
    let quick = is_quick.then_some("--quick");
    report.step(HNSWLIB, || hnswlib(shell, quick));
    report.step(HNSW_RS, || hnsw_rs(shell, quick));
    let mut tarball = None;
    report.step(SQLITE, || {
        needs::ensure_node(shell)?;
        let tarball = tarball.insert(npm::pack(shell)?);
        sqlite(shell, tarball, quick)
    });
    report.step(BROWSER, || browser(shell, tarball));
}

fn hnswlib(shell: &Shell, quick: Option<&str>) -> Result<()> {
    needs::ensure(shell, &[&needs::GCC, &needs::CMAKE, &needs::HNSWLIB])?;
    let folder = target_dir(shell).join("beside/hnswlib");
    let (prefix, build) = (folder.join("prefix"), folder.join("build"));
    c_install::install(shell, &prefix)?;
    cmd!(shell, "cmake -S examples/hnswlib -B {build} -DCMAKE_PREFIX_PATH={prefix}").ignore_stdout().run()?;
    cmd!(shell, "cmake --build {build}").ignore_stdout().run()?;
    let program = build.join("personal");
    Ok(cmd!(shell, "{program} {quick...}").run()?)
}

fn hnsw_rs(shell: &Shell, quick: Option<&str>) -> Result<()> {
    let target = target_dir(shell).join("beside");
    let run =
        cmd!(shell, "cargo run --release --manifest-path examples/hnsw/Cargo.toml --target-dir {target}");
    Ok(run.args(["--locked", "--"]).args(quick).run()?)
}

fn sqlite(shell: &Shell, tarball: &Path, quick: Option<&str>) -> Result<()> {
    // better-sqlite3 is compiled with these if it has no ready build.
    needs::ensure(shell, &[&needs::GCC, &needs::CMAKE, &needs::PYTHON])?;
    let folder = target_dir(shell).join("beside/sqlite");
    shell.create_dir(&folder)?;
    for file in ["package.json", "package-lock.json", "search.js", "test.js"] {
        shell.copy_file(format!("examples/sqlite/{file}"), &folder)?;
    }
    // The tarball always has the same name, whatever is in it.
    shell.remove_path(folder.join("node_modules/micro-lora"))?;
    let node = cmd!(shell, "node --print process.execPath").read()?;
    let prefix = Path::new(&node).parent().and_then(|bin| bin.parent()).context("node has a folder")?;
    let install = cmd!(shell, "npm install --prefix {folder} --no-save --no-audit --no-fund {tarball}");
    // Node's headers, if they are installed beside it; otherwise they are downloaded.
    let has_headers = prefix.join("include/node/node.h").is_file();
    let install = if has_headers { install.env("npm_config_nodedir", prefix) } else { install };
    if let Err(error) = install.run() {
        return Err(Skip(format!("better-sqlite3 and sqlite-vec could not be installed: {error}")).into());
    }
    let test = folder.join("test.js");
    Ok(cmd!(shell, "node {test} {quick...}").run()?)
}

/// Two tabs of one page.
fn browser(shell: &Shell, tarball: Option<PathBuf>) -> Result<()> {
    needs::ensure(shell, &[&needs::CHROMIUM])?;
    let tarball = tarball.context("expected the npm package to be built, it was not")?;
    web_tools::install_tools(shell)?;
    let folder = target_dir(shell).join("beside/browser");
    Ok(cmd!(shell, "node wasm/test/runner/two-tabs.mjs {folder} {tarball}").run()?)
}
