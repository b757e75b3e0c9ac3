//! `rank_pattern` and `alpha_pattern`: the modules for which another value holds.
//!
//! PEFT takes each key as a regular expression and matches `(.*\.)?(key)$` from the start of a module's name. Names,
//! `.`, `.*`, `^`, `$` and escaped characters are read here; of a key with more than that it cannot be said for which
//! modules it holds.

/// Whether a key is about this module; `None` if that cannot be told.
pub(super) fn holds(key: &[u8], module: &[u8]) -> Option<bool> {
    // JSON doubles the backslash; no other escape is of use in a key.
    let (key, from_start) = key.strip_prefix(b"^").map_or((key, false), |key| (key, true));
    let key = key.strip_suffix(b"$").unwrap_or(key);
    let mut rest = key;
    while let Some((_, others)) = next(rest)? {
        rest = others;
    }
    if matches(key, module) {
        return Some(true);
    }
    let mut inner = module;
    while let (false, Some(dot)) = (from_start, inner.iter().position(|byte| *byte == b'.')) {
        inner = inner.get(dot.saturating_add(1)..).unwrap_or_default();
        if matches(key, inner) {
            return Some(true);
        }
    }
    Some(false)
}

enum Item {
    Byte(u8),
    /// `.`
    Any,
    /// `.*`
    AnyNumber,
}

/// The first item of a key and the rest of it; `None` for one that is not known.
#[allow(clippy::type_complexity, reason = "an item and what follows")]
fn next(key: &[u8]) -> Option<Option<(Item, &[u8])>> {
    match key {
        [] => Some(None),
        [b'.', b'*', b'?' | b'+', ..] => None,
        [b'.', b'*', rest @ ..] => Some(Some((Item::AnyNumber, rest))),
        [_, b'*' | b'+' | b'?' | b'{', ..] => None,
        [b'.', rest @ ..] => Some(Some((Item::Any, rest))),
        [b'\\', b'\\', _, b'*' | b'+' | b'?' | b'{', ..] => None,
        [b'\\', b'\\', byte, rest @ ..] if !byte.is_ascii_alphanumeric() => {
            Some(Some((Item::Byte(*byte), rest)))
        }
        [b'\\' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'|' | b'*' | b'+' | b'?' | b'^' | b'$', ..] => {
            None
        }
        [byte, rest @ ..] => Some(Some((Item::Byte(*byte), rest))),
    }
}

/// All of the name. On a mismatch the last `.*` takes one more byte: an earlier one never has to.
fn matches(key: &[u8], name: &[u8]) -> bool {
    let (mut key, mut name) = (key, name);
    let mut last: Option<(&[u8], &[u8])> = None;
    loop {
        match (next(key).flatten(), name) {
            (Some((Item::AnyNumber, rest)), _) => {
                last = Some((rest, name));
                key = rest;
                continue;
            }
            (Some((Item::Any, rest)), [_, others @ ..]) => {
                (key, name) = (rest, others);
                continue;
            }
            (Some((Item::Byte(byte), rest)), [first, others @ ..]) if byte == *first => {
                (key, name) = (rest, others);
                continue;
            }
            (None, []) => return true,
            _ => {}
        }
        let Some((after, [_, others @ ..])) = last else { return false };
        (key, name) = (after, others);
        last = Some((after, others));
    }
}

#[cfg(test)]
mod tests {
    use super::holds;

    /// Expected of Python: `re.match(rf"(.*\.)?({key})$", module)`.
    #[test]
    fn keys_hold_for_the_modules_that_peft_takes() {
        for (key, module, expected) in [
            ("q_proj", "model.layers.0.q_proj", true),
            ("q_proj", "q_proj", true),
            ("q_proj", "model.layers.0.xq_proj", false),
            ("q_proj", "model.q_proj.inner", false),
            ("layers.0.q_proj", "model.layers.0.q_proj", true),
            ("layers.0.q_proj", "model.layers.10.q_proj", false),
            ("layers.1.q", "model.layersx1.q", true),
            ("^model.layers.0.q_proj", "model.layers.0.q_proj", true),
            ("^layers.0.q_proj", "model.layers.0.q_proj", false),
            ("q_proj$", "a.q_proj", true),
            (r"layers\\.0\\.q", "model.layers.0.q", true),
            (r"layers\\.0\\.q", "model.layersx0.q", false),
            (".*attn.*", "model.layers.0.attn.q", true),
            (".*attn.*", "model.layers.0.mlp.up", false),
            ("layers.*.a.*b", "x.layers.aab.a.ab.ab", true),
            ("layers.*.a.*b", "x.layers.aab.a.ab.ac", false),
            ("größe", "model.größe", true),
        ] {
            assert_eq!(holds(key.as_bytes(), module.as_bytes()), Some(expected), "{key} {module}");
        }
        for key in
            ["(q|v)_proj", "q_proj|v_proj", "layers.[0-9].q", r"layers.\\d.q", "q+", "a.*?b", "a{2}", r"\n"]
        {
            assert_eq!(holds(key.as_bytes(), b"model.layers.0.q_proj"), None, "{key}");
        }
    }
}
