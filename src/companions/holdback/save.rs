//! Saving and loading a holdback.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::mean::Mean;
use super::{Holdback, MAX_SHOWN};
#[cfg(doc)]
use crate::error::Error;
use crate::error::{Result, check_range};
use crate::state::base64::words;
use crate::state::deserialize::{Places, Reading, check_words, names};
use crate::state::read::Document;
use crate::state::schema::{Outline, Schema, Version, integers};
use crate::state::serialize::Saved;
use crate::state::write::Sections;

pub(crate) const HOLDBACK: Schema = Schema {
    format: "micro-lora-holdback",
    integers: &HOLDBACK_INTEGERS,
    sections: &["teams", "means"],
    versions: &[Version { integers: 6, sections: 2 }],
    unknown: "a field that no holdback has",
};
const VERSION: u32 = 1;

integers! {
    /// The integers of a holdback.
    pub HOLDBACK_INTEGERS of Holdback, get_integers, set_integers;
    "since": since, 0, u32::MAX;
    "serving": serving, 0, 1;
    "applied": applied, 0, 1;
    "events": events, 0, u32::MAX;
    // The generator of the coin would stay at zero for ever.
    "coin": coin, 1, u32::MAX;
    "shown": shown, 0, MAX_SHOWN as u32;
}

/// Words of the sections: two places for 64 bits each, three means.
pub(crate) const WORDS: [usize; 2] = [4, 18];

/// Far above any sum over a window.
pub(crate) const SUM_MAX: f32 = 1e9;

impl Holdback {
    /// The most characters that a saved holdback takes.
    ///
    /// ```
    /// assert_eq!(micro_lora::Holdback::JSON_MAX, 323);
    /// ```
    pub const JSON_MAX: usize = HOLDBACK.max_len(&WORDS);

    /// Saves it as JSON into a buffer and gives its length: at most [`JSON_MAX`](Self::JSON_MAX).
    ///
    /// # Errors
    /// [`Error::Buffer`] says how much is needed; nothing is then written.
    ///
    /// ```
    /// use micro_lora::Holdback;
    /// let (holdback, mut buffer) = (Holdback::new(), [0; Holdback::JSON_MAX]);
    /// let len = holdback.write_json(&mut buffer)?;
    /// assert_eq!(Holdback::from_json(&buffer[..len])?, holdback);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn write_json(&self, buffer: &mut [u8]) -> Result<usize> {
        self.outlined(|outline| HOLDBACK.write(buffer, &outline, self))
    }

    /// Loads a saved holdback.
    ///
    /// # Errors
    /// [`Error::Syntax`], [`Error::Format`], [`Error::Base64`] and [`Error::Checksum`] for a text that is
    /// no saved holdback, or a damaged one; [`Error::Mismatch`] for one of another version; [`Error::Count`]
    /// and [`Error::OutOfRange`] for values that no holdback has.
    ///
    /// ```
    /// use micro_lora::{Error, Holdback};
    /// assert!(matches!(Holdback::from_json(b"[]"), Err(Error::Syntax { .. })));
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let document = Document::parse(&HOLDBACK, json)?;
        document.scan(&WORDS, |_, _| {})?;
        let [teams, means] = document.sections();
        Self::of(document.integers(), words(teams), words(means))
    }

    /// Of the values of a document whose integers have been checked.
    fn of(
        integers: &[u32],
        mut teams: impl Iterator<Item = u32>,
        mut means: impl Iterator<Item = u32>,
    ) -> Result<Self> {
        let mut team = || {
            let mut half = || teams.next().map(u64::from).unwrap_or_default();
            half() | half() << 32
        };
        let teams = [team(), team()];
        let mut mean = || read_mean(&mut means);
        let (quality, credit) = ([mean()?, mean()?], mean()?);
        let mut holdback = Self { teams, quality, credit, ..Self::new() };
        set_integers(&mut holdback, integers.first_chunk().copied().unwrap_or_default());
        Ok(holdback)
    }

    fn outlined<T>(&self, with: impl FnOnce(Outline<'_>) -> T) -> T {
        with(Outline { version: VERSION, integers: &get_integers(self), words: &WORDS })
    }
}

/// The document of `docs/state-format.md` in formats for humans; in binary formats the same fields, with bytes in
/// place of base64.
///
/// ```
/// let holdback = micro_lora::Holdback::new();
/// let json = serde_json::to_string(&holdback).unwrap();
/// assert_eq!(serde_json::from_str::<micro_lora::Holdback>(&json).unwrap(), holdback);
/// ```
impl Serialize for Holdback {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        self.outlined(|outline| Saved { schema: &HOLDBACK, outline, sections: self }.serialize(serializer))
    }
}

static NAMES: [&str; 3 + HOLDBACK_INTEGERS.len() + 2] = names(&HOLDBACK);

/// Checked as by [`Holdback::from_json`].
impl<'de> Deserialize<'de> for Holdback {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        let mut read = Words::default();
        let (head, words) = Reading::read(&HOLDBACK, &NAMES, &mut read, deserializer)?;
        let check = || {
            check_words(&HOLDBACK, &words, &WORDS)?;
            head.check_values(Schema::crc32(&head.outline(&WORDS), &read))?;
            Self::of(head.integers(), read.teams.into_iter(), read.means.into_iter())
        };
        check().map_err(D::Error::custom)
    }
}

/// The sections, as far as they have been read.
#[derive(Default)]
struct Words {
    teams: [u32; 4],
    means: [u32; 18],
}

impl Places for Words {
    fn put(&mut self, section: usize, index: usize, word: u32) -> bool {
        let words = if section == 0 { &mut self.teams[..] } else { &mut self.means[..] };
        words.get_mut(index).map(|place| *place = word).is_some()
    }
}

impl Sections for Words {
    fn put(&self, section: usize, put: impl FnMut(u32)) {
        let words = if section == 0 { &self.teams[..] } else { &self.means[..] };
        words.iter().copied().for_each(put);
    }
}

impl Sections for Holdback {
    fn put(&self, section: usize, mut put: impl FnMut(u32)) {
        if section == 0 {
            for team in self.teams {
                put(team as u32);
                put(team.wrapping_shr(32) as u32);
            }
            return;
        }
        let [base, adapted] = self.quality;
        for Mean { count, w, wv, ww, wwv, wwvv } in [base, adapted, self.credit] {
            put(count);
            [w, wv, ww, wwv, wwvv].into_iter().for_each(|sum| put(sum.to_bits()));
        }
    }
}

fn read_mean(words: &mut impl Iterator<Item = u32>) -> Result<Mean> {
    let mut word = || words.next().unwrap_or_default();
    let count = word();
    let mut sum = || f32::from_bits(word());
    let mean = Mean { count, w: sum(), wv: sum(), ww: sum(), wwv: sum(), wwvv: sum() };
    // Weights are positive as soon as there is one.
    let least = if count > 0 { f32::MIN_POSITIVE } else { 0.0 };
    check_range("means", mean.w, least, SUM_MAX)?;
    check_range("means", mean.ww, least, SUM_MAX)?;
    for sum in [mean.wv, mean.wwv, mean.wwvv] {
        check_range("means", sum, -SUM_MAX, SUM_MAX)?;
    }
    Ok(mean)
}
