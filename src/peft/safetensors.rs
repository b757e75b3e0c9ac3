//! The container: named tensors in one file (`github.com/huggingface/safetensors`, section "Format").
//!
//! An 8-byte length, a JSON header, then the data. Every rule of the format is checked once, in one
//! pass, when a file is opened: each range is inside the data, and together the ranges fill it without
//! holes or overlaps. Nothing is stored, so that looking for a tensor is another pass over the header.

use super::decimal;
use crate::error::{Error, Result};
use crate::peft::json::{Json, Out};

/// Enough for the adapter of a model of a thousand layers; it bounds the time that a hostile file takes.
const MAX_HEADER: usize = 1 << 20;

/// A file that breaks a rule of the container itself.
const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "safetensors", problem }
}

/// How the values of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 16 bits.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// Anything else: it can be listed, but not loaded.
    Other,
}

impl Dtype {
    fn named(name: &[u8]) -> Self {
        match name {
            b"F32" => Self::F32,
            b"F16" => Self::F16,
            b"BF16" => Self::Bf16,
            _ => Self::Other,
        }
    }

    /// Bytes of one value, 0 if unknown.
    const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Other => 0,
        }
    }
}

/// One tensor of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor<'a> {
    pub(super) dtype: Dtype,
    /// Rows and columns, if it has just these two.
    pub(super) matrix: Option<[usize; 2]>,
    begin: usize,
    data: &'a [u8],
}

impl Tensor<'_> {
    /// One value, in the order of the file.
    pub(super) fn get(&self, index: usize) -> f32 {
        let bytes = self.dtype.bytes();
        match self.data.get(index.saturating_mul(bytes)..) {
            Some([a, b, c, d, ..]) if self.dtype == Dtype::F32 => f32::from_le_bytes([*a, *b, *c, *d]),
            Some([a, b, ..]) if self.dtype == Dtype::Bf16 => f32::from_le_bytes([0, 0, *a, *b]),
            Some([a, b, ..]) => from_half(u16::from_le_bytes([*a, *b])),
            // Out of reach: the length of the data was checked against the shape.
            _ => f32::NAN,
        }
    }
}

/// An IEEE 754 half, exactly.
fn from_half(half: u16) -> f32 {
    // 2^112 is the difference of the two exponent biases; it also makes subnormal halves normal.
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = u32::from(half & 0x7FFF) << 13;
    let value = if half & 0x7C00 == 0x7C00 {
        f32::from_bits(magnitude | 0x7F80_0000)
    } else {
        f32::from_bits(magnitude) * REBIAS
    };
    if half & 0x8000 == 0 { value } else { -value }
}

/// What our own writer says of the scaling in `__metadata__`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Metadata {
    pub(super) alpha: Option<f32>,
    pub(super) use_rslora: Option<bool>,
}

/// Walks the header of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensors<'a> {
    pub(super) json: Json<'a>,
    first: bool,
    data: &'a [u8],
    metadata: Option<Metadata>,
}

impl<'a> Tensors<'a> {
    /// Checks the header of a file, and gives its tensors from the start, with the metadata.
    pub(super) fn open(file: &'a [u8]) -> Result<(Self, Option<Metadata>)> {
        let short = syntax("fewer bytes than the header needs");
        let (length, rest) = file.split_first_chunk().ok_or(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_HEADER {
            return Err(Error::Count {
                what: "safetensors header length",
                got: length,
                min: 2,
                max: MAX_HEADER,
            });
        }
        let (header, data) = rest.split_at_checked(length).ok_or(short)?;
        let json = Json::utf8(header)?;
        let start = Self { json, first: true, data, metadata: None };
        let mut tensors = start;
        match tensors.check() {
            Some(()) => Ok((start.entered(), tensors.metadata)),
            None => Err(tensors.json.error()),
        }
    }

    /// Past the opening brace.
    fn entered(mut self) -> Self {
        let _ = self.json.pass(b'{');
        self
    }

    /// Reads all of it. With begin <= end for each, the ranges fill the data exactly if the points at
    /// which one begins, and the end of the data, are the points at which one ends, and 0. The two
    /// collections are compared by the sums of their hashes: no memory, one pass. Two collections of
    /// equal sums could be made on purpose, and would gain nothing: each range was checked by itself.
    fn check(&mut self) -> Option<()> {
        // The format wants the brace first, without white space.
        if self.json.peek() != b'{' || self.json.offset() > 0 {
            return None;
        }
        self.json.pass(b'{')?;
        let (mut begins, mut ends) = (mix(self.data.len()), mix(0));
        while let Some((_, tensor)) = self.next()? {
            begins = begins.wrapping_add(mix(tensor.begin));
            ends = ends.wrapping_add(mix(tensor.begin.saturating_add(tensor.data.len())));
        }
        self.json.end()?;
        if begins == ends {
            Some(())
        } else {
            self.json.refuse(&const { syntax("tensors with holes or overlaps between them") })
        }
    }

    /// The next tensor and its name: `None` inside `Some` after the last.
    pub(super) fn next(&mut self) -> Option<Option<(&'a [u8], Tensor<'a>)>> {
        loop {
            match self.json.next_key(&mut self.first)? {
                [] => return Some(None),
                b"__metadata__" => self.metadata()?,
                name => {
                    let tensor = self.tensor()?;
                    return Some(Some((name, tensor)));
                }
            }
        }
    }

    fn tensor(&mut self) -> Option<Tensor<'a>> {
        let json = &mut self.json;
        let (mut dtype, mut shape, mut range) = (None, None, None);
        json.pass(b'{')?;
        let mut first = true;
        loop {
            match json.next_key(&mut first)? {
                b"dtype" => {
                    let name = json.string()?;
                    json.once(&mut dtype, Dtype::named(name))?;
                }
                b"shape" => {
                    let sizes = Sizes::read(json)?;
                    json.once(&mut shape, sizes)?;
                }
                b"data_offsets" => {
                    let sizes = Sizes::read(json)?;
                    json.once(&mut range, sizes)?;
                }
                [] => break,
                _ => return None,
            }
        }
        let (dtype, shape) = (dtype?, shape?);
        let [begin, end] = range?.pair()?;
        let data = self.data.get(begin..end);
        let expected = shape.product.and_then(|values| values.checked_mul(dtype.bytes()));
        match data {
            Some(data) if dtype == Dtype::Other || expected == Some(data.len()) => {
                Some(Tensor { dtype, matrix: shape.pair(), begin, data })
            }
            _ => {
                json.refuse(&const { syntax("a tensor outside the data, or not of the length of its shape") })
            }
        }
    }

    /// Text under text. `lora_alpha` and `use_rslora` are this crate's, the rest is anyone's.
    fn metadata(&mut self) -> Option<()> {
        let json = &mut self.json;
        let mut metadata = Metadata { alpha: None, use_rslora: None };
        json.pass(b'{')?;
        let mut first = true;
        loop {
            match json.next_key(&mut first)? {
                b"lora_alpha" => {
                    let text = json.string()?;
                    let alpha = json.number_in(text).and_then(decimal::parse);
                    let Some(alpha) = alpha else { return json.refuse(&super::WRONG_ALPHA) };
                    json.once(&mut metadata.alpha, alpha)?;
                }
                b"use_rslora" => {
                    let value = match json.string()? {
                        b"true" => true,
                        b"false" => false,
                        _ => return json.refuse(&super::WRONG_RSLORA),
                    };
                    json.once(&mut metadata.use_rslora, value)?;
                }
                [] => return json.once(&mut self.metadata, metadata),
                _ if json.peek() == b'"' => json.skip()?,
                _ => return None,
            }
        }
    }
}

/// A list of sizes.
struct Sizes {
    first: [usize; 2],
    count: usize,
    /// Of all of them, if it fits this machine.
    product: Option<usize>,
}

impl Sizes {
    fn read(json: &mut Json<'_>) -> Option<Self> {
        let mut sizes = Self { first: [0; 2], count: 0, product: Some(1) };
        json.pass(b'[')?;
        let mut first = true;
        while json.next(&mut first, b']')? {
            let size = json.integer()?;
            if let Some(slot) = sizes.first.get_mut(sizes.count) {
                *slot = size;
            }
            sizes.count = sizes.count.saturating_add(1);
            sizes.product = sizes.product.and_then(|product| product.checked_mul(size));
        }
        Some(sizes)
    }

    /// Both, if there are two.
    fn pair(&self) -> Option<[usize; 2]> {
        (self.count == 2).then_some(self.first)
    }
}

/// Spreads a number over 64 bits (the finaliser of SplitMix64: Steele, Lea and Flood 2014).
const fn mix(value: usize) -> u64 {
    let mut bits = (value as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// Writes the length and the header, padded so that the data is aligned.
pub(super) fn write_header(out: &mut Out<'_>, json: &dyn Fn(&mut Out<'_>)) {
    let length = Out::measure(json);
    let padded = length.next_multiple_of(8);
    out.bytes(&(padded as u64).to_le_bytes());
    json(out);
    for _ in length..padded {
        out.text(" ");
    }
}
