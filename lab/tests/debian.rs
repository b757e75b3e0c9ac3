//! The data set matches its README, and a damaged one is refused with the reason.

use std::path::Path;

use micro_lora_lab::{DataError, Debian, FEATURES, Package};

const TABLE: &str = "package\tsection\tdescription\tuse\tworks-with\tinterface\n\
                     sl\tgames\tCorrects a mistyped ls\tentertaining\t\ttext-mode\n\
                     bc\tmath\tCalculator\tcalculating\ttext,file\tcommandline,text-mode\n";

/// A valid embeddings file of two columns, with the checksum of `table`.
fn pack(rows: &[(f32, [i8; 2])], table: &[u8]) -> Vec<u8> {
    let mut bytes = b"MLEMBED1".to_vec();
    for word in [rows.len() as u32, 2, crc32fast::hash(table)] {
        bytes.extend(word.to_le_bytes());
    }
    rows.iter().for_each(|(scale, _)| bytes.extend(scale.to_le_bytes()));
    rows.iter().for_each(|(_, levels)| bytes.extend(levels.map(i8::cast_unsigned)));
    seal(bytes)
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

const ROWS: [(f32, [i8; 2]); 2] = [(0.5, [3, -4]), (0.1, [0, 127])];

fn refusal(table: &[u8], rows: &[(f32, [i8; 2])]) -> DataError {
    Debian::parse(table, &pack(rows, table)).unwrap_err()
}

#[test]
fn the_embedded_set_is_complete() {
    let data = Debian::embedded().unwrap();
    assert_eq!(data.packages.len(), 3600);
    assert_eq!((data.embeddings.len(), data.embeddings.dim()), (3600, FEATURES));
    let count = |has: fn(&Package) -> bool| data.packages.iter().filter(|p| has(p)).count();
    assert_eq!(count(|p| p.interfaces.iter().any(|i| i == "commandline")), 1293);
    assert_eq!(count(|p| p.interfaces.iter().any(|i| i == "x11")), 1210);
    assert_eq!(count(|p| !p.uses.is_empty()), 2898);
    assert_eq!(count(|p| !p.works_with.is_empty()), 2090);
}

#[test]
fn embedded_rows_have_unit_norm() {
    for (i, row) in Debian::embedded().unwrap().embeddings.rows().enumerate() {
        let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        assert!((norm - 1.0).abs() < 1e-6, "row {i}: norm {norm}");
    }
}

#[test]
fn a_known_package_has_its_text() {
    let data = Debian::embedded().unwrap();
    let aptitude = data.packages.iter().find(|p| p.name == "aptitude").unwrap();
    assert_eq!(aptitude.section, "admin");
    assert_eq!(aptitude.description, "terminal-based package manager");
    assert_eq!(aptitude.uses, ["browsing", "configuring", "downloading", "searching"]);
    assert_eq!(aptitude.works_with, ["software:package"]);
    assert_eq!(aptitude.interfaces, ["commandline", "text-mode"]);
}

/// Text and embedding of a row belong together: neighbours in the vectors are neighbours in meaning.
#[test]
fn the_nearest_description_is_about_the_same_thing() {
    let data = Debian::embedded().unwrap();
    let index = |name| data.packages.iter().position(|p| p.name == name).unwrap();
    let query = data.embeddings.row(index("aptitude"));
    let shown = micro_lora_lab::top(&data.embeddings, query);
    assert_eq!(shown[0], index("aptitude"));
    let about_packages = |&i: &usize| data.packages[i].description.contains("package");
    assert!(shown.iter().filter(|i| about_packages(i)).count() >= 6, "{shown:?}");
}

#[test]
fn a_small_file_is_read_exactly() {
    let data = Debian::parse(TABLE.as_bytes(), &pack(&ROWS, TABLE.as_bytes())).unwrap();
    assert_eq!(data.embeddings.row(0), [0.6, -0.8]);
    assert_eq!(data.embeddings.row(1), [0.0, 1.0]);
    assert_eq!(data.packages[0].works_with, [""; 0]);
    assert_eq!(data.packages[1].interfaces, ["commandline", "text-mode"]);
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (table, packed) = (TABLE.as_bytes(), pack(&ROWS, TABLE.as_bytes()));
    for bit in 0..8 * packed.len() {
        let mut damaged = packed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Debian::parse(table, &damaged).is_err(), "bit {bit} of the embeddings");
    }
    for bit in 0..8 * table.len() {
        let mut damaged = table.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Debian::parse(&damaged, &packed).is_err(), "bit {bit} of the table");
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    let packed = pack(&ROWS, TABLE.as_bytes());
    for length in 0..packed.len() {
        assert!(Debian::parse(TABLE.as_bytes(), &packed[..length]).is_err(), "{length} bytes");
    }
    let longer = [&packed[..], &[0]].concat();
    let error = Debian::parse(TABLE.as_bytes(), &longer).unwrap_err().to_string();
    assert!(error.contains("expected 36 bytes") && error.ends_with("got 37"), "{error}");
}

#[test]
fn refusals_say_what_was_expected() {
    let table = TABLE.as_bytes();
    let not_utf8 = [table, b"\xff"].concat();
    let columns = TABLE.replace("use", "usage");
    let fields = TABLE.replace("\t\ttext-mode", "\ttext-mode");
    let cases = [
        (refusal(table, &[]), "expected at least one row and one column, got 0 x 2"),
        (refusal(table, &[(f32::NAN, [1, 1]), ROWS[1]]), "positive finite scale in row 0, got NaN"),
        (refusal(table, &[ROWS[0], (-1.0, [1, 1])]), "positive finite scale in row 1, got -1"),
        (refusal(table, &[ROWS[0], (1.0, [0, 0])]), "expected a direction in row 1"),
        (refusal(table, &ROWS[..1]), "got 2 packages and 1 embeddings"),
        (refusal(&not_utf8, &ROWS), "expected UTF-8, got other bytes at offset 172"),
        (refusal(columns.as_bytes(), &ROWS), "got \"package\\tsection\\tdescription\\tusage"),
        (refusal(fields.as_bytes(), &ROWS), "line 2: expected 6 fields separated by tabs, got 5"),
    ];
    for (error, expected) in cases {
        assert!(error.to_string().contains(expected), "{error}, not {expected}");
    }
}

#[test]
fn a_missing_folder_is_named() {
    let error = Debian::load(Path::new("no-such-folder")).unwrap_err().to_string();
    assert!(error.contains("debian.tsv"), "{error}");
}

#[test]
fn loading_the_folder_gives_the_embedded_set() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    assert_eq!(Debian::load(&folder).unwrap(), Debian::embedded().unwrap());
}
