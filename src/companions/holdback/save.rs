//! Saving and loading a holdback.

use super::mean::Mean;
use super::{Holdback, MAX_SHOWN};
use crate::error::{Error, Result, check_range};
use crate::state::beside::{Kind, Words, words};

const HOLDBACK: Kind<6, 2> = Kind {
    format: "micro-lora-holdback",
    integers: ["since", "serving", "applied", "events", "coin", "shown"],
    texts: ["teams", "means"],
};

/// Words of the texts: two places for 64 bits each, three means.
const WORDS: [usize; 2] = [4, 18];

/// Far above any sum over a window.
const SUM_MAX: f32 = 1e9;

impl Holdback {
    /// The most characters that a saved holdback takes.
    ///
    /// ```
    /// assert_eq!(micro_lora::Holdback::JSON_MAX, 323);
    /// ```
    pub const JSON_MAX: usize = HOLDBACK.max_len(WORDS);

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
        let Self { since, serving, applied, events, coin, shown, .. } = *self;
        HOLDBACK.write(buffer, [since, serving, applied, events, coin, shown], self)
    }

    /// As it was when it was saved.
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
        let document = HOLDBACK.parse(json)?;
        HOLDBACK.check(&document, WORDS)?;
        let [since, serving, applied, events, coin, shown] = document.integers;
        for (what, got, min, max) in [
            ("serving", serving, 0, 1),
            ("applied", applied, 0, 1),
            // A coin of zero would fall on the same side for ever.
            ("coin", coin, 1, u32::MAX as usize),
            ("shown", shown, 0, MAX_SHOWN),
        ] {
            let got = got as usize;
            if got < min || got > max {
                return Err(Error::Count { what, got, min, max });
            }
        }
        let [teams, means] = document.texts;
        let mut words_of_teams = words(teams);
        let mut team = || {
            let mut half = || words_of_teams.next().map(u64::from).unwrap_or_default();
            half() | half() << 32
        };
        let teams = [team(), team()];
        let mut words_of_means = words(means);
        let mut mean = || read_mean(&mut words_of_means);
        let (quality, credit) = ([mean()?, mean()?], mean()?);
        Ok(Self { teams, quality, credit, since, serving, applied, events, coin, shown })
    }
}

impl Words for Holdback {
    fn put(&self, text: usize, mut put: impl FnMut(u32)) {
        if text == 0 {
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
