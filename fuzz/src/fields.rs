//! Saved states with a few changed fields and a correct checksum.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::source::{Shape, Source};

/// In the order of the checksum.
pub const INTEGERS: [&str; 16] = [
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
    "dual_flags",
    "lists",
];

/// The number of integers, and of texts, in each version.
pub const fn version(version: u32) -> (usize, usize) {
    if version == 2 { (16, 9) } else { (14, 5) }
}

/// Likewise, after the integers.
pub const TEXTS: [&str; 9] =
    ["scalars", "lora_a", "lora_b", "grad_a", "grad_c", "dual", "bias", "input_sum", "grad_bias"];

/// Indices into [`INTEGERS`].
const STEP: usize = 6;
const PENDING: usize = 8;
const FLAGS: usize = 14;
const LISTS: usize = 15;

/// Ways to write an integer that ignore the specification.
const STRANGE: &[&str] = &[
    "00",
    "01",
    "+1",
    "-1",
    "-0",
    "1.0",
    "1e0",
    "1E2",
    "0x1",
    "null",
    "true",
    "\"1\"",
    "[]",
    "[1]",
    "{}",
    "",
    "4294967296",
    "99999999999999999999",
    "1_0",
    " 1 ",
    "\t1\r\n",
    "NaN",
];

const BLANKS: &[&str] = &["", " ", "\n", "\t\r\n ", "\u{b}", "\u{a0}", "\0", "/**/"];

pub fn text(source: &mut Source<'_>) -> Vec<u8> {
    let shape =
        if source.one_in(4) { source.shape() } else { Shape { in_features: 3, out_features: 2, rank: 2 } };
    let number = 1 + u32::from(source.one_in(2));
    let integers = integers(source, shape, number);
    let values = values(source, shape, &integers);
    let (integers_len, texts_len) = version(number);
    let (integers, values) = (&integers[..integers_len], &values[..texts_len]);
    let mut fields = vec![("format", "\"micro-lora\"".to_owned())];
    for (name, value) in INTEGERS.iter().zip(integers) {
        let strange = source.one_in(60);
        fields.push((name, if strange { source.choose(STRANGE).to_owned() } else { value.to_string() }));
    }
    fields.push(("crc32", checksum(integers, values).to_string()));
    for (name, values) in TEXTS.iter().zip(values) {
        fields.push((name, format!("\"{}\"", base64(source, values))));
    }
    rearrange(source, &mut fields);
    write(source, &fields)
}

fn integers(source: &mut Source<'_>, shape: Shape, version: u32) -> [u32; 16] {
    let sizes = [shape.in_features, shape.out_features, shape.rank].map(|size| size as u32);
    let [in_features, out_features, rank] = sizes;
    let mut integers = [version, in_features, out_features, rank, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    if source.one_in(2) {
        integers[PENDING] = 1;
    }
    if version == 2 {
        (integers[STEP], integers[FLAGS], integers[LISTS]) =
            source.choose(&[(3, 7, 9), (3, 5, 9), (3, 5, 1), (4, 4, 0), (0, 4, 0), (4, 0, 0), (3, 1, 0)]);
    }
    for integer in &mut integers {
        if source.one_in(12) {
            *integer = match source.below(3) {
                0 => source.word(),
                1 => source.choose(&[0, 1, 2, 9, 10, 1 << 20, u32::MAX - 1, u32::MAX]),
                _ => integer.wrapping_add(1),
            };
        }
    }
    integers
}

fn values(source: &mut Source<'_>, shape: Shape, integers: &[u32; 16]) -> [Vec<f32>; 9] {
    let Shape { in_features, out_features, rank } = shape;
    let is_pending = integers[PENDING] > 0;
    let (is_dual, has_bias) = (integers[FLAGS] & 1 != 0, integers[FLAGS] & 5 != 0);
    let weight = if is_pending { 1.0 } else { 0.0 };
    let mut scalars = vec![4.0, 1.0, 0.0, 1.0, weight, 0.5, 0.25, 0.01, 0.5, 0.5];
    // Three norms, u, A mu, and the sums of the predictions.
    let mut duals = vec![1.0; 3];
    duals.extend([0.0; 8]);
    duals.extend([30.0, 5.0, 20.0, 10.0, 9.0, 1.0, 2.0]);
    for value in scalars.iter_mut().chain(&mut duals) {
        if source.one_in(6) {
            *value = source.number();
        }
    }
    let mut matrix = |is_there: bool, len| if is_there { source.vector_of_about(len) } else { vec![] };
    [
        scalars,
        matrix(true, rank * in_features),
        matrix(true, rank * out_features),
        matrix(is_pending || is_dual, rank * in_features),
        matrix(is_pending, rank * out_features),
        if has_bias { duals } else { vec![] },
        matrix(has_bias, out_features),
        matrix(is_dual, in_features),
        matrix(is_pending && is_dual, out_features),
    ]
}

pub fn checksum(integers: &[u32], values: &[Vec<f32>]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    integers.iter().for_each(|integer| crc.update(&integer.to_le_bytes()));
    values.iter().flatten().for_each(|value| crc.update(&value.to_le_bytes()));
    crc.finalize()
}

fn base64(source: &mut Source<'_>, values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut text = BASE64_STANDARD.encode(bytes);
    match source.below(40) {
        1 => text = text.replace('/', "\\/"),
        2 => drop(text.pop()),
        3 => text.push_str(source.choose(&["=", "A", "AAAA", "\\", "\\\"", "\\/", " ", "é", "\u{7f}"])),
        4 => text.insert_str(0, source.choose(&["=", "A", "AAAA", "\\n", "\\u0041", "-", "_", "\u{1f600}"])),
        5 => text = text.replace('=', ""),
        6 => text = text.replacen('A', "B", 1),
        _ => {}
    }
    text
}

fn rearrange(source: &mut Source<'_>, fields: &mut Vec<(&str, String)>) {
    if source.one_in(3) {
        let by = usize::from(source.below(fields.len() as u8));
        fields.rotate_left(by);
    }
    let at = usize::from(source.below(fields.len() as u8));
    match source.below(30) {
        1 => drop(fields.remove(at)),
        2 => fields.push(fields[at].clone()),
        3 => fields[at].0 = source.choose(&["", "Rank", "rank ", "ran\\u006b", "rank\0", "scalars", "é"]),
        4 => fields[at].1 = source.choose(STRANGE).to_owned(),
        5 => fields.swap(0, at),
        _ => {}
    }
}

fn write(source: &mut Source<'_>, fields: &[(&str, String)]) -> Vec<u8> {
    let blank = if source.one_in(4) { source.choose(BLANKS) } else { "" };
    let lines: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{blank}\"{name}\"{blank}:{blank}{value}{blank}"))
        .collect();
    let (open, close) = match source.below(30) {
        1 => ("[", "]"),
        2 => ("{", ",}"),
        3 => ("{,", "}"),
        4 => ("\u{feff}{", "}"),
        5 => ("{", "} {}"),
        _ => ("{", "}"),
    };
    let mut text = format!("{blank}{open}{}{close}{blank}", lines.join(",")).into_bytes();
    if source.one_in(30) {
        let at = usize::from(source.below(255)) * text.len() / 255;
        match source.below(3) {
            0 => text.truncate(at),
            1 => text[at] = source.choose(&[0xFF, 0x80, 0xC3, b'"', b'\\', b'{', b',', 0]),
            _ => text.insert(at, source.choose(b"\"\\,:{}[]0 ")),
        }
    }
    text
}
