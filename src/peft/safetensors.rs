//! The container: named tensors in one file (`github.com/huggingface/safetensors`, section "Format").
//!
//! An 8-byte length, a JSON header, then the data. Every rule of the format is checked once, in one
//! pass, when a file is opened: each range is inside the data, and together the ranges fill it without
//! holes or overlaps. Nothing is stored, so that looking for a tensor is another pass over the header.

use super::{decimal, kinds, names};
use crate::error::{Error, Result};
use crate::peft::json::{Json, Out};

/// The limit of the safetensors library.
const MAX_HEADER: usize = 100_000_000;

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
    /// Values, if it is one row of them.
    pub(super) row: Option<usize>,
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

/// An IEEE 754 half, exactly. By integers alone: where subnormal numbers count as 0 (FTZ, DAZ), a product would.
const fn from_half(half: u16) -> f32 {
    let sign = ((half & 0x8000) as u32) << 16;
    let (exponent, fraction) = ((half >> 10) & 31, (half & 0x3FF) as u32);
    let magnitude = match exponent {
        0 if fraction == 0 => 0,
        0 => {
            // The highest bit of the fraction becomes the one before the point, which is not stored: at place 23.
            let shift = fraction.leading_zeros().saturating_sub(8);
            let normal = (fraction << shift) & 0x007F_FFFF;
            // A fraction counts units of 2^-24.
            ((127u32 - 24 + 23).saturating_sub(shift) << 23) | normal
        }
        31 => 0x7F80_0000 | (fraction << 13),
        _ => ((exponent as u32).saturating_add(127 - 15) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

/// What our own writer says of the scaling in `__metadata__`. It is anyone's: what is not ours counts when it is needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Metadata {
    pub(super) alpha: Given<f32>,
    pub(super) use_rslora: Given<bool>,
}

/// A value of the metadata.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Given<T> {
    #[default]
    Nothing,
    Value(T),
    /// Something under the same key that is no such value.
    Wrong,
}

impl<T> Given<T> {
    /// A key that comes twice says nothing.
    fn then(&self, value: Option<T>) -> Self {
        match (self, value) {
            (Self::Nothing, Some(value)) => Self::Value(value),
            _ => Self::Wrong,
        }
    }
}

/// A file whose header was checked.
pub(super) struct Opened<'a> {
    /// From the start.
    pub(super) tensors: Tensors<'a>,
    pub(super) metadata: Metadata,
}

/// Walks the header of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensors<'a> {
    pub(super) json: Json<'a>,
    first: bool,
    data: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Checks the header of a file.
    pub(super) fn open(file: &'a [u8]) -> Result<Opened<'a>> {
        let (header, data) = parts(file)?;
        let start = Self { json: Json::utf8(header)?, first: true, data };
        let mut tensors = start;
        let (mut metadata, mut style) = (None, None);
        match tensors.check(&mut metadata, &mut style) {
            Some(()) => {}
            None => return Err(tensors.json.error()),
        }
        match style {
            Some(got) => Err(Error::KeyStyle { got }),
            None => Ok(Opened { tensors: start.entered(), metadata: metadata.unwrap_or_default() }),
        }
    }

    /// At a place in a header that was checked before, behind some tensor.
    pub(super) fn resume(file: &'a [u8], offset: usize) -> Result<Self> {
        let (header, data) = parts(file)?;
        Ok(Self { json: Json::resumed(header, offset), first: offset <= 1, data })
    }

    /// Past the opening brace.
    pub(super) fn entered(mut self) -> Self {
        let _ = self.json.pass(b'{');
        self
    }

    /// Reads all of it. With begin <= end for each, the ranges fill the data exactly if the points at
    /// which one begins, and the end of the data, are the points at which one ends, and 0. The two
    /// collections are compared by the sums of their hashes: no memory, one pass. Two collections of
    /// equal sums could be made on purpose, and would gain nothing: each range was checked by itself.
    fn check(&mut self, metadata: &mut Option<Metadata>, style: &mut Option<&'static str>) -> Option<()> {
        // The format wants the brace first, without white space.
        if self.json.peek() != b'{' || self.json.offset() > 0 {
            return None;
        }
        self.json.pass(b'{')?;
        let (mut begins, mut ends) = (mix(self.data.len()), mix(0));
        let mut is_peft = false;
        while let Some((name, tensor)) = self.read(metadata)? {
            begins = begins.wrapping_add(mix(tensor.begin));
            ends = ends.wrapping_add(mix(tensor.begin.saturating_add(tensor.data.len())));
            is_peft |= names::split(name).is_some();
            *style = style.or_else(|| names::style(name));
        }
        if is_peft {
            *style = None;
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
        self.read(&mut None)
    }

    fn read(&mut self, metadata: &mut Option<Metadata>) -> Option<Option<(&'a [u8], Tensor<'a>)>> {
        loop {
            match self.json.next_name(&mut self.first)? {
                [] => return Some(None),
                b"__metadata__" => {
                    let found = self.metadata()?;
                    self.json.once(metadata, found)?;
                }
                name => {
                    let tensor = self.tensor()?;
                    return Some(Some((name, tensor)));
                }
            }
        }
    }

    /// What stands in the file where a module cannot be taken for the sake of this: the name of the tensor that is
    /// one too many or alone, or else the tensor's entry.
    pub(super) fn seen(mut self, module: &str, field: &str) -> Option<&'a str> {
        if !matches!(field, "tensors" | "dtype" | "shape") {
            // A setting, which is of no tensor.
            return None;
        }
        let mut last = None;
        loop {
            let before = self.json;
            let Some(Some((name, tensor))) = self.next() else { break };
            let Some(part) = names::part_of(module.as_bytes(), name) else { continue };
            let entry = self.json.since(before);
            let is_it = match field {
                "tensors" => part == names::Part::More,
                "dtype" => tensor.dtype == Dtype::Other,
                _ if part == names::Part::Bias => tensor.row.is_none(),
                _ => tensor.matrix.is_none(),
            };
            let shown = if field == "tensors" { name } else { value_of(entry) };
            last = core::str::from_utf8(shown).ok();
            if is_it {
                break;
            }
        }
        last
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
                Some(Tensor { dtype, matrix: shape.pair(), row: shape.row(), begin, data })
            }
            _ => {
                json.refuse(&const { syntax("a tensor outside the data, or not of the length of its shape") })
            }
        }
    }

    /// Text under text, or nothing. `lora_alpha` and `use_rslora` are this crate's, the rest is anyone's.
    fn metadata(&mut self) -> Option<Metadata> {
        let json = &mut self.json;
        let mut metadata = Metadata::default();
        if json.nothing() {
            return Some(metadata);
        }
        json.pass(b'{')?;
        let mut first = true;
        while json.next(&mut first, b'}')? {
            let key = json.quoted()?;
            json.pass(b':')?;
            json.peek();
            let start = *json;
            json.skip()?;
            let text = json.since(start).strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
            match key {
                b"lora_alpha" => {
                    let number = text.and_then(|text| json.number_in(text));
                    metadata.alpha = metadata.alpha.then(number.and_then(decimal::parse));
                }
                b"use_rslora" => {
                    metadata.use_rslora = metadata.use_rslora.then(match text {
                        Some(b"true") => Some(true),
                        Some(b"false") => Some(false),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        Some(metadata)
    }
}

/// Of an entry of an object, what follows the key.
fn value_of(entry: &[u8]) -> &[u8] {
    let brace = entry.iter().position(|byte| *byte == b'{').unwrap_or_default();
    entry.get(brace..).unwrap_or_default()
}

/// The header and the data.
fn parts(file: &[u8]) -> Result<(&[u8], &[u8])> {
    const SHORT: Error = syntax("fewer bytes than the header needs");
    let Some((length, rest)) = file.split_first_chunk() else {
        kinds::check_tensors(file)?;
        return Err(SHORT);
    };
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > MAX_HEADER {
        kinds::check_tensors(file)?;
        return Err(Error::Count { what: "safetensors header length", got: length, min: 2, max: MAX_HEADER });
    }
    rest.split_at_checked(length).ok_or(SHORT)
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
    fn row(&self) -> Option<usize> {
        let [len, _] = self.first;
        (self.count == 1).then_some(len)
    }

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
