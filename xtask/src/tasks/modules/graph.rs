//! Files, the files they use, and circular dependencies among them.

use std::collections::{BTreeMap, BTreeSet};

/// For each file the files that it uses, and the names through which it uses them.
pub type Graph = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// The dependencies that form a circle.
pub fn circles(graph: &Graph) -> Graph {
    let mut circles = Graph::new();
    for (file, uses) in graph {
        for (used, names) in uses {
            if reaches(graph, used, file) {
                circles.entry(file.clone()).or_default().insert(used.clone(), names.clone());
            }
        }
    }
    circles
}

fn reaches(graph: &Graph, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            open.extend(graph.get(file).into_iter().flat_map(BTreeMap::keys).map(String::as_str));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(uses: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::new();
        for (file, used) in uses {
            graph.entry((*file).to_owned()).or_default().insert((*used).to_owned(), BTreeSet::new());
        }
        graph
    }

    #[test]
    fn a_circle_is_found_and_what_hangs_on_it_is_left_out() {
        let circle = circles(&graph(&[("top", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "leaf")]));
        assert_eq!(circle.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(!circle["c"].contains_key("leaf"));
    }

    #[test]
    fn two_ways_to_one_file_are_no_circle() {
        assert!(circles(&graph(&[("top", "a"), ("top", "b"), ("a", "leaf"), ("b", "leaf")])).is_empty());
    }
}
