//! Everything that must hold before a change lands.

use anyhow::Result;
use xshell::{Shell, cmd};

use super::{
    bare_metal, bench, beside, bits, c_test, embedded, eye, golden, learn, modules, npm, package, state,
    web_test,
};
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

pub fn run(shell: &Shell, quick: bool, report: &mut Report) {
    report.step("format", || {
        needs::ensure(shell, &[&needs::RUSTFMT])?;
        cmd!(shell, "cargo fmt --all --check").run()?;
        cmd!(shell, "cargo fmt --manifest-path examples/hnsw/Cargo.toml --check").run()?;
        Ok(cmd!(shell, "cargo fmt --manifest-path bench/Cargo.toml --check").run()?)
    });
    report.step("clippy", || {
        needs::ensure(shell, &[&needs::CLIPPY, &needs::GCC])?;
        cmd!(shell, "cargo clippy --workspace --all-targets {ALLOC...} -- -D warnings").run()?;
        npm::lint(shell)
    });
    report.step(modules::STEP, || modules::check(shell));
    // With debug assertions and overflow checks.
    report.step("tests", || {
        needs::ensure(shell, &[&needs::GCC])?;
        Ok(cmd!(shell, "cargo test --workspace {ALLOC...} --lib --bins --tests --no-fail-fast").run()?)
    });
    // Doc comments of the C interface contain C, which is not a Rust doctest.
    report.step("doc tests", || {
        Ok(cmd!(shell, "cargo test --workspace {ALLOC...} --exclude micro-lora-ffi --doc").run()?)
    });

    if quick {
        for name in [
            OPTIMISED,
            DUAL_ALONE,
            golden::STEP,
            state::STEP,
            EXAMPLE,
            learn::STEP,
            eye::STEP,
            DOCS,
            bits::STEP,
            bench::LINT_STEP,
            bare_metal::STEP,
            embedded::STEP,
            package::STEP,
        ] {
            report.skip(name, "--quick leaves it out");
        }
        for name in [&c_test::STEPS[..], &beside::STEPS]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .chain(web_test::steps())
        {
            report.skip(name, "--quick leaves it out");
        }
        return;
    }
    // Without debug assertions, as users build it: nothing may depend on a side effect of an assertion.
    report.step(OPTIMISED, || {
        Ok(cmd!(shell, "cargo test --release --package micro-lora --lib --tests --no-fail-fast").run()?)
    });
    report.step(DUAL_ALONE, || dual_alone(shell));
    golden::run(shell, report);
    state::run(shell, report);
    report.step(EXAMPLE, || Ok(cmd!(shell, "cargo run --release --example personalize -- --quick").run()?));
    report.step(learn::STEP, || learn::quick(shell));
    report.step(eye::STEP, || eye::quick(shell));
    report.step(DOCS, || docs(shell));
    bits::run(shell, None, report);
    report.step(bench::LINT_STEP, || bench::lint(shell));
    bare_metal::run(shell, report);
    embedded::run(shell, report);
    c_test::run(shell, report);
    web_test::run(shell, None, false, report);
    beside::run(shell, true, report);
    package::run(shell, report);
}

/// With `boxed`, which no other step has. The optimised tests are of the default features.
const ALLOC: [&str; 2] = ["--features", "micro-lora/alloc"];

const OPTIMISED: &str = "tests, optimised";
const DUAL_ALONE: &str = "tests, dual step alone";
const EXAMPLE: &str = "example";
const DOCS: &str = "documentation";

/// With all features, as docs.rs does: no test needs `defmt`, which would not be compiled anywhere else.
fn docs(shell: &Shell) -> Result<()> {
    Ok(cmd!(shell, "cargo doc --workspace --no-deps --all-features")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?)
}

/// The build with the dual step alone, for devices that learn from lists, see `src/profile.rs`.
fn dual_alone(shell: &Shell) -> Result<()> {
    let target_dir = target_dir(shell).join("dual");
    Ok(cmd!(
        shell,
        "cargo test --package micro-lora --test dual_only --test dual_golden --target-dir {target_dir}"
    )
    .env("RUSTFLAGS", "--cfg micro_lora_dual")
    .run()?)
}
