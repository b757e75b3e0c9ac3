//! A data set of the user's own: NumPy archives of embeddings, each with a label per row.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use half::f16;
use zip::result::ZipError;

use crate::error::DataError;
use crate::{Embeddings, Relevance};

/// The array in each archive, as `numpy.savez(file, emb=..)` names it.
const ARRAY: &str = "emb.npy";
const ARCHIVE: &str = "_f16.npz";

/// Embeddings with one label each, `a.b.c`: the part before the first dot is the topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    pub name: String,
    pub labels: Vec<String>,
    pub embeddings: Embeddings,
}

impl Labelled {
    /// All pairs `NAME_f16.npz` and `NAME.jsonl` in a folder whose lines have a `"label"`, one after the
    /// other in the order of their names. The archive holds an array `emb`, rows x columns of float16.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let read = |path: &Path| {
            std::fs::read_dir(path).map_err(|source| DataError::Read { path: path.to_owned(), source })
        };
        let mut names: Vec<String> = read(folder)?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(ARCHIVE).map(str::to_owned))
            .collect();
        // The part to learn on comes first.
        names.sort_by_key(|name| (!name.ends_with("_train"), name.clone()));
        let (mut labels, mut values, mut dim, mut used) = (vec![], vec![], 0, vec![]);
        for name in names {
            let labels_of = folder.join(format!("{name}.jsonl"));
            // An archive without labels is not a labelled set.
            let Some(more) = labels_of.exists().then(|| read_labels(&labels_of)).transpose()?.flatten()
            else {
                continue;
            };
            let path = folder.join(format!("{name}{ARCHIVE}"));
            let (rows, columns, array) = read_array(&path)?;
            if rows != more.len() || dim != 0 && columns != dim {
                return Err(DataError::Shape {
                    path,
                    expected: (more.len(), dim.max(1)),
                    got: (rows, columns),
                });
            }
            dim = columns;
            labels.extend(more);
            values.extend(array);
            used.push(name);
        }
        if labels.is_empty() {
            return Err(DataError::NoSets { folder: folder.to_owned() });
        }
        // `news20_test` and `news20_train` are one set named `news20`.
        let first = used.first().map_or("", |name| name.split('_').next().unwrap_or(name));
        Ok(Self { name: first.to_owned(), labels, embeddings: Embeddings::normalised(dim, values)? })
    }

    /// A person who looks for texts on the topic of the query, but likes only half of the labels of
    /// each topic, chosen by `person` and `seed`.
    pub fn relevance(&self, person: usize, seed: u32) -> Relevance {
        let topic = |label: &str| label.split('.').next().unwrap_or_default().to_owned();
        let mut labels = self.labels.clone();
        labels.sort();
        labels.dedup();
        let mut topics: Vec<String> = labels.iter().map(|label| topic(label)).collect();
        topics.dedup();
        let mut rng = Rng::with_seed((10 * u64::from(seed) + person as u64) ^ 0x7A57E);
        let mut liked = vec![];
        for name in &topics {
            let mut members: Vec<&String> = labels.iter().filter(|label| topic(label) == *name).collect();
            rng.shuffle(&mut members);
            // A topic with a single label is liked as a whole, or not at all.
            let keep = if members.len() > 1 { members.len() / 2 } else { usize::from(rng.bool()) };
            liked.extend(members.into_iter().take(keep));
        }
        let number = |label: &String| vec![topics.iter().position(|name| *name == topic(label)).unwrap_or(0)];
        Relevance::of(
            self.labels.iter().map(number).collect(),
            self.labels.iter().map(|label| liked.contains(&label)).collect(),
        )
    }
}

/// The label of every line; none if the first line has none, since the set is then of another kind.
fn read_labels(path: &Path) -> Result<Option<Vec<String>>, DataError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let mut labels = vec![];
    for (line, json) in text.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(json).map_err(|source| DataError::Json {
            path: path.to_owned(),
            line: line + 1,
            source,
        })?;
        match value.get("label").and_then(serde_json::Value::as_str) {
            Some(label) => labels.push(label.to_owned()),
            None if line == 0 => return Ok(None),
            None => return Err(DataError::NoLabel { path: path.to_owned(), line: line + 1 }),
        }
    }
    Ok(Some(labels))
}

/// Rows, columns and values of a float16 array in a NumPy archive.
pub(crate) fn read_array(path: &Path) -> Result<(usize, usize, Vec<f32>), DataError> {
    let refuse = |why: String| DataError::Array { path: path.to_owned(), why };
    let file = File::open(path).map_err(|source| DataError::Read { path: PathBuf::from(path), source })?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| refuse(error.to_string()))?;
    let mut bytes = vec![];
    archive
        .by_name(ARRAY)
        .map_err(|error| refuse(unreadable(&error)))?
        .read_to_end(&mut bytes)
        .map_err(|error| refuse(error.to_string()))?;
    let (header, body) = split_header(&bytes).ok_or_else(|| refuse("expected a NumPy header".into()))?;
    // Only one layout is supported: row-major, little-endian float16.
    if !header.contains("'descr': '<f2'") || !header.contains("'fortran_order': False") {
        return Err(refuse(format!("expected '<f2' in C order, got {header}")));
    }
    let [rows, columns] = shape(header).ok_or_else(|| refuse(format!("expected two axes, got {header}")))?;
    if rows.checked_mul(columns).and_then(|values| values.checked_mul(2)) != Some(body.len()) {
        return Err(refuse(format!(
            "expected {rows} x {columns} values of 2 bytes, got {} bytes",
            body.len()
        )));
    }
    let values = body.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect();
    Ok((rows, columns, values))
}

fn unreadable(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(_) => {
            format!(
                "{ARRAY}: expected it as numpy.savez writes it, got it compressed (numpy.savez_compressed)"
            )
        }
        ZipError::FileNotFound => format!("expected an array named emb ({ARRAY}), got none of this name"),
        other => format!("{ARRAY}: {other}"),
    }
}

/// The dictionary and the data of the NPY format, version 1.
fn split_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, body) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((std::str::from_utf8(header).ok()?, body))
}

fn shape(header: &str) -> Option<[usize; 2]> {
    let (_, rest) = header.split_once("'shape': (")?;
    let (axes, _) = rest.split_once(')')?;
    let axes: Vec<usize> = axes.split(',').map(|axis| axis.trim().parse().ok()).collect::<Option<_>>()?;
    axes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_its_shape() {
        let dictionary = "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2), }\n";
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes.extend([0; 12]);
        let (header, body) = split_header(&bytes).unwrap();
        assert_eq!((shape(header), body.len()), (Some([3, 2]), 12));
        assert_eq!(shape("'shape': (3,)"), None);
        assert!(split_header(&bytes[1..]).is_none());
    }

    #[test]
    fn half_of_every_topic_is_liked() {
        let labels: Vec<String> =
            ["a.x", "a.y", "a.z", "a.w", "b.x", "b.y"].map(str::to_owned).into_iter().collect();
        let embeddings = Embeddings::normalised(1, vec![1.0; 6]).unwrap();
        let set = Labelled { name: "set".into(), labels, embeddings };
        for seed in 0..20 {
            let relevance = set.relevance(0, seed);
            let liked = |range: std::ops::Range<usize>| {
                range.filter(|&document| relevance.is_relevant(document, document)).count()
            };
            assert_eq!((liked(0..4), liked(4..6)), (2, 1), "seed {seed}");
            // On another topic nothing is relevant, liked or not.
            assert!((4..6).all(|document| !relevance.is_relevant(0, document)));
        }
        assert_ne!(
            (0..8).map(|seed| set.relevance(0, seed).is_relevant(0, 0)).collect::<Vec<_>>(),
            (0..8).map(|seed| set.relevance(1, seed).is_relevant(0, 0)).collect::<Vec<_>>(),
        );
    }
}
