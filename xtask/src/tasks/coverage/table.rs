//! The figures of each file, and the branches that no test took.

use std::fmt::Write;

use anyhow::{Result, ensure};

use super::lcov::File;

/// Prints only the files whose path begins with this; the sum is over all files.
pub fn print(files: &[File], prefix: &str) -> String {
    let chosen: Vec<_> = files.iter().filter(|file| file.path.starts_with(prefix)).collect();
    let width = chosen.iter().map(|file| file.path.len()).max().unwrap_or(0).max(4);
    let mut text =
        format!("{:<width$}  {:>6} {:>6}  {:>8} {:>6}\n", "file", "lines", "missed", "branches", "missed");
    let mut row = |name: &str, counts: [u64; 4]| {
        let [lines, missed_lines, branches, missed_branches] = counts;
        writeln!(text, "{name:<width$}  {lines:>6} {missed_lines:>6}  {branches:>8} {missed_branches:>6}")
            .expect("a String takes every write");
    };
    for file in &chosen {
        row(&file.path, counts(file));
    }
    let all = sum(&chosen);
    row("all", all);
    let [lines, missed_lines, branches, missed_branches] = all;
    let share = |of: u64, missed: u64| tenths(of, missed) as f64 / 10.0;
    let (line_share, branch_share) = (share(lines, missed_lines), share(branches, missed_branches));
    writeln!(text, "\n{line_share:.1} % of the lines, {branch_share:.1} % of the branches")
        .expect("a String takes every write");
    text + &missed(&chosen)
}

/// Fails below the floors, in tenths of a percent.
pub fn check(files: &[File], line_floor: u64, branch_floor: u64) -> Result<()> {
    let [lines, missed_lines, branches, missed_branches] = sum(&files.iter().collect::<Vec<_>>());
    for (what, of, missed, floor) in
        [("lines", lines, missed_lines, line_floor), ("branches", branches, missed_branches, branch_floor)]
    {
        let reached = tenths(of, missed);
        ensure!(
            reached >= floor,
            "expected {}.{} % of the {what}, got {}.{} %",
            floor / 10,
            floor % 10,
            reached / 10,
            reached % 10
        );
    }
    Ok(())
}

/// Rounded down: only all of it is 1000.
fn tenths(of: u64, missed: u64) -> u64 {
    (1000 * (of - missed)).checked_div(of).unwrap_or(1000)
}

fn counts(file: &File) -> [u64; 4] {
    [file.lines, file.missed_lines.len() as u64, file.branches, file.missed_branches.len() as u64]
}

fn sum(files: &[&File]) -> [u64; 4] {
    let mut all = [0; 4];
    for file in files {
        for (sum, count) in all.iter_mut().zip(counts(file)) {
            *sum += count;
        }
    }
    all
}

fn missed(files: &[&File]) -> String {
    let mut text = String::new();
    for file in files.iter().filter(|file| !file.missed_branches.is_empty() || !file.missed_lines.is_empty())
    {
        let path = &file.path;
        for branch in &file.missed_branches {
            let (line, condition, side) = (branch.line, branch.condition, branch.side);
            writeln!(text, "{path}:{line}: condition {condition} is never {side}")
                .expect("a String takes every write");
        }
        if !file.missed_lines.is_empty() {
            writeln!(text, "{path}: lines never run: {}", ranges(&file.missed_lines))
                .expect("a String takes every write");
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// 3, 4, 5, 9 as `3-5 9`.
fn ranges(lines: &[u64]) -> String {
    let mut ranges: Vec<(u64, u64)> = vec![];
    for &line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let words: Vec<_> = ranges
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::lcov::Branch;
    use super::*;

    fn file(path: &str, missed_lines: &[u64], branches: Vec<Branch>) -> File {
        File {
            path: path.into(),
            lines: 8,
            missed_lines: missed_lines.into(),
            branches: 4,
            missed_branches: branches,
        }
    }

    fn files() -> [File; 2] {
        let branch = Branch { line: 3, condition: 2, side: true };
        [file("src/a.rs", &[], vec![]), file("src/b.rs", &[3, 4, 5, 8], vec![branch])]
    }

    #[test]
    fn the_table_says_what_is_missed_and_where() {
        let text = print(&files(), "");
        assert!(text.contains("\nall           16      4         8      1\n"), "{text}");
        assert!(text.contains("75.0 % of the lines, 87.5 % of the branches"), "{text}");
        assert!(text.contains("src/b.rs:3: condition 2 is never true"), "{text}");
        assert!(text.contains("src/b.rs: lines never run: 3-5 8"), "{text}");
        assert!(!print(&files(), "src/a").contains("src/b.rs"));
    }

    #[test]
    fn less_than_a_floor_fails() {
        check(&files(), 750, 875).unwrap();
        assert_eq!(
            check(&files(), 751, 0).unwrap_err().to_string(),
            "expected 75.1 % of the lines, got 75.0 %"
        );
        assert!(check(&files(), 0, 876).is_err());
    }
}
