//! Sizes outside the limits must not compile, and the compiler must name the limit.
//!
//! Every file in `tests/compile-fail/` is a program of its own. Its first line says what is expected: `//~ ERROR` and a
//! part of the message, or `//~ OK` for the control, without which a broken set-up would look like a refusal. The
//! programs are *built*, not checked: limits on const generics are only evaluated when code is generated.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

enum Expected {
    Built,
    Error(String),
}

struct Fixture {
    name: String,
    path: PathBuf,
    expected: Expected,
}

impl Fixture {
    /// For a static, rustc shows the constant that failed, but not the static that uses it.
    fn is_static(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|source| source.contains("\nstatic "))
    }
}

#[test]
fn sizes_outside_the_limits_do_not_compile() {
    let fixtures = fixtures();
    let package = write_package(&fixtures);

    let failures: Vec<_> = fixtures
        .iter()
        .filter_map(|fixture| compare(fixture, build(&package, &fixture.name)).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The control first: one error of a broken set-up is easier to read than a dozen wrong refusals.
fn fixtures() -> Vec<Fixture> {
    let directory = root().join("tests/compile-fail");
    let entries = fs::read_dir(&directory).expect("the fixtures are in the repository");
    let mut fixtures: Vec<_> =
        entries.map(|entry| fixture(entry.expect("a readable directory").path())).collect();
    fixtures.sort_by_key(|fixture| (matches!(fixture.expected, Expected::Error(_)), fixture.name.clone()));

    let controls = fixtures.iter().filter(|fixture| matches!(fixture.expected, Expected::Built)).count();
    assert!(
        controls > 0 && fixtures.len() > controls,
        "expected controls and refusals in {}",
        directory.display()
    );
    fixtures
}

fn fixture(path: PathBuf) -> Fixture {
    let source = fs::read_to_string(&path).expect("a readable fixture");
    let first = source.lines().next().unwrap_or_default();
    let expected = match (first, first.strip_prefix("//~ ERROR ")) {
        ("//~ OK", _) => Expected::Built,
        (_, Some(message)) if !message.is_empty() => Expected::Error(message.to_owned()),
        _ => panic!("{}: expected `//~ OK` or `//~ ERROR <message>` first, came `{first}`", path.display()),
    };
    let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a fixture has a name").to_owned();
    Fixture { name, path, expected }
}

/// One package with a program per fixture, so that the crate itself is compiled once. It lives outside the workspace:
/// inside, its programs would break every other build.
fn write_package(fixtures: &[Fixture]) -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-fail");
    fs::create_dir_all(&package).expect("the target directory is writable");

    let mut manifest = format!(
        "[package]\nname = \"compile-fail\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nmicro-lora = {{ path = '{}' }}\n",
        root().display()
    );
    for Fixture { name, path, .. } in fixtures {
        manifest += &format!("\n[[bin]]\nname = \"{name}\"\npath = '{}'\n", path.display());
    }
    fs::write(package.join("Cargo.toml"), manifest).expect("the target directory is writable");
    // With the versions of this build nothing has to be resolved, so no registry is asked.
    let lock = root().join("Cargo.lock");
    if lock.exists() {
        fs::copy(lock, package.join("Cargo.lock")).expect("the target directory is writable");
    }
    package
}

fn build(package: &Path, program: &str) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["build", "--offline", "--color", "never", "--bin", program, "--target-dir"])
        .arg(package.join("target"))
        .current_dir(package)
        .output()
        .expect("cargo runs: it started this test");
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(messages) }
}

fn compare(fixture: &Fixture, built: Result<(), String>) -> Result<(), String> {
    let name = &fixture.name;
    match (&fixture.expected, built) {
        (Expected::Built, Ok(())) => Ok(()),
        (Expected::Error(expected), Err(messages))
            if messages.contains(expected)
                && (fixture.is_static() || messages.contains(&format!("{name}.rs:"))) =>
        {
            Ok(())
        }
        (Expected::Built, Err(messages)) => Err(format!("{name}: expected to build, came:\n{messages}")),
        (Expected::Error(expected), Ok(())) => {
            Err(format!("{name}: expected the error `{expected}`, but it was built"))
        }
        (Expected::Error(expected), Err(messages)) => Err(format!(
            "{name}: expected the error `{expected}` with the line in {name}.rs, came:\n{messages}"
        )),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
