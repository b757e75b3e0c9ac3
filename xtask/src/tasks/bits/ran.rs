//! The output of a program with the script, compared with the committed hashes.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};

use super::committed::Committed;

/// The output of a program.
#[derive(Debug, PartialEq)]
pub(super) struct Ran {
    variant: String,
    outcomes: Vec<Outcome>,
}

#[derive(Debug, PartialEq)]
struct Outcome {
    shape: String,
    script: u64,
    save: u64,
}

impl Ran {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let variant = lines.next().and_then(|line| line.strip_prefix("variant: "));
        let variant = variant.with_context(|| format!("expected `variant: ...` first, came:\n{text}"))?;
        let outcomes = lines.map(|line| {
            Outcome::parse(line)
                .with_context(|| format!("expected `shape: script 0x..., save 0x...`, came `{line}`"))
        });
        Ok(Self { variant: variant.to_owned(), outcomes: outcomes.collect::<Result<_>>()? })
    }

    /// For a program that must reproduce the committed hashes.
    pub(super) fn check(&self, name: &str, expected: &[&Committed]) -> Result<()> {
        self.check_identity(name, expected)?;
        let mut differences = String::new();
        for (outcome, Committed { shape, script, save }) in self.outcomes.iter().zip(expected) {
            for (what, came, committed) in [("script", outcome.script, script), ("save", outcome.save, save)]
            {
                if came != *committed {
                    write!(differences, "\n{shape}, {what}: expected {committed:#018x}, came {came:#018x}")?;
                }
            }
        }
        ensure!(differences.is_empty(), "{} gives other bits:{differences}", self.variant);
        Ok(())
    }

    /// For a program that computes differently: no hash may be the committed one.
    pub(super) fn check_all_differ(&self, name: &str, expected: &[&Committed]) -> Result<()> {
        self.check_identity(name, expected)?;
        for (came, committed) in self.outcomes.iter().zip(expected) {
            if came.script == committed.script || came.save == committed.save {
                bail!("{}: expected other bits with multiply and add fused, came the committed", came.shape);
            }
        }
        Ok(())
    }

    /// The hashes of each shape: of its script and of its saved state.
    pub(super) fn hashes(&self) -> Vec<(u64, u64)> {
        self.outcomes.iter().map(|outcome| (outcome.script, outcome.save)).collect()
    }

    fn check_identity(&self, name: &str, expected: &[&Committed]) -> Result<()> {
        let came = &self.variant;
        ensure!(name == came, "expected the program to run as `{name}`, it ran as `{came}`");
        let shapes: Vec<_> = expected.iter().map(|committed| committed.shape).collect();
        let came: Vec<_> = self.outcomes.iter().map(|outcome| outcome.shape.as_str()).collect();
        ensure!(shapes == came, "expected the shapes {shapes:?}, came {came:?}");
        Ok(())
    }
}

impl Outcome {
    fn parse(line: &str) -> Option<Self> {
        let (shape, hashes) = line.split_once(": script 0x")?;
        let (script, save) = hashes.split_once(", save 0x")?;
        let hash = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { shape: shape.to_owned(), script: hash(script)?, save: hash(save)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FMA, VARIANTS, Variant};
    use super::*;

    /// The output of a correct program.
    fn printed(variant: &Variant) -> String {
        let line = |c: &Committed| format!("{}: script {:#018x}, save {:#018x}\n", c.shape, c.script, c.save);
        format!(
            "variant: {}\n{}",
            variant.name,
            variant.committed().into_iter().map(line).collect::<String>()
        )
    }

    fn refusal(text: &str) -> String {
        Ran::parse(text)
            .and_then(|ran| ran.check(FMA.name, &FMA.committed()))
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn the_committed_hashes_pass_and_do_not_count_as_other_bits() {
        for variant in VARIANTS {
            let ran = Ran::parse(&printed(variant)).unwrap();
            ran.check(variant.name, &variant.committed()).unwrap();
            let error = ran.check_all_differ(variant.name, &variant.committed()).unwrap_err().to_string();
            assert!(error.starts_with("1x1 r1: expected other bits"), "{error}");
        }
    }

    #[test]
    fn a_single_other_hash_is_refused_and_named() {
        for committed in FMA.committed() {
            for (what, hash) in [("script", committed.script), ("save", committed.save)] {
                let (was, is) = (format!("{hash:#018x}"), format!("{:#018x}", hash ^ 1));
                let error = refusal(&printed(&FMA).replace(&was, &is));
                let expected = format!("{}, {what}: expected {was}, came {is}", committed.shape);
                assert!(error.ends_with(&expected), "{error}");
            }
        }
    }

    #[test]
    fn a_program_that_ran_as_something_else_or_not_to_its_end_is_refused() {
        let good = printed(&FMA);
        let (all_but_last, _) = good.trim_end().rsplit_once('\n').unwrap();
        for (text, expected) in [
            (good.replace("AVX2 + FMA", "SSE2"), "it ran as `x86-64 SSE2`"),
            (all_but_last.to_owned(), "expected the shapes"),
            (good.clone() + "panicked", "came `panicked`"),
            (String::new(), "expected `variant: ...` first"),
        ] {
            let error = refusal(&text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
