//! The demo page: a folder of plain files that any web server can serve, with the sentence model's beside them.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use super::{minilm, npm, web_tools};
use crate::cli::Options;
use crate::needs::{self, Tool};
use crate::report::Report;

const STEP: &str = "demo";
/// A part of `cargo xtask web-test`.
pub const CHECK: &str = "web: demo";
const SOURCE: &str = "wasm/demo";
const DATA: &str = "examples/data";
const DATA_FILES: [&str; 2] = ["debian.tsv", "debian.i8"];
const PORT: &str = "8000";
const TOOLS: &str = web_tools::TOOLS;

/// Bundled with transformers.js into one file.
const WORKER: &str = "model-worker.js";
const RUNTIME: &str = "ort-wasm-simd-threaded.wasm";

const PICTURES: &str = "docs/demo";
const ENGINES: [(&str, &[&Tool]); 3] =
    [("chromium", &[&needs::CHROMIUM]), ("firefox", &[&needs::FIREFOX]), ("webkit", &[&needs::WEBKIT])];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        npm::build(shell)?;
        let site = assemble(shell)?;
        if let Err(error) = add_model(shell, &site) {
            println!("without a sentence model, so the page searches by words: {error:#}");
        }
        Ok(cmd!(shell, "node {TOOLS}/runner/server.mjs {site} {PORT}").run()?)
    });
}

/// Uses the page as a person would, in every engine, at the size of a phone and of a desktop.
pub fn test(shell: &Shell, options: &Options, report: &mut Report) {
    let wanted = options.value("--engine");
    let mut site = None;
    report.step("demo: build", || {
        let names = ENGINES.map(|(name, _)| name).join(", ");
        let is_known = wanted.is_none_or(|wanted| ENGINES.iter().any(|(name, _)| *name == wanted));
        ensure!(is_known, "--engine: expected one of {names}, got {}", wanted.unwrap_or_default());
        npm::build(shell)?;
        let assembled = assemble(shell)?;
        add_model(shell, &assembled)?;
        site = Some(assembled);
        Ok(())
    });
    let Some(site) = site else { return };
    for (name, tools) in ENGINES.into_iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)) {
        report.step(format!("demo: {name}"), || {
            needs::ensure(shell, tools)?;
            Ok(cmd!(shell, "node {TOOLS}/demo/main.mjs {site} {name}").run()?)
        });
    }
    if options.has("--screenshots") {
        report.step("demo: screenshots", || {
            needs::ensure(shell, &[&needs::CHROMIUM])?;
            Ok(cmd!(shell, "node {TOOLS}/demo/screenshots.mjs {site} {PICTURES}").run()?)
        });
    }
}

/// Tests in Chromium what needs no sentence model. The package has to be built.
pub fn check(shell: &Shell) -> Result<()> {
    needs::ensure(shell, &[&needs::CHROMIUM])?;
    let site = assemble(shell)?;
    Ok(cmd!(shell, "node {TOOLS}/demo/main.mjs {site} chromium").run()?)
}

/// The page, the package and the data in one folder.
fn assemble(shell: &Shell) -> Result<PathBuf> {
    web_tools::install_tools(shell)?;
    let site = web_tools::directory(shell).join("demo");
    shell.remove_path(&site)?;
    for (from, to) in [(SOURCE, ""), (npm::PACKAGE, "micro-lora")] {
        let to = site.join(to);
        shell.create_dir(&to)?;
        for file in shell.read_dir(from)?.into_iter().filter(|path| path.is_file()) {
            shell.copy_file(file, &to)?;
        }
    }
    shell.remove_path(site.join(WORKER))?;
    shell.create_dir(site.join("data"))?;
    for file in DATA_FILES {
        shell.copy_file(Path::new(DATA).join(file), site.join("data"))?;
    }
    println!("built: {}", site.display());
    Ok(site)
}

/// Puts the sentence model beside the page.
fn add_model(shell: &Shell, site: &Path) -> Result<()> {
    let folder = &site.join("model");
    let modules = minilm::install_transformers(shell)?;
    let models = minilm::models(shell)?;
    shell.create_dir(folder.join(minilm::NAME).join("onnx"))?;
    let mut sizes = Vec::new();
    let mut copy = |from: PathBuf, to: String| -> Result<()> {
        let bytes = std::fs::copy(shell.current_dir().join(from), folder.join(&to))?;
        sizes.push((to, bytes));
        Ok(())
    };
    for file in minilm::files() {
        copy(models.join(minilm::NAME).join(file), format!("{}/{file}", minilm::NAME))?;
    }
    copy(modules.join("onnxruntime-web/dist").join(RUNTIME), RUNTIME.to_owned())?;
    // Half of the runtime is for GPUs, which such a small model does not need.
    let (source, worker) = (Path::new(SOURCE).join(WORKER), folder.join("worker.js"));
    let options = ["--bundle", "--format=esm", "--minify", "--log-level=warning"];
    let alias = "--alias:onnxruntime-web/webgpu=onnxruntime-web/wasm";
    cmd!(shell, "{TOOLS}/node_modules/.bin/esbuild {source} {options...} {alias} --outfile={worker}")
        .env("NODE_PATH", shell.current_dir().join(modules))
        .run()?;
    // Written last: a page that finds this file assumes that the others exist.
    Ok(shell.write_file(folder.join("files.json"), list_of(&sizes))?)
}

/// The files that the page loads, and the name under which it caches them: other files get another name.
fn list_of(sizes: &[(String, u64)]) -> String {
    let total: u64 = sizes.iter().map(|(_, bytes)| bytes).sum();
    let files: Vec<_> =
        sizes.iter().map(|(path, bytes)| format!("{{\"path\":\"{path}\",\"bytes\":{bytes}}}")).collect();
    format!("{{\"cache\":\"micro-lora-model-{total}\",\"files\":[{}]}}\n", files.join(","))
}
