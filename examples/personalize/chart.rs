use console::{Color, style};
use micro_lora_lab::{Checkpoint, Contender, Run};

use crate::contenders::DEFAULT;

const WIDTH: usize = 76;
const HEIGHT_MAX: usize = 18;
/// A row's value is a multiple of this, so that the labels are round and zero has a row.
const ROW_UNIT: f64 = 0.005;
/// Every so many rows carry a label.
const LABEL_EVERY: usize = 2;
/// One mark and colour per contender.
const MARKS: [(char, Color); 6] = [
    ('●', Color::Green),
    ('○', Color::Cyan),
    ('-', Color::White),
    ('=', Color::Yellow),
    ('×', Color::Red),
    ('+', Color::Blue),
];

/// Gain over events, mean of all users, one curve per contender.
pub fn learning_curves(contenders: &[Contender], runs: &[Vec<Run>]) {
    let curves: Vec<Vec<(f64, f64)>> = runs.iter().map(|runs| curve(runs)).collect();
    let points = || curves.iter().flatten();
    let events = points().map(|p| p.0).fold(0.0, f64::max);
    let rows = Rows::covering(points().map(|p| p.1));

    let mut columns = vec![vec![None; rows.count()]; WIDTH];
    for (i, cells) in columns.iter_mut().enumerate() {
        cells[rows.of(0.0)] = Some(('┄', Color::White));
        // Drawn backwards, so that the default learner's curve is on top.
        for (curve, mark) in curves.iter().zip(MARKS).rev() {
            let gain = interpolate(curve, events * i as f64 / (WIDTH - 1) as f64);
            cells[rows.of(gain)] = Some(mark);
        }
    }

    println!("\n{}", style("gain in nDCG@10").bold());
    for row in 0..rows.count() {
        let line: String = columns.iter().map(|cells| paint(cells[row])).collect();
        println!("{:>8} ┤{}", rows.label(row), line.trim_end());
    }
    println!("         └{}", "─".repeat(WIDTH));
    println!("          0{:>1$} events", events, WIDTH - 1);
    for (i, (contender, mark)) in contenders.iter().zip(MARKS).enumerate() {
        let name = style(contender.name);
        let name = if i == DEFAULT { name.bold() } else { name };
        println!("          {} {name}", paint(Some(mark)));
    }
}

/// The vertical scale: rows count from the top, and one of them is exactly zero.
struct Rows {
    unit: f64,
    above: usize,
    below: usize,
}

impl Rows {
    fn covering(gains: impl Iterator<Item = f64>) -> Self {
        let (low, high) =
            gains.fold((0.0, 0.0), |(low, high): (f64, f64), gain| (low.min(gain), high.max(gain)));
        let with_unit = |unit: f64| Self {
            unit,
            above: (high / unit).round() as usize,
            below: (-low / unit).round() as usize,
        };
        let mut rows = with_unit(ROW_UNIT);
        while rows.count() > HEIGHT_MAX {
            rows = with_unit(rows.unit + ROW_UNIT);
        }
        rows
    }

    fn count(&self) -> usize {
        self.above + 1 + self.below
    }

    fn of(&self, gain: f64) -> usize {
        (self.above as f64 - gain / self.unit).round() as usize
    }

    fn label(&self, row: usize) -> String {
        if !self.above.abs_diff(row).is_multiple_of(LABEL_EVERY) {
            return String::new();
        }
        format!("{:+.3}", (self.above as f64 - row as f64) * self.unit)
    }
}

/// The mean gains of some runs, starting at zero.
fn curve(runs: &[Run]) -> Vec<(f64, f64)> {
    let mean = |i: usize| runs.iter().map(|run| run.checkpoints[i].gain()).sum::<f64>() / runs.len() as f64;
    let point = |(i, c): (usize, &Checkpoint)| (c.events as f64, mean(i));
    let points = runs[0].checkpoints.iter().enumerate().map(point);
    std::iter::once((0.0, 0.0)).chain(points).collect()
}

fn interpolate(curve: &[(f64, f64)], x: f64) -> f64 {
    let next = curve.partition_point(|point| point.0 < x).clamp(1, curve.len() - 1);
    let ((x0, y0), (x1, y1)) = (curve[next - 1], curve[next]);
    y0 + (y1 - y0) * (x - x0) / (x1 - x0)
}

fn paint(cell: Option<(char, Color)>) -> String {
    match cell {
        Some((mark, color)) => style(mark).fg(color).to_string(),
        None => " ".to_owned(),
    }
}
