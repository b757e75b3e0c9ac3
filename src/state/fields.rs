//! The schema of a saved adapter: `docs/state-format.md` as tables.

use crate::adapter::config::{Config, MAX_FEATURES, MAX_RANK, StepKind};
use crate::adapter::header::{self, Header};
use crate::adapter::limits::WEIGHT_LIMIT;
use crate::error::Range;
use crate::state::schema::{Scalar, Schema, Version, integers};

pub(crate) const ADAPTER: Schema = Schema {
    format: "micro-lora",
    integers: &HEADER_INTEGERS,
    sections: &["scalars", "lora_a", "lora_b", "grad_a", "grad_c", "dual", "bias", "input_sum", "grad_bias"],
    versions: &[Version { integers: 13, sections: 5 }, Version { integers: 15, sections: 9 }],
    unknown: "a field that no state has",
};

integers! {
    /// The integers of an adapter's header that are saved.
    pub HEADER_INTEGERS of Header, get_integers, set_integers;
    "in_features": in_features, 1, MAX_FEATURES as u32;
    "out_features": out_features, 1, MAX_FEATURES as u32;
    "rank": rank, 1, MAX_RANK as u32;
    "model_id": model_id, 0, u32::MAX;
    "seed": seed, 0, u32::MAX;
    "step": step, 0, StepKind::Auto as u32;
    "use_rslora": flags, 0, Header::RSLORA;
    "pending": pending, 0, u32::MAX;
    "updates": trace.updates, 0, u32::MAX;
    "samples": samples, 0, u32::MAX;
    "rated": rated, 0, u32::MAX;
    "capped": capped, 0, u32::MAX;
    "generation": generation, 0, u32::MAX;
    "dual_flags": dual.flags, 0, 7;
    "lists": dual.lists, 0, u32::MAX;
}

/// The f32 of an adapter's header that are saved, and functions that get and set all of them.
macro_rules! scalars {
    ($($name:literal: $($field:ident).+;)*) => {
        /// The f32 of an adapter's header that are saved, in the order of the section `scalars`.
        pub const HEADER_SCALARS: [Scalar; SCALARS] = [$(
            scalar($name, ::core::mem::offset_of!(Header, $($field).+))
        ),*];

        /// How many f32 of a header are saved; all others follow from them.
        pub(crate) const SCALARS: usize = [$($name),*].len();

        pub(crate) fn scalars_of(header: &Header) -> [f32; SCALARS] {
            [$(header.$($field).+),*]
        }

        pub(crate) fn set_scalars(header: &mut Header, values: [f32; SCALARS]) {
            [$(header.$($field).+),*] = values;
        }
    };
}

scalars! {
    "alpha": alpha;
    "cap": cap;
    "decay": decay;
    "strength": strength;
    "pending weight": weight_sum;
    "v_a": trace.v_a;
    "v_c": trace.v_c;
    "c": trace.c;
    "mean_quality": mean_quality;
    "baseline": baseline;
}

/// With the range that [`Header::check`] holds it to.
const fn scalar(name: &'static str, offset: usize) -> Scalar {
    let mut scalar = Scalar { name, offset: offset as u16, min: 0.0, max: WEIGHT_LIMIT };
    let mut tables: &[&[Range]] = &[&Config::RANGES, &header::RANGES];
    while let [ranges, rest @ ..] = tables {
        let mut ranges: &[Range] = ranges;
        while let [Range { what, min, max }, others @ ..] = ranges {
            if is_same(what, name) {
                (scalar.min, scalar.max) = (*min, *max);
            }
            ranges = others;
        }
        tables = rest;
    }
    scalar
}

const fn is_same(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([first, rest_of_a @ ..], [second, rest_of_b @ ..]) = (a, b) {
        if *first != *second {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    a.is_empty() && b.is_empty()
}

/// How many sections an adapter has; all of them are f32.
pub(crate) const SECTIONS: usize = ADAPTER.sections.len();

/// Values of the section `dual`: three norms, `u`, `A mu`, what predictions came to.
pub(crate) const DUALS: usize = 18;

pub(crate) fn duals_of(header: &Header) -> [f32; DUALS] {
    let Header { dual, bias, .. } = header;
    let mut duals = [0.0; DUALS];
    let norms = [dual.input_norm, dual.base_norm, dual.document_norm];
    let values = norms.iter().chain(&dual.u).chain(&bias.centre).chain(&dual.trust);
    duals.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    duals
}

pub(crate) fn set_duals(header: &mut Header, duals: [f32; DUALS]) {
    let Header { dual, bias, .. } = header;
    let norms = [&mut dual.input_norm, &mut dual.base_norm, &mut dual.document_norm];
    let places = norms.into_iter().chain(&mut dual.u).chain(&mut bias.centre).chain(&mut dual.trust);
    places.zip(duals).for_each(|(to, from)| *to = from);
}

/// The version that says all of an adapter: the first one where it is enough, which older programs read.
pub(crate) const fn version_of(header: &Header) -> u32 {
    if header.step > StepKind::ScaledGradientV2 as u32 || header.dual.flags != 0 { 2 } else { 1 }
}

/// How many values each section of an adapter has.
pub(crate) const fn section_lens(header: &Header) -> [usize; SECTIONS] {
    let (a_len, b_len) = (header.a_len(), header.b_len());
    let is_dual = header.dual.flags & Header::DUAL != 0;
    let has_bias = is_dual || header.dual.flags & Header::BIAS != 0;
    let is_pending = header.pending > 0;
    // What is not needed is zero.
    [
        SCALARS,
        a_len,
        b_len,
        if is_pending || is_dual { a_len } else { 0 },
        if is_pending { b_len } else { 0 },
        if has_bias { DUALS } else { 0 },
        if has_bias { header.out_len() } else { 0 },
        if is_dual { header.in_len() } else { 0 },
        if is_pending && is_dual { header.out_len() } else { 0 },
    ]
}

pub(crate) fn integers_of(header: &Header) -> [u32; HEADER_INTEGERS.len()] {
    let mut integers = get_integers(header);
    // The other flag is of memory, not of the adapter.
    integers.get_mut(USE_RSLORA).into_iter().for_each(|flags| *flags &= Header::RSLORA);
    integers
}

const USE_RSLORA: usize = {
    let (mut index, mut fields) = (0, HEADER_INTEGERS.as_slice());
    while let [field, rest @ ..] = fields
        && !is_same(field.name, "use_rslora")
    {
        (index, fields) = (usize::saturating_add(index, 1), rest);
    }
    index
};

/// The header of a saved adapter, as far as its integers say. Nothing is checked, and what follows from others is
/// still to be computed.
pub(crate) fn header_of(integers: &[u32]) -> Header {
    let mut header = Header::zeroed();
    set_integers(&mut header, integers.first_chunk().copied().unwrap_or_default());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// The header of an adapter with an event pending, and a field of it replaced by its offset.
    fn with(offset: u16, word: u32) -> Header {
        let header = Header::new(2, 2, 1, &Config::new()).unwrap();
        let mut header = Header { pending: 1, weight_sum: 1.0, ..header };
        let (mut integers, mut scalars) = (get_integers(&header), scalars_of(&header));
        for (field, slot) in HEADER_INTEGERS.iter().zip(&mut integers) {
            if field.offset == offset {
                *slot = word;
            }
        }
        for (field, slot) in HEADER_SCALARS.iter().zip(&mut scalars) {
            if field.offset == offset {
                *slot = f32::from_bits(word);
            }
        }
        set_integers(&mut header, integers);
        set_scalars(&mut header, scalars);
        header.refresh_scaling();
        header
    }

    #[test]
    fn the_ranges_are_those_that_a_header_is_held_to() {
        for field in HEADER_SCALARS {
            assert_eq!(with(field.offset, field.max.to_bits()).check_values(), Ok(()), "{}", field.name);
            let above = if field.max == f32::MAX { f32::INFINITY } else { field.max.next_up() };
            for bad in [above, field.min.next_down(), f32::NAN] {
                let error = with(field.offset, bad.to_bits()).check_values().unwrap_err();
                let Error::OutOfRange { what, max, .. } = error else { panic!("{error}") };
                assert_eq!((what, max), (field.name, field.max));
            }
        }
        for field in HEADER_INTEGERS.iter().filter(|field| field.max < u32::MAX && field.name != "use_rslora")
        {
            let error = with(field.offset, field.max + 1).check_values().unwrap_err();
            let Error::Count { what, max, .. } = error else { panic!("{error}") };
            assert_eq!((what, max), (field.name, field.max as usize));
        }
    }

    #[test]
    fn fields_are_where_the_tables_say() {
        let offsets: Vec<u16> = HEADER_INTEGERS.iter().map(|field| field.offset).collect();
        // The layout of every version so far: what an older program copied, this one reads.
        assert_eq!(offsets, [0, 4, 8, 28, 24, 32, 16, 52, 68, 72, 76, 80, 84, 160, 164]);
        let offsets: Vec<u16> = HEADER_SCALARS.iter().map(|field| field.offset).collect();
        assert_eq!(offsets, [12, 20, 36, 44, 48, 56, 60, 64, 88, 92]);
    }

    #[test]
    fn an_integer_outside_its_range_is_refused_by_name() {
        let integers = get_integers(&with(0, 2));
        assert_eq!(ADAPTER.check_integers(&integers), Ok(()));
        for (index, field) in HEADER_INTEGERS.iter().enumerate().filter(|(_, field)| field.max < u32::MAX) {
            let mut integers = integers;
            integers[index] = field.max + 1;
            let refused = ADAPTER.check_integers(&integers).unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!("{}: expected {} to {}, got {}", field.name, field.min, field.max, field.max + 1)
            );
        }
    }
}
