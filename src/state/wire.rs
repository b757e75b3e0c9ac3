//! The JSON of a saved adapter, field by field; `docs/state-format.md` specifies it.
//!
//! Integers and strings only. Every f32 is in base64, so that it comes back bit for bit and no
//! decimal is ever parsed or printed. The checksum is over the decoded values, so that JSON tools
//! may re-format the text.

use crate::adapter::config::Config;
use crate::adapter::header::{Header, Trace};
use crate::error::{Error, Result};
use crate::peft::json::{Json, Out};
use crate::state::crc::Crc;

const FORMAT: &str = "micro-lora";
pub(crate) const VERSION: u32 = 1;

/// How many f32 the field `scalars` holds.
pub(crate) const SCALARS: usize = 10;

/// The names of the integers, in the order in which they are written and enter the checksum.
const INTEGERS: [&str; 15] = [
    "version",
    "in_features",
    "out_features",
    "rank",
    "model_id",
    "seed",
    "step",
    "use_rslora",
    "pending",
    "updates",
    "samples",
    "rated",
    "capped",
    "generation",
    "crc32",
];
/// The names of the strings, in the order in which they are written; the format comes before the integers.
const TEXTS: [&str; 6] = ["format", "scalars", "lora_a", "lora_b", "grad_a", "grad_c"];

/// What opens a state, up to its integers.
const HEAD: [&str; 3] = ["{\"format\":\"", FORMAT, "\""];
/// Characters of the head and of the integers with their names, if each has one digit.
const HEAD_MIN: usize = 204;
/// Characters of the head and of the integers with their names at most.
pub(crate) const HEAD_MAX: usize = HEAD_MIN + 9 * INTEGERS.len();

/// A saved adapter as JSON has it: integers, and base64 that is not yet decoded.
pub(crate) struct Wire<'a> {
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
    pub(crate) scalars: &'a [u8],
    pub(crate) lora_a: &'a [u8],
    pub(crate) lora_b: &'a [u8],
    pub(crate) grad_a: &'a [u8],
    pub(crate) grad_c: &'a [u8],
}

/// The fields that a text has had so far.
#[derive(Default)]
struct Fields<'a> {
    integers: [Option<u32>; INTEGERS.len()],
    texts: [Option<&'a [u8]>; TEXTS.len()],
}

impl<'a> Fields<'a> {
    fn read(&mut self, json: &mut Json<'a>) -> Option<()> {
        json.pass(b'{')?;
        let mut first = true;
        while json.next(&mut first, b'}')? {
            let name = json.quoted()?;
            json.pass(b':')?;
            if let Some(slot) = field(INTEGERS, &mut self.integers, name) {
                let value = json.integer()?;
                json.once(slot, u32::try_from(value).ok()?)?;
            } else if let Some(slot) = field(TEXTS, &mut self.texts, name) {
                let text = json.quoted()?;
                json.once(slot, text)?;
            } else {
                return json.refuse(&const { syntax("a field that no state has") });
            }
        }
        json.end()
    }

    /// All of the fields. What is in them is not yet checked, but for format and version.
    fn complete(self) -> Option<Wire<'a>> {
        let [
            Some(_version),
            Some(in_features),
            Some(out_features),
            Some(rank),
            Some(model_id),
            Some(seed),
            Some(step),
            Some(use_rslora),
            Some(pending),
            Some(updates),
            Some(samples),
            Some(rated),
            Some(capped),
            Some(generation),
            Some(crc32),
        ] = self.integers
        else {
            return None;
        };
        let [Some(_format), Some(scalars), Some(lora_a), Some(lora_b), Some(grad_a), Some(grad_c)] =
            self.texts
        else {
            return None;
        };
        Some(Wire {
            in_features,
            out_features,
            rank,
            model_id,
            seed,
            step,
            use_rslora,
            pending,
            updates,
            samples,
            rated,
            capped,
            generation,
            crc32,
            scalars,
            lora_a,
            lora_b,
            grad_a,
            grad_c,
        })
    }
}

fn field<'s, T, const N: usize>(names: [&str; N], slots: &'s mut [T; N], name: &[u8]) -> Option<&'s mut T> {
    slots.iter_mut().zip(names).find(|(_, own)| own.as_bytes() == name).map(|(slot, _)| slot)
}

const fn syntax(problem: &'static str) -> Error {
    Error::Syntax { what: "JSON", problem }
}

impl<'a> Wire<'a> {
    /// The integers of an adapter; the checksum is still to be filled in.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
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
            scalars: &[],
            lora_a: &[],
            lora_b: &[],
            grad_a: &[],
            grad_c: &[],
        }
    }

    /// Reads the JSON. Format and version come first: they explain a text that is otherwise strange.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self> {
        let mut json = Json::ascii(json);
        let mut fields = Fields::default();
        let read = fields.read(&mut json);
        let ([format, ..], [version, ..]) = (fields.texts, fields.integers);
        if format.is_some_and(|format| format != FORMAT.as_bytes()) {
            return Err(Error::Format { expected: FORMAT });
        }
        check_equal("version", VERSION, version.unwrap_or(VERSION))?;
        read.ok_or(json.error())?;
        fields.complete().ok_or(const { syntax("too few fields") })
    }

    /// Every integer but the checksum, in the order in which the checksum takes them.
    fn integers(&self) -> [u32; INTEGERS.len() - 1] {
        [
            VERSION,
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

    /// Characters that [`Wire::write_head`] writes.
    pub(crate) fn head_len(&self) -> usize {
        let more_digits = |value: u32| value.checked_ilog10().unwrap_or(0) as usize;
        let values = self.integers().into_iter().chain([self.crc32]);
        values.fold(HEAD_MIN, |len, value| len.saturating_add(more_digits(value)))
    }

    /// Format and integers; the strings follow.
    pub(crate) fn write_head(&self, out: &mut Out<'_>) {
        HEAD.iter().for_each(|text| out.text(text));
        for (name, value) in INTEGERS.iter().zip(self.integers().into_iter().chain([self.crc32])) {
            out.text(",\"");
            out.text(name);
            out.text("\":");
            out.decimal(value, 0);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_len_is_what_is_written() {
        let mut header = Header::new(1, 1, 1, &Config::new()).unwrap();
        let mut buffer = [0; HEAD_MAX];
        let mut assert_len = |wire: &Wire<'_>, len| {
            let mut out = Out::new(&mut buffer);
            wire.write_head(&mut out);
            assert_eq!((out.len(), wire.head_len()), (len, len));
        };
        for (value, digits) in [(0, 0), (9, 0), (10, 2), (12_345, 8), (999_999_999, 16), (u32::MAX, 18)] {
            header.samples = value;
            assert_len(&Wire { crc32: value, ..Wire::of(&header) }, HEAD_MIN + digits);
        }
        let most = u32::MAX;
        let wire = Wire {
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
        // The version stays as short as it is.
        assert_len(&wire, HEAD_MAX - 9);
    }
}
