//! The JSON of a saved adapter, field by field; `docs/state-format.md` specifies it.
//!
//! Integers and strings only. Every f32 is in base64, so that it comes back bit for bit and no
//! decimal is ever parsed or printed. The checksum is over the decoded values, so that JSON tools
//! may re-format the text.

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::crc::Crc;
use crate::error::{Error, Result};
use crate::header::{Header, Trace};

const FORMAT: &str = "micro-lora";
pub(crate) const VERSION: u32 = 1;

/// How many f32 the field `scalars` holds.
pub(crate) const SCALARS: usize = 10;

/// Characters of the integers with their names, if each has one digit.
const HEAD_MIN: usize = 205;
/// The integers, checksum included.
const INTEGERS: usize = 15;
/// Characters of the integers with their names at most.
pub(crate) const HEAD_MAX: usize = HEAD_MIN + 9 * INTEGERS;

/// A saved adapter as JSON has it: integers, and base64 that is not yet decoded.
///
/// When saving, only the integers are serialised; the writer streams the base64 after them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire<'a> {
    format: &'a str,
    version: u32,
    pub(crate) in_features: u32,
    pub(crate) out_features: u32,
    pub(crate) rank: u32,
    pub(crate) model_id: u32,
    seed: u32,
    step: u32,
    use_rslora: u32,
    pub(crate) pending: u32,
    updates: u32,
    pub(crate) samples: u32,
    rated: u32,
    capped: u32,
    pub(crate) generation: u32,
    pub(crate) crc32: u32,
    #[serde(skip_serializing)]
    pub(crate) scalars: &'a str,
    #[serde(skip_serializing)]
    pub(crate) lora_a: &'a str,
    #[serde(skip_serializing)]
    pub(crate) lora_b: &'a str,
    #[serde(skip_serializing)]
    pub(crate) grad_a: &'a str,
    #[serde(skip_serializing)]
    pub(crate) grad_c: &'a str,
}

impl<'a> Wire<'a> {
    /// The integers of an adapter; the checksum is still to be filled in.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            format: FORMAT,
            version: VERSION,
            in_features: header.in_features,
            out_features: header.out_features,
            rank: header.rank,
            model_id: header.model_id,
            seed: header.seed,
            step: header.step,
            use_rslora: u32::from(header.uses_rslora()),
            pending: header.pending,
            updates: header.trace.updates,
            samples: header.samples,
            rated: header.rated,
            capped: header.capped,
            generation: header.generation,
            crc32: 0,
            scalars: "",
            lora_a: "",
            lora_b: "",
            grad_a: "",
            grad_c: "",
        }
    }

    /// Reads the JSON. What is in the fields is not yet checked, but for format and version.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self> {
        let (wire, _) = serde_json_core::from_slice::<Wire<'a>>(json).map_err(syntax)?;
        if wire.format != FORMAT {
            return Err(Error::Format);
        }
        check_equal("version", VERSION, wire.version)?;
        Ok(wire)
    }

    /// Every integer but the checksum, in the order in which the checksum takes them.
    fn integers(&self) -> [u32; INTEGERS - 1] {
        [
            self.version,
            self.in_features,
            self.out_features,
            self.rank,
            self.model_id,
            self.seed,
            self.step,
            self.use_rslora,
            self.pending,
            self.updates,
            self.samples,
            self.rated,
            self.capped,
            self.generation,
        ]
    }

    /// The checksum so far: of the integers. The scalars and the matrices follow.
    pub(crate) fn checksum(&self) -> Crc {
        let mut crc = Crc::new();
        self.integers().into_iter().for_each(|word| crc.word(word));
        crc
    }

    /// Characters of the integers with their names.
    pub(crate) fn head_len(&self) -> usize {
        let more_digits = |value: u32| value.checked_ilog10().unwrap_or(0) as usize;
        let values = self.integers().into_iter().chain([self.crc32]);
        values.fold(HEAD_MIN, |len, value| len.saturating_add(more_digits(value)))
    }

    /// A header that has the sizes and nothing else.
    pub(crate) fn sizes(&self) -> Result<Header> {
        let (in_features, out_features) = (self.in_features as usize, self.out_features as usize);
        Header::new(in_features, out_features, self.rank as usize, &Config::new())
    }

    /// The header that these integers and scalars describe, each checked against its range. The Gram
    /// matrix is still to be computed.
    pub(crate) fn header(&self, scalars: [f32; SCALARS]) -> Result<Header> {
        let [alpha, cap, decay, strength, weight_sum, v_a, v_c, c, mean_quality, baseline] = scalars;
        if self.use_rslora > 1 {
            return Err(Error::Count { what: "use_rslora", got: self.use_rslora as usize, min: 0, max: 1 });
        }
        let header = Header {
            in_features: self.in_features,
            out_features: self.out_features,
            rank: self.rank,
            alpha,
            flags: if self.use_rslora == 1 { Header::RSLORA } else { 0 },
            cap,
            seed: self.seed,
            model_id: self.model_id,
            step: self.step,
            decay,
            strength,
            weight_sum,
            pending: self.pending,
            trace: Trace { v_a, v_c, c, updates: self.updates },
            samples: self.samples,
            rated: self.rated,
            capped: self.capped,
            generation: self.generation,
            mean_quality,
            baseline,
            ..Header::zeroed()
        };
        let scaling = header.config().scaling(header.rank());
        let header = Header { scaling, ..header };
        header.check_values()?;
        Ok(header)
    }
}

/// The f32 of a header that are saved; all others follow from them.
pub(crate) fn scalars(header: &Header) -> [f32; SCALARS] {
    let trace = &header.trace;
    [
        header.alpha,
        header.cap,
        header.decay,
        header.strength,
        header.weight_sum,
        trace.v_a,
        trace.v_c,
        trace.c,
        header.mean_quality,
        header.baseline,
    ]
}

/// Refuses a state made for something else than this adapter.
pub(crate) fn check_equal(what: &'static str, expected: u32, got: u32) -> Result<()> {
    if expected == got { Ok(()) } else { Err(Error::Mismatch { what, expected, got }) }
}

fn syntax(error: serde_json_core::de::Error) -> Error {
    use serde_json_core::de::Error as E;
    let problem = match error {
        E::EofWhileParsingList
        | E::EofWhileParsingNumber
        | E::EofWhileParsingObject
        | E::EofWhileParsingString
        | E::EofWhileParsingValue => "the end of the text",
        E::InvalidNumber => "a number that is not an integer of 32 bits",
        E::InvalidType => "a value of another type",
        E::InvalidUnicodeCodePoint => "text that is not UTF-8",
        E::TrailingCharacters => "something after the end",
        E::TrailingComma => "a comma before the end",
        E::CustomError => "a field that is missing, twice there or unknown",
        _ => "text that is not JSON",
    };
    Error::Syntax { what: "state", problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_len_is_what_serde_writes() {
        let mut header = Header::new(1, 1, 1, &Config::new()).unwrap();
        let mut buffer = [0; HEAD_MAX];
        for value in [0, 9, 10, 12_345, 999_999_999, u32::MAX] {
            header.samples = value;
            header.generation = value / 7;
            let wire = Wire { crc32: value, ..Wire::of(&header) };
            assert_eq!(serde_json_core::to_slice(&wire, &mut buffer), Ok(wire.head_len()));
        }
        let most = u32::MAX;
        let wire = Wire {
            version: most,
            in_features: most,
            out_features: most,
            rank: most,
            model_id: most,
            seed: most,
            step: most,
            use_rslora: most,
            pending: most,
            updates: most,
            rated: most,
            capped: most,
            crc32: most,
            ..Wire::of(&Header { samples: most, generation: most, ..header })
        };
        assert_eq!(wire.head_len(), HEAD_MAX);
    }
}
