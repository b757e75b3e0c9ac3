//! Which module uses which, in Rust and in JavaScript. Circular dependencies are an error, direct or indirect: to
//! understand one module of a circle, one would have to read all of them.
//!
//! A file is a module. It uses the file in which a name that it imports or spells out is defined; `mod x;` and a
//! re-export do not count.

mod graph;
mod javascript;
mod names;
mod source;

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use graph::{Graph, circles};
use xshell::{Shell, cmd};

use crate::report::Report;

pub const STEP: &str = "modules";

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        let graph = read(shell)?;
        for (file, uses) in &graph {
            let uses: Vec<_> = uses.keys().map(String::as_str).collect();
            println!("{file}: {}", uses.join(" "));
        }
        refuse_circles(&graph)
    });
}

pub fn check(shell: &Shell) -> Result<()> {
    refuse_circles(&read(shell)?)
}

fn read(shell: &Shell) -> Result<Graph> {
    let mut graph = Graph::new();
    let tracked = cmd!(shell, "git ls-files *.rs *.js *.mjs").quiet().read()?;
    for file in tracked.lines() {
        if file.ends_with("lib.rs") || file.ends_with("main.rs") {
            names::uses(&source::Crate::read(shell, file)?, &mut graph);
        } else if !file.ends_with(".rs") {
            javascript::uses(shell, file, &mut graph)?;
        }
    }
    Ok(graph)
}

fn refuse_circles(graph: &Graph) -> Result<()> {
    let circles = circles(graph);
    let uses: usize = graph.values().map(BTreeMap::len).sum();
    println!("{} files, {uses} uses, {} files in a circle", graph.len(), circles.len());
    for (file, uses) in &circles {
        for (used, names) in uses {
            println!(
                "{file} uses {used}: {}",
                names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            );
        }
    }
    ensure!(circles.is_empty(), "expected no circle of modules, got the uses above");
    Ok(())
}
