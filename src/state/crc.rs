//! CRC-32 as zlib and PNG have it (ISO-HDLC), so that any tool can check a state.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut rest: &mut [u32] = &mut table;
    let mut index = 0u32;
    while let [entry, tail @ ..] = rest {
        let mut value = index;
        let mut bit = 0u8;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit = bit.wrapping_add(1);
        }
        *entry = value;
        index = index.wrapping_add(1);
        rest = tail;
    }
    table
}

/// A running checksum.
#[derive(Clone, Copy)]
pub(crate) struct Crc(u32);

impl Crc {
    pub(crate) const fn new() -> Self {
        Self(!0)
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        let index = (self.0 as u8) ^ byte;
        // The table has an entry for every u8.
        let entry = TABLE.get(usize::from(index)).copied().unwrap_or_default();
        self.0 = (self.0 >> 8) ^ entry;
    }

    /// A word, as its little-endian bytes.
    pub(crate) fn word(&mut self, word: u32) {
        for byte in word.to_le_bytes() {
            self.byte(byte);
        }
    }

    pub(crate) const fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_of_the_catalogue() {
        let mut crc = Crc::new();
        for byte in *b"123456789" {
            crc.byte(byte);
        }
        assert_eq!(crc.finish(), 0xCBF4_3926);
    }
}
