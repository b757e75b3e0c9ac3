//! The same for JavaScript: `from './file.js'` and `import './file.js'`.

use std::path::Path;

use anyhow::Result;
use xshell::Shell;

use super::graph::Graph;
use super::source::normal;

pub fn uses(shell: &Shell, file: &str, graph: &mut Graph) -> Result<()> {
    let text = shell.read_file(file)?;
    let uses = graph.entry(file.to_owned()).or_default();
    for line in text.lines() {
        if let Some(specifier) = specifier(line) {
            let used = normal(&Path::new(file).with_file_name(specifier));
            uses.entry(used).or_default().insert(specifier.to_owned());
        }
    }
    Ok(())
}

/// The relative path that a line imports.
fn specifier(line: &str) -> Option<&str> {
    let line = line.trim_end().trim_end_matches(';');
    let (before, _) = line.strip_suffix(['\'', '"'])?.rsplit_once(['\'', '"'])?;
    let is_import = before.trim_end().ends_with("from") || before.trim_end().ends_with("import");
    let specifier = &line[before.len() + 1..line.len() - 1];
    (is_import && specifier.starts_with('.')).then_some(specifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_imports_are_told_from_packages_and_strings() {
        assert_eq!(specifier("import { a } from './a.js';"), Some("./a.js"));
        assert_eq!(specifier("} from \"../b.js\";"), Some("../b.js"));
        assert_eq!(specifier("import './c.js';"), Some("./c.js"));
        assert_eq!(specifier("import { d } from 'd';"), None);
        assert_eq!(specifier("const e = './e.js';"), None);
    }

    #[test]
    fn a_path_is_the_one_git_names() {
        assert_eq!(normal(Path::new("wasm/js/./a/../b.js")), "wasm/js/b.js");
    }
}
