//! The measured figures, and how they are printed.

use std::fmt::Write;

use micro_lora_lab::Estimate;

/// The runs of one learner: every metric at each point of each run.
pub struct Row {
    pub name: String,
    pub runs: Vec<Vec<Vec<f64>>>,
}

/// The figures of one set.
pub struct Table {
    pub set: &'static str,
    pub title: String,
    /// Names of the metrics; the first one is the main figure.
    pub metrics: &'static [&'static str],
    /// The number of events at each point.
    pub at: Vec<usize>,
    pub rows: Vec<Row>,
    /// The line about the frozen model.
    pub frozen: String,
}

/// Points at which the metrics other than the first are printed, unless there are no other points.
const DETAILS_AT: [usize; 2] = [100, 600];

impl Table {
    /// One value per run.
    pub fn values(&self, learner: &str, at: usize, metric: &str) -> Option<Vec<f64>> {
        let (at, metric) = (self.place(at)?, self.metrics.iter().position(|name| *name == metric)?);
        let row = self.rows.iter().find(|row| row.name == learner)?;
        row.runs.iter().map(|run| Some(*run.get(at)?.get(metric)?)).collect()
    }

    fn place(&self, at: usize) -> Option<usize> {
        self.at.iter().position(|events| *events == at)
    }

    /// Tables in Markdown. The others are compared with `main` on the same runs.
    pub fn print(&self, main: &str) -> String {
        let runs = self.rows.iter().map(|row| row.runs.len()).max().unwrap_or(0);
        let plural = if runs == 1 { "" } else { "s" };
        let mut text = format!("### {}: {}\n\n{runs} run{plural}. {}\n\n", self.set, self.title, self.frozen);
        text += &self.figures(main);
        text += &self.details();
        text
    }

    fn figures(&self, main: &str) -> String {
        let Some((metric, last)) = self.metrics.first().zip(self.at.last()) else { return String::new() };
        let heads: Vec<String> = self.at.iter().map(|at| format!("@{at}")).collect();
        let heads = if self.at.len() == 1 { "mean".to_owned() } else { heads.join(" | ") };
        let mut text = format!("| {metric} | {heads} | worst run | less that of {main} |\n|---|");
        text += &"---|".repeat(self.at.len() + 2);
        text.push('\n');
        for Row { name, .. } in &self.rows {
            let of = |at: &usize| self.values(name, *at, metric).unwrap_or_default();
            let cells: Vec<String> = self.at.iter().map(|at| cell(of(at))).collect();
            let worst = of(last).into_iter().fold(f64::INFINITY, f64::min);
            let pairs = self.values(main, *last, metric).filter(|_| name != main).unwrap_or_default();
            let less = cell(of(last).iter().zip(&pairs).map(|(mine, other)| mine - other).collect());
            let _ = writeln!(text, "| {name} | {} | {worst:+.3} | {less} |", cells.join(" | "));
        }
        text.push('\n');
        text
    }

    fn details(&self) -> String {
        let at: Vec<usize> =
            self.at.iter().copied().filter(|at| DETAILS_AT.contains(at) || self.at.len() == 1).collect();
        let Some((_, more)) =
            self.metrics.split_first().filter(|(_, more)| !more.is_empty() && !at.is_empty())
        else {
            return String::new();
        };
        let when: Vec<String> = at.iter().map(|at| format!("@{at}")).collect();
        let when = if self.at.len() == 1 { String::new() } else { format!(", {}", when.join(" / ")) };
        let mut text = format!("| learner{when} | {} |\n|---|", more.join(" | "));
        text += &"---|".repeat(more.len());
        text.push('\n');
        for Row { name, .. } in &self.rows {
            let cells: Vec<String> = more
                .iter()
                .map(|metric| {
                    let mean = |at: &usize| {
                        Estimate::of(self.values(name, *at, metric).unwrap_or(vec![f64::NAN])).mean
                    };
                    // Not every set has typed queries.
                    let one = |value: f64| if value.is_nan() { "-".into() } else { format!("{value:.3}") };
                    at.iter().map(|at| one(mean(at))).collect::<Vec<String>>().join(" / ")
                })
                .collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
        text.push('\n');
        text
    }
}

fn cell(values: Vec<f64>) -> String {
    if values.is_empty() {
        return String::new();
    }
    let Estimate { mean, half_width } = Estimate::of(values);
    if half_width.is_finite() { format!("{mean:+.3} ±{half_width:.3}") } else { format!("{mean:+.3}") }
}
