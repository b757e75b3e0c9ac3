use std::path::Path;

use crate::Embeddings;
use crate::error::DataError;

const COLUMNS: &str = "package\tsection\tdescription\tuse\tworks-with\tinterface";
/// debtags' own marker for packages that nobody has reviewed yet: not a label.
pub(crate) const UNREVIEWED: &str = "TODO";
const TAGS_COLUMNS: &str = "topical";
const TABLE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/debian.tsv"));
const TABLE_FILE: &str = "debian.tsv";
const EMBEDDINGS_FILE: &str = "debian.i8";

/// One program of the Debian archive, as its packagers describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub section: String,
    /// The one-line description; its embedding is the row of the same index.
    pub description: String,
    /// debtags of the facet `use::`, what the program is for.
    pub uses: Vec<String>,
    /// debtags of the facet `works-with::`, what data it handles.
    pub works_with: Vec<String>,
    /// debtags of the facet `interface::`, how a person uses it.
    pub interfaces: Vec<String>,
}

/// Packages and the embeddings of their descriptions, index by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Debian {
    pub packages: Vec<Package>,
    pub embeddings: Embeddings,
}

impl Debian {
    /// The set that is compiled into this crate.
    pub fn embedded() -> Result<Self, DataError> {
        Self::parse(TABLE, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/debian.i8")))
    }

    /// A set in the same two files in another folder.
    pub fn load(folder: &Path) -> Result<Self, DataError> {
        let read = |name| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| DataError::Read { path, source })
        };
        Self::parse(&read(TABLE_FILE)?, &read(EMBEDDINGS_FILE)?)
    }

    /// A set from the contents of `debian.tsv` and `debian.i8`.
    pub fn parse(table: &[u8], embeddings: &[u8]) -> Result<Self, DataError> {
        let (embeddings, expected) = Embeddings::unpack(embeddings)?;
        let got = crc32fast::hash(table);
        if expected != got {
            return Err(DataError::Checksum { what: "table", expected, got });
        }
        let packages = parse_table(table)?;
        if packages.len() != embeddings.len() {
            return Err(DataError::Rows { packages: packages.len(), embeddings: embeddings.len() });
        }
        Ok(Self { packages, embeddings })
    }
}

/// The other tags of each package of the embedded set, besides `use` and `works-with`: `facet::tag`; and whether these
/// two have the marker [`UNREVIEWED`].
pub(crate) fn tags() -> Result<Vec<Vec<String>>, DataError> {
    let table = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data/debian-tags.tsv"));
    let mut lines = table.lines();
    let columns = lines.next().unwrap_or_default();
    if columns != TAGS_COLUMNS {
        return Err(DataError::Columns { expected: TAGS_COLUMNS, got: columns.to_owned() });
    }
    Ok(lines.map(|line| line.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()).collect())
}

/// Queries that somebody might type to find a package of the embedded set, with the packages: the first 400, then
/// every sixth.
pub(crate) fn typed(set: &Debian) -> Result<(Vec<usize>, Embeddings), DataError> {
    let (typed, expected) = Embeddings::unpack(include_bytes!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/data/debian-typed.i8"
    )))?;
    let got = crc32fast::hash(TABLE);
    if expected != got {
        return Err(DataError::Checksum { what: "table of the typed queries", expected, got });
    }
    let packages = set.packages.len();
    let rows: Vec<usize> = (0..packages).filter(|row| *row < 400 || (row - 400) % 6 == 0).collect();
    if rows.len() != typed.len() {
        return Err(DataError::Rows { packages: rows.len(), embeddings: typed.len() });
    }
    Ok((rows, typed))
}

fn parse_table(table: &[u8]) -> Result<Vec<Package>, DataError> {
    let text =
        std::str::from_utf8(table).map_err(|error| DataError::NotUtf8 { offset: error.valid_up_to() })?;
    let mut lines = text.lines();
    let columns = lines.next().unwrap_or_default();
    if columns != COLUMNS {
        return Err(DataError::Columns { expected: COLUMNS, got: columns.to_owned() });
    }
    lines.enumerate().map(|(i, line)| parse_line(i + 2, line)).collect()
}

fn parse_line(line_number: usize, line: &str) -> Result<Package, DataError> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, section, description, uses, works_with, interfaces] = fields[..] else {
        return Err(DataError::Fields { line: line_number, got: fields.len() });
    };
    let tags = |field: &str| field.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    Ok(Package {
        name: name.to_owned(),
        section: section.to_owned(),
        description: description.to_owned(),
        uses: tags(uses),
        works_with: tags(works_with),
        interfaces: tags(interfaces),
    })
}
