//! The npm package: six builds of the engine, the modules around them and the tarball.
//!
//! The main entry, `learn` (which adds a memory of lists) and `lite` are each built with and without simd128. The
//! builds without it are for engines that have only the first version of WebAssembly, and are validated as such.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::cross::Toolchain;
use crate::needs;
use crate::report::Report;
use crate::workspace::target_dir;

pub const STEP: &str = "npm package";

pub const ENGINES: [Engine; 6] = [
    Engine { file: "micro_lora_simd.wasm", kind: Kind::Main, simd: true },
    Engine { file: "micro_lora.wasm", kind: Kind::Main, simd: false },
    Engine { file: "learn_simd.wasm", kind: Kind::Learn, simd: true },
    Engine { file: "learn.wasm", kind: Kind::Learn, simd: false },
    Engine { file: "lite_simd.wasm", kind: Kind::Lite, simd: true },
    Engine { file: "lite.wasm", kind: Kind::Lite, simd: false },
];

pub const TARGET: &str = "wasm32-unknown-unknown";
const CRATE: &str = "wasm";
const TOOLS: &str = "wasm/tools";
pub const PACKAGE: &str = "wasm/pkg";
/// Runs wasm-bindgen. It takes a minute to build, so this task runner does not depend on it.
const GLUE: &str = "xtask/glue";
/// The functions that it generates for the crate, to be given an instance.
const GLUE_MODULE: &str = "micro_lora_wasm_bg.js";

/// Errors as numbers: the JavaScript has the messages.
const TERSE: &str = "--cfg micro_lora_terse";

/// Errors as numbers, and the dual step alone.
const LITE: &str = "--cfg micro_lora_lite";

/// WebAssembly features of every browser that has simd128, by their names in rustc and wasm-opt.
const SIMD: [(&str, &str); 4] = [
    ("simd128", "--enable-simd"),
    ("bulk-memory", "--enable-bulk-memory"),
    ("sign-ext", "--enable-sign-ext"),
    ("nontrapping-fptoint", "--enable-nontrapping-float-to-int"),
];

/// The oldest browsers for which the modules are written.
const BROWSERS: &str = "--target=chrome90,firefox88,safari14";

pub struct Engine {
    pub file: &'static str,
    kind: Kind,
    simd: bool,
}

/// The entries that load it: `micro-lora`; the same beside `micro-lora/learn`; `micro-lora/lite`.
#[derive(PartialEq)]
enum Kind {
    Main,
    Learn,
    Lite,
}

pub fn run(shell: &Shell, report: &mut Report) {
    report.step(STEP, || {
        let tarball = pack(shell)?;
        println!("packed: {}", tarball.display());
        Ok(())
    });
}

/// Builds the package into `wasm/pkg`, and packs it. Returns the path of the file that users install.
pub fn pack(shell: &Shell) -> Result<PathBuf> {
    build(shell)?;
    let destination = target_dir(shell).join("npm");
    shell.create_dir(&destination)?;
    let package = shell.current_dir().join(PACKAGE);
    let name = cmd!(shell, "npm pack {package} --silent --pack-destination {destination}").read()?;
    let tarball =
        destination.join(name.lines().last().context("npm pack: expected a file's name, got none")?);
    ensure!(tarball.is_file(), "npm pack: expected {}, got nothing there", tarball.display());
    Ok(tarball)
}

/// Builds the package into `wasm/pkg`.
pub fn build(shell: &Shell) -> Result<()> {
    let toolchain = Toolchain::from_source(shell)?;
    install_tools(shell)?;
    shell.remove_path(PACKAGE)?;
    shell.create_dir(PACKAGE)?;
    for engine in &ENGINES {
        engine.build(shell, toolchain)?;
    }
    modules(shell)
}

/// Builds the crate without our flags and runs wasm-bindgen on it, as `wasm-pack build` does. The returned directory
/// has that engine, `learn.wasm`, and the package's classes over it, `index.js`.
pub fn plain(shell: &Shell) -> Result<PathBuf> {
    let toolchain = Toolchain::for_target(shell, TARGET)?;
    let target_dir = target_dir(shell).join("wasm/plain").join(toolchain.name());
    toolchain
        .build(shell, TARGET, Path::new(CRATE), &target_dir)
        .args(["--locked", "--features", "memory"])
        .run()?;
    let directory = glue_directory(shell, "plain");
    glue(shell, &target_dir.join(TARGET).join("release/micro_lora_wasm.wasm"), &directory)?;
    shell.copy_file(directory.join("micro_lora_wasm_bg.wasm"), directory.join("learn.wasm"))?;
    // If the compiler may use reference types, wasm-bindgen's module must be started by the engine.
    let imports = directory.join("imports.js");
    let text = format!(
        "import * as glue from \"./{GLUE_MODULE}\";\nexport const imports = {{ \"./{GLUE_MODULE}\": glue }};\n"
    );
    shell.write_file(&imports, text)?;
    // The package's Node entry contains its engine; this one is passed to it as a file.
    FAMILIES[1].bundle(shell, "index", &directory.join(GLUE_MODULE), &imports, &directory)?;
    Ok(directory)
}

/// What `wasm/tools` pins: wasm-opt, esbuild, TypeScript.
pub fn install_tools(shell: &Shell) -> Result<()> {
    needs::ensure_node(shell)?;
    Ok(cmd!(shell, "npm ci --prefix {TOOLS} --no-audit --no-fund --silent").run()?)
}

pub fn tool(shell: &Shell, name: &str) -> PathBuf {
    shell.current_dir().join(TOOLS).join("node_modules/.bin").join(name)
}

/// Checks the engine's crate, as far as a compiler for this machine can.
pub fn lint(shell: &Shell) -> Result<()> {
    let target_dir = target_dir(shell).join("wasm/lint");
    // Once as the package builds it, and once without our flags.
    let learn = ["--features", "memory"].as_slice();
    for (flags, features) in [(TERSE, learn), ("", learn), ("", &[]), ("", &["--no-default-features"])] {
        cmd!(shell, "cargo clippy --locked --manifest-path {CRATE}/Cargo.toml --target-dir {target_dir}")
            .args(features)
            .args(["--", "-D", "warnings"])
            .env("RUSTFLAGS", flags)
            .run()?;
    }
    Ok(())
}

impl Engine {
    fn build(&self, shell: &Shell, toolchain: Toolchain) -> Result<()> {
        let target_dir = target_dir(shell).join("wasm").join(toolchain.name());
        let features: &[_] = match self.kind {
            Kind::Main => &[],
            Kind::Learn => &["--features", "memory"],
            Kind::Lite => &["--no-default-features"],
        };
        toolchain
            .build(shell, TARGET, Path::new(CRATE), &target_dir)
            .arg("--locked")
            .args(features)
            .env("RUSTFLAGS", self.flags())
            .run()?;
        let linked = target_dir.join(TARGET).join("release/micro_lora_wasm.wasm");
        let directory = glue_directory(shell, self.file);
        glue(shell, &linked, &directory)?;
        let built = directory.join("micro_lora_wasm_bg.wasm");
        let optimised = Path::new(PACKAGE).join(self.file);
        let wasm_opt = tool(shell, "wasm-opt");
        // The features are listed here and nowhere else: anything more in the file is an error.
        let features = if self.simd { SIMD.map(|(_, feature)| feature).to_vec() } else { Vec::new() };
        cmd!(shell, "{wasm_opt} --mvp-features {features...} -Oz --converge --strip-debug --strip-producers")
            // Low memory is the far end of the stack, which no call reaches; and nothing traps.
            .args(["--low-memory-unused", "--ignore-implicit-traps", "--reorder-functions"])
            .args(["--strip-target-features", "--output"])
            .arg(&optimised)
            .arg(&built)
            .run()?;
        Ok(())
    }

    fn flags(&self) -> String {
        let features: String = SIMD
            .iter()
            .filter(|_| self.simd)
            .map(|(feature, _)| format!(" -Ctarget-feature=+{feature}"))
            .collect();
        // Calls need only a few KB of stack; the default would take 1 MB from every page.
        // More inlining than is usual at opt-level z makes a smaller file.
        format!(
            "-Ctarget-cpu=mvp{features} -Clink-arg=-zstack-size=32768 -Cllvm-args=-inline-threshold=40 {TERSE} {}",
            if self.kind == Kind::Lite { LITE } else { "" }
        )
    }
}

/// Runs wasm-bindgen on a linked module, and writes its output for a bundler into a directory.
pub fn glue(shell: &Shell, linked: &Path, directory: &Path) -> Result<()> {
    let target_dir = target_dir(shell).join("glue");
    shell.remove_path(directory)?;
    cmd!(shell, "cargo run --quiet --locked --manifest-path {GLUE}/Cargo.toml --target-dir {target_dir}")
        .arg("--")
        .args([linked, directory])
        .run()?;
    Ok(())
}

fn glue_directory(shell: &Shell, file: &str) -> PathBuf {
    target_dir(shell).join("npm/glue").join(file)
}

/// A set of entries: the same classes with another way to load the engine. The conditions of `package.json` choose one
/// set for a program.
struct Family {
    folder: &'static str,
    /// The module of `wasm/js/place`; none if each entry has its own.
    place: Option<&'static str>,
    format: &'static str,
}

const FAMILIES: [Family; 4] = [
    // For browsers: minified, with the engine in a file of its own.
    Family { folder: "", place: None, format: "esm" },
    // For Node, development servers and `micro-lora/inline`: readable, with the engine inside.
    Family { folder: "inline", place: Some("inline"), format: "esm" },
    Family { folder: "cjs", place: Some("inline"), format: "cjs" },
    Family { folder: "workerd", place: Some("module"), format: "esm" },
];

/// The entries, each with its loaded engine.
const ENTRIES: [(&str, &str); 4] = [
    ("index", "micro_lora_simd.wasm"),
    ("lite", "lite_simd.wasm"),
    ("peft", "micro_lora_simd.wasm"),
    ("learn", "learn_simd.wasm"),
];

/// The declarations that those of `learn` are made of.
const LEARN_PARTS: &[&str] = &["explore", "holdback", "memory", "pull", "recall", "replay"];

/// The modules, bundled into one file per entry, and the files that are copied unchanged.
fn modules(shell: &Shell) -> Result<()> {
    for family in &FAMILIES {
        family.write(shell)?;
    }
    for file in ["js/wasm.d.ts", "package.json", "README.md"] {
        shell.copy_file(Path::new("wasm").join(file), PACKAGE)?;
    }
    for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
        shell.copy_file(file, PACKAGE)?;
    }
    Ok(())
}

impl Family {
    fn write(&self, shell: &Shell) -> Result<()> {
        let folder = Path::new(PACKAGE).join(self.folder);
        shell.create_dir(&folder)?;
        for (entry, _) in ENTRIES {
            // wasm-bindgen generates the same JavaScript with and without simd128; a memory of lists is called without
            // it.
            let glue = if entry == "lite" { "lite_simd.wasm" } else { "micro_lora_simd.wasm" };
            let glue = glue_directory(shell, glue).join(GLUE_MODULE);
            let imports = shell.current_dir().join("wasm/js/imports.js");
            self.bundle(shell, entry, &glue, &imports, &folder)?;
            self.declare(shell, entry, &folder)?;
        }
        if self.format == "cjs" {
            shell.write_file(folder.join("package.json"), "{ \"type\": \"commonjs\" }\n")?;
        }
        Ok(())
    }

    /// TypeScript decides by file name and folder whether declarations are for a module or for CommonJS.
    fn declare(&self, shell: &Shell, entry: &str, folder: &Path) -> Result<()> {
        let to = folder.join(format!("{entry}.d.ts"));
        if self.folder.is_empty() || self.format == "cjs" {
            let parts = if entry == "learn" { LEARN_PARTS } else { &[] };
            for part in parts {
                shell.copy_file(format!("wasm/js/{part}.d.ts"), folder)?;
            }
            return Ok(shell.copy_file(format!("wasm/js/{entry}.d.ts"), to)?);
        }
        let mut text = format!("export * from \"../{entry}.js\";\n");
        if matches!(entry, "index" | "lite") {
            text += &format!("export {{ default }} from \"../{entry}.js\";\n");
        }
        Ok(shell.write_file(to, text)?)
    }

    /// esbuild bundles the modules of an entry with the output of wasm-bindgen; terser minifies what
    /// browsers download.
    fn bundle(&self, shell: &Shell, entry: &str, glue: &Path, imports: &Path, into: &Path) -> Result<()> {
        let engine = ENTRIES.iter().find(|(name, _)| *name == entry).map_or("", |(_, engine)| engine);
        // Other entries use the module that their user has loaded, not a second copy.
        let beside = matches!(entry, "peft" | "learn").then_some("--external:./index.js");
        let is_minified = self.folder.is_empty();
        let (esbuild, terser) = (tool(shell, "esbuild"), tool(shell, "terser"));
        let written = into.join(format!("{entry}.js"));
        let bundled = if is_minified {
            target_dir(shell).join("npm").join(format!("{entry}.js"))
        } else {
            written.clone()
        };
        let root = shell.current_dir();
        let place = if entry == "peft" { "index" } else { entry };
        let place = root.join("wasm/js/place").join(format!("{}.js", self.place.unwrap_or(place)));
        let [glue, imports, place, bytes] = [
            ("glue", glue),
            ("glue-imports", imports),
            ("place", &place),
            ("engine-bytes", &root.join(PACKAGE).join(engine)),
        ]
        .map(|(name, file)| format!("--alias:{name}={}", file.display()));
        let format = format!("--format={}", self.format);
        // esbuild inlines constants across modules; terser would inline only short ones.
        let minify: &[_] = if is_minified { &["--minify-syntax"] } else { &["--charset=utf8"] };
        cmd!(shell, "{esbuild} wasm/js/{entry}.js --bundle {format} --outfile={bundled}")
            .args([glue, imports, place, bytes])
            .arg(format!("--define:INLINE={}", self.place.is_some()))
            .arg(format!("--define:LITE={}", entry == "lite"))
            .args(["--loader:.wasm=dataurl", "--external:engine-module", "--log-level=warning"])
            // The bugs of old engines concern other forms of these than are used here.
            .args([BROWSERS, "--supported:destructuring=true", "--supported:optional-chain=true"])
            .args(minify)
            .args(beside)
            .run()?;
        if !is_minified {
            let text = shell.read_file(&written)?.replace("\"engine-module\"", &format!("\"../{engine}\""));
            return Ok(shell.write_file(written, text)?);
        }
        cmd!(shell, "{terser} {bundled} --module --ecma 2020 --output {written} --mangle")
            .args(["--compress", "passes=3,unsafe_arrows,pure_getters,hoist_funs"])
            // Names with an underscore are private to the modules.
            .args(["--mangle-props", "regex=/^_[a-z]/"])
            .run()?;
        Ok(())
    }
}
