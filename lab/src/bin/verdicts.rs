//! What the native engine says of saved documents, for `cargo xtask fuzz-js`, which compares it with JavaScript's.
//!
//! Reads documents from the standard input until it ends: a byte for the kind (0 adapter, 1 memory, 2 ring, 3 holdback),
//! the length in four bytes, little-endian, and the text. For each it prints a line: the text that the loaded document is
//! saved as, or `refused: ` and why, or `other sizes` for one that this program has no room for.

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use micro_lora::{
    Apply, Config, Holdback, Learn, MemoryHeader, MemoryLayout, MemoryMut, Replay, Result, StateInfo, Stored,
};

#[path = "../../../tests/common/mod.rs"]
mod common;

use common::HeapLora;

/// As in `wasm/test/fuzz/world.js` and `documents.js`.
const MODEL: u32 = 7;
const WIDTH: usize = 3;
const OUT: usize = 2;
const LIST: usize = 4;
const CAPACITY: usize = 5;

/// The largest sizes that room is made for.
const MAX_FEATURES: usize = 64;
const MAX_CAPACITY: usize = 1000;

fn main() -> ExitCode {
    let mut input = vec![];
    io::stdin().lock().read_to_end(&mut input).expect("a pipe can be read");
    let mut output = BufWriter::new(io::stdout().lock());
    let mut rest = input.as_slice();
    while let [kind, a, b, c, d, more @ ..] = rest {
        let (text, next) = more.split_at(u32::from_le_bytes([*a, *b, *c, *d]) as usize);
        writeln!(output, "{}", verdict(*kind, text)).expect("a pipe takes it");
        rest = next;
    }
    if rest.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn verdict(kind: u8, text: &[u8]) -> String {
    let saved = match kind {
        0 => adapter(text),
        1 => memory(text),
        2 => ring(text).map(Some),
        _ => holdback(text).map(Some),
    };
    match saved {
        Ok(Some(json)) => String::from_utf8(json).expect("JSON is UTF-8"),
        Ok(None) => "other sizes".to_owned(),
        Err(error) => format!("refused: {}", error.to_string().replace('\n', " ")),
    }
}

fn adapter(text: &[u8]) -> Result<Option<Vec<u8>>> {
    let info = StateInfo::peek(text)?;
    if info.in_features.max(info.out_features) > MAX_FEATURES {
        return Ok(None);
    }
    let config = Config::new().with_model_id(MODEL);
    let mut lora = HeapLora::new(info.in_features, info.out_features, info.rank, &config);
    lora.load_json(text)?;
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json)?;
    Ok(Some(json))
}

fn memory(text: &[u8]) -> Result<Option<Vec<u8>>> {
    let (layout, capacity) = layout_of(text).unwrap_or((MemoryLayout::by_value(WIDTH, OUT, LIST), CAPACITY));
    if layout.in_features.max(layout.out_features) > MAX_FEATURES || capacity > MAX_CAPACITY {
        return Ok(None);
    }
    let mut header = MemoryHeader::new(layout, capacity)?;
    let (mut scratch, mut words) = (vec![0.0; layout.scratch()], vec![0; layout.words(capacity)]);
    let mut memory = MemoryMut { header: &mut header, scratch: &mut scratch, words: &mut words };
    memory.load_json(text, MODEL)?;
    let mut json = vec![0; 1000 + 6 * words.len()];
    let memory = MemoryMut { header: &mut header, scratch: &mut scratch, words: &mut words };
    let len = memory.write_json(&mut json, MODEL)?;
    json.truncate(len);
    Ok(Some(json))
}

/// The sizes that a text of a memory says: JavaScript makes a memory of whatever sizes they are.
fn layout_of(text: &[u8]) -> Option<(MemoryLayout, usize)> {
    let state: serde_json::Value = serde_json::from_slice(text).ok()?;
    let number = |name: &str| usize::try_from(state.get(name)?.as_u64()?).ok();
    let stored = |kind| [Stored::F32, Stored::Int8, Stored::ById].get(kind).copied();
    let kinds = number("kinds")?;
    let mut layout = MemoryLayout::by_value(number("in_features")?, number("out_features")?, number("list")?);
    (layout.queries, layout.documents) = (stored(kinds & 3)?, stored(kinds >> 2 & 3)?);
    layout.scores = kinds & 16 != 0;
    Some((layout, number("capacity")?))
}

fn ring(text: &[u8]) -> Result<Vec<u8>> {
    let mut ring = Replay::<WIDTH, OUT, LIST, CAPACITY>::new();
    ring.view().load_json(text, MODEL)?;
    let mut json = vec![0; Replay::<WIDTH, OUT, LIST, CAPACITY>::JSON_MAX];
    let len = ring.view().write_json(&mut json, MODEL)?;
    json.truncate(len);
    Ok(json)
}

fn holdback(text: &[u8]) -> Result<Vec<u8>> {
    let mut json = vec![0; Holdback::JSON_MAX];
    let len = Holdback::from_json(text)?.write_json(&mut json)?;
    json.truncate(len);
    Ok(json)
}
