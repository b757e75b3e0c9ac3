//! Reads the vector files; `README.md` here describes their fields.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;

/// An array as the scripts pack it: `f32:` or `f64:`, then base64 of little-endian values.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Packed(Vec<f64>);

impl TryFrom<String> for Packed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (kind, body) = text.split_once(':').ok_or("expected f32:... or f64:..., got no colon")?;
        let bytes = BASE64_STANDARD.decode(body).map_err(|error| format!("expected base64: {error}"))?;
        let values: Vec<f64> = match kind {
            "f32" => split(&bytes)?.map(|value| f32::from_le_bytes(value).into()).collect(),
            "f64" => split(&bytes)?.map(f64::from_le_bytes).collect(),
            _ => return Err(format!("expected f32 or f64, got {kind}")),
        };
        Ok(Self(values))
    }
}

/// Values of `N` bytes each, with none left over.
fn split<const N: usize>(bytes: &[u8]) -> Result<impl Iterator<Item = [u8; N]>, String> {
    if bytes.len().is_multiple_of(N) {
        Ok(bytes.chunks_exact(N).map(|chunk| std::array::from_fn(|i| chunk[i])))
    } else {
        Err(format!("expected a multiple of {N} bytes, got {}", bytes.len()))
    }
}

impl Packed {
    /// Results of a reference.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// Inputs of a reference. Both sides must start from the same numbers, so nothing may be rounded here.
    pub fn inputs(&self) -> Vec<f32> {
        let narrow: Vec<f32> = self.0.iter().map(|value| *value as f32).collect();
        assert!(
            narrow.iter().zip(&self.0).all(|(narrow, wide)| f64::from(*narrow) == *wide),
            "an input is not an f32"
        );
        narrow
    }
}

/// `|got - expected| / |expected|` over the whole tensor: single elements may be small by cancellation.
pub fn relative_error(got: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    let got: Vec<f64> = got.into_iter().collect();
    assert_eq!(got.len(), expected.len(), "tensors of different length");
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
    let off = square(&mut got.iter().zip(expected).map(|(got, expected)| got - expected));
    let norm = square(&mut expected.iter().copied());
    assert!(norm > 0.0, "a tensor of zeros has no relative error");
    (off / norm).sqrt()
}
