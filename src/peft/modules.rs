//! Which modules a file holds adapters for.

use super::names::{self, Part};
use super::safetensors::{Dtype, Tensor, Tensors};
use crate::error::{Error, Result};

const MORE_TENSORS: Error =
    Error::Unsupported { field: "tensors", expected: "lora_A and lora_B, and a bias of lora_B" };

/// A module that a file holds an adapter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Module<'a> {
    /// Its name in the base model, as `encoder.layer.0.query`; with JSON's escapes, if the file has any in it.
    pub name: &'a str,
    /// Values of an input.
    pub in_features: usize,
    /// Values of an output.
    pub out_features: usize,
    /// `r`; [`Learn::load_safetensors`](crate::Learn::load_safetensors) takes 1 to 4,
    /// [`Learn::load_safetensors_reduced`](crate::Learn::load_safetensors_reduced) up to 64.
    pub rank: usize,
    /// How `lora_A` is stored.
    pub dtype: Dtype,
}

/// Lists the modules of an `adapter_model.safetensors`, having checked the whole header. A module
/// whose tensors are not a pair of matrices is an error in its place; the list goes on behind it.
///
/// Where a module's two tensors are neighbours, as PEFT writes them, or all `lora_B` are in the order of the `lora_A`,
/// all of it is one pass over the header. In other files each module may take another.
///
/// # Errors
/// For the file: [`Error::Syntax`] and [`Error::Count`] for what is not a safetensors file, [`Error::KeyStyle`] for
/// one with names of another program. For a module: [`Error::Unsupported`].
///
/// ```
/// use micro_lora::{Apply, Config, MicroLora, peft};
/// let lora = MicroLora::<2, 3, 1>::new(Config::new())?;
/// let mut file = vec![0; lora.safetensors_len("q_proj")?];
/// lora.write_safetensors("q_proj", &mut file)?;
/// for module in peft::modules(&file)? {
///     let module = module?;
///     assert_eq!((module.name, module.in_features, module.out_features, module.rank), ("q_proj", 2, 3, 1));
/// }
/// # Ok::<(), micro_lora::Error>(())
/// ```
pub fn modules(file: &[u8]) -> Result<Modules<'_>> {
    let tensors = Tensors::open(file)?.tensors;
    Ok(Modules { all: tensors, left: tensors, near: tensors })
}

/// The modules of a file: see [`modules`].
#[derive(Clone, Debug)]
pub struct Modules<'a> {
    all: Tensors<'a>,
    left: Tensors<'a>,
    /// Behind the last `lora_B` that was found: the next one is often here.
    near: Tensors<'a>,
}

impl<'a> Modules<'a> {
    /// Goes on where a list of the same file was left; a cursor of its own making starts one. For a caller that
    /// cannot keep an iterator: the header is checked at the start alone, and reading what has become of another
    /// file gives nonsense or an error, but never more than is there.
    ///
    /// # Errors
    /// As [`modules`].
    #[doc(hidden)]
    pub fn resume(file: &'a [u8], cursor: Cursor) -> Result<Self> {
        if cursor == Cursor::default() {
            return modules(file);
        }
        let at = |offset| Tensors::resume(file, offset);
        let (all, left, near) = (at(0)?, at(cursor.next)?, at(cursor.near)?);
        Ok(Self { all: all.entered(), left, near })
    }

    /// Where [`resume`](Self::resume) goes on.
    #[doc(hidden)]
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { next: self.left.json.offset(), near: self.near.json.offset() }
    }

    /// The next module by its name, with what is wrong with it.
    #[doc(hidden)]
    pub fn next_named(&mut self) -> Option<(&'a str, Result<Module<'a>>)> {
        while let Some((name, a)) = self.left.next()? {
            if let Some((module, Part::A)) = names::split(name) {
                let b = self.lora_b(module);
                let name = core::str::from_utf8(module).unwrap_or_default();
                return Some((name, Pair::new(Some(a), b).map(|pair| pair.describe(name))));
            }
        }
        None
    }

    fn lora_b(&mut self, module: &[u8]) -> Option<Tensor<'a>> {
        let is_ours = |name| matches!(names::split(name), Some((of, Part::B)) if of == module);
        let mut neighbour = self.left;
        match neighbour.next() {
            Some(Some((name, tensor))) if is_ours(name) => return Some(tensor),
            _ => {}
        }
        for (start, end) in [(self.near, usize::MAX), (self.all, self.near.json.offset())] {
            let mut tensors = start;
            while tensors.json.offset() < end {
                let Some(Some((name, tensor))) = tensors.next() else { break };
                if is_ours(name) {
                    self.near = tensors;
                    return Some(tensor);
                }
            }
        }
        None
    }
}

impl<'a> Iterator for Modules<'a> {
    type Item = Result<Module<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_named().map(|(_, module)| module)
    }
}

/// How far a list has come: bytes of the header.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub next: usize,
    pub near: usize,
}

/// The two tensors of one module.
pub(super) struct Pair<'a> {
    pub(super) a: Tensor<'a>,
    pub(super) b: Tensor<'a>,
    /// PEFT's `lora_bias`.
    pub(super) bias: Option<Tensor<'a>>,
    pub(super) in_features: usize,
    pub(super) out_features: usize,
    pub(super) rank: usize,
}

impl<'a> Pair<'a> {
    fn new(a: Option<Tensor<'a>>, b: Option<Tensor<'a>>) -> Result<Self> {
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => return Err(Error::Missing { what: "lora_A and lora_B of this module" }),
            // Not "missing": whoever lists the modules goes on until nothing is left.
            _ => return Err(Error::Unsupported { field: "tensors", expected: "lora_A and lora_B" }),
        };
        match (a.matrix, b.matrix) {
            (Some([rank, in_features]), Some([out_features, rank_of_b])) if rank == rank_of_b => {
                Ok(Self { a, b, bias: None, in_features, out_features, rank })
            }
            _ => Err(Error::Unsupported { field: "shape", expected: "lora_A [r, in] and lora_B [out, r]" }),
        }
    }

    /// The pair of a named module, and the bias of its `lora_B`. Anything else that PEFT keeps for it (a bias of the
    /// frozen layer, DoRA's magnitudes) would be lost, so it is refused.
    pub(super) fn find(mut tensors: Tensors<'a>, module: &str) -> Result<Self> {
        let (mut a, mut b, mut bias) = (None, None, None);
        if Self::collect(&mut tensors, module, [&mut a, &mut b, &mut bias]).is_none() {
            return Err(tensors.json.error());
        }
        let pair = Self::new(a, b)?;
        match bias {
            Some(tensor) if tensor.row != Some(pair.out_features) => {
                Err(Error::Unsupported { field: "shape", expected: "a bias of lora_B [out]" })
            }
            bias => Ok(Self { bias, ..pair }),
        }
    }

    fn collect(
        tensors: &mut Tensors<'a>,
        module: &str,
        [a, b, bias]: [&mut Option<Tensor<'a>>; 3],
    ) -> Option<()> {
        while let Some((name, tensor)) = tensors.next()? {
            match names::part_of(module.as_bytes(), name) {
                Some(Part::A) => tensors.json.once(a, tensor)?,
                Some(Part::B) => tensors.json.once(b, tensor)?,
                Some(Part::Bias) => tensors.json.once(bias, tensor)?,
                Some(Part::More) => return tensors.json.refuse(&MORE_TENSORS),
                None => {}
            }
        }
        Some(())
    }

    const fn describe(&self, name: &'a str) -> Module<'a> {
        let Self { a, in_features, out_features, rank, .. } = *self;
        Module { name, in_features, out_features, rank, dtype: a.dtype }
    }
}
