//! `include/micro_lora.h`, generated from the crate `ffi`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};
use xshell::Shell;

use super::c_library;
use crate::report::Report;

const HEADER: &str = "include/micro_lora.h";

/// The sources in the order of the header, with the first function of each and the title before it.
const GROUPS: &[(&str, &str, &str)] = &[
    ("lifecycle", "mlora_version", "Versions, memory, settings"),
    ("apply", "mlora_apply", "Using an adapter"),
    ("learn", "mlora_adapt_gradient", "Learning"),
    ("batch", "mlora_adapt_gradients", "Learning from many vectors"),
    ("save", "mlora_json_len", "Saving and loading"),
    ("replay", "mlora_replay_size", "Learning again from the last lists"),
    ("lists", "mlora_memory_size", "A memory of lists, for the dual step"),
    ("recall", "mlora_memory_why", "What remembered lists did, and taking them back"),
    ("predictions", "mlora_get_predictions", "How well choices could be predicted"),
    ("holdback", "mlora_holdback_init", "Whether an adapter helps its user"),
    ("explore", "mlora_explore_init", "Where only a number is known"),
    ("modules", "mlora_peek_safetensors", "What files of Hugging Face PEFT hold"),
    ("peft", "mlora_load_safetensors", "Loading and saving files of PEFT"),
    ("weights", "mlora_get_weights", "Weights"),
    ("environment", "mlora_check_environment", "The floating-point mode"),
    ("status", "mlora_status_message", "Errors"),
];
/// Sources with types only.
const TYPES: &[&str] = &["memory", "config", "ring", "slab", "host", "sample"];

pub fn run(shell: &Shell, report: &mut Report) {
    report.step("C header", || {
        let text = generate(&shell.current_dir())?;
        shell.write_file(HEADER, text)?;
        println!("{HEADER} is written");
        Ok(())
    });
}

fn generate(root: &Path) -> Result<String> {
    let source = |name: &str| root.join("ffi/src").join(name).with_extension("rs");
    let sources = TYPES.iter().copied().chain(GROUPS.iter().map(|(file, ..)| *file));
    let fixture = |name: &str| {
        let path = root.join("xtask/fixtures/header").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))
    };
    let config = Config {
        language: Language::C,
        cpp_compat: true,
        style: Style::Type,
        documentation_style: DocumentationStyle::Cxx,
        usize_is_size_t: true,
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        include_guard: Some("MICRO_LORA_H".into()),
        header: Some(fixture("intro.h")?.trim_end().into()),
        after_includes: Some(format!("\n{}", with_version(root, fixture("macros.h")?.trim_end())?)),
        line_length: 100,
        // No function takes these types: structs hold their numbers.
        export: ExportConfig {
            include: vec![
                "mlora_stored".into(),
                "mlora_vector".into(),
                "mlora_lookup".into(),
                "mlora_forgotten".into(),
                "mlora_step".into(),
                "mlora_outcome".into(),
                "mlora_dtype".into(),
            ],
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let builder =
        sources.fold(Builder::new().with_config(config), |builder, name| builder.with_src(source(name)));
    let mut bytes = Vec::new();
    builder.generate().context("cbindgen could not read ffi/src")?.write(&mut bytes);
    GROUPS
        .iter()
        .try_fold(String::from_utf8(bytes)?, |text, (_, function, title)| with_title(&text, function, title))
}

/// Fills in the version of the library.
fn with_version(root: &Path, macros: &str) -> Result<String> {
    let manifest = std::fs::read_to_string(root.join("ffi/library/Cargo.toml"))?;
    let version = c_library::version_in(&manifest)?;
    let [major, minor, patch] = version.split('.').collect::<Vec<_>>()[..] else {
        bail!("ffi/library/Cargo.toml: expected a version of three numbers, got {version}");
    };
    let text = macros.replace("@VERSION@", &version).replace("@MAJOR@", major);
    Ok(text.replace("@MINOR@", minor).replace("@PATCH@", patch))
}

/// Puts a title before a function's comment.
fn with_title(text: &str, function: &str, title: &str) -> Result<String> {
    let is_code = |at: usize| !text[..at].rsplit('\n').next().is_some_and(|line| line.starts_with("//"));
    let call = format!("{function}(");
    let at = text
        .match_indices(&call)
        .map(|(at, _)| at)
        .find(|at| is_code(*at))
        .with_context(|| format!("ffi/src: expected the function {function}, got a header without it"))?;
    let start = text[..at].rfind("\n\n").map_or(0, |blank| blank + 2);
    let (before, after) = text.split_at(start);
    Ok(format!("{before}// ==== {title} ====\n\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_header_is_what_the_crate_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let committed = std::fs::read_to_string(root.join(HEADER)).unwrap();
        assert!(
            committed == generate(root).unwrap(),
            "expected {HEADER} of this crate, got another: cargo xtask header"
        );
    }

    #[test]
    fn a_title_goes_before_the_comment_of_its_function() {
        let text = "/// As mlora_b(x).\nint mlora_a(int);\n\n/// B.\nint *mlora_b(int);\n";
        assert_eq!(
            with_title(text, "mlora_b", "Bees").unwrap(),
            "/// As mlora_b(x).\nint mlora_a(int);\n\n// ==== Bees ====\n\n/// B.\nint *mlora_b(int);\n"
        );
        assert!(with_title(text, "mlora_c", "Sea").is_err());
    }
}
