//! The measured figures beside the committed ceilings and the project's aims.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

/// The figures of one chip, in the order in which they are printed.
#[derive(Default)]
pub struct Measured(Vec<(String, u64)>);

impl Measured {
    pub fn add(&mut self, what: impl Into<String>, value: u64) {
        self.0.push((what.into(), value));
    }
}

/// Lines of `WHAT CEILING CEILING`, a column per chip; `#` starts a comment.
pub struct Ceilings(Vec<(String, u64)>);

impl Ceilings {
    pub fn parse(text: &str, column: usize) -> Result<Self> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let rows = lines.filter(|line| !line.is_empty()).map(|line| {
            let mut words: Vec<_> = line.split_whitespace().collect();
            ensure!(words.len() > 2, "`{line}`: expected what is measured and two ceilings");
            let ceilings = words.split_off(words.len() - 2);
            let ceiling = ceilings.get(column).context("expected a column per chip")?;
            let ceiling =
                ceiling.parse().with_context(|| format!("`{line}`: expected a number, got {ceiling}"))?;
            Ok((words.join(" "), ceiling))
        });
        Ok(Self(rows.collect::<Result<_>>()?))
    }

    fn get(&self, what: &str) -> Option<u64> {
        self.0.iter().find(|(row, _)| row == what).map(|(_, ceiling)| *ceiling)
    }

    /// Fails for a figure above its ceiling, a figure without a ceiling, and a ceiling without a figure.
    pub fn check(&self, measured: &Measured) -> Result<()> {
        let mut problems = Vec::new();
        for (what, value) in &measured.0 {
            match self.get(what) {
                Some(ceiling) if *value <= ceiling => {}
                Some(ceiling) => problems.push(format!("{what}: measured {value}, ceiling {ceiling}")),
                None => problems.push(format!("{what}: measured {value}, no ceiling")),
            }
        }
        for (what, ceiling) in &self.0 {
            if !measured.0.iter().any(|(row, _)| row == what) {
                problems.push(format!("{what}: not measured, ceiling {ceiling}"));
            }
        }
        if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("; ")) }
    }
}

/// The project's aims: each figure should be below this number.
pub struct Aim {
    pub what: fn(&str) -> bool,
    pub below: u64,
}

pub fn print(measured: &Measured, ceilings: &Ceilings, aims: &[Aim]) -> String {
    let width = measured.0.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
    let mut text = format!("  {:width$}  {:>9}  {:>9}\n", "", "measured", "ceiling");
    for (what, value) in &measured.0 {
        let ceiling = ceilings.get(what).map_or("none".to_owned(), |ceiling| ceiling.to_string());
        let aim = aims.iter().find(|aim| (aim.what)(what)).map_or(String::new(), |aim| {
            let reached = if *value < aim.below { "reached" } else { "not reached" };
            format!("  aim: below {}, {reached}", aim.below)
        });
        writeln!(text, "  {what:width$}  {value:>9}  {ceiling:>9}{aim}").expect("a String takes every write");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# what   M4F  M0\n.text, apply   100 200\n\nstack mlora_apply 50 60 # small\n";

    fn measured(text: u64, stack: u64) -> Measured {
        let mut measured = Measured::default();
        measured.add(".text, apply", text);
        measured.add("stack mlora_apply", stack);
        measured
    }

    #[test]
    fn a_ceiling_may_be_reached_and_not_exceeded() {
        let (m4f, m0) = (Ceilings::parse(TEXT, 0).unwrap(), Ceilings::parse(TEXT, 1).unwrap());
        assert!(m4f.check(&measured(100, 50)).is_ok());
        assert!(m0.check(&measured(200, 60)).is_ok());
        let error = m4f.check(&measured(101, 51)).unwrap_err().to_string();
        assert_eq!(
            error,
            ".text, apply: measured 101, ceiling 100; stack mlora_apply: measured 51, ceiling 50"
        );
    }

    #[test]
    fn every_figure_has_a_ceiling_and_every_ceiling_a_figure() {
        let ceilings = Ceilings::parse(TEXT, 0).unwrap();
        let mut more = measured(1, 1);
        more.add("stack mlora_new", 7);
        assert_eq!(ceilings.check(&more).unwrap_err().to_string(), "stack mlora_new: measured 7, no ceiling");
        let nothing = Measured::default();
        let error = ceilings.check(&nothing).unwrap_err().to_string();
        assert!(error.starts_with(".text, apply: not measured, ceiling 100"), "{error}");
    }

    #[test]
    fn a_broken_line_is_refused() {
        for text in ["apply 1", "apply one two", "1 2"] {
            assert!(Ceilings::parse(text, 0).is_err(), "{text}");
        }
    }

    #[test]
    fn the_table_says_whether_an_aim_was_reached() {
        let aims = [Aim { what: |what| what.starts_with("stack"), below: 50 }];
        let ceilings = Ceilings::parse(TEXT, 0).unwrap();
        assert!(print(&measured(1, 49), &ceilings, &aims).contains("aim: below 50, reached"));
        assert!(print(&measured(1, 50), &ceilings, &aims).contains("aim: below 50, not reached"));
    }
}
