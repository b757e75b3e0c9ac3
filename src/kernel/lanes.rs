//! 32 sums side by side: how a dot product adds up, whatever registers there are.

/// How many sums are carried side by side.
pub(crate) const LANES: usize = 32;

/// As many values as there are lanes.
pub(crate) type Block = [f32; LANES];

/// 32 values. Whoever implements it holds them in other registers; the operations on each value, and
/// with them the bits, are the same.
pub(crate) trait Lanes: Copy {
    /// Whether three rows' lanes fit into the registers, which is the reason to sum more than one at once.
    const WIDE: bool;
    /// Whether those of four rows and one more do.
    const MANY: bool;

    fn splat(value: f32) -> Self;
    fn load(block: &Block) -> Self;
    /// `self + a * b`, rounded twice.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// Lane `j` takes lane `j + 16`, then `j + 8`, `4`, `2`, `1`.
    fn sum(self) -> f32;
}

/// What every compiler understands, and turns into the registers that its target is sure to have.
impl Lanes for Block {
    const WIDE: bool = false;
    const MANY: bool = false;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        [value; LANES]
    }

    #[inline(always)]
    fn load(block: &Block) -> Self {
        *block
    }

    #[inline(always)]
    fn plus_product(mut self, a: Self, b: Self) -> Self {
        for (value, (a, b)) in self.iter_mut().zip(a.iter().zip(&b)) {
            *value += a * b;
        }
        self
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let [sum] = halve::<2, 1>(&halve::<4, 2>(&halve::<8, 4>(&halve::<16, 8>(&halve::<32, 16>(&self)))));
        sum
    }
}

#[inline(always)]
fn halve<const FROM: usize, const TO: usize>(lanes: &[f32; FROM]) -> [f32; TO] {
    let mut out = [0.0; TO];
    for (o, (low, high)) in out.iter_mut().zip(lanes.iter().zip(lanes.iter().skip(TO))) {
        *o = low + high;
    }
    out
}
