//! Where a name is defined, by Rust's rules of paths.

use super::graph::Graph;
use super::source::{Crate, Definition, Module, Name};

/// The most re-exports that are followed for one name, so that a name that imports itself ends.
const MOST_IMPORTS: usize = 16;

#[derive(Clone, Copy)]
enum Place {
    Module(usize),
    /// Something defined in this module.
    Item(usize),
}

/// Adds to the graph what each file of the crate uses.
pub fn uses(crate_: &Crate, graph: &mut Graph) {
    for (index, module) in crate_.0.iter().enumerate() {
        graph.entry(module.file.clone()).or_default();
        for path in module.imports.iter().chain(module.paths.iter().filter(|path| !path.is_empty())) {
            for place in resolve(crate_, index, path, 0) {
                if let Place::Item(place) = place {
                    add(crate_, module, place, path, graph);
                }
            }
        }
        for path in &module.globs {
            for Place::Module(place) | Place::Item(place) in resolve(crate_, index, path, 0) {
                add(crate_, module, place, path, graph);
            }
        }
    }
}

fn add(crate_: &Crate, module: &Module, place: usize, path: &Name, graph: &mut Graph) {
    let used = &crate_.0[place].file;
    if *used != module.file {
        let uses = graph.entry(module.file.clone()).or_default();
        uses.entry(used.clone()).or_default().insert(path.join("::"));
    }
}

/// None if another crate, the language or a macro defines the name.
fn resolve(crate_: &Crate, from: usize, path: &[String], depth: usize) -> Vec<Place> {
    let Some((head, rest)) = path.split_first() else { return Vec::new() };
    if depth > MOST_IMPORTS {
        return Vec::new();
    }
    let mut places = match head.as_str() {
        "crate" => vec![Place::Module(0)],
        "self" => vec![Place::Module(from)],
        "super" => crate_.0[from].parent.map(Place::Module).into_iter().collect(),
        name => lookup(crate_, from, name, depth),
    };
    for segment in rest {
        places = places.into_iter().flat_map(|place| step(crate_, place, segment, depth)).collect();
    }
    places
}

fn step(crate_: &Crate, place: Place, segment: &str, depth: usize) -> Vec<Place> {
    match place {
        // A variant, a constant or a function of a type.
        Place::Item(_) => vec![place],
        Place::Module(module) if segment == "super" => {
            crate_.0[module].parent.map(Place::Module).into_iter().collect()
        }
        Place::Module(module) => {
            let places = lookup(crate_, module, segment, depth);
            // Not an item in this file: a macro defines it. An import that leads nowhere is from another crate.
            let by_macro = places.is_empty() && !crate_.0[module].names.contains_key(segment);
            if by_macro { vec![Place::Item(module)] } else { places }
        }
    }
}

fn lookup(crate_: &Crate, module: usize, name: &str, depth: usize) -> Vec<Place> {
    let of = &crate_.0[module];
    let Some(definitions) = of.names.get(name) else {
        let sources = of.globs.iter().flat_map(|glob| resolve(crate_, module, glob, depth + 1));
        return sources
            .filter_map(|place| match place {
                Place::Module(source) if source != module => Some(source),
                _ => None,
            })
            .flat_map(|source| lookup(crate_, source, name, depth + 1))
            .collect();
    };
    let place = |definition: &Definition| match definition {
        Definition::Item => vec![Place::Item(module)],
        Definition::Module(child) => vec![Place::Module(*child)],
        // A crate of this name.
        Definition::Import(path) if path[0] == name => Vec::new(),
        Definition::Import(path) => resolve(crate_, module, path, depth + 1),
    };
    definitions.iter().flat_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xshell::Shell;

    /// What each file of a crate with these files uses.
    fn graph(files: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let shell = Shell::new().unwrap();
        let folder = shell.create_temp_dir().unwrap();
        for (name, text) in files {
            shell.write_file(folder.path().join(name), text).unwrap();
        }
        let root = folder.path().join("lib.rs");
        let mut graph = Graph::new();
        uses(&Crate::read(&shell, root.to_str().unwrap()).unwrap(), &mut graph);
        let name = |file: &String| file.rsplit('/').next().unwrap().to_owned();
        graph.iter().map(|(file, uses)| (name(file), uses.keys().map(name).collect())).collect()
    }

    fn expect(files: &[(&str, &str)], expected: &[(&str, &[&str])]) {
        let expected: Vec<(String, Vec<String>)> = expected
            .iter()
            .map(|(file, uses)| ((*file).to_owned(), uses.iter().map(|used| (*used).to_owned()).collect()))
            .collect();
        assert_eq!(graph(files), expected);
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines_the_name() {
        let root = "mod a;\nmod b;\npub use a::A;";
        expect(
            &[("lib.rs", root), ("a.rs", "pub struct A;"), ("b.rs", "fn b(_: crate::A) {}")],
            &[("a.rs", &[]), ("b.rs", &["a.rs"]), ("lib.rs", &[])],
        );
    }

    #[test]
    fn a_use_inside_a_macro_call_counts_and_one_in_a_test_does_not() {
        let a = "pub fn a() { println!(\"{}\", crate::b::B) }";
        let b = "pub const B: u32 = 1;\n#[cfg(test)]\nmod tests { use crate::a::a; }";
        expect(
            &[("lib.rs", "mod a;\nmod b;"), ("a.rs", a), ("b.rs", b)],
            &[("a.rs", &["b.rs"]), ("b.rs", &[]), ("lib.rs", &[])],
        );
    }

    #[test]
    fn every_variant_of_a_module_counts() {
        let root = "#[cfg_attr(unix, path = \"a.rs\")]\n#[cfg_attr(not(unix), path = \"b.rs\")]\nmod host;\n\
                    mod c;";
        expect(
            &[
                ("lib.rs", root),
                ("a.rs", "pub fn run() {}"),
                ("b.rs", "pub fn run() {}"),
                ("c.rs", "fn c() { crate::host::run() }"),
            ],
            &[("a.rs", &[]), ("b.rs", &[]), ("c.rs", &["a.rs", "b.rs"]), ("lib.rs", &[])],
        );
    }
}
