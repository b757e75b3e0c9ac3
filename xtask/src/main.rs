//! The project's only task runner. `cargo xtask` lists the tasks; each lives in a file of its own under `tasks/`.

mod c_target;
mod cli;
mod cross;
mod needs;
mod qemu;
mod report;
mod tasks;
mod workspace;

use std::env;
use std::process::ExitCode;

use cli::Request;
use report::Report;

fn main() -> ExitCode {
    match cli::parse(env::args().skip(1), tasks::ALL) {
        Ok(Request::Help(tasks)) => {
            print!("{}", cli::help(tasks));
            ExitCode::SUCCESS
        }
        Ok(Request::Run { task, options }) => match workspace::shell() {
            Ok(shell) => {
                let mut report = Report::new();
                (task.run)(&shell, &options, &mut report);
                report.finish()
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
        Err(usage) => {
            eprintln!(
                "error: {usage}\n\n`cargo xtask help` lists all tasks, `cargo xtask <task> --help` its options."
            );
            ExitCode::from(2)
        }
    }
}
