use micro_lora::Error;

use crate::random::Chance;
use crate::{Event, FEATURES, Learner};

const RANK: usize = 4;

/// The learning rule of the package that this project replaces, as a control.
///
/// It turns the quality into a reward and moves every entry of B by the same amount, whatever the
/// candidates were: all outputs get the same constant, so no ranking can be learned from it.
pub struct ReplacedRule {
    rate: f32,
    a: Vec<[f32; FEATURES]>,
    b: Vec<[f32; FEATURES]>,
}

impl ReplacedRule {
    /// `rate` is the value that its users pass to `applyUpdates`, usually 0.01. At rank 4 with its default alpha of
    /// 4 its scaling is 1.
    pub fn new(rate: f32, seed: u32) -> Self {
        let mut chance = Chance::new(seed);
        let deviation = 0.01 * (2.0 / FEATURES as f32).sqrt();
        let a = (0..RANK).map(|_| std::array::from_fn(|_| deviation * chance.normal())).collect();
        Self { rate, a, b: vec![[0.0; FEATURES]; RANK] }
    }

    fn down(&self, query: &[f32]) -> Vec<f32> {
        self.a.iter().map(|row| row.iter().zip(query).map(|(a, x)| a * x).sum()).collect()
    }
}

impl Learner for ReplacedRule {
    fn correct(&self, query: &mut [f32]) -> Result<(), Error> {
        for (hidden, row) in self.down(query).into_iter().zip(&self.b) {
            for (y, b) in query.iter_mut().zip(row) {
                *y += hidden * b;
            }
        }
        Ok(())
    }

    fn learn(&mut self, event: &Event<'_>) -> Result<bool, Error> {
        let step = self.rate * 2.0 * (event.quality - 0.5) * 0.01;
        let hidden = self.down(event.query);
        for ((hidden, a), b) in hidden.into_iter().zip(&mut self.a).zip(&mut self.b) {
            for ((a, b), x) in a.iter_mut().zip(b).zip(event.query) {
                *a -= step * x;
                *b -= step * hidden;
            }
        }
        Ok(true)
    }

    fn state_bytes(&self) -> usize {
        size_of_val(&*self.a) + size_of_val(&*self.b)
    }
}
