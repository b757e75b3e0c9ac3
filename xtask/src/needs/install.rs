//! Installing what is missing, where that is possible.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::tool::{Tool, on_path};
use crate::report::Skip;

/// Ensures that the tools exist; otherwise returns a [`Skip`] that lists every missing tool, not only the first.
pub fn ensure(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let absent = || tools.iter().copied().filter(|tool| !(tool.is_present)(shell)).collect::<Vec<_>>();
    let missing = absent();
    if missing.is_empty() {
        return Ok(());
    }
    if !can_install(shell) {
        return Err(Skip(explain(&missing, "")).into());
    }
    if let Err(error) = install(shell, &missing) {
        return Err(Skip(explain(&missing, &format!("{error:#}"))).into());
    }
    let missing = absent();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Skip(explain(&missing, "not usable after its packages were installed")).into())
}

pub(super) fn explain(missing: &[&Tool], problem: &str) -> String {
    let names: Vec<_> = missing.iter().map(|tool| tool.name).collect();
    let mut text = format!("missing: {}", names.join(", "));
    if !problem.is_empty() {
        text += &format!(" ({problem})");
    }
    for tool in missing {
        text += &format!("\n  {}: {}", tool.name, tool.elsewhere);
        if !tool.packages.is_empty() {
            text += &format!("; Debian, Ubuntu: apt-get install {}", tool.packages.join(" "));
        }
    }
    text
}

fn can_install(shell: &Shell) -> bool {
    let debian = shell.read_file("/etc/os-release").is_ok_and(|text| is_debian(&text));
    debian && on_path("apt-get") && cmd!(shell, "id -u").quiet().read().is_ok_and(|id| id == "0")
}

fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|ids| ids.trim_matches('"').split_whitespace())
        .any(|id| id == "debian" || id == "ubuntu")
}

fn install(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let packages: Vec<_> = tools.iter().flat_map(|tool| tool.packages).copied().collect();
    if let Some(tool) = tools.iter().find(|tool| tool.packages.is_empty()) {
        anyhow::bail!("no Debian package provides {}", tool.name);
    }
    update_package_lists(shell)?;
    let options = ["--yes", "--no-install-recommends"];
    apt_get(shell, "install", &[&options[..], &packages].concat())
        .context("the packages could not be installed")
}

/// Once per run, and before the first install: a fresh container has no package lists.
fn update_package_lists(shell: &Shell) -> Result<()> {
    static UPDATED: OnceLock<bool> = OnceLock::new();
    let updated = UPDATED.get_or_init(|| apt_get(shell, "update", &[]).is_ok());
    anyhow::ensure!(*updated, "apt-get update failed");
    Ok(())
}

fn apt_get(shell: &Shell, action: &str, arguments: &[&str]) -> Result<()> {
    // Another process may hold the lock: a CI machine often still finishes its own start-up.
    let lock = "DPkg::Lock::Timeout=300";
    cmd!(shell, "apt-get -q -o {lock} {action} {arguments...}")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool =
        Tool { name: "unobtainium", is_present: |_| false, packages: &[], elsewhere: "mine it" };
    const PRESENT: Tool = Tool { name: "air", is_present: |_| true, packages: &[], elsewhere: "breathe" };

    #[test]
    fn debian_and_what_descends_from_it_is_told_from_the_rest() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nHOME_URL=\"https://debian\"\n"));
        assert!(!is_debian("ID=alpine\nVERSION_ID=3\n"));
    }

    #[test]
    fn what_is_missing_and_cannot_be_had_is_a_skip_that_says_how_to_get_it() {
        let shell = Shell::new().unwrap();
        ensure(&shell, &[&PRESENT]).unwrap();

        let error = ensure(&shell, &[&PRESENT, &ABSENT]).unwrap_err();
        let skip = error.downcast_ref::<Skip>().expect("a skip, not a failure").to_string();
        assert!(skip.starts_with("missing: unobtainium"), "{skip}");
        assert!(skip.contains("mine it") && !skip.contains("breathe"), "{skip}");
    }
}
