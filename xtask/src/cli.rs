//! The command line: one task and that task's options. Everything is declared in `tasks::ALL`, so the help always
//! lists what is accepted.

use std::fmt::Write;
use std::slice;

use xshell::Shell;

use crate::report::Report;

pub struct Task {
    pub name: &'static str,
    pub about: &'static str,
    pub options: &'static [Flag],
    pub run: fn(&Shell, &Options, &mut Report),
}

/// `--quick` is given or not; one named like `--seconds N` takes a value.
pub struct Flag {
    pub name: &'static str,
    pub about: &'static str,
}

impl Flag {
    /// The option as typed, and whether a value follows.
    fn parts(&self) -> (&'static str, bool) {
        self.name.split_once(' ').map_or((self.name, false), |(name, _)| (name, true))
    }
}

/// The options that were typed, each with its value if it takes one.
#[derive(Debug, PartialEq)]
pub struct Options(Vec<(&'static str, Option<String>)>);

impl Options {
    pub fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == flag)
    }

    /// The value of a flag that takes one, if it was given; the last one counts.
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| *name == flag)?.1.as_deref()
    }

    /// The given ones of these options with their values, as arguments for another command.
    pub fn passed_on<'a>(&'a self, names: &[&'a str]) -> Vec<&'a str> {
        names.iter().flat_map(|name| self.values(name).flat_map(move |value| [*name, value])).collect()
    }

    /// The values of a flag that may be given more than once.
    pub fn values(&self, flag: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(name, _)| *name == flag).filter_map(|(_, value)| value.as_deref())
    }
}

pub enum Request {
    /// On these tasks: all, or the one that was named.
    Help(&'static [Task]),
    Run {
        task: &'static Task,
        options: Options,
    },
}

/// `Err` is a usage error, ready to print.
pub fn parse(mut arguments: impl Iterator<Item = String>, tasks: &'static [Task]) -> Result<Request, String> {
    let Some(name) = arguments.next() else {
        return Ok(Request::Help(tasks));
    };
    if is_help(&name) {
        return Ok(Request::Help(tasks));
    }
    let Some(task) = tasks.iter().find(|task| task.name == name) else {
        let names: Vec<_> = tasks.iter().map(|task| task.name).collect();
        return Err(format!("unknown task `{name}`: expected one of {}", names.join(", ")));
    };
    let mut options = Options(Vec::new());
    while let Some(argument) = arguments.next() {
        if is_help(&argument) {
            return Ok(Request::Help(slice::from_ref(task)));
        }
        let flag = task.options.iter().find(|flag| flag.parts().0 == argument);
        let flag = flag.ok_or_else(|| unknown_option(task, &argument))?;
        let value = match flag.parts() {
            (_, false) => None,
            (_, true) => Some(
                arguments.next().ok_or_else(|| format!("expected `{}`, the value is missing", flag.name))?,
            ),
        };
        options.0.push((flag.parts().0, value));
    }
    Ok(Request::Run { task, options })
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "help" | "--help" | "-h")
}

fn unknown_option(task: &Task, argument: &str) -> String {
    let expected: Vec<_> = task.options.iter().map(|flag| flag.name).collect();
    let expected = if expected.is_empty() { "none".to_owned() } else { expected.join(", ") };
    format!("task `{}` does not take `{argument}`: expected options: {expected}", task.name)
}

pub fn help(tasks: &[Task]) -> String {
    let mut text = String::from("Usage: cargo xtask <task> [options]\n\nTasks:\n");
    for task in tasks {
        writeln!(text, "  {:<12} {}", task.name, task.about).expect("a String takes every write");
        for flag in task.options {
            writeln!(text, "    {:<10} {}", flag.name, flag.about).expect("a String takes every write");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    static TASKS: &[Task] = &[
        Task { name: "plain", about: "takes nothing", options: &[], run: |_, _, _| () },
        Task {
            name: "flagged",
            about: "takes a flag",
            options: &[
                Flag { name: "--quick", about: "less of it" },
                Flag { name: "--seconds N", about: "for so long" },
            ],
            run: |_, _, _| (),
        },
    ];

    fn parse_words(words: &[&str]) -> Result<Request, String> {
        parse(words.iter().map(|word| (*word).to_owned()), TASKS)
    }

    #[test]
    fn no_task_or_a_call_for_help_lists_the_tasks() {
        for (words, listed) in [
            (&[][..], &["plain", "flagged"][..]),
            (&["--help"], &["plain", "flagged"]),
            (&["-h"], &["plain", "flagged"]),
            (&["help"], &["plain", "flagged"]),
            (&["plain", "--help"], &["plain"]),
            (&["flagged", "--quick", "-h"], &["flagged"]),
        ] {
            let Ok(Request::Help(tasks)) = parse_words(words) else { panic!("{words:?}") };
            assert!(tasks.iter().map(|task| task.name).eq(listed.iter().copied()), "{words:?}");
        }
        let help = help(TASKS);
        for expected in ["plain", "takes nothing", "flagged", "--quick", "less of it"] {
            assert!(help.contains(expected), "{expected} is missing in:\n{help}");
        }
    }

    #[test]
    fn a_known_task_runs_with_the_flags_it_was_given() {
        let Ok(Request::Run { task, options }) = parse_words(&["flagged", "--quick"]) else {
            panic!("not run")
        };
        assert_eq!(task.name, "flagged");
        assert!(options.has("--quick"));

        let Ok(Request::Run { options, .. }) = parse_words(&["flagged"]) else { panic!("not run") };
        assert!(!options.has("--quick"));
    }

    #[test]
    fn an_option_with_a_value_takes_the_next_word() {
        let Ok(Request::Run { options, .. }) = parse_words(&["flagged", "--seconds", "5", "--quick"]) else {
            panic!("not run")
        };
        assert!(options.has("--quick"));
        assert_eq!((options.value("--seconds"), options.value("--quick")), (Some("5"), None));

        let error = parse_words(&["flagged", "--seconds"]).err().expect("must be refused");
        assert_eq!(error, "expected `--seconds N`, the value is missing");
    }

    #[test]
    fn unknown_words_are_refused_with_what_was_expected() {
        for (words, came, expected) in [
            (&["tset"][..], "`tset`", "plain, flagged"),
            (&["plain", "--quick"], "`--quick`", "none"),
            (&["flagged", "--slow"], "`--slow`", "--quick, --seconds N"),
        ] {
            let error = parse_words(words).err().expect("must be refused");
            assert!(error.contains(came) && error.contains(expected), "{error}");
        }
    }
}
