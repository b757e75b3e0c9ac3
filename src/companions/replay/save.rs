//! Saving and loading a ring. Only the places in use are saved.

use super::codes::{CODE_MAX, as_words, of_words};
use super::{MAX_CAPACITY, Replay, ReplayEntry, ReplayHeader, ReplayMut};
use crate::adapter::config::MAX_FEATURES;
use crate::error::{Checked, Error, Result, check_range};
use crate::learn::limits::{MAX_TEMPERATURE, MAX_WEIGHT, MIN_TEMPERATURE};
use crate::learn::sample::{MAX_CANDIDATES, MIN_CANDIDATES};
use crate::state::base64::words;
use crate::state::read::Document;
use crate::state::schema::{Integer, Outline, Schema, Version, check_equal, integers};
use crate::state::serialize::bytes_of;
use crate::state::write::Sections;

pub(crate) const RING: Schema = Schema {
    format: "micro-lora-replay",
    integers: &INTEGERS,
    sections: &["entries", "scales", "weights", "inputs", "candidates"],
    versions: &[Version { integers: 8, sections: 5 }],
    unknown: "a field that no ring has",
};
pub(super) const VERSION: u32 = 1;

/// The model, which the host knows and the ring does not, and the header.
const INTEGERS: [Integer; 8] = {
    let [in_features, out_features, list, capacity, len, next, turn] = REPLAY_INTEGERS;
    let model_id = Integer { name: "model_id", min: 0, max: u32::MAX, offset: Integer::ELSEWHERE };
    [model_id, in_features, out_features, list, capacity, len, next, turn]
};

integers! {
    /// The integers of a ring's header, all of which are saved.
    pub REPLAY_INTEGERS of ReplayHeader, get_integers, set_integers;
    "in_features": in_features, 1, MAX_FEATURES as u32;
    "out_features": out_features, 1, MAX_FEATURES as u32;
    "list": list, MIN_CANDIDATES as u16, MAX_CANDIDATES as u32;
    "capacity": capacity, 1, MAX_CAPACITY as u32;
    "len": len, 0, MAX_CAPACITY as u32;
    "next": next, 0, MAX_CAPACITY as u32;
    "turn": turn, 0, MAX_CAPACITY as u32;
}

/// Words of an entry.
pub(crate) const ENTRY: usize = 4;

/// Words of each section, for `len` lists.
const fn section_words(in_features: usize, out_features: usize, list: usize, len: usize) -> [usize; 5] {
    let rows = len.saturating_mul(list);
    [
        len.saturating_mul(ENTRY),
        rows,
        rows,
        len.saturating_mul(in_features).div_ceil(4),
        rows.saturating_mul(out_features).div_ceil(4),
    ]
}

impl ReplayHeader {
    /// The most characters that this ring takes when it is saved.
    ///
    /// ```
    /// let ring = micro_lora::ReplayHeader::new(384, 384, 10, 64)?;
    /// assert_eq!(ring.json_max(), 368_941);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn json_max(&self) -> usize {
        let Self { in_features, out_features, list, capacity, .. } = *self;
        let (width, out) = (in_features as usize, out_features as usize);
        RING.max_len(&section_words(width, out, list as usize, capacity as usize))
    }

    pub(super) fn integers(&self, model_id: u32) -> [u32; 8] {
        let [in_features, out_features, list, capacity, len, next, turn] = get_integers(self);
        [model_id, in_features, out_features, list, capacity, len, next, turn]
    }

    pub(super) fn section_words(&self) -> [usize; 5] {
        let Self { in_features, out_features, list, len, .. } = *self;
        section_words(in_features as usize, out_features as usize, list as usize, len as usize)
    }

    /// The header with the positions of a saved one, which must be of the same sizes.
    pub(super) fn at(self, model_id: u32, saved: &[u32]) -> Result<Self> {
        let [saved_model, saved @ ..] = saved.first_chunk::<8>().copied().unwrap_or_default();
        check_equal("model_id", model_id, saved_model)?;
        let sizes = REPLAY_INTEGERS.iter().take(4);
        for ((field, own), saved) in sizes.zip(get_integers(&self)).zip(saved) {
            check_equal(field.name, own, saved)?;
        }
        let mut header = self;
        set_integers(&mut header, saved);
        let Self { capacity, len, next, turn, .. } = header;
        // While there is room, the next place is the first free one.
        let places = if len < capacity { len..=len } else { 0..=capacity.saturating_sub(1) };
        for (what, got, range) in
            [("len", len, 0..=capacity), ("next", next, places), ("turn", turn, 0..=len)]
        {
            if !range.contains(&got) {
                let [min, max] = [*range.start(), *range.end()].map(|bound| bound as usize);
                return Err(Error::Count { what, got: got as usize, min, max });
            }
        }
        Ok(header)
    }
}

impl ReplayMut<'_> {
    /// Saves the ring as JSON into a buffer and gives its length: at most
    /// [`ReplayHeader::json_max`]. `model_id` names the model whose vectors these are, as
    /// [`Config::model_id`](crate::Config::model_id) does.
    ///
    /// # Errors
    /// [`Error::Buffer`] says how much is needed; nothing is then written.
    ///
    /// ```
    /// use micro_lora::{Listwise, Replay};
    /// type Ring = Replay<2, 2, 2, 8>;
    /// let (mut ring, mut buffer) = (Ring::new(), [0; Ring::JSON_MAX]);
    /// ring.view().push(&[0.6, 0.8], Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[0.0, 1.0]))?;
    /// let len = ring.view().write_json(&mut buffer, 7)?;
    /// let mut other = Ring::new();
    /// other.view().load_json(&buffer[..len], 7)?;
    /// assert_eq!(other.len(), 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn write_json(&self, buffer: &mut [u8], model_id: u32) -> Result<usize> {
        self.check()?;
        let integers = self.header.integers(model_id);
        let words = self.header.section_words();
        RING.write(buffer, &Outline { version: VERSION, integers: &integers, words: &words }, &self.lists())
    }

    /// Loads a saved ring into one of the same sizes, for the same model. All of it is checked before
    /// anything is changed.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Format`], [`Error::Base64`] and [`Error::Checksum`] for a text that is
    /// no saved ring, or a damaged one; [`Error::Mismatch`] for one of another version, model or size;
    /// [`Error::Count`] and [`Error::OutOfRange`] for values that no ring has.
    ///
    /// ```
    /// use micro_lora::{Error, Replay};
    /// let (mut ring, mut buffer) = (Replay::<2, 2, 2, 8>::new(), [0; 400]);
    /// let len = ring.view().write_json(&mut buffer, 7)?;
    /// let error = ring.view().load_json(&buffer[..len], 8).unwrap_err();
    /// assert_eq!(error.to_string(), "model_id: expected 8, got 7");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load_json(&mut self, json: &[u8], model_id: u32) -> Result<()> {
        self.check()?;
        let document = Document::parse(&RING, json)?;
        let header = self.header.at(model_id, document.integers())?;
        document.scan(&header.section_words(), |_, _| {})?;
        let [entries, scales, weights, inputs, candidates] = document.sections();
        check_entries(read_entries(entries), header.list)?;
        check_floats("scales", floats(scales), f32::MAX / CODE_MAX)?;
        check_floats("weights", floats(weights), MAX_WEIGHT)?;
        let width = header.in_features as usize;
        let codes = (header.len as usize).saturating_mul(width);
        check_codes("inputs", of_words(inputs), codes)?;
        let rows = (header.len as usize).saturating_mul(header.list as usize);
        check_codes("candidates", of_words(candidates), rows.saturating_mul(header.out_features as usize))?;

        *self.header = header;
        for (entry, saved) in self.entries.iter_mut().zip(read_entries(entries)) {
            *entry = saved;
        }
        fill(self.scales, scales);
        fill(self.weights, weights);
        fill_codes(self.inputs, inputs);
        fill_codes(self.candidates, candidates);
        Ok(())
    }
}

impl<const IN: usize, const OUT: usize, const LIST: usize, const CAPACITY: usize>
    Replay<IN, OUT, LIST, CAPACITY>
{
    /// The most characters that such a ring takes when [`ReplayMut::write_json`] saves it.
    ///
    /// ```
    /// assert_eq!(micro_lora::Replay::<384, 384, 10, 64>::JSON_MAX, 368_941);
    /// ```
    pub const JSON_MAX: usize = Self::EMPTY.json_max();
}

impl ReplayMut<'_> {
    fn lists(&self) -> Lists<'_> {
        Lists {
            header: self.header,
            entries: self.entries,
            entry_bytes: None,
            scales: self.scales,
            weights: self.weights,
            inputs: self.inputs,
            candidates: self.candidates,
        }
    }
}

/// What is remembered, to be saved.
pub(super) struct Lists<'a> {
    pub(super) header: &'a ReplayHeader,
    pub(super) entries: &'a [ReplayEntry],
    /// The entries as they are saved, if somebody has made them so.
    pub(super) entry_bytes: Option<&'a [u8]>,
    pub(super) scales: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) inputs: &'a [i8],
    pub(super) candidates: &'a [i8],
}

impl Lists<'_> {
    /// Scales and weights, codes of inputs, codes of candidates.
    fn counts(&self) -> [usize; 3] {
        let ReplayHeader { in_features, out_features, list, len, .. } = *self.header;
        let [in_features, out_features, list, len] =
            [in_features, out_features, list, len].map(|n| n as usize);
        let rows = len.saturating_mul(list);
        [rows, len.saturating_mul(in_features), rows.saturating_mul(out_features)]
    }

    /// Refuses values that no ring has.
    pub(super) fn check(&self) -> Result<()> {
        let [rows, inputs, candidates] = self.counts();
        check_entries(self.entries.iter().take(self.header.len()).copied(), self.header.list)?;
        check_floats("scales", self.scales.iter().take(rows).copied(), f32::MAX / CODE_MAX)?;
        check_floats("weights", self.weights.iter().take(rows).copied(), MAX_WEIGHT)?;
        check_codes("inputs", self.inputs.iter().take(inputs).copied(), inputs)?;
        check_codes("candidates", self.candidates.iter().take(candidates).copied(), candidates)
    }
}

impl Sections for Lists<'_> {
    fn put(&self, section: usize, mut put: impl FnMut(u32)) {
        let [rows, inputs, candidates] = self.counts();
        match section {
            0 => self.entries.iter().take(self.header.len()).for_each(|entry| {
                words_of(entry).into_iter().for_each(&mut put);
            }),
            1 => self.scales.iter().take(rows).for_each(|scale| put(scale.to_bits())),
            2 => self.weights.iter().take(rows).for_each(|weight| put(weight.to_bits())),
            3 => as_words(self.inputs, inputs, put),
            _ => as_words(self.candidates, candidates, put),
        }
    }

    /// Codes without the zeros that fill up their last word.
    fn memory(&self, section: usize) -> Option<&[u8]> {
        let [rows, inputs, candidates] = self.counts();
        match section {
            0 => self.entry_bytes?.get(..self.header.len().saturating_mul(4 * ENTRY)),
            1 => bytes_of(self.scales.get(..rows)?),
            2 => bytes_of(self.weights.get(..rows)?),
            3 => bytes_of(self.inputs.get(..inputs)?),
            _ => bytes_of(self.candidates.get(..candidates)?),
        }
    }
}

pub(super) const fn words_of(entry: &ReplayEntry) -> [u32; ENTRY] {
    let ReplayEntry { input_scale, temperature, rows, has_base } = *entry;
    [input_scale.to_bits(), temperature.to_bits(), rows, has_base]
}

fn read_entries(text: &str) -> impl Iterator<Item = ReplayEntry> {
    let mut words = words(text);
    core::iter::from_fn(move || {
        Some(ReplayEntry {
            input_scale: f32::from_bits(words.next()?),
            temperature: f32::from_bits(words.next()?),
            rows: words.next()?,
            has_base: words.next()?,
        })
    })
}

fn check_entries(entries: impl Iterator<Item = ReplayEntry>, list: u32) -> Result<()> {
    for ReplayEntry { input_scale, temperature, rows, has_base } in entries {
        check_range("entries", input_scale, 0.0, f32::MAX / CODE_MAX)?;
        check_range("entries", temperature, MIN_TEMPERATURE, MAX_TEMPERATURE)?;
        let max = list.saturating_sub(has_base) as usize;
        if has_base > 1 || !(MIN_CANDIDATES..=max).contains(&(rows as usize)) {
            return Err(Error::Count { what: "entries", got: rows as usize, min: MIN_CANDIDATES, max });
        }
    }
    Ok(())
}

fn check_floats(what: &'static str, mut values: impl Iterator<Item = f32>, max: f32) -> Checked<()> {
    values.try_for_each(|value| check_range(what, value, 0.0, max))
}

/// No vector gives -128, which times a scale could overflow; what fills the last word is zero.
fn check_codes(what: &'static str, codes: impl Iterator<Item = i8>, len: usize) -> Result<()> {
    for (index, code) in codes.enumerate() {
        let (min, max) = if index < len { (-CODE_MAX, CODE_MAX) } else { (0.0, 0.0) };
        check_range(what, f32::from(code), min, max)?;
    }
    Ok(())
}

fn floats(text: &str) -> impl Iterator<Item = f32> {
    words(text).map(f32::from_bits)
}

fn fill(values: &mut [f32], text: &str) {
    values.iter_mut().zip(floats(text)).for_each(|(place, value)| *place = value);
}

/// Beyond the last code of the text there may be zeros that fill its last word: `out` may have no place
/// for them, or one that is not in use.
fn fill_codes(out: &mut [i8], text: &str) {
    out.iter_mut().zip(of_words(text)).for_each(|(slot, code)| *slot = code);
}
