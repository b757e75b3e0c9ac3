use fastrand::Rng;

use crate::SHOWN;

/// How a simulated user clicks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clicks {
    /// Looks at the result on rank k (from 1) with probability `1 / sqrt(k)`; of the results looked
    /// at, clicks a relevant one with probability `1 - noise` and another with `noise / 2`.
    Taste { noise: f32 },
    /// Clicks every result with the same probability: a control with nothing to learn.
    Random { probability: f32 },
    /// Looks as above, and clicks each result it looks at with the same probability: nothing to
    /// learn either, but the top of any list gets more clicks.
    Careless { probability: f32 },
}

impl Clicks {
    /// The usual user: 10 % noise.
    pub const HONEST: Self = Self::Taste { noise: 0.1 };
    /// The usual control: two clicks per list on average.
    pub const RANDOM: Self = Self::Random { probability: 0.2 };
    /// The same number of clicks, mostly at the top.
    pub const CARELESS: Self = Self::Careless { probability: 0.4 };

    /// The clicks on one list.
    ///
    /// Draws the same number of random values in every case, so that two learners with
    /// one seed get the same user.
    pub fn on(self, relevant: &[bool; SHOWN], rng: &mut Rng) -> [bool; SHOWN] {
        std::array::from_fn(|rank| {
            let (attention, choice) = (rng.f32(), rng.f32());
            let looks = attention < 1.0 / ((rank + 1) as f32).sqrt();
            match self {
                Self::Taste { noise } => {
                    looks && choice < if relevant[rank] { 1.0 - noise } else { noise / 2.0 }
                }
                Self::Random { probability } => choice < probability,
                Self::Careless { probability } => looks && choice < probability,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(clicks: Clicks, relevant: [bool; SHOWN]) -> [f32; SHOWN] {
        const LISTS: usize = 20_000;
        let mut rng = Rng::with_seed(1);
        let mut counts = [0.0; SHOWN];
        for _ in 0..LISTS {
            for (count, click) in counts.iter_mut().zip(clicks.on(&relevant, &mut rng)) {
                *count += f32::from(click);
            }
        }
        counts.map(|count| count / LISTS as f32)
    }

    #[test]
    fn click_rates_follow_position_and_taste() {
        for (relevance, wanted) in [(true, 0.9), (false, 0.05)] {
            for (rank, rate) in rates(Clicks::HONEST, [relevance; SHOWN]).into_iter().enumerate() {
                let expected = wanted / ((rank + 1) as f32).sqrt();
                assert!((rate - expected).abs() < 0.012, "rank {rank}: {rate}, not {expected}");
            }
        }
    }

    #[test]
    fn random_clicks_ignore_position_and_taste() {
        for rate in rates(Clicks::RANDOM, std::array::from_fn(|rank| rank < 5)) {
            assert!((rate - 0.2).abs() < 0.012, "{rate}");
        }
    }

    #[test]
    fn careless_clicks_ignore_taste_alone() {
        for (rank, rate) in
            rates(Clicks::CARELESS, std::array::from_fn(|rank| rank < 5)).into_iter().enumerate()
        {
            let expected = 0.4 / ((rank + 1) as f32).sqrt();
            assert!((rate - expected).abs() < 0.012, "rank {rank}: {rate}, not {expected}");
        }
    }

    #[test]
    fn every_kind_takes_as_many_random_values() {
        let after = |clicks: Clicks| {
            let mut rng = Rng::with_seed(3);
            clicks.on(&[true; SHOWN], &mut rng);
            rng.u64(..)
        };
        assert_eq!(after(Clicks::HONEST), after(Clicks::RANDOM));
        assert_eq!(after(Clicks::HONEST), after(Clicks::CARELESS));
    }
}
