//! Only `src/profile.rs` may name the cfgs of the special builds; it says what each build leaves out.

use std::fs;
use std::path::Path;

const CFGS: [&str; 3] = ["micro_lora_terse", "micro_lora_lite", "micro_lora_dual"];

fn files_that_name_a_cfg(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_that_name_a_cfg(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            if CFGS.iter().any(|cfg| text.contains(cfg)) {
                let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                found.push(name.to_string_lossy().replace('\\', "/"));
            }
        }
    }
}

#[test]
fn only_the_profile_names_the_cfgs_of_the_special_builds() {
    let mut found = Vec::new();
    files_that_name_a_cfg(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, ["src/profile.rs"], "read a constant of src/profile.rs instead");
}
