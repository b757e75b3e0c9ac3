//! Files that are found where PEFT's should be, by their first bytes.

use crate::error::{Error, Result};

/// How they begin, and what they are.
const KINDS: [(&[u8], &str); 9] = [
    (b"version https://git-lfs", "a Git LFS pointer: `git lfs pull` fetches the file itself"),
    (b"\xEF\xBB\xBF", "a byte-order mark before the text: save it as UTF-8 without one"),
    (b"\xFF\xFE", "UTF-16: save it as UTF-8"),
    (b"\xFE\xFF", "UTF-16: save it as UTF-8"),
    (b"<", "HTML or XML: a page was downloaded instead of the file"),
    (b"PK\x03\x04", "a zip archive, as torch.save writes adapter_model.bin: save it as safetensors"),
    (b"\x80\x02", "a pickle, as torch.save writes adapter_model.bin: save it as safetensors"),
    (b"GGUF", "a GGUF file: give the adapter_model.safetensors that it was made of"),
    (b"\x1F\x8B", "a gzip archive: unpack it"),
];

fn check(what: &'static str, file: &[u8]) -> Result<()> {
    match KINDS.iter().find(|(start, _)| file.trim_ascii_start().starts_with(start)) {
        Some((_, problem)) => Err(Error::Syntax { what, problem }),
        None => Ok(()),
    }
}

/// Refuses what is no `adapter_config.json`.
pub(super) fn check_config(text: &[u8]) -> Result<()> {
    const WHAT: &str = "adapter_config.json";
    check(WHAT, text)?;
    if matches!(text, [_, _, _, _, _, 0, 0, 0, ..]) {
        return Err(Error::Syntax { what: WHAT, problem: "a safetensors file: they are exchanged" });
    }
    Ok(())
}

/// Says what a file is that begins with no length of a safetensors header.
pub(super) fn check_tensors(file: &[u8]) -> Result<()> {
    const WHAT: &str = "safetensors";
    check(WHAT, file)?;
    if file.trim_ascii_start().starts_with(b"{") {
        return Err(Error::Syntax {
            what: WHAT,
            problem: "a JSON text: the header's length must come first",
        });
    }
    Ok(())
}
