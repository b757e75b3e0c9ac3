//! The example from the command line: options, output, exit code.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the example in a temporary folder and checks that no file is left there.
fn personalize(args: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("micro-lora-{}-{:x}", std::process::id(), crc(args)));
    std::fs::create_dir(&folder).unwrap();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        // The profile of this test, so that compiled dependencies are reused.
        .args(["run", "--quiet", "--profile", "test", "--example", "personalize", "--manifest-path"])
        .arg(manifest)
        .arg("--")
        .args(args)
        .current_dir(&folder)
        .output()
        .unwrap();
    // Not remove_dir_all, so that a leftover file makes this fail.
    std::fs::remove_dir(&folder).unwrap();
    output
}

/// Numbers the folders of parallel calls.
fn crc(args: &[&str]) -> u32 {
    crc32fast::hash(args.concat().as_bytes())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_quick_run_reaches_its_goal() {
    let output = personalize(&["--quick"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let gain = stdout.lines().find_map(|line| line.strip_prefix("gain@200 +0.")).unwrap();
    assert!(gain.contains(" ±0.") && gain.contains(" (base 0.") && gain.ends_with(')'), "{gain}");
    assert!(stdout.lines().count() <= 15, "{stdout}");
    for expected in ["likes the command line, asks for", "likes windows", "before", "after", " clicks"] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let widest = stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(140), "{widest:?} columns");
    assert!(!stdout.contains('\x1b'), "colour although this is no terminal");
}

#[test]
fn details_show_other_learners_and_json_is_the_summary() {
    let output = personalize(&["--quick", "--details", "--seeds", "1"]);
    let stdout = text(&output.stdout);
    for expected in ["replaced system's rule", "random clicks", "gain in nDCG@10", "state: ", "gain@200 "] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let output = personalize(&["--quick", "--json", "--seeds", "1"]);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["gains"][0]["searches"], 200);
    assert!(summary["gains"][0]["mean"].as_f64().unwrap() > 0.0, "{summary}");
    assert_eq!(summary["showcase"]["searches"].as_array().unwrap().len(), 2);
    assert_eq!(summary["showcase"]["searches"][0]["after"].as_array().unwrap().len(), 5);
    assert!(summary["clicks"].as_f64().unwrap() > 50.0);
}

#[test]
fn help_names_every_option() {
    let output = personalize(&["--help"]);
    assert!(output.status.success());
    for option in ["--details", "--json", "--quick", "--seeds N", "--resume FILE", "--help"] {
        assert!(text(&output.stdout).contains(option), "{option}");
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (args, expected) in [
        (&["--fast"][..], "--fast"),
        (&["extra"], "extra"),
        (&["--seeds"], "--seeds"),
        (&["--resume"], "--resume"),
        (&["--seeds", "0"], "expected a number from 1 to 1000, got \"0\""),
        (&["--seeds", "many"], "got \"many\""),
    ] {
        let output = personalize(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn an_adapter_outlives_its_process() {
    let file = std::env::temp_dir().join(format!("micro-lora-resume-{}.json", std::process::id()));
    let path = file.to_str().unwrap();
    let mut outputs = vec![];
    for (seen, last) in [(0, 200), (200, 400)] {
        let output = personalize(&["--resume", path]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let stdout = text(&output.stdout).to_owned();
        assert!(stdout.contains(&format!("{seen} events so far")), "{stdout}");
        assert!(stdout.contains(&format!("the same bits as a run of {last} events")), "{stdout}");
        outputs.push(stdout);
    }
    assert!(outputs[1].contains("after   400 events") && !outputs[1].contains("after   200 events"));

    let mut json = std::fs::read(&file).unwrap();
    let middle = json.len() / 2;
    json[middle] ^= 1;
    std::fs::write(&file, json).unwrap();
    let damaged = personalize(&["--resume", path]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(damaged.status.code(), Some(1));
    assert!(text(&damaged.stderr).contains("state: expected the checksum"), "{}", text(&damaged.stderr));
}
