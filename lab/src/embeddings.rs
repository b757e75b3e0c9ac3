use ndarray::ArrayView2;

use crate::error::DataError;

const MAGIC: &[u8; 8] = b"MLEMBED1";
const HEADER_BYTES: usize = 20;
const CRC_BYTES: usize = 4;

/// Unit vectors of the same length, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    dim: usize,
    values: Vec<f32>,
}

impl Embeddings {
    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Length of each vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dim..][..self.dim]
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Rows of `dim` values, each normalised.
    pub fn normalised(dim: usize, mut values: Vec<f32>) -> Result<Self, DataError> {
        for (row, vector) in values.chunks_exact_mut(dim.max(1)).enumerate() {
            let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
            if !(norm > 0.0 && norm.is_finite()) {
                return Err(DataError::ZeroRow { row });
            }
            vector.iter_mut().for_each(|v| *v /= norm);
        }
        Ok(Self { dim, values })
    }

    /// No rows yet.
    pub(crate) fn empty(dim: usize) -> Self {
        Self { dim, values: vec![] }
    }

    /// All values as a matrix, one row per vector.
    pub fn matrix(&self) -> ArrayView2<'_, f32> {
        ArrayView2::from_shape((self.len(), self.dim), &self.values).expect("rows of one length")
    }

    /// Copies the given rows next to each other, for a scan over them.
    pub fn select(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self { dim: self.dim, values }
    }

    /// Reads the int8 file of the data set; also returns the CRC-32 that its text table must have.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<(Self, u32), DataError> {
        let (rows, dim, table_crc) = check_frame(bytes)?;
        let body = &bytes[HEADER_BYTES..bytes.len() - CRC_BYTES];
        let (scales, levels) = body.split_at(4 * rows);
        let mut values = Vec::with_capacity(rows * dim);
        for (row, (scale, levels)) in scales.chunks_exact(4).zip(levels.chunks_exact(dim)).enumerate() {
            let scale = f32::from_le_bytes([scale[0], scale[1], scale[2], scale[3]]);
            if !(scale > 0.0 && scale.is_finite()) {
                return Err(DataError::Scale { row, got: scale });
            }
            // The scale cancels when the row is normalised.
            let squares: i32 = levels.iter().map(|&l| i32::from(l.cast_signed()).pow(2)).sum();
            if squares == 0 {
                return Err(DataError::ZeroRow { row });
            }
            let to_unit = 1.0 / (squares as f32).sqrt();
            values.extend(levels.iter().map(|&l| f32::from(l.cast_signed()) * to_unit));
        }
        Ok((Self { dim, values }, table_crc))
    }
}

/// Checks everything that does not depend on the rows: magic, sizes and checksum.
fn check_frame(bytes: &[u8]) -> Result<(usize, usize, u32), DataError> {
    if bytes.len() < HEADER_BYTES + CRC_BYTES || bytes[..8] != *MAGIC {
        return Err(DataError::NotEmbeddings { got: bytes[..bytes.len().min(8)].to_vec() });
    }
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (rows, dim, table_crc) = (word(8), word(12), word(16));
    if rows == 0 || dim == 0 {
        return Err(DataError::NoRows { rows, dim });
    }
    let expected = (HEADER_BYTES + CRC_BYTES) as u128 + u128::from(rows) * (4 + u128::from(dim));
    if bytes.len() as u128 != expected {
        return Err(DataError::Size { expected, got: bytes.len() });
    }
    let end = bytes.len() - CRC_BYTES;
    let (expected, got) = (word(end), crc32fast::hash(&bytes[..end]));
    if expected != got {
        return Err(DataError::Checksum { what: "embeddings", expected, got });
    }
    Ok((rows as usize, dim as usize, table_crc))
}
