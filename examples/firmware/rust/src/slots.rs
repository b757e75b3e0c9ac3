//! Keeps the last state of an adapter in two slots of flash: after a power cut at any time, the newest complete one
//! loads.
//!
//! A slot is a sector: 12 bytes of header, then the JSON. A save goes to the slot that the state in use did not come
//! from: erase it, write the JSON, then the header, its last word last. The JSON has a checksum and loads as a whole or
//! not at all, so no other checksum is needed. `examples/firmware/c/slots.c` is the same in C, and writes the same
//! bytes.

use micro_lora::{Error, Learn};

pub const HEADER: usize = 12;

/// Two sectors. Erased bytes are 0xFF; offsets and lengths are multiples of 4, except for the last length of a JSON.
pub trait Flash {
    fn slot(&self, slot: usize) -> &[u8];
    fn erase(&mut self, slot: usize);
    fn program(&mut self, slot: usize, offset: usize, bytes: &[u8]);
}

/// Which slot holds the state in use, and the number of its save.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slots {
    pub current: Option<usize>,
    pub sequence: u32,
}

impl Slots {
    /// At the start: loads the newest complete state. Without one the adapter stays as it was.
    pub fn load(flash: &impl Flash, lora: &mut impl Learn) -> Self {
        let headers = [0, 1].map(|slot| header(flash.slot(slot)));
        let newer = match headers {
            // Compare by the difference, since the numbers may wrap around.
            [Some((_, first)), Some((_, second))] => usize::from(second.wrapping_sub(first) < u32::MAX / 2),
            [_, second] => usize::from(second.is_some()),
        };
        for slot in [newer, 1 - newer] {
            let Some((len, sequence)) = headers[slot] else { continue };
            // A wrong length ends inside the JSON or in erased bytes: neither loads.
            let json = flash.slot(slot).get(HEADER..).and_then(|rest| rest.get(..len as usize));
            if json.is_some_and(|json| lora.load_json(json).is_ok()) {
                return Self { current: Some(slot), sequence };
            }
        }
        Self::default()
    }

    /// Saves the current state, through a buffer of `JSON_MAX` bytes.
    pub fn save(&mut self, flash: &mut impl Flash, lora: &impl Learn, json: &mut [u8]) -> Result<(), Error> {
        let len = lora.write_json(json)?;
        let slot = usize::from(self.current == Some(0));
        let sequence = self.sequence.wrapping_add(1);
        let mut words = [0; HEADER];
        for (to, word) in words.chunks_exact_mut(4).zip([len as u32, sequence, !sequence]) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        flash.erase(slot);
        flash.program(slot, HEADER, json.get(..len).unwrap_or_default());
        flash.program(slot, 0, &words);
        *self = Self { current: Some(slot), sequence };
        Ok(())
    }
}

/// Length and number of the save; in a truncated header the last word does not match.
fn header(slot: &[u8]) -> Option<(u32, u32)> {
    let mut words = slot.chunks_exact(4).map(|word| word.try_into().map_or(0, u32::from_le_bytes));
    let (len, sequence, inverse) = (words.next()?, words.next()?, words.next()?);
    (inverse == !sequence).then_some((len, sequence))
}
