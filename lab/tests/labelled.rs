//! A set from a folder is read as it is, or refused with the reason.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use half::f16;
use micro_lora_lab::people::group_task;
use micro_lora_lab::{Classes, Corpus, Labelled};
use zip::write::{SimpleFileOptions, ZipWriter};

/// An archive as `numpy.savez(file, emb=..)` writes it, of random directions.
fn archive(rows: usize, columns: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n");
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    array.extend(header.as_bytes());
    let mut chance = fastrand::Rng::with_seed(1);
    (0..rows * columns).for_each(|_| array.extend(f16::from_f32(chance.f32() - 0.5).to_le_bytes()));
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("emb.npy", stored).unwrap();
    zip.write_all(&array).unwrap();
    zip.finish().unwrap().into_inner()
}

/// The same, with an entry that claims to be deflated.
fn compressed(mut archive: Vec<u8>) -> Vec<u8> {
    const DEFLATED: u8 = 8;
    let central = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    archive[8] = DEFLATED;
    archive[central + 10] = DEFLATED;
    archive
}

/// A temporary folder with one set, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, archive: &[u8], labels: &[String]) -> Self {
        let folder = std::env::temp_dir().join(format!("micro-lora-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("set_f16.npz"), archive).unwrap();
        let lines: String = labels.iter().map(|label| format!("{{\"label\": \"{label}\"}}\n")).collect();
        fs::write(folder.join("set.jsonl"), lines).unwrap();
        Self(folder)
    }

    fn load(&self) -> Result<Labelled, String> {
        Labelled::load(&self.0).map_err(|error| error.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// This many rows, with the labels in turn.
fn labels(rows: usize, labels: &[&str]) -> Vec<String> {
    (0..rows).map(|row| labels[row % labels.len()].to_owned()).collect()
}

#[test]
fn a_set_is_read_and_archives_without_labels_are_passed_over() {
    let folder = Folder::new("read", &archive(400, 8), &labels(400, &["a.x", "a.y", "b.x", "b.y"]));
    fs::write(folder.0.join("other_f16.npz"), archive(3, 8)).unwrap();
    let set = folder.load().unwrap();
    assert_eq!((set.name.as_str(), set.embeddings.len(), set.embeddings.dim()), ("set", 400, 8));
    let task = group_task(&set, 0).unwrap();
    assert_eq!(task.documents.nrows(), 150);
    assert!(task.test.len() >= 10 && task.validation.len() >= 10);
    assert!(Classes::new(&Corpus::Labelled(set), 0).is_ok());
}

#[test]
fn a_compressed_archive_is_refused_with_what_to_use() {
    let folder = Folder::new("compressed", &compressed(archive(40, 8)), &labels(40, &["a"]));
    let error = folder.load().unwrap_err();
    assert!(
        error.contains("set_f16.npz") && error.contains("got it compressed (numpy.savez_compressed)"),
        "{error}"
    );
}

#[test]
fn another_array_or_another_number_of_rows_is_refused() {
    let folder = Folder::new("rows", &archive(40, 8), &labels(39, &["a"]));
    let error = folder.load().unwrap_err();
    assert!(error.contains("expected 39 rows of 1 columns, got 40 of 8"), "{error}");

    let mut renamed = archive(40, 8);
    for at in 0..renamed.len() - 7 {
        if &renamed[at..at + 7] == b"emb.npy" {
            renamed[at..at + 3].copy_from_slice(b"vec");
        }
    }
    let folder = Folder::new("renamed", &renamed, &labels(40, &["a"]));
    let error = folder.load().unwrap_err();
    assert!(error.contains("expected an array named emb (emb.npy)"), "{error}");
}

#[test]
fn few_rows_a_label_or_few_rows_at_all_are_refused() {
    let rare: Vec<String> = (0..400).map(|row| format!("a.{row}")).collect();
    let set = Folder::new("rare", &archive(400, 8), &rare).load().unwrap();
    let error = Classes::new(&Corpus::Labelled(set), 0).err().unwrap().to_string();
    assert!(error.starts_with("expected at least 2 labels with 4 rows or more each, got 0"), "{error}");

    let set = Folder::new("small", &archive(40, 8), &labels(40, &["a.x", "a.y"])).load().unwrap();
    let error = group_task(&set, 0).err().unwrap().to_string();
    assert!(error.starts_with("expected at least 50 documents to search in, got 15"), "{error}");
    let error = Classes::new(&Corpus::Labelled(set), 0).err().unwrap().to_string();
    assert!(error.starts_with("expected at least 30 rows to measure on"), "{error}");
}
