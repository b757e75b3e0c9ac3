//! A ring as a value of serde.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::save::{ENTRY, Lists, RING, VERSION, words_of};
use super::{Replay, ReplayEntry};
use crate::error::Error;
use crate::state::deserialize::{Places, Reading, check_words, names};
use crate::state::schema::{Outline, Schema};
use crate::state::serialize::Saved;

static NAMES: [&str; 3 + RING.integers.len() + RING.sections.len()] = names(&RING);

impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize>
    Replay<IN, OUT, LIST, CAPACITY>
{
    const fn lists(&self) -> Lists<'_> {
        Lists {
            header: &self.header,
            entries: &self.entries,
            entry_bytes: None,
            scales: self.scales.as_flattened(),
            weights: self.weights.as_flattened(),
            inputs: self.inputs.as_flattened(),
            candidates: self.candidates.as_flattened().as_flattened(),
        }
    }
}

/// The document of `docs/state-format.md` in formats for humans; in binary formats the same fields, with bytes in
/// place of base64. `model_id` is 0: a ring does not know its model. Where it is to be held to one, save it by
/// [`ReplayMut::write_json`](crate::ReplayMut::write_json).
///
/// ```
/// use micro_lora::{Listwise, Replay};
/// let mut ring = Replay::<2, 2, 2, 8>::new();
/// ring.view().push(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]))?;
/// let json = serde_json::to_string(&ring).unwrap();
/// assert!(serde_json::from_str::<Replay<2, 2, 2, 8>>(&json).unwrap() == ring);
/// # Ok::<(), micro_lora::Error>(())
/// ```
impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> Serialize
    for Replay<IN, OUT, LIST, CAPACITY>
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.entries.each_ref().map(|entry| words_of(entry).map(u32::to_le_bytes));
        let entry_bytes = Some(entries.as_flattened().as_flattened());
        let (integers, words) = (self.header.integers(0), self.header.section_words());
        let outline = Outline { version: VERSION, integers: &integers, words: &words };
        let sections = &Lists { entry_bytes, ..self.lists() };
        Saved { schema: &RING, outline, sections }.serialize(serializer)
    }
}

/// Checked as by [`ReplayMut::load_json`](crate::ReplayMut::load_json) for the model 0.
impl<'de, const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> Deserialize<'de>
    for Replay<IN, OUT, LIST, CAPACITY>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut ring = Self::new();
        let (head, words) = Reading::read(&RING, &NAMES, &mut ring, deserializer)?;
        let check = |ring: &mut Self| -> Result<(), Error> {
            ring.header = ring.header.at(0, head.integers())?;
            let expected = ring.header.section_words();
            check_words(&RING, &words, &expected)?;
            let lists = ring.lists();
            head.check_values(Schema::crc32(&head.outline(&expected), &lists))?;
            lists.check()
        };
        check(&mut ring).map_err(D::Error::custom)?;
        Ok(ring)
    }
}

impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize> Places
    for Replay<IN, OUT, LIST, CAPACITY>
{
    fn put(&mut self, section: usize, index: usize, word: u32) -> bool {
        let float = f32::from_bits(word);
        match section {
            0 => put_entry(&mut self.entries, index, word),
            1 => put(self.scales.as_flattened_mut(), index, float),
            2 => put(self.weights.as_flattened_mut(), index, float),
            3 => put_codes(self.inputs.as_flattened_mut(), index, word),
            _ => put_codes(self.candidates.as_flattened_mut().as_flattened_mut(), index, word),
        }
    }

    fn is_of_bytes(&self, section: usize) -> bool {
        section > 2
    }
}

fn put<T>(values: &mut [T], index: usize, value: T) -> bool {
    values.get_mut(index).map(|place| *place = value).is_some()
}

fn put_entry(entries: &mut [ReplayEntry], index: usize, word: u32) -> bool {
    let Some(entry) = entries.get_mut(index / ENTRY) else { return false };
    match index % ENTRY {
        0 => entry.input_scale = f32::from_bits(word),
        1 => entry.temperature = f32::from_bits(word),
        2 => entry.rows = word,
        _ => entry.has_base = word,
    }
    true
}

/// What fills up the last word of all is zero.
fn put_codes(codes: &mut [i8], index: usize, word: u32) -> bool {
    let first = index.saturating_mul(4);
    first < codes.len()
        && (first..)
            .zip(word.to_le_bytes())
            .all(|(index, byte)| put(codes, index, byte.cast_signed()) || byte == 0)
}
