//! Adapters as values of serde.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::adapter::frozen::FrozenLora;
use crate::adapter::owned::MicroLora;
use crate::adapter::view::{Adapter, AdapterMut};
use crate::error::{Error, public_result};
use crate::forward::apply::Apply;
use crate::learn::Learn;
use crate::state::deserialize::{Places, Reading, check_words, names};
use crate::state::fields::{self, ADAPTER, DUALS, SCALARS, SECTIONS, section_lens};
use crate::state::head::Head;
use crate::state::schema::{Schema, check_equal};
use crate::state::serialize::Saved;
use crate::state::write::Sections as _;

static NAMES: [&str; 3 + ADAPTER.integers.len() + SECTIONS] = names(&ADAPTER);

impl Adapter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        public_result(self.check_savable()).map_err(S::Error::custom)?;
        self.outlined(|outline| {
            Saved { schema: &ADAPTER, outline: *outline, sections: self }.serialize(serializer)
        })
    }
}

/// The document of `docs/state-format.md` in formats for humans; in binary formats the same fields, with bytes in
/// place of base64.
///
/// ```
/// use micro_lora::{Config, MicroLora};
/// type Lora = MicroLora<4, 4, 1>;
/// let lora = Lora::new(Config::new().with_seed(3))?;
/// let json = serde_json::to_string(&lora).unwrap();
/// assert_eq!(json, lora.to_json::<{ Lora::JSON_MAX }>()?.as_str());
/// assert!(serde_json::from_str::<Lora>(&json).unwrap() == lora);
/// # Ok::<(), micro_lora::Error>(())
/// ```
impl<const IN: usize, const OUT: usize, const RANK: usize> Serialize for MicroLora<IN, OUT, RANK> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.adapter().serialize(serializer)
    }
}

/// Checked as by [`Learn::load_json`], but that the state may be of any model:
/// [`Config::model_id`](crate::Config::model_id) of what is loaded says of which.
impl<'de, const IN: usize, const OUT: usize, const RANK: usize> Deserialize<'de>
    for MicroLora<IN, OUT, RANK>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut lora = Self::zeroed();
        let mut view = lora.adapter_mut();
        let mut contents = Contents { view: &mut view, scalars: [0.0; SCALARS], duals: [0.0; DUALS] };
        let (head, words) = Reading::read(&ADAPTER, &NAMES, &mut contents, deserializer)?;
        contents.take([IN, OUT, RANK], &head, &words).map_err(D::Error::custom)?;
        Ok(lora)
    }
}

/// As for a [`MicroLora`] without pending events.
impl<const IN: usize, const OUT: usize, const RANK: usize> Serialize for FrozenLora<IN, OUT, RANK> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.adapter().serialize(serializer)
    }
}

/// As for a [`MicroLora`]; pending events are checked and dropped. Reading takes the memory of a `MicroLora`.
impl<'de, const IN: usize, const OUT: usize, const RANK: usize> Deserialize<'de>
    for FrozenLora<IN, OUT, RANK>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MicroLora::deserialize(deserializer).map(|lora| lora.freeze())
    }
}

/// Writes the sections of a document into an adapter of the same sizes and its header.
struct Contents<'a, 'v> {
    view: &'a mut AdapterMut<'v>,
    scalars: [f32; SCALARS],
    duals: [f32; DUALS],
}

impl Places for Contents<'_, '_> {
    fn put(&mut self, section: usize, index: usize, word: u32) -> bool {
        let values = match section {
            0 => &mut self.scalars[..],
            1 => &mut *self.view.a,
            2 => &mut *self.view.b,
            3 => &mut *self.view.grad_a,
            4 => &mut *self.view.grad_c,
            5 => &mut self.duals[..],
            6 => &mut *self.view.bias,
            7 => &mut *self.view.input_sum,
            _ => &mut *self.view.grad_bias,
        };
        values.get_mut(index).map(|place| *place = f32::from_bits(word)).is_some()
    }
}

impl Contents<'_, '_> {
    /// Checks a document whose sections are in their places, and takes the rest of it.
    fn take(&mut self, sizes: [usize; 3], head: &Head, words: &[usize]) -> Result<(), Error> {
        let saved_sizes = ADAPTER.integers.iter().zip(head.integers());
        for ((field, saved), own) in saved_sizes.zip(sizes) {
            check_equal(field.name, own as u32, *saved)?;
        }
        let mut header = fields::header_of(head.integers());
        fields::set_scalars(&mut header, self.scalars);
        fields::set_duals(&mut header, self.duals);
        let lens = section_lens(&header);
        check_words(&ADAPTER, words, &lens)?;
        let saved = Adapter { header: &header, ..self.view.as_adapter() };
        head.check_values(Schema::crc32(&head.outline(&lens), &saved))?;
        // In the order in which the text of a document is added up.
        let mut squares = [0.0; SECTIONS - 1];
        for (section, sum) in (1..).zip(&mut squares) {
            saved.put(section, |word| *sum += f32::from_bits(word) * f32::from_bits(word));
        }
        header.refresh_scaling();
        header.check_values()?;
        check_equal("version", fields::version_of(&header), head.version())?;
        super::check_norms(&header, squares)?;
        *self.view.header = header;
        self.view.header.refresh_gram(self.view.b);
        self.view.header.measure_bias(self.view.b, self.view.bias);
        self.view.header.bump();
        Ok(())
    }
}
