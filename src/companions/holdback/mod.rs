//! Measures whether an adapter helps its user, continuously while it is used.
//!
//! A host that shows lists merges those of the frozen model and of the adapter into one, taking
//! turns decided by a coin (team-draft interleaving, Radlinski, Kurup, Joachims 2008), and counts whose
//! results are clicked. Both have the same chance of a good place, so position bias does not favour either, and
//! each list compares both: this takes a fraction of the events of an A/B test of whole lists (Chapelle et al. 2012).
//! Places on which both rankings agree count for neither.
//!
//! A host that shows one answer serves it with the adapter or without, and compares mean qualities.
//!
//! The adapter is applied while its lead, in standard errors, is above a bound. The more certain it is, the
//! fewer events are compared.

pub(crate) mod mean;
pub(crate) mod save;

use core::cmp::Ordering;
use core::fmt;

use crate::error::{Error, Result, check_length, check_range};
use crate::kernel;
use mean::Mean;
pub use save::HOLDBACK_INTEGERS;

/// Standard errors of lead from which the adapter is applied, and below which it no longer is.
pub(crate) const OPEN: f32 = 3.4;
pub(crate) const CLOSE: f32 = 2.9;
/// The number of comparisons before the adapter may be applied.
pub(crate) const LEAST: u32 = 20;
/// While the adapter is applied, one event in `every` is compared, from this lead (in standard errors) on.
pub(crate) const SHARES: [(f32, u32); 3] = [(6.0, 8), (4.0, 4), (0.0, 2)];
/// The longest list that can be interleaved.
pub(crate) const MAX_SHOWN: usize = 64;

/// Which output an event is served with.
///
/// ```
/// use micro_lora::Serving;
/// assert_ne!(Serving::Base, Serving::Adapted);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Serving {
    /// The frozen model alone.
    Base = 0,
    /// The frozen model and the adapter.
    Adapted = 1,
}

/// A comparison of an adapter with the frozen model alone. 112 bytes, no pointers: copy it to save it,
/// or take [`write_json`](Self::write_json).
///
/// Lists:
///
/// ```
/// use micro_lora::Holdback;
/// let mut holdback = Holdback::new();
/// for _ in 0..100 {
///     // What either would show, best first, by the host's own numbers. The user likes 7.
///     let (base, adapted) = ([3, 5, 7], [7, 3, 5]);
///     let mut shown = [0; 2];
///     if holdback.is_due() {
///         holdback.interleave(&base, &adapted, &mut shown)?;
///         holdback.record_clicks(&shown.map(|id| if id == 7 { 1.0 } else { 0.0 }))?;
///     } else if holdback.is_applied() {
///         // Show the adapter's own list. Learn from the clicks on either as ever.
///     }
/// }
/// assert!(holdback.is_applied());
/// # Ok::<(), micro_lora::Error>(())
/// ```
///
/// Single answers:
///
/// ```
/// use micro_lora::{Holdback, Serving};
/// let mut holdback = Holdback::new();
/// for _ in 0..100 {
///     // The host serves what it is told, and says how good the user found it.
///     let quality = match holdback.next() {
///         Serving::Base => 0.4,
///         Serving::Adapted => 0.5,
///     };
///     holdback.record(quality)?;
/// }
/// assert!(holdback.is_applied());
/// assert_eq!(holdback.report().to_string(), "applied: +25 % better than without, 100 events");
/// # Ok::<(), micro_lora::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Holdback {
    /// Which places of the last merged list each has filled; by [`Serving`].
    teams: [u64; 2],
    /// Of what was served, or of each one's results in merged lists; by [`Serving`].
    quality: [Mean; 2],
    /// The adapter's clicks less the frozen model's, per merged list.
    credit: Mean,
    /// Events since the last one chosen for comparison.
    since: u32,
    serving: u32,
    applied: u32,
    events: u32,
    /// State of the coin.
    coin: u32,
    /// Length of the last merged list.
    shown: u32,
}

/// What a [`Holdback`] has found.
///
/// ```
/// let report = micro_lora::Holdback::new().report();
/// assert_eq!(report.to_string(), "not applied: too few events yet, 0 events");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct HoldbackReport {
    /// Whether the adapter is to be applied.
    pub applied: bool,
    /// Mean quality with the adapter, or clicks on its results per merged list.
    pub adapted: f32,
    /// The same without it.
    pub base: f32,
    /// The adapter's lead in standard errors.
    pub lead: f32,
    /// Events compared.
    pub events: u32,
    /// Whether merged lists are among them.
    has_lists: bool,
}

impl Holdback {
    /// A holdback without data: every list is compared, and every other answer is the adapter's.
    ///
    /// ```
    /// assert!(!micro_lora::Holdback::new().is_applied());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            teams: [0; 2],
            quality: [Mean::EMPTY; 2],
            credit: Mean::EMPTY,
            since: 0,
            serving: 0,
            applied: 0,
            events: 0,
            coin: 1,
            shown: 0,
        }
    }

    /// Whether to apply the adapter to events that are not compared.
    ///
    /// ```
    /// assert!(!micro_lora::Holdback::new().is_applied());
    /// ```
    #[must_use]
    pub const fn is_applied(&self) -> bool {
        self.applied == 1
    }

    /// Whether to compare the next list, that is, to merge it by [`interleave`](Self::interleave). If not, show the
    /// adapter's list. While the adapter is not applied, every list is compared.
    ///
    /// ```
    /// assert!(micro_lora::Holdback::new().is_due());
    /// ```
    pub fn is_due(&mut self) -> bool {
        self.is_turn(if self.is_applied() { self.share() } else { 1 })
    }

    /// Merges two rankings of the same results, given by ids of yours, best first, into `shown`, and returns how many
    /// places were filled: fewer than `shown` has if both rankings are exhausted.
    ///
    /// # Errors
    /// [`Error::Count`] for room for none or more than 64.
    ///
    /// ```
    /// let mut shown = [0; 3];
    /// let mut holdback = micro_lora::Holdback::new();
    /// assert_eq!(holdback.interleave(&[1, 2, 3, 4], &[1, 4, 3, 2], &mut shown)?, 3);
    /// assert_eq!(shown[0], 1); // on which both agree
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn interleave(&mut self, base: &[u32], adapted: &[u32], shown: &mut [u32]) -> Result<usize> {
        if shown.is_empty() || shown.len() > MAX_SHOWN {
            return Err(Error::Count { what: "shown", got: shown.len(), min: 1, max: MAX_SHOWN });
        }
        self.teams = [0; 2];
        let mut filled = 0usize;
        while let Some((before, [place, ..])) = shown.split_at_mut_checked(filled) {
            let next = |ranking: &[u32]| ranking.iter().copied().find(|id| !before.contains(id));
            let place_bit = 1u64.wrapping_shl(filled as u32);
            *place = match (next(base), next(adapted)) {
                // The reply to the other's last result takes a place of its own even if both would choose it: else the
                // ranking that lost the toss would get the lower places.
                (Some(a), Some(b)) if a != b || self.owes_a_place() => {
                    let serving = self.turn();
                    let [without, with] = &mut self.teams;
                    match serving {
                        Serving::Base => {
                            *without |= place_bit;
                            a
                        }
                        Serving::Adapted => {
                            *with |= place_bit;
                            b
                        }
                    }
                }
                (Some(id), _) | (None, Some(id)) => id,
                (None, None) => break,
            };
            filled = filled.saturating_add(1);
        }
        self.shown = filled as u32;
        Ok(filled)
    }

    fn owes_a_place(&self) -> bool {
        let [base, adapted] = self.teams.map(u64::count_ones);
        base != adapted
    }

    /// Who has filled fewer places goes next, and of equals the one that the coin says.
    fn turn(&mut self) -> Serving {
        // Xorshift (Marsaglia 2003); never zero, for it starts at one.
        self.coin ^= self.coin.wrapping_shl(13);
        self.coin ^= self.coin.wrapping_shr(17);
        self.coin ^= self.coin.wrapping_shl(5);
        let [base, adapted] = self.teams.map(u64::count_ones);
        match base.cmp(&adapted) {
            Ordering::Less => Serving::Base,
            Ordering::Greater => Serving::Adapted,
            Ordering::Equal if self.coin.wrapping_shr(16) & 1 == 0 => Serving::Base,
            Ordering::Equal => Serving::Adapted,
        }
    }

    /// What was clicked in the last merged list: 1 for a click, 0 for none, one per result shown. Call
    /// it once per list: a second call counts again. For an empty list, or before the first list, nothing
    /// is counted.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::OutOfRange`]; nothing is then recorded.
    ///
    /// ```
    /// let mut holdback = micro_lora::Holdback::new();
    /// holdback.interleave(&[1, 2, 3], &[3, 2, 1], &mut [0; 3])?;
    /// holdback.record_clicks(&[0.0, 1.0, 0.0])?;
    /// assert_eq!(holdback.report().events, 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn record_clicks(&mut self, clicks: &[f32]) -> Result<()> {
        check_length("clicks on the last merged list", clicks.len(), self.shown as usize)?;
        if clicks.is_empty() {
            return Ok(());
        }
        for click in clicks {
            check_range("clicks", *click, 0.0, 1.0)?;
        }
        let sums = self.teams.map(|team| {
            let of_team = (0u32..).zip(clicks).filter(|(place, _)| team.wrapping_shr(*place) & 1 == 1);
            of_team.fold(0.0, |sum, (_, click)| sum + click)
        });
        for (mean, sum) in self.quality.iter_mut().zip(sums) {
            mean.add(sum);
        }
        let [without, with] = sums;
        self.credit.add(with - without);
        self.count();
        Ok(())
    }

    /// Which output to serve for the next answer, where only one answer is shown.
    ///
    /// ```
    /// use micro_lora::{Holdback, Serving};
    /// let mut holdback = Holdback::new();
    /// let four = [(); 4].map(|()| holdback.next());
    /// assert_eq!(four.iter().filter(|serving| **serving == Serving::Adapted).count(), 2);
    /// ```
    #[expect(clippy::should_implement_trait, reason = "an iterator could not be asked anything else")]
    pub fn next(&mut self) -> Serving {
        let is_rare = self.is_turn(if self.is_applied() { self.share() } else { 2 });
        let serving = if is_rare == self.is_applied() { Serving::Base } else { Serving::Adapted };
        self.serving = serving as u32;
        serving
    }

    /// How good the user found what the last [`next`](Self::next) served: `0.0..=1.0`. Call it once per
    /// answer: a second call counts again. Before the first `next` it counts for the frozen model.
    ///
    /// # Errors
    /// [`Error::OutOfRange`]; nothing is then recorded.
    ///
    /// ```
    /// let mut holdback = micro_lora::Holdback::new();
    /// holdback.next();
    /// assert!(holdback.record(1.5).is_err());
    /// holdback.record(0.5)?;
    /// assert_eq!(holdback.report().events, 1);
    /// # Ok::<(), micro_lora::Error>(())
    /// ```
    pub fn record(&mut self, quality: f32) -> Result<()> {
        check_range("quality", quality, 0.0, 1.0)?;
        let [base, adapted] = &mut self.quality;
        if self.serving == Serving::Adapted as u32 { adapted } else { base }.add(quality);
        self.count();
        Ok(())
    }

    /// What was found so far.
    ///
    /// ```
    /// assert_eq!(micro_lora::Holdback::new().report().events, 0);
    /// ```
    #[must_use]
    pub fn report(&self) -> HoldbackReport {
        let [base, adapted] = &self.quality;
        HoldbackReport {
            applied: self.is_applied(),
            adapted: adapted.mean(),
            base: base.mean(),
            lead: self.lead(),
            events: self.events,
            has_lists: self.credit.count > 0,
        }
    }

    /// Counts an event; true for one in `every`.
    fn is_turn(&mut self, every: u32) -> bool {
        self.since = self.since.saturating_add(1);
        let is_turn = self.since >= every;
        if is_turn {
            self.since = 0;
        }
        is_turn
    }

    /// While the adapter is applied, one event in this many is compared.
    fn share(&self) -> u32 {
        let lead = self.lead();
        SHARES.iter().find(|(from, _)| lead >= *from).map_or(2, |(_, every)| *every)
    }

    fn count(&mut self) {
        self.events = self.events.saturating_add(1);
        let bound = if self.is_applied() { CLOSE } else { OPEN };
        self.applied = u32::from(self.lead() >= bound);
    }

    fn lead(&self) -> f32 {
        let [base, adapted] = &self.quality;
        if base.count.min(adapted.count) < LEAST {
            return 0.0;
        }
        if self.credit.count >= LEAST {
            return kernel::divide(self.credit.mean(), kernel::sqrt(self.credit.error_squared()));
        }
        kernel::divide(
            adapted.mean() - base.mean(),
            kernel::sqrt(base.error_squared() + adapted.error_squared()),
        )
    }
}

impl Default for Holdback {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for HoldbackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding a zero could change the sign of a zero.
        let percent = libm::roundf(100.0 * (self.adapted / self.base - 1.0)) + 0.0;
        // From so many on, a lead of zero is one.
        let is_known = self.lead != 0.0 || self.events >= 2 * LEAST;
        match (self.applied, percent.is_finite()) {
            (true, true) => write!(f, "applied: {percent:+} % better than without")?,
            (true, false) => f.write_str("applied: better than without")?,
            (false, _) if self.events > 0 && self.adapted == 0.0 && self.base == 0.0 => {
                // There may have been clicks: places on which both agree count for neither.
                let found = if self.has_lists { "clicked yet where the lists differ" } else { "liked yet" };
                write!(f, "not applied: nothing {found}")?;
            }
            (false, true) if is_known => write!(f, "not applied: {percent:+} % is no clear lead")?,
            (false, false) if is_known => f.write_str("not applied: no clear lead")?,
            (false, _) => f.write_str("not applied: too few events yet")?,
        }
        write!(f, ", {} event{}", self.events, if self.events == 1 { "" } else { "s" })
    }
}
