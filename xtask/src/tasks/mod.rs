//! Every task, in the order in which the help lists them. A task adds one or more steps to the report.

mod bare_metal;
mod bench;
mod beside;
mod bits;
mod c_install;
mod c_library;
mod c_test;
mod corruption;
mod coverage;
mod demo;
mod embedded;
mod eye;
mod fuzz;
mod fuzz_js;
mod golden;
mod header;
mod layout;
mod learn;
mod minilm;
mod modules;
mod mutants;
mod npm;
mod package;
mod peft;
mod personal_search;
mod ports;
mod rebuilt;
mod size;
mod soak;
mod state;
mod test;
mod thread_sanitizer;
mod ub_checks;
mod web_bench;
mod web_test;
mod web_tools;

use crate::cli::{Flag, Task};

pub const ALL: &[Task] = &[
    Task {
        name: "test",
        about: "run everything that must pass before a change lands; CI runs this",
        options: &[Flag {
            name: "--quick",
            about: "only the checks that take seconds once everything is built",
        }],
        run: |shell, options, report| test::run(shell, options.has("--quick"), report),
    },
    Task {
        name: "golden",
        about: "compare results with the golden vectors; prints the largest relative error",
        options: &[],
        run: |shell, _, report| golden::run(shell, report),
    },
    Task {
        name: "state",
        about: "read and re-format a saved state in Python and JavaScript",
        options: &[],
        run: |shell, _, report| state::run(shell, report),
    },
    Task {
        name: "corruption",
        about: "load every small corruption of a saved state, and count how many are refused",
        options: &[],
        run: |shell, _, report| corruption::run(shell, report),
    },
    Task {
        name: "fuzz",
        about: "run every fuzz target, with debug assertions, overflow checks and AddressSanitizer",
        options: &[
            Flag { name: "--seconds N", about: "seconds for each target, 10 if not given" },
            Flag {
                name: "--count N",
                about: "instead of a time: executions of all targets together, without the sanitizer and comparison hints",
            },
            Flag { name: "--target T", about: "only this target, or several: T,U,V" },
        ],
        run: fuzz::run,
    },
    Task {
        name: "fuzz-js",
        about: "load damaged states into the npm package in Node, and call it with strange arguments",
        options: &[
            Flag {
                name: "--count N",
                about: "cases, half states and half sequences of calls; 4000 if not given",
            },
            Flag { name: "--seed N", about: "chooses the cases, 0 if not given" },
            Flag { name: "--case K", about: "run only this case" },
        ],
        run: fuzz_js::run,
    },
    Task {
        name: "coverage",
        about: "measure which lines and branches of src/ and ffi/src/ the tests run, in Rust and C",
        options: &[
            Flag { name: "--files P", about: "only files whose path begins with P, as src/state" },
            Flag { name: "--check", about: "fail if the tests run less than the recorded minimum" },
        ],
        run: coverage::run,
    },
    Task {
        name: "mutants",
        about: "change the code in one small place after another, and check that a test fails (takes hours)",
        options: &[
            Flag { name: "--every N", about: "a sample: every Nth change" },
            Flag {
                name: "--changed",
                about: "only changes in the lines of the last commit and in uncommitted ones",
            },
            Flag { name: "--since REV", about: "only changes in lines that differ from this revision" },
            Flag { name: "--file GLOB", about: "only changes in this file; repeat it for more" },
            Flag { name: "--jobs N", about: "test N changes at a time, 2 if not given" },
        ],
        run: mutants::run,
    },
    Task {
        name: "soak",
        about: "learn a million clicks with saves and loads in between, in Rust, C and Chromium; compute outputs of snapshots in other threads",
        options: &[
            Flag {
                name: "--clicks N",
                about: "a million if not given, above 10,000 for Chromium; outputs are ten times as many",
            },
            Flag { name: "--seed N", about: "chooses the clicks, 0 if not given" },
            Flag {
                name: "--thread-sanitizer",
                about: "build with ThreadSanitizer; a thousand clicks if not given",
            },
        ],
        run: soak::run,
    },
    Task {
        name: "ub-checks",
        about: "run the tests with the checks for undefined behaviour of the compiler and of a rebuilt standard library",
        options: &[],
        run: |shell, _, report| ub_checks::run(shell, report),
    },
    Task {
        name: "bits",
        about: "run one script on every target and build variant, and compare its hash with the committed one",
        options: &[Flag { name: "--variant V", about: "only variants whose name begins with V, as s390x" }],
        run: |shell, options, report| bits::run(shell, options.value("--variant"), report),
    },
    Task {
        name: "ports",
        about: "test hashes, C interface and states on riscv32, riscv64, i686, Arm, s390x, musl, Windows and WASI",
        options: &[Flag { name: "--target T", about: "only this target" }],
        run: |shell, options, report| ports::run(shell, options.value("--target"), report),
    },
    Task {
        name: "bare-metal",
        about: "link firmware for Cortex-M4F and Cortex-M0 with `core` alone: no std, no alloc",
        options: &[],
        run: |shell, _, report| bare_metal::run(shell, report),
    },
    Task {
        name: "embedded",
        about: "test firmware in C and Rust on two chips: bits, no panic, no allocation, sizes, stack, instructions",
        options: &[],
        run: |shell, _, report| embedded::run(shell, report),
    },
    Task {
        name: "header",
        about: "generate include/micro_lora.h from the crate ffi",
        options: &[],
        run: |shell, _, report| header::run(shell, report),
    },
    Task {
        name: "c-install",
        about: "build the C libraries and install them with headers, pkg-config and CMake files",
        options: &[
            Flag { name: "--prefix DIR", about: "install into DIR/include and DIR/lib" },
            Flag { name: "--target T", about: "for another system, as x86_64-pc-windows-gnu" },
        ],
        run: c_install::run,
    },
    Task {
        name: "c-test",
        about: "test the C interface with compilers, sanitizers and valgrind, installed and in an example",
        options: &[],
        run: |shell, _, report| c_test::run(shell, report),
    },
    Task {
        name: "layout",
        about: "generate wasm/js/generated from the crates: header words, limits and constants",
        options: &[],
        run: |shell, _, report| layout::run(shell, report),
    },
    Task {
        name: "npm",
        about: "build the npm package into wasm/pkg and pack it",
        options: &[],
        run: |shell, _, report| npm::run(shell, report),
    },
    Task {
        name: "size",
        about: "compare what a browser downloads, raw and compressed, with its ceilings",
        options: &[],
        run: |shell, _, report| size::run(shell, report),
    },
    Task {
        name: "web-test",
        about: "test the npm package in Node, Chromium, Firefox and WebKit, and in fresh projects",
        options: &[
            Flag {
                name: "--all",
                about: "every fresh project, also those whose tools take a minute to install",
            },
            Flag { name: "--engine E", about: "only this engine: node, chromium, firefox or webkit" },
        ],
        run: |shell, options, report| {
            web_test::run(shell, options.value("--engine"), options.has("--all"), report);
        },
    },
    Task {
        name: "bench",
        about: "compare the speed with Eigen, OpenBLAS, ndarray, nalgebra, faer and C (compiles them the first time)",
        options: &[
            Flag { name: "--quick", about: "three sizes and few turns, to see that it works" },
            Flag { name: "--check", about: "fail unless the promised ratios are met" },
            Flag { name: "--write", about: "put the tables into docs/performance.md" },
        ],
        run: bench::run,
    },
    Task {
        name: "bench-web",
        about: "compare the speed of the npm package with the package it replaces and plain JavaScript, in Chromium",
        options: &[Flag { name: "--check", about: "fail unless the promised ratios are met" }],
        run: |shell, options, report| web_bench::run(shell, options.has("--check"), report),
    },
    Task {
        name: "demo",
        about: "build the demo page and serve it on localhost (downloads a sentence model the first time)",
        options: &[],
        run: |shell, _, report| demo::run(shell, report),
    },
    Task {
        name: "demo-test",
        about: "test the demo page in Chromium, Firefox and WebKit, at a phone's and a desktop's size",
        options: &[
            Flag { name: "--engine E", about: "only this engine: chromium, firefox or webkit" },
            Flag { name: "--screenshots", about: "write the pictures of docs/demo as well" },
        ],
        run: demo::test,
    },
    Task {
        name: "beside",
        about: "run the examples with hnswlib, hnsw_rs, SQLite and IndexedDB",
        options: &[Flag { name: "--quick", about: "fewer documents and people" }],
        run: |shell, options, report| beside::run(shell, options.has("--quick"), report),
    },
    Task {
        name: "modules",
        about: "print which module uses which; fails on a circular dependency",
        options: &[],
        run: |shell, _, report| modules::run(shell, report),
    },
    Task {
        name: "package",
        about: "build the crate as it would be published, and check its size",
        options: &[],
        run: |shell, _, report| package::run(shell, report),
    },
    Task {
        name: "eye",
        about: "print twenty unseen searches before and after learning, for a reader to judge",
        options: &[
            Flag { name: "--clicks N", about: "searches that are learned from, 200 if not given" },
            Flag {
                name: "--seed N",
                about: "chooses the searches that are learned from and those that are shown; 0 if not given",
            },
        ],
        run: eye::run,
    },
    Task {
        name: "learn",
        about: "measure how well each way of learning works, compared with simple methods",
        options: &[
            Flag { name: "--quick", about: "a few runs" },
            Flag { name: "--check", about: "fail if a required figure is missed" },
            Flag { name: "--write", about: "put the tables into docs/learning.md" },
            Flag {
                name: "--data DIR",
                about: "another set as well: NAME_f16.npz and NAME.jsonl with a \"label\" per line",
            },
            Flag { name: "--ratings DIR", about: "real people as well: ratings of movies" },
            Flag { name: "--set NAME", about: "only this set; repeat it for more" },
            Flag { name: "--learner PREFIX", about: "only learners whose name is, or begins with, PREFIX" },
            Flag { name: "--seeds N", about: "runs per person" },
            Flag { name: "--validation", about: "measure on the queries that are used to choose settings" },
        ],
        run: learn::run,
    },
    Task {
        name: "peft",
        about: "exchange adapters with an installed PEFT, both ways (downloads torch the first time)",
        options: &[],
        run: |shell, _, report| peft::run(shell, report),
    },
    Task {
        name: "personal-search",
        about: "run the example with transformers.js and a real model (downloads both the first time)",
        options: &[],
        run: |shell, _, report| personal_search::run(shell, report),
    },
];
