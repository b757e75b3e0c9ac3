//! `layout DIRECTORY`: writes what JavaScript needs from the crates `micro-lora` and `micro-lora-wasm`, as modules.
//!
//! Names become constants of a module, so that a minifier can inline the numbers.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result};
use micro_lora::layout::{
    ADAPTER, COMPANIONS, DUAL_PARTS, HEADER_SCALARS, HEADER_WORDS, STATE_INTEGERS, STATE_SECTIONS, Scalar,
    UNNAMED, VERSION_1, Value,
};

/// The numbers of the engine's calls.
#[path = "../../../wasm/src/calls.rs"]
mod calls;

const TITLE: &str = "// Written by `cargo xtask layout` from the Rust crates: change those instead.\n\n";

fn main() -> Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).context("expected a directory, got nothing")?);
    fs::create_dir_all(&directory)?;
    for (name, text) in modules() {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}

/// File names and contents.
fn modules() -> [(&'static str, String); 6] {
    [
        ("header.js", header()),
        ("adapter.js", constants("What adapters accept and are made of.", ADAPTER)),
        ("companions.js", constants("The companions of an adapter: ring, holdback, explorer.", COMPANIONS)),
        ("calls.js", numbers("What the engine of `micro-lora` can do.", &calls::FULL)),
        ("calls-recall.js", numbers("What the engine of `micro-lora/learn` can do besides.", &calls::RECALL)),
        ("calls-lite.js", numbers("What the engine of `micro-lora/lite` can do.", &calls::LITE)),
    ]
}

fn header() -> String {
    let mut text = titled("Where in an adapter's header which word of 32 bits is.");
    for (word, name) in words() {
        text += &constant(&name.to_uppercase().replace(' ', "_"), word);
    }
    text += "\n/** Words of a header. */\n";
    text += &constant("HEADER_WORDS", HEADER_WORDS);
    text +=
        "\n/** How many integers a state of version 1 has, and how many sections. Version 2 has all. */\n";
    text += &constant("INTEGERS_1", VERSION_1.0);
    text += &constant("SECTIONS_1", VERSION_1.1);
    text += "\n/** Where the integers of a state are, in the order in which it has them. */\n";
    let places =
        STATE_INTEGERS.iter().map(|field| format!("  {}: {},\n", field.name, word_at(field.offset.into())));
    text += &format!("export const INTEGERS = {{\n{}}};\n", places.collect::<String>());
    text += "\n/** The floats of its first section, in their order: where, what a message calls it, from, to. */\n";
    let rows = HEADER_SCALARS.map(|Scalar { name, offset, min, max, .. }| {
        format!("  [{}, {name:?}, {}, {}],\n", word_at(offset.into()), float(min), float(max))
    });
    text += &format!("export const SCALARS = [\n{}];\n", rows.concat());
    text += "\n/** Where the floats of its section `dual` are, in their order. */\n";
    let dual = DUAL_PARTS.iter().flat_map(|(offset, count)| (0..*count).map(|i| word_at(*offset) + i));
    text += &constant("DUAL_WORDS", format!("{:?}", dual.collect::<Vec<_>>()));
    text += "\n/** Its sections, in their order. */\n";
    text + &constant("SECTIONS", format!("{STATE_SECTIONS:?}"))
}

/// The named words of a header, in order; a word of flags has its own name.
fn words() -> BTreeMap<usize, &'static str> {
    let integers = STATE_INTEGERS.iter().map(|field| (field.name, field.offset.into()));
    let scalars = HEADER_SCALARS.iter().map(|field| (field.name, field.offset.into()));
    integers.chain(scalars).chain(UNNAMED).map(|(name, offset)| (word_at(offset), name)).collect()
}

/// Bytes from the start of a header, in words of 32 bits.
const fn word_at(offset: usize) -> usize {
    offset / size_of::<u32>()
}

fn constants(title: &str, table: &[(&str, Value)]) -> String {
    let mut text = titled(title);
    for (name, value) in table {
        text += &match value {
            Value::Whole(value) => constant(name, value),
            Value::Float(value) => constant(name, float(*value)),
            Value::Fields(fields) => {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                constant(name, format!("{names:?}"))
            }
            Value::Steps(steps) => {
                let pairs: Vec<_> =
                    steps.iter().map(|(from, to)| format!("[{}, {to}]", float(*from))).collect();
                constant(name, format!("[{}]", pairs.join(", ")))
            }
        };
    }
    text
}

fn numbers(title: &str, table: &[(&str, u32)]) -> String {
    table.iter().fold(titled(title), |text, (name, value)| text + &constant(name, value))
}

fn titled(title: &str) -> String {
    format!("{TITLE}// {title}\n\n")
}

fn constant(name: &str, value: impl Display) -> String {
    let mut text = String::new();
    writeln!(text, "export const {name} = {value};").expect("a String takes every write");
    text
}

/// The shortest decimal of an f32: messages show it, and `Math.fround` of it is the number.
fn float(value: f32) -> String {
    let [plain, short] = [format!("{value}"), format!("{value:e}")];
    if short.len() < plain.len() { short } else { plain }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_modules_are_what_the_crates_say() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wasm/js/generated");
        for (name, text) in modules() {
            let committed = fs::read_to_string(directory.join(name)).unwrap_or_default();
            assert!(
                committed == text,
                "wasm/js/generated/{name}: expected what the crates say, got another: cargo xtask layout"
            );
        }
        let files = fs::read_dir(directory).unwrap().count();
        assert_eq!(files, modules().len(), "files in wasm/js/generated");
    }

    #[test]
    fn a_float_is_the_shortest_decimal() {
        for (value, text) in [
            (3.4, "3.4"),
            (1e-6, "1e-6"),
            (0.5, "0.5"),
            (16_777_216.0, "16777216"),
            (f32::MAX, "3.4028235e38"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
