//! Why a data set was refused.

use std::path::PathBuf;

/// Why a data set was refused.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("embeddings: expected a file that starts with \"MLEMBED1\", got {}", got.escape_ascii())]
    NotEmbeddings { got: Vec<u8> },
    #[error("embeddings: expected at least one row and one column, got {rows} x {dim}")]
    NoRows { rows: u32, dim: u32 },
    #[error("embeddings: expected {expected} bytes for the rows and columns in the header, got {got}")]
    Size { expected: u128, got: usize },
    #[error("{what}: expected CRC-32 {expected:08x}, got {got:08x}: the file is damaged")]
    Checksum { what: &'static str, expected: u32, got: u32 },
    #[error("embeddings: expected a positive finite scale in row {row}, got {got}")]
    Scale { row: usize, got: f32 },
    #[error("embeddings: expected a direction in row {row}, got only zeros")]
    ZeroRow { row: usize },
    #[error("table: expected UTF-8, got other bytes at offset {offset}")]
    NotUtf8 { offset: usize },
    #[error("table: expected the columns {expected:?}, got {got:?}")]
    Columns { expected: &'static str, got: String },
    #[error("table, line {line}: expected 6 fields separated by tabs, got {got}")]
    Fields { line: usize, got: usize },
    #[error("{}: expected {} rows of {} columns, got {} of {}", path.display(), expected.0, expected.1, got.0, got.1)]
    Shape { path: PathBuf, expected: (usize, usize), got: (usize, usize) },
    #[error("{}, line {line}: {why}", path.display())]
    Line { path: PathBuf, line: usize, why: String },
    #[error("{}: {why}", path.display())]
    Array { path: PathBuf, why: String },
    #[error("{}, line {line}: {source}", path.display())]
    Json { path: PathBuf, line: usize, source: serde_json::Error },
    #[error("{}, line {line}: expected a \"label\", got none", path.display())]
    NoLabel { path: PathBuf, line: usize },
    #[error("{}: expected NAME_f16.npz with NAME.jsonl whose lines have a \"label\", got none", folder.display())]
    NoSets { folder: PathBuf },
    #[error("expected one package per embedding, got {packages} packages and {embeddings} embeddings")]
    Rows { packages: usize, embeddings: usize },
}
