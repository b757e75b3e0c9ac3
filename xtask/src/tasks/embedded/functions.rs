//! The functions of the C interface.

/// The functions that the header declares.
pub fn functions(header: &str) -> Vec<&str> {
    let code = header.lines().filter(|line| !line.starts_with(['/', '#', ' ']));
    let names = code.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    names.filter(|name| name.starts_with("mlora_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_of_the_header_are_all_found() {
        let header = include_str!("../../../../include/micro_lora.h");
        let found = functions(header);
        // Counted in another way: a declaration ends with `);`, and comments and macros start differently.
        let code: String = header.lines().filter(|line| !line.starts_with("//")).collect();
        let declared = code.split_once("extern \"C\" {").unwrap().1;
        assert_eq!(found.len(), declared.matches(");").count(), "{found:?}");
        assert!(found.contains(&"mlora_version") && found.contains(&"mlora_apply"), "{found:?}");
    }
}
