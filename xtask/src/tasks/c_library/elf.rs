//! Hides the symbols of an object file: programs can still be linked with them, but a shared library of the user's, a
//! plugin, does not export them, and `--gc-sections` removes what it does not use.

use anyhow::{Context, Result, ensure};

const SYMBOL_TABLE: u64 = 2;
const HIDDEN: u8 = 2;

/// The offsets of the fields, in files of 32 and 64 bits: the System V ABI, "Object Files".
struct Layout {
    word: usize,
    section_offset: usize,
    section_size: usize,
    section_count: usize,
    offset: usize,
    size: usize,
    symbol: usize,
    info: usize,
    index: usize,
}

const BITS_32: Layout = Layout {
    word: 4,
    section_offset: 0x20,
    section_size: 0x2E,
    section_count: 0x30,
    offset: 0x10,
    size: 0x14,
    symbol: 16,
    info: 12,
    index: 14,
};
const BITS_64: Layout = Layout {
    word: 8,
    section_offset: 0x28,
    section_size: 0x3A,
    section_count: 0x3C,
    offset: 0x18,
    size: 0x20,
    symbol: 24,
    info: 4,
    index: 6,
};

/// The object with every symbol that it defines hidden.
pub fn hide(mut object: Vec<u8>) -> Result<Vec<u8>> {
    ensure!(object.starts_with(b"\x7FELF"), "expected an ELF object, got another file");
    let layout = if object.get(4) == Some(&1) { BITS_32 } else { BITS_64 };
    let is_big = object.get(5) == Some(&2);
    let number = |object: &[u8], at: usize, bytes: usize| -> Result<u64> {
        let field = object.get(at..at + bytes).context("expected a whole ELF object, got a part of one")?;
        let fold = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        Ok(if is_big { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
    };
    let start = number(&object, layout.section_offset, layout.word)? as usize;
    let step = number(&object, layout.section_size, 2)? as usize;
    let mut hidden = 0;
    for section in 0..number(&object, layout.section_count, 2)? as usize {
        let header = start + section * step;
        if number(&object, header + 4, 4)? != SYMBOL_TABLE {
            continue;
        }
        let first = number(&object, header + layout.offset, layout.word)? as usize;
        let bytes = number(&object, header + layout.size, layout.word)? as usize;
        for at in (first..first + bytes).step_by(layout.symbol) {
            let is_global = number(&object, at + layout.info, 1)? >> 4 != 0;
            if is_global && number(&object, at + layout.index, 2)? != 0 {
                let other = &mut object[at + layout.info + 1];
                *other = (*other & !3) | HIDDEN;
                hidden += 1;
            }
        }
    }
    ensure!(hidden > 0, "expected symbols in the object, got none");
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn what_is_no_object_is_refused() {
        for bytes in [&b"text"[..], b"\x7FELF", b"\x7FELF\x02\x01"] {
            assert!(hide(bytes.to_vec()).is_err());
        }
    }
}
