//! Tables that can be read in a terminal and pasted into a page.

use std::fmt::Write;
use std::thread::available_parallelism;

use comfy_table::{CellAlignment, Table, presets};
use micro_lora::Simd;

use crate::goals::{Goal, per_parameter};
use crate::lora::Shape;
use crate::operation::{OPERATIONS, Operation};
use crate::peers::{PEERS, openblas_core};
use crate::race::{Race, Who, levels, peers};

/// How many misses of one goal are listed.
const LISTED: usize = 12;

pub fn write(races: &[Race], goals: &[Goal]) -> String {
    let mut text = machine();
    for operation in OPERATIONS {
        text += &ratios(races, operation);
    }
    text += &example(races);
    text += &bounds(races);
    text += &growth(races);
    text += &verdicts(goals);
    text
}

fn machine() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    format!(
        "x86-64, {cores} cores, up to {}; OpenBLAS uses its kernels for {}. Least of many turns, in ns; buffers \
         begin at cache lines.\n",
        Simd::best().name(),
        openblas_core()
    )
}

fn table<S: ToString>(header: impl IntoIterator<Item = S>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header.into_iter().map(|cell| cell.to_string()));
    table
}

fn finish(title: &str, mut table: Table) -> String {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("\n### {title}\n\n{table}\n")
}

fn size(Shape { inputs, outputs, rank }: Shape) -> String {
    format!("{inputs}x{outputs} r{rank}")
}

fn nanoseconds(race: &Race, who: Who) -> String {
    race.time(who).map_or_else(String::new, |time| format!("{:.0}", time.min))
}

/// Our time, and its ratio to each peer's.
fn ratios(races: &[Race], operation: Operation) -> String {
    let ours = levels().map(|simd| format!("{}, ns", simd.name()));
    let theirs = peers().map(|peer| format!("of {}", PEERS[peer].name));
    let header = [String::new()].into_iter().chain(ours).chain(["with cap".to_owned()]).chain(theirs);
    let mut table = table(header);
    for race in races.iter().filter(|race| race.operation == operation) {
        let mut row = vec![size(race.shape)];
        row.extend(levels().map(|simd| nanoseconds(race, Who::Ours(simd))));
        row.push(nanoseconds(race, Who::OursCapped));
        row.extend(
            peers().map(|peer| race.ratio(peer).map_or_else(String::new, |ratio| format!("{ratio:.2}"))),
        );
        table.add_row(row);
    }
    finish(&operation.to_string(), table)
}

/// All contenders' times, at one size.
fn example(races: &[Race]) -> String {
    let shape = Shape { inputs: 768, outputs: 768, rank: 2 };
    let chosen: Vec<_> = races.iter().filter(|race| race.shape == shape).collect();
    let operations = chosen.iter().map(|race| race.operation.to_string());
    let mut table = table(["least / median, ns".to_owned()].into_iter().chain(operations));
    let Some(first) = chosen.first() else { return String::new() };
    for (who, _) in &first.times {
        let times = chosen.iter().map(|race| {
            race.time(*who).map_or_else(String::new, |time| format!("{:.0} / {:.0}", time.min, time.median))
        });
        table.add_row([who.name()].into_iter().chain(times));
    }
    finish("768x768 r2, everybody", table)
}

/// Times relative to loading alone.
fn bounds(races: &[Race]) -> String {
    let columns = levels().flat_map(|simd| {
        [format!("loads, {}", simd.name()), "GB/s".to_owned(), "our time over it".to_owned()]
    });
    let mut table = table(["reads its operands once".to_owned()].into_iter().chain(columns));
    for race in races.iter().filter(|race| race.shape.rank == 2 && race.shape.is_square()) {
        let Some(bytes) = race.operation.bytes_read(race.shape) else { continue };
        let mut row = vec![format!("{}, {}", race.operation, size(race.shape))];
        for simd in levels() {
            let (Some(loads), Some(ours)) = (race.time(Who::Loads(simd)), race.time(Who::Ours(simd))) else {
                continue;
            };
            row.push(format!("{:.0}", loads.min));
            row.push(format!("{:.0}", bytes as f64 / loads.min));
            row.push(format!("{:.2}", ours.min / loads.min));
        }
        table.add_row(row);
    }
    finish("beside the bandwidth of the caches", table)
}

fn growth(races: &[Race]) -> String {
    let mut table = table(["apply, rank 2: ns per 1000 parameters", "64x64", "768x768", "4096x4096"]);
    let best = Simd::best();
    for who in [Who::Ours(best), Who::Loads(best)] {
        let cells = [64, 768, 4096].map(|size| {
            let shape = Shape { inputs: size, outputs: size, rank: 2 };
            let race = races.iter().find(|race| race.operation == Operation::Apply && race.shape == shape);
            let time = race.and_then(|race| per_parameter(race, who));
            time.map_or_else(String::new, |time| format!("{:.1}", 1000.0 * time))
        });
        table.add_row([who.name()].into_iter().chain(cells));
    }
    finish("growth", table)
}

fn verdicts(goals: &[Goal]) -> String {
    let mut text = String::from("\n### goals\n\n");
    for goal in goals {
        let missed: Vec<_> = goal.missed().collect();
        let total = goal.cases.len();
        let verdict = if goal.is_met() { "met" } else { "MISSED" };
        let _ = write!(text, "- {verdict}: {}", goal.what);
        match &goal.cases[..] {
            [only] => {
                let _ = writeln!(text, ": {:.2}", only.ratio);
            }
            _ => {
                let _ = writeln!(text, ": {} of {total}", total - missed.len());
            }
        }
        if total > 1 {
            text += &listed(&missed);
        }
    }
    text
}

/// The worst first.
fn listed(missed: &[&crate::goals::Case]) -> String {
    let mut missed = missed.to_vec();
    missed.sort_by(|a, b| (b.ratio / b.limit).total_cmp(&(a.ratio / a.limit)));
    let mut text = String::new();
    for case in missed.iter().take(LISTED) {
        let _ = writeln!(text, "  - {}: {:.2}, expected at most {:.2}", case.of, case.ratio, case.limit);
    }
    if missed.len() > LISTED {
        let _ = writeln!(text, "  - and {} more", missed.len() - LISTED);
    }
    text
}

pub fn csv(races: &[Race]) -> String {
    let mut text = String::from("operation,in_features,out_features,rank,contender,min_ns,median_ns\n");
    for race in races {
        let Shape { inputs, outputs, rank } = race.shape;
        for (who, time) in &race.times {
            let (name, min, median) = (who.name(), time.min, time.median);
            let _ = writeln!(
                text,
                "\"{}\",{inputs},{outputs},{rank},\"{name}\",{min:.1},{median:.1}",
                race.operation
            );
        }
    }
    text
}
