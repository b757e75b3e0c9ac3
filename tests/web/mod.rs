//! Inputs and texts for the tests whose vectors the browser package must reproduce.

use micro_lora::Result;

/// A sequence that JavaScript computes as well.
pub struct Inputs(pub u32);

impl Inputs {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }

    pub fn row(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// What was written into a buffer that is large enough.
pub fn text(write: impl FnOnce(&mut [u8]) -> Result<usize>) -> String {
    let mut json = vec![0; 99_999];
    let len = write(&mut json).unwrap();
    json.truncate(len);
    String::from_utf8(json).unwrap()
}
