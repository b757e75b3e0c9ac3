//! The npm package, packed and installed, in Node and three browser engines.
//!
//! One suite (`wasm/test/suite`) runs in Node, Chromium, Firefox and WebKit, each with the simd128 build and with the
//! baseline; then fresh projects use the package in every documented way.

use std::path::Path;

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::web_tools::{TOOLS, directory, install, project};
use super::{demo, fuzz_js, npm, size};
use crate::needs::{self, Tool};
use crate::report::Report;

const ENGINES: [(&str, &[&Tool]); 4] = [
    ("node", &[]),
    ("chromium", &[&needs::CHROMIUM]),
    ("firefox", &[&needs::FIREFOX]),
    ("webkit", &[&needs::WEBKIT]),
];
const BUILDS: [&str; 2] = ["simd", "baseline"];

const INSTALL: &str = "web: install the tarball";
const PLAIN: &str = "web: plain build";
const FUZZ: &str = "web: fuzz";
const FORMAT: &str = "web: format";
const FRESH: &str = "web: fresh projects";
const EXAMPLES: &str = "web: examples";

/// Every step, in order.
pub fn steps() -> impl Iterator<Item = String> {
    let suites = ENGINES.iter().flat_map(|(engine, _)| BUILDS.map(|build| suite_name(engine, build)));
    let before = [INSTALL, size::STEP].map(str::to_owned);
    before
        .into_iter()
        .chain(suites)
        .chain([PLAIN, FUZZ, FORMAT, FRESH, EXAMPLES, demo::CHECK].map(str::to_owned))
}

fn suite_name(engine: &str, build: &str) -> String {
    format!("web: {engine}, {build}")
}

/// `all`: every fresh project, also those that install tools of their own.
pub fn run(shell: &Shell, engine: Option<&str>, all: bool, report: &mut Report) {
    let mut tarball = None;
    report.step(INSTALL, || {
        let names = ENGINES.map(|(name, _)| name);
        let is_known = engine.is_none_or(|engine| names.contains(&engine));
        ensure!(
            is_known,
            "--engine: expected one of {}, got {}",
            names.join(", "),
            engine.unwrap_or_default()
        );
        tarball = Some(install(shell)?);
        Ok(())
    });
    let Some(tarball) = tarball else { return };
    if engine.is_none() {
        report.step(size::STEP, || size::check(shell));
    }
    let is_wanted = |name: &str| engine.is_none_or(|engine| engine == name);
    for (name, tools) in ENGINES.into_iter().filter(|(name, _)| is_wanted(name)) {
        for build in BUILDS {
            report.step(suite_name(name, build), || suite(shell, name, tools, build));
        }
    }
    if is_wanted("node") {
        report.step(PLAIN, || plain(shell, &tarball));
        report.step(FUZZ, || fuzz_js::short(shell));
    }
    if engine.is_none() {
        report.step(FORMAT, || format(shell));
        report.step(FRESH, || fresh_projects(shell, &tarball, all));
        report.step(EXAMPLES, || examples(shell, &tarball));
        report.step(demo::CHECK, || demo::check(shell));
    }
}

fn suite(shell: &Shell, engine: &str, tools: &[&Tool], build: &str) -> Result<()> {
    needs::ensure(shell, tools)?;
    let project = project(shell);
    Ok(cmd!(shell, "node {TOOLS}/runner/main.mjs {project} {engine} {build}").run()?)
}

/// Runs the suite with an engine that was built without our flags.
fn plain(shell: &Shell, tarball: &Path) -> Result<()> {
    let built = npm::plain(shell)?;
    let project = directory(shell).join("plain");
    cmd!(shell, "node {TOOLS}/runner/install.mjs {project} {tarball}").run()?;
    for (file, place) in [("learn.wasm", "learn.wasm"), ("index.js", "inline/index.js")] {
        shell.copy_file(built.join(file), project.join("node_modules/micro-lora").join(place))?;
    }
    Ok(cmd!(shell, "node {TOOLS}/runner/main.mjs {project} node baseline").run()?)
}

/// Checks our own sources; data and third-party files are left out.
fn format(shell: &Shell) -> Result<()> {
    let sources = [
        "wasm/demo/*",
        "wasm/test/{bench,demo,fresh,fuzz,page,runner,soak,suite}/*",
        "wasm/test/fresh/{next/app,typescript}/*",
        "wasm/test/runner/fresh/*",
        "!wasm/test/fresh/tools",
        "!wasm/test/suite/*.json",
        "examples/*.ts",
        "examples/{browser,sqlite}/*.js",
    ];
    Ok(cmd!(shell, "{TOOLS}/node_modules/.bin/prettier --check --log-level warn {sources...}").run()?)
}

fn fresh_projects(shell: &Shell, tarball: &Path, all: bool) -> Result<()> {
    needs::ensure(shell, &[&needs::CHROMIUM])?;
    let folder = directory(shell).join("fresh");
    let all = all.then_some("--all");
    Ok(cmd!(shell, "node {TOOLS}/runner/fresh.mjs {folder} {tarball} {all...}").run()?)
}

fn examples(shell: &Shell, tarball: &Path) -> Result<()> {
    let folder = directory(shell).join("examples");
    Ok(cmd!(shell, "node {TOOLS}/runner/examples.mjs {folder} {tarball}").run()?)
}
