use std::time::Duration;

use console::style;
use micro_lora_lab::{Checkpoint, Contender, Debian, Estimate, Run};

use crate::contenders::DEFAULT;

/// Width of the tables' first column.
const LABEL: usize = 36;

pub fn introduction(data: &Debian, seeds: u32) {
    println!("{}", style("Software search that learns its user's taste from clicks").bold());
    println!(
        "
{} Debian packages, embedded once by a frozen sentence model; 1,500 of them can be found, the
descriptions of others are the queries. A simulated user searches, sees ten results and clicks:
more at the top, with noise, and only on programs of the kind they like (command line or
graphical), which no query mentions. After every search the adapter of rank 4 learns.
Below: nDCG@10 on queries it never saw; runs per user: {seeds}, intervals: 95 %.",
        data.packages.len()
    );
}

/// One user's base, adapted nDCG@10 and gain at every checkpoint.
pub fn learning(name: &str, runs: &[Run]) {
    let base = Estimate::of(runs.iter().map(|run| run.checkpoints[0].base)).mean;
    println!();
    header(&format!("{name} (base {base:.3})"), runs);
    row("nDCG@10", estimates(runs, |c| c.adapted).iter().map(|e| format!("{:.3}", e.mean)));
    let gains = estimates(runs, |c| c.gain());
    row("gain", gains.iter().map(|e| format!("{:+.3}", e.mean)));
    row("", gains.iter().map(half_width));
}

/// Every contender's gain, mean of all users.
pub fn comparison(contenders: &[Contender], runs: &[Vec<Run>]) {
    println!();
    header("the same searches, other learners", &runs[DEFAULT]);
    for (contender, runs) in contenders.iter().zip(runs) {
        let gains = estimates(runs, |c| c.gain());
        let last = gains.last().map(half_width).unwrap_or_default();
        row(contender.name, gains.iter().map(|e| format!("{:+.3}", e.mean)).chain([last]));
    }
}

/// Time per event and memory.
pub fn cost(contender: &Contender, runs: &[Run]) -> Result<(), micro_lora::Error> {
    let apply = median_micros(runs, |run| &run.correct_times);
    let learn = median_micros(runs, |run| &run.learn_times);
    let bytes = (contender.learner)(0)?.state_bytes();
    println!("\nper event: apply {apply:.1} µs, learn {learn:.1} µs; state: {bytes} bytes");
    println!("(median of all events; each search in between reads 2 MB, so the adapter starts cold)");
    Ok(())
}

fn median_micros(runs: &[Run], times: fn(&Run) -> &[Duration]) -> f64 {
    let mut times: Vec<Duration> = runs.iter().flat_map(times).copied().collect();
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |median| median.as_secs_f64() * 1e6)
}

fn estimates(runs: &[Run], value: fn(&Checkpoint) -> f64) -> Vec<Estimate> {
    let at = |i: usize| Estimate::of(runs.iter().map(|run| value(&run.checkpoints[i])));
    (0..runs[0].checkpoints.len()).map(at).collect()
}

fn header(title: &str, runs: &[Run]) {
    let title = style(format!("{title:LABEL$}")).bold();
    let events: String = runs[0].checkpoints.iter().map(|c| format!("{:>8}", c.events)).collect();
    println!("{title}{events}  events");
}

fn row(label: &str, cells: impl Iterator<Item = String>) {
    let cells: String = cells.map(|cell| format!("{cell:>8}")).collect();
    println!("  {label:0$}{cells}", LABEL - 2);
}

fn half_width(estimate: &Estimate) -> String {
    format!("±{:.3}", estimate.half_width)
}
