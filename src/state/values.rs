//! Settings and reports as values of serde. Values that are read are checked against their ranges.

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::adapter::config::{Config, StepKind};
use crate::adapter::stats::{Outcome, Receipt, Skip, Stats};
use crate::error::{Error, Range, check_ranges};
use crate::state::StateInfo;

/// Both ways through a struct of the same fields, and a check on the way in.
macro_rules! checked {
    ($type:ident, $name:literal, $check:expr, { $($(#[$attribute:meta])* $field:ident: $field_type:ty,)* }) => {
        const _: () = {
            #[derive(Serialize, Deserialize)]
            #[serde(remote = $name, rename = $name, deny_unknown_fields)]
            struct Fields {
                $($(#[$attribute])* $field: $field_type,)*
            }

            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    Fields::serialize(self, serializer)
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let value: Self = Fields::deserialize(deserializer)?;
                    let check: fn(&Self) -> Result<(), Error> = $check;
                    check(&value).map_err(D::Error::custom)?;
                    Ok(value)
                }
            }
        };
    };
}

checked!(Config, "Config", Config::check, {
    alpha: f32,
    use_rslora: bool,
    #[serde(with = "cap")]
    cap: f32,
    seed: u32,
    model_id: u32,
    step: StepKind,
    decay: f32,
});

/// A cap that is off is nothing: not every format has an infinity.
mod cap {
    use super::{Config, Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(cap: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        Some(*cap).filter(|cap| *cap != Config::CAP_OFF).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(Config::CAP_OFF))
    }
}

/// Its number, as in a saved adapter.
impl Serialize for StepKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*self as u32)
    }
}

impl<'de> Deserialize<'de> for StepKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = u32::deserialize(deserializer)?;
        Self::from_code(code).ok_or_else(|| unknown(code, &"the number of a step"))
    }
}

/// Its [`code`](Outcome::code).
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.code())
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const SKIPS: [Skip; 7] = [
            Skip::NeutralQuality,
            Skip::AllChosen,
            Skip::NothingChosen,
            Skip::ZeroGradient,
            Skip::ZeroWeight,
            Skip::NoPending,
            Skip::ZeroLearningRate,
        ];
        let code = u32::deserialize(deserializer)?;
        let outcomes = [Self::Applied].into_iter().chain(SKIPS.map(Self::Skipped));
        let mut same = outcomes.filter(|outcome| outcome.code() == code);
        same.next().ok_or_else(|| unknown(code, &"the number of an outcome"))
    }
}

fn unknown<E: serde::de::Error>(code: u32, expected: &'static &'static str) -> E {
    E::invalid_value(Unexpected::Unsigned(code.into()), expected)
}

const fn at_least_0(what: &'static str, max: f32) -> Range {
    Range { what, min: 0.0, max }
}

checked!(Receipt, "Receipt", |receipt: &Receipt| {
    const RANGES: [Range; 3] =
        [at_least_0("grad_norm", f32::MAX), at_least_0("step_norm", f32::MAX), at_least_0("guard", 1.0)];
    check_ranges(&RANGES, &[receipt.grad_norm, receipt.step_norm, receipt.guard])
}, {
    outcome: Outcome,
    grad_norm: f32,
    step_norm: f32,
    guard: f32,
    generation: u32,
    step: StepKind,
});

checked!(Stats, "Stats", |stats: &Stats| {
    const RANGES: [Range; 4] = [
        at_least_0("mean_quality", 1.0),
        at_least_0("norm_a", f32::MAX),
        at_least_0("norm_b", f32::MAX),
        at_least_0("norm_delta_weight", f32::MAX),
    ];
    check_ranges(&RANGES, &[stats.mean_quality, stats.norm_a, stats.norm_b, stats.norm_delta_weight])
}, {
    samples_seen: u32,
    rated: u32,
    mean_quality: f32,
    capped: u32,
    updates: u32,
    generation: u32,
    pending: u32,
    param_count: u32,
    weight_bytes: u32,
    norm_a: f32,
    norm_b: f32,
    norm_delta_weight: f32,
});

checked!(StateInfo, "StateInfo", StateInfo::check, {
    in_features: usize,
    out_features: usize,
    rank: usize,
    model_id: u32,
    generation: u32,
    samples_seen: u32,
    pending: u32,
    train_bytes: usize,
    apply_bytes: usize,
});
