//! The parts of an installation that are the same on every system.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

pub const FIXTURES: &str = "xtask/fixtures/c-install";
const HEADERS: [&str; 3] = ["micro_lora.h", "micro_lora.hpp", "micro_lora_companions.hpp"];

pub fn print_sizes(files: &[PathBuf]) -> Result<()> {
    for file in files {
        println!("{}: {} bytes", file.display(), file.metadata()?.len());
    }
    Ok(())
}

/// The names by which programs and compilers find the shared library.
pub fn link_shared(shell: &Shell, version: &Version, lib: &Path) -> Result<()> {
    link(shell, &version.text, &lib.join(version.soname()))?;
    link(shell, &version.soname()["libmicro_lora.so.".len()..], &lib.join("libmicro_lora.so"))
}

/// Headers, licences and files for build systems: the same for every target.
pub fn install_common(shell: &Shell, prefix: &Path, version: &Version) -> Result<()> {
    let (include, lib) = (prefix.join("include"), prefix.join("lib"));
    for folder in [&include, &lib] {
        shell.create_dir(folder)?;
    }
    for header in HEADERS {
        shell.copy_file(Path::new("include").join(header), &include)?;
    }
    let licences = prefix.join("share/doc/micro_lora");
    shell.create_dir(&licences)?;
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        shell.copy_file(licence, &licences)?;
    }

    version.fill(shell, "micro_lora.pc", &lib.join("pkgconfig"))?;
    for file in ["MicroLoraConfig.cmake", "MicroLoraConfigVersion.cmake"] {
        version.fill(shell, file, &lib.join("cmake/MicroLora"))?;
    }
    Ok(())
}

fn link(shell: &Shell, suffix: &str, at: &Path) -> Result<()> {
    let target = format!("libmicro_lora.so.{suffix}");
    Ok(cmd!(shell, "ln -sf {target} {at}").quiet().run()?)
}

pub struct Version {
    pub text: String,
    major: String,
    minor: String,
}

impl Version {
    pub fn new(text: &str) -> Result<Self> {
        let [major, minor, _] = text.split('.').collect::<Vec<_>>()[..] else {
            bail!("expected a version of three numbers, got {text}");
        };
        Ok(Self { text: text.to_owned(), major: major.to_owned(), minor: minor.to_owned() })
    }

    /// The version that a program built with this one asks for: before 1.0 a minor version may break it.
    pub fn soname(&self) -> String {
        let Self { major, minor, .. } = self;
        if major == "0" { format!("libmicro_lora.so.0.{minor}") } else { format!("libmicro_lora.so.{major}") }
    }

    /// The shared library on Windows, by the same rule.
    pub fn dll(&self) -> String {
        format!("libmicro_lora-{}.dll", &self.soname()["libmicro_lora.so.".len()..])
    }

    /// Writes a template with the version filled in.
    pub fn fill(&self, shell: &Shell, template: &str, folder: &Path) -> Result<()> {
        let text = shell.read_file(Path::new(FIXTURES).join(template))?;
        let text = text.replace("@VERSION@", &self.text).replace("@SONAME@", &self.soname());
        let text = text.replace("@MAJOR@", &self.major).replace("@DLL@", &self.dll());
        let name = Path::new(template).file_name().context("a template has a name")?;
        Ok(shell.write_file(folder.join(name), text.replace("@MINOR@", &self.minor))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_three_numbers() {
        assert_eq!(Version::new("0.1.2").unwrap().soname(), "libmicro_lora.so.0.1");
        assert_eq!(Version::new("1.2.3").unwrap().soname(), "libmicro_lora.so.1");
        assert!(Version::new("0.1").is_err());
    }
}
