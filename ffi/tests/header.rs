//! The header matches the crate, and the C tests use every part of it.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs;

use micro_lora::{Choice, Listwise};
use micro_lora_ffi::*;

const HEADER: &str = include_str!("../../include/micro_lora.h");

/// A function of the header with its parameters.
struct Function {
    name: &'static str,
    parameters: Vec<&'static str>,
}

fn functions() -> Vec<Function> {
    let declarations = HEADER.split_once("extern \"C\" {").expect("functions").1;
    let code: Vec<&str> = declarations.lines().filter(|line| !line.starts_with("//")).collect();
    // Leaked, so that the names need no owner.
    let code: &'static str = code.join("\n").leak();
    let one = |declaration: &'static str| {
        let (before, parameters) = declaration.split_once('(')?;
        let name = before.rsplit([' ', '*']).next()?;
        Some(Function { name, parameters: parameters.split(',').map(str::trim).collect() })
    };
    code.split(");").filter_map(one).collect()
}

fn c_tests() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/c");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "c"))
        .map(|p| fs::read_to_string(p).unwrap())
        .collect()
}

fn define(name: &str) -> f64 {
    let line = HEADER.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
    line.unwrap_or_else(|| panic!("expected #define {name}, got none")).trim_end_matches('f').parse().unwrap()
}

/// `NAME = 7,` of every enumerator that starts so.
fn enumerators(start: &str) -> Vec<(&'static str, i32)> {
    let pairs = HEADER.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "));
    let ours = pairs.filter(|(name, _)| name.starts_with(start));
    ours.map(|(name, number)| (name, number.parse().unwrap())).collect()
}

#[test]
fn constants_are_those_of_the_crate() {
    assert_eq!(define("MLORA_ABI_VERSION"), f64::from(MLORA_ABI_VERSION));
    assert_eq!(define("MLORA_INFERENCE"), f64::from(MLORA_INFERENCE));
    assert_eq!(define("MLORA_LEARNING_RATE") as f32, MLORA_LEARNING_RATE);
    assert_eq!(define("MLORA_TEMPERATURE") as f32, MLORA_TEMPERATURE);
    assert_eq!(define("MLORA_TEMPERATURE_CHOICE") as f32, MLORA_TEMPERATURE_CHOICE);
    assert_eq!(MLORA_TEMPERATURE, Listwise::new(&[], &[]).temperature);
    assert_eq!(MLORA_TEMPERATURE_CHOICE, Choice::click(&[], 0).temperature);
}

#[test]
fn every_status_and_no_other_number_has_a_message_of_its_own() {
    // SAFETY: static strings.
    let message = |status| unsafe { CStr::from_ptr(mlora_status_message(status)) }.to_str().unwrap();
    let unknown = message(-1);
    let mut statuses = enumerators("MLORA_ERROR_");
    statuses.push(("MLORA_OK", 0));
    let messages: BTreeSet<_> = statuses.iter().map(|(_, number)| message(*number)).collect();
    assert_eq!(messages.len(), statuses.len());
    assert!(!messages.contains(unknown));
    let numbers: BTreeSet<_> = statuses.iter().map(|(_, number)| *number).collect();
    for number in -300..1000 {
        assert_eq!(message(number) == unknown, !numbers.contains(&number), "{number}");
    }
    for message in messages.iter().filter(|message| **message != "ok") {
        assert!(message.contains("expected") && message.contains(", got "), "{message}");
    }
}

#[test]
fn every_function_is_documented_and_called_by_a_c_test() {
    let tests = c_tests();
    let functions = functions();
    assert!(functions.len() >= 30, "{}", functions.len());
    for Function { name, .. } in functions {
        assert!(tests.contains(&format!("{name}(")), "{name} is in no C test");
        let at = HEADER.rfind(&format!("{name}(")).unwrap();
        let comment = HEADER[..at].rsplit("\n\n").next().unwrap();
        assert!(comment.starts_with("///") && comment.contains("/// Threads: "), "{name}: {comment}");
    }
}

#[test]
fn every_outcome_and_status_is_expected_by_a_c_test() {
    let tests = c_tests();
    for (name, _) in enumerators("MLORA_ERROR_").into_iter().chain(enumerators("MLORA_SKIPPED_")) {
        assert!(tests.contains(name), "{name} is in no C test");
    }
}

/// Pointers that may be NULL.
const OPTIONAL: [&str; 9] = [
    "void *context",
    "mlora_memory_receipt *receipt",
    "float *guard",
    "mlora_receipt *receipt",
    "mlora_batch_receipt *receipt",
    "const char *base_model",
    "const char *config_json",
    "mlora_problem *problem",
    "mlora_reduction *reduction",
];
/// Functions that require a pointer which may be NULL elsewhere.
const ALL_REQUIRED: [&str; 1] = ["mlora_safetensors_problem"];

#[test]
fn every_required_pointer_is_tested_with_null() {
    let tests = include_str!("../../tests/c/null.c");
    for Function { name, parameters } in functions() {
        let is_required = |p: &&&str| match **p {
            "mlora_problem *problem" => ALL_REQUIRED.contains(&name),
            p => p.contains('*') && !OPTIONAL.contains(&p),
        };
        let required = parameters.iter().filter(is_required).count();
        let tested = tests.matches(&format!("REFUSE(MLORA_ERROR_NULL, {name}(")).count();
        assert_eq!(tested, required, "{name}({parameters:?})");
    }
}

#[test]
fn every_status_has_its_name_and_a_message_of_its_own() {
    let end = HEADER.split_once("} mlora_status;").expect("the statuses").0;
    let statuses = end.rsplit_once("typedef enum {").expect("the statuses").1;
    // SAFETY: both functions return constants.
    let said = |text: *const std::ffi::c_char| unsafe { CStr::from_ptr(text) }.to_str().unwrap();
    let mut messages = BTreeSet::from([said(mlora_status_message(-7))]);
    let mut count = 0;
    for line in statuses.lines().map(str::trim).filter(|line| line.starts_with("MLORA_")) {
        let (name, number) = line.trim_end_matches(',').split_once(" = ").unwrap();
        let number = number.parse().unwrap();
        assert_eq!(said(mlora_status_name(number)), name);
        assert!(messages.insert(said(mlora_status_message(number))), "{name} has another's message");
        count += 1;
    }
    assert!(count >= 33, "{count} statuses");
}
