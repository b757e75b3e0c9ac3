//! The result in fifteen lines, for a reader without background.

use std::fmt;

use micro_lora_lab::{Estimate, Run, USERS};
use serde::Serialize;

use crate::showcase::Showcase;

#[derive(Serialize)]
pub struct Summary {
    people: usize,
    runs_per_person: usize,
    /// Searches that each person made.
    searches: usize,
    /// Results that one person clicked in all their searches, on average.
    clicks: f64,
    pub gains: Vec<Gain>,
    showcase: Showcase,
}

/// How much better the ranking of unseen searches is than the frozen model's, in nDCG@10.
#[derive(Serialize)]
pub struct Gain {
    /// Searches that were learned from.
    pub searches: usize,
    /// nDCG@10 of the frozen model.
    pub base: f64,
    pub mean: f64,
    /// Half the width of the 95 % interval.
    pub half_width: f64,
}

impl Summary {
    pub fn new(runs: &[Run], searches: impl Iterator<Item = usize>, showcase: Showcase) -> Self {
        let gain = |searches: usize| {
            let checkpoints =
                || runs.iter().flat_map(|run| &run.checkpoints).filter(|c| c.events == searches);
            let gain = Estimate::of(checkpoints().map(|c| c.gain()));
            let base = Estimate::of(checkpoints().map(|c| c.base)).mean;
            Gain { searches, base, mean: gain.mean, half_width: gain.half_width }
        };
        let gains: Vec<Gain> = searches.map(gain).collect();
        Self {
            people: USERS.len(),
            runs_per_person: runs.len() / USERS.len(),
            searches: gains.iter().map(|gain| gain.searches).max().unwrap_or_default(),
            clicks: runs.iter().map(|run| run.clicks).sum::<usize>() as f64 / runs.len() as f64,
            gains,
            showcase,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, runs_per_person, searches, clicks, gains, showcase } = self;
        writeln!(
            out,
            "Somebody describes a program (one not in the index) and clicks on others: this person wants it on the command line, that one in a window."
        )?;
        writeln!(
            out,
            "MicroLoRA learns it from {searches} searches and some {clicks:.0} clicks of each person. Two new searches follow; * marks what is on topic and of the liked"
        )?;
        writeln!(
            out,
            "kind. Each has the upper quartile of the gain, of all that show more * than before and still their former first result:"
        )?;
        for search in &showcase.searches {
            writeln!(out, "\n  likes {}, asks for \"{}\"", search.likes, search.query)?;
            for (when, results) in [("before", &search.before), ("after", &search.after)] {
                let names: Vec<String> = results
                    .iter()
                    .map(|result| format!("{}{}", if result.is_good { "*" } else { "" }, result.name))
                    .collect();
                writeln!(out, "    {when:6}  {}", names.join("  "))?;
            }
        }
        let Showcase { unseen, better, worse, kept, .. } = showcase;
        let same = unseen - better - worse;
        writeln!(
            out,
            "\nOf all {unseen} new searches of these two, {better} are ranked better than before, {same} equally well, {worse} worse; of ten results {kept:.1} stay."
        )?;
        writeln!(
            out,
            "How well new searches are ranked (nDCG@10, 1 is perfect; more coarsely than in README.md; {people} people, {runs_per_person} runs each; see --details):"
        )?;
        for Gain { searches, base, mean, half_width } in gains {
            writeln!(out, "gain@{searches} {mean:+.3} ±{half_width:.3} (base {base:.3})")?;
        }
        Ok(())
    }
}
