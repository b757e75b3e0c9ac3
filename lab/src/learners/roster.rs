//! Every measured learner with its name.

use micro_lora::{Config, Error};

use super::calibrated::Calibrated;
use super::engine::{Held, Scaled, Told};
use super::engine_dual::EngineDual;
use super::fit::{FitSettings, Refit};
use super::older::Replaced;
use super::shift::{Frozen, Popularity, Ridge, Rocchio};
use super::{DualReference, Ranker, Setting};
use crate::dual::DualSettings;

type Made = Result<Box<dyn Ranker>, Error>;

/// A learner by name.
pub struct Contender {
    pub name: &'static str,
    pub make: fn(&Setting) -> Made,
    pub when: When,
}

/// Where a learner is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On everything.
    Always,
    /// In searches with clicks by taste.
    Searches,
    /// In searches, whatever the clicks.
    Clicks,
    /// In the main searches: it needs minutes.
    Bounds,
    /// With ratings.
    Ratings,
    /// With ratings, on top of the host's own ranking.
    Hosted,
    /// Only if asked for by name.
    Asked,
}

pub const FROZEN: &str = "frozen";
pub const REFERENCE: &str = "dual (reference)";
pub const TODAY: &str = "scaled step, ring";
pub const RIDGE: &str = "ridge";
/// The learner that the figures are about.
pub const MAIN: &str = "dual";
/// Lists that it remembers.
const LISTS: usize = 256;

impl Contender {
    /// Whether a short run includes it.
    pub fn is_quick(&self) -> bool {
        [FROZEN, RIDGE, TODAY, MAIN].contains(&self.name)
    }
}

fn dual(setting: &Setting, settings: DualSettings, serve: f32) -> Made {
    Ok(Box::new(DualReference::new(setting, settings, serve)))
}

fn scaled(setting: &Setting, config: Config, serve: f32) -> Result<Scaled, Error> {
    Scaled::new(setting, config, Told::Clicks, serve)
}

fn refit(setting: &Setting, settings: FitSettings, serve: f32) -> Made {
    Ok(Box::new(Refit::new(setting, settings, serve)))
}

const DUAL: DualSettings = DualSettings::ENGINE;
const FIT: FitSettings = FitSettings { rank: 4, lam: 10.0, tau: 0.1, anchor: 0.0, extra: 0, steps: 120 };

macro_rules! roster {
    ($($when:ident $name:expr => |$s:ident| $make:expr;)*) => {
        /// All of them, the frozen ranking first.
        pub const ROSTER: &[Contender] =
            &[$(Contender { name: $name, make: |$s: &Setting| -> Made { $make }, when: When::$when }),*];
    };
}

roster! {
    Always FROZEN => |_s| Ok(Box::new(Frozen));
    Searches "popularity" => |s| Ok(Box::new(Popularity::new(s)));
    Searches "Rocchio" => |s| Ok(Box::new(Rocchio::new(s)));
    Always RIDGE => |s| Ok(Box::new(Ridge::new(s, 1.0, 10.0)));
    Always "ridge, b 2, lam 30" => |s| Ok(Box::new(Ridge::new(s, 2.0, 30.0)));
    Hosted "ridge, lam 30" => |s| Ok(Box::new(Ridge::new(s, 1.0, 30.0)));
    Searches "replaced rule" => |s| Ok(Box::new(Replaced::new(s, 0.01)));
    Asked "replaced rule, rate 1" => |s| Ok(Box::new(Replaced::new(s, 1.0)));
    Bounds "fit, at .5" => |s| refit(s, FIT, 0.5);
    Bounds "fit, anchored" => |s| refit(s, FitSettings { anchor: 0.3, extra: 20, ..FIT }, 1.0);
    Always TODAY => |s| Ok(Box::new(scaled(s, Config::new(), 1.0)?.with_replay()));
    Searches "scaled step, ring, at .5" => |s| Ok(Box::new(scaled(s, Config::new(), 0.5)?.with_replay()));
    Searches "scaled step" => |s| Ok(Box::new(scaled(s, Config::new(), 1.0)?));
    Clicks "scaled step, ring, decay .001" =>
        |s| Ok(Box::new(scaled(s, Config::new().with_decay(0.001), 1.0)?.with_replay()));
    Clicks "scaled step, ring, holdback" =>
        |s| Ok(Box::new(Held::new(Box::new(scaled(s, Config::new(), 1.0)?.with_replay()))));
    Asked "quality alone" => |s| Ok(Box::new(Scaled::new(s, Config::new(), Told::Quality, 1.0)?));
    Always MAIN => |s| Ok(Box::new(EngineDual::<4>::new(s, LISTS, 1.0)?));
    Always "dual, at 1.5" => |s| Ok(Box::new(EngineDual::<4>::new(s, LISTS, 1.5)?));
    Asked "dual, at 0.8" => |s| Ok(Box::new(EngineDual::<4>::new(s, LISTS, 0.8)?));
    Searches "dual, no memory" => |s| Ok(Box::new(EngineDual::<4>::new(s, 0, 1.0)?));
    Asked "dual, rank 1" => |s| Ok(Box::new(EngineDual::<1>::new(s, LISTS, 1.0)?));
    Asked "dual, rank 2" => |s| Ok(Box::new(EngineDual::<2>::new(s, LISTS, 1.0)?));
    Asked "dual, 64 lists" => |s| Ok(Box::new(EngineDual::<4>::new(s, 64, 1.0)?));
    Asked "dual, 600 lists" => |s| Ok(Box::new(EngineDual::<4>::new(s, 600, 1.0)?));
    Clicks "dual, holdback" => |s| Ok(Box::new(Held::new(Box::new(EngineDual::<4>::new(s, LISTS, 1.0)?))));
    Searches REFERENCE => |s| dual(s, DUAL, 1.0);
    Asked "dual (reference), at 1.5" => |s| dual(s, DUAL, 1.5);
    Asked "dual (reference), no ring" =>
        |s| dual(s, DualSettings { ring: 1, visits: 0, outside: false, ..DUAL }, 1.0);
    Asked "dual (reference), ring of 256" => |s| dual(s, DualSettings { ring: 256, ..DUAL }, 1.0);
    Asked "dual (reference), holdback" => |s| Ok(Box::new(Held::new(dual(s, DUAL, 1.0)?)));
    Asked "dual (reference), ring of 64" => |s| dual(s, DualSettings { ring: 64, ..DUAL }, 1.0);
    Asked "dual (reference), 29 visits" => |s| dual(s, DualSettings { visits: 29, ..DUAL }, 1.0);
    Asked "dual (reference), bias alone" => |s| dual(s, DualSettings { gamma: 0.0, eta: 0.0, ..DUAL }, 1.0);
    Asked "dual (reference), gamma 2, lam 20" => |s| dual(s, DualSettings { gamma: 2.0, lam: 20.0, ..DUAL }, 1.0);
    Asked "dual (reference), without none of these" => |s| dual(s, DualSettings { outside: false, ..DUAL }, 1.0);
    Ratings "dual, at 2" => |s| Ok(Box::new(EngineDual::<4>::new(s, LISTS, 2.0)?));
    Asked "dual (reference), base trust 1" => |s| dual(s, DualSettings { beta: 1.0, ..DUAL }, 1.0);
    Ratings "dual (reference), calibrated" => |s| Ok(Box::new(Calibrated::new(s, 0.6, 10.0)));
}
