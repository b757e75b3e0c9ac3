//! What the JavaScript of the npm package needs to know of this crate: the layout of a header, the fields of saved
//! documents, limits, constants. `cargo xtask layout` writes it as JavaScript.
//!
//! Not part of the API: it may change with any version.

use core::mem::offset_of;

use crate::adapter::config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
use crate::adapter::header::{self, BiasSums, Dual, Header};
use crate::adapter::limits::{GRADIENT_LIMIT, MAX_STRENGTH, NORM_LIMIT, WEIGHT_LIMIT};
use crate::adapter::stats::{Outcome, Skip};
use crate::companions::explore;
use crate::companions::holdback::{self, mean, save as holdback_save};
use crate::companions::memory;
use crate::companions::replay::{self, codes, rehearse, save as replay_save};
use crate::error::Error;
use crate::kernel::{Square, rng};
use crate::learn::{limits, sample};
use crate::state::fields::{ADAPTER as STATE, DUALS};
use crate::state::{SUM_LIMIT, TOLERANCE};

pub use crate::companions::holdback::HOLDBACK_INTEGERS;
pub use crate::companions::memory::MEMORY_INTEGERS;
pub use crate::companions::replay::REPLAY_INTEGERS;
pub use crate::state::fields::{HEADER_INTEGERS, HEADER_SCALARS};
pub use crate::state::schema::{Integer, Scalar};

/// A constant.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A whole number.
    Whole(usize),
    /// A number of 32 bits.
    Float(f32),
    /// The integers of a document, in order.
    Fields(&'static [Integer]),
    /// Pairs of a bound and a number.
    Steps(&'static [(f32, u32)]),
}

use Value::{Fields, Float, Steps, Whole};

const BYTES: usize = 4;

/// Where in a header the words are that no document has under a name of their own, in bytes. `use_rslora` is a flag.
pub const UNNAMED: [(&str, usize); 2] =
    [("flags", offset_of!(Header, flags)), ("scaling", offset_of!(Header, scaling))];

/// Where in a header the f32 of a state's section `dual` are, in its order: in bytes, and how many follow each other.
pub const DUAL_PARTS: [(usize, usize); 3] = {
    const NORMS: usize = 3;
    let (norms, u) = (offset_of!(Header, dual.input_norm), offset_of!(Header, dual.u));
    let parts = [(norms, 7), (offset_of!(Header, bias.centre), 4), (offset_of!(Header, dual.trust), 7)];
    assert!(u == norms.saturating_add(NORMS * BYTES) && DUALS == 7 + 4 + 7);
    parts
};

/// Words of a header.
pub const HEADER_WORDS: usize = size_of::<Header>() / BYTES;

// A new field is to be in a table: whoever starts an adapter in JavaScript has to fill it. Without a name there are the
// scaling, the Gram matrix, and what the dual step and a bias add, which begins with zero and is saved by `DUAL_PARTS`.
const _: () = {
    let dual = size_of::<Dual>() / BYTES - ["flags", "lists"].len();
    let sums = (size_of::<Square>() + size_of::<BiasSums>()) / BYTES;
    assert!(HEADER_INTEGERS.len() + HEADER_SCALARS.len() + 1 + dual + sums == HEADER_WORDS);
};

/// The integers of a saved state, in the order in which it has them.
pub const STATE_INTEGERS: &[Integer] = STATE.integers;

/// The sections of a saved state, in order.
pub const STATE_SECTIONS: &[&str] = STATE.sections;

/// How many integers and sections version 1 has. Version 2 has all.
pub const VERSION_1: (usize, usize) = match STATE.versions {
    [first, _] => (first.integers as usize, first.sections as usize),
    _ => panic!("a state has two versions"),
};

const DEFAULTS: Config = Config::new();

/// What adapters accept and are made of.
pub const ADAPTER: &[(&str, Value)] = &[
    ("MAX_FEATURES", Whole(MAX_FEATURES)),
    ("MAX_RANK", Whole(MAX_RANK)),
    ("MIN_CANDIDATES", Whole(sample::MIN_CANDIDATES)),
    ("MAX_CANDIDATES", Whole(sample::MAX_CANDIDATES)),
    ("MIN_WEIGHT", Float(limits::MIN_WEIGHT)),
    ("MAX_WEIGHT", Float(limits::MAX_WEIGHT)),
    ("MIN_TEMPERATURE", Float(limits::MIN_TEMPERATURE)),
    ("MAX_TEMPERATURE", Float(limits::MAX_TEMPERATURE)),
    ("LIST_TEMPERATURE", Float(sample::LIST_TEMPERATURE)),
    ("CHOICE_TEMPERATURE", Float(sample::CHOICE_TEMPERATURE)),
    ("MAX_LEARNING_RATE", Float(limits::MAX_LEARNING_RATE)),
    ("MAX_STRENGTH", Float(MAX_STRENGTH)),
    ("NORM_LIMIT", Float(NORM_LIMIT)),
    ("GRADIENT_LIMIT", Float(GRADIENT_LIMIT)),
    ("WEIGHT_LIMIT", Float(WEIGHT_LIMIT)),
    ("SUM_LIMIT", Float(SUM_LIMIT)),
    ("NORM_TOLERANCE", Float(TOLERANCE)),
    ("DEFAULT_ALPHA", Float(DEFAULTS.alpha)),
    ("DEFAULT_CAP", Float(DEFAULTS.cap)),
    ("SCALED_STEP", Whole(StepKind::ScaledGradientV2 as usize)),
    ("DUAL_STEP", Whole(StepKind::Dual as usize)),
    ("DEFAULT_STEP", Whole(StepKind::Auto as usize)),
    ("MAX_STEP", Whole(StepKind::Auto as usize)),
    ("FIRST_BASELINE", Float(header::BASELINE)),
    ("RSLORA", Whole(Header::RSLORA as usize)),
    ("DUAL", Whole(Header::DUAL as usize)),
    ("CHOSEN", Whole(Header::CHOSEN as usize)),
    ("BIAS", Whole(Header::BIAS as usize)),
    ("MAX_DUAL_FLAGS", Whole((Header::DUAL | Header::CHOSEN | Header::BIAS) as usize)),
    ("SEED_STRIDE", Whole(rng::STRIDE as usize)),
    ("SEED_FACTOR_1", Whole(rng::FACTORS[0] as usize)),
    ("SEED_FACTOR_2", Whole(rng::FACTORS[1] as usize)),
    (
        "ERROR_OUT_OF_RANGE",
        Whole(Error::OutOfRange { what: "", got: 0.0, min: 0.0, max: 0.0 }.code() as usize),
    ),
    ("ERROR_MISSING", Whole(Error::Missing { what: "" }.code() as usize)),
    ("ERROR_PENDING_FULL", Whole(Error::PendingFull.code() as usize)),
    ("ZERO_LEARNING_RATE", Whole(Outcome::Skipped(Skip::ZeroLearningRate).code() as usize)),
];

/// The companions of an adapter: ring, holdback, explorer.
pub const COMPANIONS: &[(&str, Value)] = &[
    ("RING", Fields(replay_save::RING.integers)),
    ("RING_ENTRY", Whole(replay_save::ENTRY)),
    ("REHEARSALS", Whole(replay::REHEARSALS as usize)),
    ("MAX_REHEARSALS", Whole(rehearse::MAX_TIMES as usize)),
    ("MAX_CAPACITY", Whole(replay::MAX_CAPACITY)),
    ("CODE_MAX", Float(codes::CODE_MAX)),
    ("SCALE_MAX", Float(f32::MAX / codes::CODE_MAX)),
    ("MEMORY", Fields(&memory::INTEGERS)),
    ("LIST_WORDS", Whole(memory::ALPHA)),
    ("MEAN_WORDS", Whole(memory::MEAN_HEAD)),
    ("HOLDBACK", Fields(holdback_save::HOLDBACK.integers)),
    ("HOLDBACK_TEAMS", Whole(holdback_save::WORDS[0])),
    ("HOLDBACK_MEANS", Whole(holdback_save::WORDS[1])),
    ("OPEN", Float(holdback::OPEN)),
    ("CLOSE", Float(holdback::CLOSE)),
    ("LEAST_EVENTS", Whole(holdback::LEAST as usize)),
    ("SHARES", Steps(&holdback::SHARES)),
    ("MAX_SHOWN", Whole(holdback::MAX_SHOWN)),
    ("WINDOW", Whole(mean::WINDOW as usize)),
    ("LEAST_SPREAD", Float(mean::LEAST_SPREAD)),
    ("SUM_MAX", Float(holdback_save::SUM_MAX)),
    ("MAX_DIRECTIONS", Whole(explore::MAX_DIRECTIONS)),
    ("MIN_RADIUS", Float(explore::MIN_RADIUS)),
    ("MAX_RADIUS", Float(explore::MAX_RADIUS)),
    ("SPREAD_RATE", Float(explore::SPREAD_RATE)),
    ("CLIP", Float(explore::CLIP)),
    ("ITERATIONS", Whole(explore::ITERATIONS as usize)),
    ("LEAST_VARIANCE", Float(explore::LEAST_VARIANCE)),
    ("LEAST_SQUARE", Float(explore::LEAST_SQUARE)),
];
