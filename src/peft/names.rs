//! Names of tensors: what belongs to which module, with escapes read, and whose names they are.

/// PEFT wraps the model twice before it names the modules.
pub(super) const PREFIX: &str = "base_model.model.";
pub(super) const LORA_A: &str = ".lora_A.weight";
pub(super) const LORA_B: &str = ".lora_B.weight";
pub(super) const BIAS: &str = ".lora_B.bias";
/// With the name that an adapter has if it is given none: in a state dict that was saved as it was.
const DEFAULT_A: &str = ".lora_A.default.weight";
const DEFAULT_B: &str = ".lora_B.default.weight";
const DEFAULT_BIAS: &str = ".lora_B.default.bias";

/// Which tensor of its module this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    A,
    B,
    /// What `lora_B` adds, before the scaling.
    Bias,
    /// Something else that changes what the module gives.
    More,
}

/// The module that a name is of, as it stands in the file, if it is the name of a `lora_A` or `lora_B`.
pub(super) fn split(name: &[u8]) -> Option<(&[u8], Part)> {
    let name = name.strip_prefix(PREFIX.as_bytes()).unwrap_or(name);
    for (suffix, part) in [(LORA_A, Part::A), (LORA_B, Part::B), (DEFAULT_A, Part::A), (DEFAULT_B, Part::B)] {
        if let Some(module) = name.strip_suffix(suffix.as_bytes()) {
            return Some((module, part));
        }
    }
    None
}

/// Which tensor of this module a name is of, if of any that matters.
pub(super) fn part_of(module: &[u8], name: &[u8]) -> Option<Part> {
    let inside = after(name, PREFIX.as_bytes()).and_then(|name| after(name, module));
    let rest = inside.or_else(|| after(name, module))?;
    for (suffix, part) in [
        (LORA_A, Part::A),
        (LORA_B, Part::B),
        (BIAS, Part::Bias),
        (DEFAULT_A, Part::A),
        (DEFAULT_B, Part::B),
        (DEFAULT_BIAS, Part::Bias),
    ] {
        if after(rest, suffix.as_bytes()) == Some(&[]) {
            return Some(part);
        }
    }
    // A bias of the frozen layer that was trained, DoRA's magnitudes, an adapter of another name, embeddings.
    [".lora_", ".bias", ".base_layer.bias", ".token_adapter."]
        .iter()
        .any(|more| after(rest, more.as_bytes()).is_some())
        .then_some(Part::More)
}

/// What follows this beginning in a name, which may have escapes. A module that was listed with escapes is found as
/// it was listed.
fn after<'a>(name: &'a [u8], beginning: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = name.strip_prefix(beginning) {
        return Some(rest);
    }
    let (mut rest, mut beginning) = (name, beginning);
    while !beginning.is_empty() {
        let mut buffer = [0; 4];
        let (character, others) = character(rest, &mut buffer)?;
        beginning = beginning.strip_prefix(character)?;
        rest = others;
    }
    Some(rest)
}

/// The first byte of a name, or what its first escape stands for.
fn character<'a, 'b>(name: &'a [u8], buffer: &'b mut [u8; 4]) -> Option<(&'b [u8], &'a [u8])> {
    let (code, rest) = match name {
        [b'\\', b'u', rest @ ..] => {
            let (unit, rest) = unit(rest)?;
            match (unit, rest) {
                (0xD800..=0xDBFF, [b'\\', b'u', low @ ..]) => {
                    let (low, rest) = self::unit(low)?;
                    ((((unit & 0x3FF) << 10) | (low & 0x3FF)).saturating_add(0x1_0000), rest)
                }
                _ => (unit, rest),
            }
        }
        [b'\\', escape, rest @ ..] => {
            let byte = match escape {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                other => *other,
            };
            (u32::from(byte), rest)
        }
        [byte, rest @ ..] => {
            // Of a character of several bytes each comes as it is.
            let [first, ..] = buffer;
            *first = *byte;
            return Some((buffer.get(..1)?, rest));
        }
        [] => return None,
    };
    let text = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((text.encode_utf8(buffer).as_bytes(), rest))
}

/// Four hexadecimal digits.
fn unit(digits: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = digits.split_first_chunk::<4>()?;
    let value =
        digits.iter().try_fold(0u32, |value, digit| Some((value << 4) | char::from(*digit).to_digit(16)?))?;
    Some((value, rest))
}

/// Whose way of naming this is, if it is known and not PEFT's.
pub(super) fn style(name: &[u8]) -> Option<&'static str> {
    const STYLES: [(&str, &str); 9] = [
        (".lora_down.weight", "kohya-ss (lora_down, lora_up)"),
        (".lora_up.weight", "kohya-ss (lora_down, lora_up)"),
        ("lora.down.weight", "an old diffusers (lora.down, lora.up)"),
        ("lora.up.weight", "an old diffusers (lora.down, lora.up)"),
        ("lora_linear_layer.down.weight", "an old diffusers (lora_linear_layer)"),
        (".lora_a", "MLX (lora_a, lora_b)"),
        (".lora_b", "MLX (lora_a, lora_b)"),
        (".lora_A", "loralib (lora_A without .weight)"),
        (".lora_B", "loralib (lora_B without .weight)"),
    ];
    let found = STYLES.iter().find(|(suffix, _)| name.ends_with(suffix.as_bytes()));
    found.map(|(_, style)| *style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_what_their_escapes_stand_for() {
        let same = |module: &str, name: &str| part_of(module.as_bytes(), name.as_bytes());
        for (module, name) in [
            ("q", "base_model.model.q.lora_A.weight"),
            ("q", "base_model.model.q.lora_A.default.weight"),
            ("q", r"base\u005fmodel.model.\u0071.lora\u005fA.weight"),
            ("größe", "base_model.model.größe.lora_A.weight"),
            ("größe", r"base_model.model.gr\u00f6\u00dfe.lora_A.weight"),
            ("a\"\\\n😀", r#"base_model.model.a\"\\\n\ud83d\ude00.lora_A.weight"#),
            // As a listing gives it.
            (r"gr\u00f6\u00dfe", r"base_model.model.gr\u00f6\u00dfe.lora_A.weight"),
            ("unet.to_q", "unet.to_q.lora_A.weight"),
            ("base_model.model.q", "base_model.model.q.lora_A.weight"),
        ] {
            assert_eq!(same(module, name), Some(Part::A), "{module} {name}");
        }
        assert_eq!(same("q", "base_model.model.q.lora_magnitude_vector"), Some(Part::More));
        assert_eq!(same("q", "base_model.model.q.base_layer.bias"), Some(Part::More));
        for name in ["q_proj.lora_A.weight", "x.q.lora_A.weight", "q.weight", r"\u00", r"\ud83d", "\\"] {
            assert_eq!(same("q", name), None, "{name}");
        }
    }
}
