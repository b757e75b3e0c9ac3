//! Every small corruption of a saved state: flipped bits, truncations, deleted and doubled bytes, swapped blocks.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::report::Report;

const STEP: &str = "corrupted states";

/// Part of the line that the test prints for each shape.
const MARK: &str = " corruptions tried, ";

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || try_all(shell));
}

fn try_all(shell: &Shell) -> Result<()> {
    // Built first, so that the compiler's progress is shown and only the test's own output is captured.
    cmd!(shell, "cargo test --release --test corruption --no-run").run()?;
    let test = cmd!(shell, "cargo test --release --test corruption -- --nocapture --test-threads=1");
    let output = test.ignore_status().output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = shapes(&text);
    if !output.status.success() || lines.is_empty() {
        print!("{text}");
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    ensure!(output.status.success(), "the corruption test failed: {}", output.status);
    ensure!(
        !lines.is_empty(),
        "expected a line with `{}` for each shape, the test printed none",
        MARK.trim()
    );
    println!("\n{}", lines.join("\n"));
    Ok(())
}

/// The test's lines, without what the test runner may have put before them.
fn shapes(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.contains(MARK));
    lines.map(|line| line.rsplit_once(" ... ").map_or(line, |(_, own)| own)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_shapes_are_told_from_the_test_runners() {
        let text = "running 2 tests\n\
                    test small ... 1x1 r1: 9 bytes, 99 corruptions tried, 99 refused\n\
                    ok\n\
                    8x5 r3: 10 bytes, 110 corruptions tried, 110 refused\n\
                    test result: ok. 2 passed\n";
        let expected = [
            "1x1 r1: 9 bytes, 99 corruptions tried, 99 refused",
            "8x5 r3: 10 bytes, 110 corruptions tried, 110 refused",
        ];
        assert_eq!(shapes(text), expected);
        assert!(shapes("test result: ok. 0 passed\n").is_empty());
    }
}
