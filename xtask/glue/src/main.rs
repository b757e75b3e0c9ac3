//! `glue MODULE DIRECTORY`: runs wasm-bindgen on a linked module, and writes to the directory the module and its
//! JavaScript for a bundler, or `wasm/js/engine.js`.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

/// Two exports that wasm-bindgen adds for modules that unwind, which ours do not.
const UNUSED: [&str; 2] = ["__abort_handler", "__instance_terminated"];

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let mut next = || arguments.next().context("expected a module and a directory, got less");
    let (module, directory) = (next()?, next()?);
    let mut output = Bindgen::new().bundler(true)?.input_path(module).generate_output()?;
    for name in UNUSED {
        let exports = &mut output.wasm_mut().exports;
        let found = exports.iter().find(|export| export.name == name).map(|export| export.id());
        if let Some(id) = found {
            exports.delete(id);
        }
    }
    output.emit(directory)
}
