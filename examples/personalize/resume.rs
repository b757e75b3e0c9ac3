//! Keeps one user's adapter from one process to the next.

use std::error::Error;
use std::path::Path;
use std::{fs, io};

use micro_lora_lab::{Clicks, Debian, OnlineLora, Plan, Rule, Run, Task, USERS, run};

use crate::contenders::RANK;

/// Events per process.
const EVENTS: usize = 200;
/// The distance between two points of the curve.
const STRIDE: usize = 50;
const SEED: u32 = 0;

type Lora = OnlineLora<RANK>;

/// Starts, or continues where the file ended, and saves again.
pub fn resume(file: &Path) -> Result<(), Box<dyn Error>> {
    let data = Debian::embedded()?;
    let task = Task::new(&data, &USERS[0], SEED);
    let mut lora = match fs::read(file) {
        Ok(json) => Lora::restore(Rule::Listwise, &json)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Lora::new(Rule::Listwise, SEED)?,
        Err(error) => return Err(error.into()),
    };
    let seen = lora.seen();
    let last = seen + EVENTS;
    println!("{}: {seen} events so far, {EVENTS} more", USERS[0].name);
    let resumed = run(&task, &plan(seen, last), &mut lora)?;
    print_curve(&resumed);

    let mut never_stopped = Lora::new(Rule::Listwise, SEED)?;
    let whole = run(&task, &plan(0, last), &mut never_stopped)?;
    let tail = &whole.checkpoints[whole.checkpoints.len() - resumed.checkpoints.len()..];
    if !lora.same_as(&never_stopped) || tail != resumed.checkpoints {
        return Err(format!(
            "after {last} events: expected the bits of a run that never stopped, got others"
        )
        .into());
    }
    println!("the same bits as a run of {last} events that never stopped");

    let json = lora.save()?;
    fs::write(file, &json)?;
    println!("saved {} bytes to {}", json.len(), file.display());
    Ok(())
}

fn plan(seen: usize, last: usize) -> Plan {
    let checkpoints = (STRIDE..=last).step_by(STRIDE).filter(|events| *events > seen).collect();
    Plan { checkpoints, seen, ..Plan::of(Clicks::HONEST) }
}

fn print_curve(run: &Run) {
    for checkpoint in &run.checkpoints {
        println!(
            "  after {:>5} events: nDCG@10 {:.4} ({:+.4})",
            checkpoint.events,
            checkpoint.adapted,
            checkpoint.gain()
        );
    }
}
