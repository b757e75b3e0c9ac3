//! Saving and loading a memory. Only the lists in use are saved, the oldest first.

#[cfg(doc)]
use super::MemoryLayout;
use super::layout::{ALL_BUT, ALPHA, H, OMEGA, OUTSIDE, ROWS, TEMPERATURE, U};
use super::mean;
use super::record::Record;
use super::{MemoryHeader, MemoryMut};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Checked, Result, check_measured, public_result, refuse};
use crate::learn::dual::{MAX_OMEGA, MAX_SCORE, MOST_U};
use crate::learn::limits::{MAX_TEMPERATURE, MIN_TEMPERATURE};
use crate::learn::sample::{MAX_CANDIDATES, MIN_CANDIDATES};
use crate::state::base64::words;
use crate::state::read::Document;
use crate::state::schema::{Integer, Outline, Schema, Version, check_equal, integers};
use crate::state::write::Sections;

const MEMORY: Schema = Schema {
    format: "micro-lora-memory",
    integers: &INTEGERS,
    sections: &["lists", "mean"],
    versions: &[Version { integers: 9, sections: 1 }, Version { integers: 9, sections: 2 }],
    unknown: "a field that no memory has",
};

/// The model, which the host knows and the memory does not, and the header.
pub(crate) const INTEGERS: [Integer; 9] = {
    let [in_features, out_features, list, kinds, capacity, len, turn, last] = MEMORY_INTEGERS;
    let model_id = Integer { name: "model_id", min: 0, max: u32::MAX, offset: Integer::ELSEWHERE };
    [model_id, in_features, out_features, list, kinds, capacity, len, turn, last]
};

integers! {
    /// The integers of a memory's header that are saved: all but the place of the oldest list, which is the first.
    pub MEMORY_INTEGERS of MemoryHeader, get_integers, set_integers;
    "in_features": in_features, 1, crate::MAX_FEATURES as u32;
    "out_features": out_features, 1, crate::MAX_FEATURES as u32;
    "list": list, 2, 64;
    "kinds": kinds, 0, 31;
    "capacity": capacity, 1, 65_536;
    "len": len, 0, 65_536;
    "turn": turn, 0, 65_536;
    "last": last, 0, u32::MAX;
}

impl MemoryHeader {
    /// The most characters that this memory takes when it is saved.
    ///
    /// ```
    /// use micro_lora::{MemoryHeader, MemoryLayout};
    /// let memory = MemoryHeader::new(MemoryLayout::all_by_id(384, 384, 10), 600)?;
    /// assert_eq!(memory.json_max(), 123_947);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    #[must_use]
    pub const fn json_max(&self) -> usize {
        MEMORY.max_len(&self.layout().sections(self.capacity()))
    }

    /// The header with the positions of a saved one, which must be of the same sizes.
    fn at(self, model_id: u32, saved: &[u32]) -> Result<Self> {
        let [saved_model, saved @ ..] = saved.first_chunk::<9>().copied().unwrap_or_default();
        check_equal("model_id", model_id, saved_model)?;
        for ((field, own), saved) in MEMORY_INTEGERS.iter().take(5).zip(get_integers(&self)).zip(saved) {
            check_equal(field.name, own, saved)?;
        }
        let mut header = self;
        set_integers(&mut header, saved);
        header.oldest = 0;
        header.check_positions()?;
        Ok(header)
    }

    fn check_positions(&self) -> Result<()> {
        for (what, got) in [("len", self.len), ("oldest", self.oldest), ("turn", self.turn)] {
            if got > self.capacity {
                return public_result(Err(refuse::count(what, got as usize, 0, self.capacity())));
            }
        }
        Ok(())
    }
}

impl MemoryMut<'_> {
    /// Saves the memory as JSON into a buffer and gives its length: at most [`MemoryHeader::json_max`]. `model_id` names
    /// the model whose vectors these are, as [`Config::model_id`](crate::Config::model_id) does.
    ///
    /// # Errors
    /// [`Error::Buffer`] says how much is needed; nothing is then written.
    ///
    /// ```
    /// use micro_lora::{Clicks, Config, Memory, MemoryLayout, MicroLora, StepKind, no_vectors};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// type Lists = Memory<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>;
    /// let mut lora = MicroLora::<2, 2, 1>::new(Config::new().with_step(StepKind::Dual))?;
    /// let (mut memory, mut buffer) = (Lists::new(LAYOUT)?, [0; 1500]);
    /// let list = Clicks::on(&[1.0, 0.0, /* and */ 0.0, 1.0], &[0.0, 1.0]);
    /// memory.view().learn(&mut lora, &[0.6, 0.8], list, 0.01, no_vectors)?;
    /// let len = memory.view().write_json(&mut buffer, 7)?;
    /// let mut other = Lists::new(LAYOUT)?;
    /// other.view().load_json(&buffer[..len], 7)?;
    /// assert_eq!(other.len(), 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn write_json(&self, buffer: &mut [u8], model_id: u32) -> Result<usize> {
        self.check()?;
        let mut integers = [0; INTEGERS.len()];
        let values = [model_id].into_iter().chain(get_integers(self.header));
        integers.iter_mut().zip(values).for_each(|(to, from)| *to = from);
        let words = self.header.layout().sections(self.header.len());
        let version = self.version();
        let words = words.get(..version as usize).unwrap_or_default();
        MEMORY.write(buffer, &Outline { version, integers: &integers, words }, self)
    }

    /// Loads a saved memory into one of the same layout and capacity, for the same model. All of it is checked before
    /// anything is changed. It goes with the adapter that was saved at the same time: with another, forgetting a list
    /// takes out what is not in it.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Format`], [`Error::Base64`] and [`Error::Checksum`] for a text that is no saved
    /// memory, or a damaged one; [`Error::Mismatch`] for one of another version, model or layout; [`Error::Count`],
    /// [`Error::OutOfRange`] and [`Error::NotFinite`] for values that no memory has.
    ///
    /// ```
    /// use micro_lora::{Error, Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// let mut buffer = [0; 400];
    /// let len = memory.view().write_json(&mut buffer, 7)?;
    /// let error = memory.view().load_json(&buffer[..len], 8).unwrap_err();
    /// assert_eq!(error.to_string(), "model_id: expected 8, got 7");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load_json(&mut self, json: &[u8], model_id: u32) -> Result<()> {
        self.check()?;
        let document = Document::parse(&MEMORY, json)?;
        let header = self.header.at(model_id, document.integers())?;
        let version = document.version();
        let sizes = header.layout().sections(header.len());
        document.scan(sizes.get(..version as usize).unwrap_or_default(), |_, _| {})?;
        let [lists, mean] = document.sections();
        public_result(check_lists(&header, words(lists), words(mean)))?;
        self.words.fill(0);
        let (own_lists, own_mean) = header.split(self.words);
        own_lists.iter_mut().zip(words(lists)).for_each(|(place, word)| *place = word);
        own_mean.words.iter_mut().zip(words(mean)).for_each(|(place, word)| *place = word);
        *self.header = header;
        Ok(())
    }

    /// Checks what a host has written into the header and the words of this memory by itself: a saved memory that it has
    /// read by means of its own, as the browser package does.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Count`], [`Error::OutOfRange`], [`Error::NotFinite`]. The memory must not be used then.
    ///
    /// ```
    /// use micro_lora::{Memory, MemoryLayout};
    /// const LAYOUT: MemoryLayout = MemoryLayout::by_value(2, 2, 2);
    /// let mut memory = Memory::<{ LAYOUT.words(8) }, { LAYOUT.scratch() }>::new(LAYOUT)?;
    /// memory.view().take_up()?;
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn take_up(&mut self) -> Result<()> {
        self.check()?;
        self.header.check_positions()?;
        let lists = (0..self.header.len).flat_map(|n| self.record(n).words.iter().copied());
        let mean = self.mean_words().iter().copied();
        public_result(check_lists(self.header, lists, mean))
    }
}

/// The first words of a list: what can be checked without the rest.
const HEAD: usize = ALPHA + MAX_CANDIDATES + MAX_CANDIDATES / 4;

/// The largest magnitude in each range of [`MemoryLayout::float_words`]: above what any list has that was learned.
const MOST: [f32; 4] = [1e6, MAX_SCORE, 1e6, 1e6];

/// The largest magnitude of a sum of alphas, which the limit on the norms of the weights implies.
const MOST_ALPHA: f32 = 1e12;

/// Refuses values that no list, and no mean, has.
fn check_lists(
    header: &MemoryHeader,
    mut words: impl Iterator<Item = u32>,
    mut mean_words: impl Iterator<Item = u32>,
) -> Checked<()> {
    let layout = header.layout();
    let counted = mean_words.next().unwrap_or_default();
    for at in 1..layout.words_of_mean() {
        let most = match (counted, at) {
            (0, _) => 0.0,
            (_, 1..mean::HEAD) => MOST_ALPHA,
            _ => 1e6,
        };
        check_measured(
            "mean of the documents",
            f32::from_bits(mean_words.next().unwrap_or_default()),
            -most,
            most,
        )?;
    }
    let mut outside = 0u32;
    for _ in 0..header.len {
        let mut head = [0; HEAD];
        let mut bad = None;
        let float_vectors = layout.float_words();
        for at in 0..layout.words_per_list() {
            let word = words.next().unwrap_or_default();
            if let Some(place) = head.get_mut(at) {
                *place = word;
            }
            let value = f32::from_bits(word);
            for (range, most) in float_vectors.iter().zip(MOST) {
                if range.contains(&at) && (value.abs() > most || value.is_nan()) {
                    bad = Some((value, most));
                }
            }
        }
        match bad {
            Some((value, most)) if value.is_finite() => {
                check_measured("vectors and scores of a list", value, -most, most)?;
            }
            Some(_) => return Err(refuse::not_finite_at("lists", 0)),
            None => {}
        }
        let record = Record { words: &head, layout };
        check_list(&record)?;
        outside = outside.saturating_add(u32::from(record.outside()));
    }
    if outside > counted {
        return Err(refuse::count(
            "lists counted in the mean of the documents",
            counted as usize,
            outside as usize,
            u32::MAX as usize,
        ));
    }
    Ok(())
}

fn check_list(record: &Record<'_>) -> Checked<()> {
    let head = record.word(ROWS);
    let (rows, chosen) = ((head & 0xFF) as usize, (head >> 16) as usize);
    let max = record.layout.list;
    if rows < MIN_CANDIDATES || rows > max {
        return Err(refuse::count("rows of a list", rows, MIN_CANDIDATES, max));
    }
    if head & 0xFC00 != 0 || chosen >= rows {
        return Err(refuse::count("chosen of a list", chosen, 0, rows.saturating_sub(1)));
    }
    if head & (ALL_BUT | OUTSIDE) == 0 && (0..rows).all(|row| record.weight(row) == 0) {
        return Err(refuse::count("weights of a list", 0, 1, 255));
    }
    let ranges = [
        ("omega of a list", OMEGA, 1, f32::MIN_POSITIVE, MAX_OMEGA),
        ("temperature of a list", TEMPERATURE, 1, MIN_TEMPERATURE, MAX_TEMPERATURE),
        ("h of a list", H, 4, -1e6, 1e6),
        ("u of a list", U, 4, -MOST_U, MOST_U),
        ("alpha of a list", ALPHA, rows, -MAX_OMEGA, MAX_OMEGA),
    ];
    for (what, at, count, min, max) in ranges {
        for i in 0..count {
            check_measured(what, record.float(at.saturating_add(i)), min, max)?;
        }
    }
    Ok(())
}

impl MemoryMut<'_> {
    fn mean_words(&self) -> &[u32] {
        let lists = self.header.layout().words_of_lists(self.header.capacity());
        self.words.get(lists..).unwrap_or_default()
    }

    /// Version 1 has no mean.
    fn version(&self) -> u32 {
        if self.mean_words().first().is_some_and(|count| *count > 0) { 2 } else { 1 }
    }
}

impl Sections for MemoryMut<'_> {
    fn put(&self, section: usize, mut put: impl FnMut(u32)) {
        if section > 0 {
            self.mean_words().iter().for_each(|word| put(*word));
            return;
        }
        for n in 0..self.header.len {
            self.record(n).words.iter().for_each(|word| put(*word));
        }
    }
}
