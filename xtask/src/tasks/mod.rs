//! Every task, in the order in which the help lists them. A task adds one or more steps to the report.

mod bare_metal;
mod golden;
mod package;
mod state;
mod test;

use crate::cli::{Flag, Task};

pub const ALL: &[Task] = &[
    Task {
        name: "test",
        about: "everything that must hold before a change lands; CI runs this",
        options: &[Flag { name: "--quick", about: "only what takes seconds once the tree is built" }],
        run: |shell, options, report| test::run(shell, options.has("--quick"), report),
    },
    Task {
        name: "golden",
        about: "results against the golden vectors, with the largest relative error",
        options: &[],
        run: |shell, _, report| golden::run(shell, report),
    },
    Task {
        name: "state",
        about: "a saved state read and re-formatted by Python and JavaScript",
        options: &[],
        run: |shell, _, report| state::run(shell, report),
    },
    Task {
        name: "bare-metal",
        about: "link firmware for Cortex-M4F and Cortex-M0 with `core` alone: no std, no alloc",
        options: &[],
        run: |shell, _, report| bare_metal::run(shell, report),
    },
    Task {
        name: "package",
        about: "build the crate as it would be published, and check its size",
        options: &[],
        run: |shell, _, report| package::run(shell, report),
    },
];
