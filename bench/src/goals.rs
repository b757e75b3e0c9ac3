//! The promised ratios, and whether they hold.

use micro_lora::Simd;

use crate::lora::Shape;
use crate::operation::Operation;
use crate::peers::{OPENBLAS, PEERS};
use crate::race::{Race, Who, peers};

/// A promise about one ratio, or about many.
pub struct Goal {
    pub what: String,
    pub cases: Vec<Case>,
}

/// One ratio and its upper limit.
pub struct Case {
    pub of: String,
    pub ratio: f64,
    pub limit: f64,
}

impl Case {
    pub fn is_met(&self) -> bool {
        self.ratio <= self.limit
    }
}

impl Goal {
    /// Unmeasured counts as missed.
    pub fn is_met(&self) -> bool {
        !self.cases.is_empty() && self.missed().next().is_none()
    }

    pub fn missed(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| !case.is_met())
    }
}

/// The size for which the ratios to Eigen are promised.
const EXAMPLE: Shape = Shape { inputs: 768, outputs: 768, rank: 2 };
/// The most that the output guard may cost.
const CAP_LIMIT: f64 = 1.3;

pub fn judge(races: &[Race]) -> Vec<Goal> {
    let mut goals = vec![];
    for (simd, limit) in [(Simd::Portable, 0.80), (Simd::Avx2, 0.80), (Simd::Avx512, 0.95)] {
        // A CPU without these instructions is not judged.
        if let Some(peer) = peers().find(|peer| PEERS[*peer].simd == Some(simd)) {
            goals.push(beside_eigen(races, peer, limit));
        }
    }
    for operation in [Operation::Apply, Operation::Gradient] {
        goals.push(faster_than_all(races, operation));
    }
    goals.push(batch_beside_openblas(races));
    goals.push(cost_of_cap(races));
    goals.push(linear(races));
    goals
}

fn of(race: &Race) -> String {
    let Shape { inputs, outputs, rank } = race.shape;
    format!("{inputs}x{outputs} r{rank}")
}

fn races_of(races: &[Race], operation: Operation) -> impl Iterator<Item = &Race> {
    races.iter().filter(move |race| race.operation == operation)
}

fn beside_eigen(races: &[Race], peer: usize, limit: f64) -> Goal {
    let races = races_of(races, Operation::Apply).filter(|race| race.shape == EXAMPLE);
    let cases = races.filter_map(|race| Some(Case { of: of(race), ratio: race.ratio(peer)?, limit }));
    let what = format!("apply, 768x768, rank 2: at most {limit:.2} of the time of {}", PEERS[peer].name);
    Goal { what, cases: cases.collect() }
}

fn faster_than_all(races: &[Race], operation: Operation) -> Goal {
    let cases = races_of(races, operation).flat_map(|race| {
        peers().filter_map(move |peer| {
            let of = format!("{} beside {}", of(race), PEERS[peer].name);
            Some(Case { of, ratio: race.ratio(peer)?, limit: 1.0 })
        })
    });
    Goal {
        what: format!("{operation}: faster than every peer at every size and rank"),
        cases: cases.collect(),
    }
}

fn batch_beside_openblas(races: &[Race]) -> Goal {
    let openblas = peers().find(|peer| PEERS[*peer].name == OPENBLAS);
    let cases = races_of(races, Operation::Batch(32))
        .filter_map(|race| Some(Case { of: of(race), ratio: race.ratio(openblas?)?, limit: 1.0 }));
    Goal { what: "apply to 32: no slower than OpenBLAS".to_owned(), cases: cases.collect() }
}

fn cost_of_cap(races: &[Race]) -> Goal {
    let cases = races_of(races, Operation::Apply).filter_map(|race| {
        let off = race.time(Who::Ours(Simd::best()))?.min;
        Some(Case { of: of(race), ratio: race.time(Who::OursCapped)?.min / off, limit: CAP_LIMIT })
    });
    let what = format!("apply with the output guard binding: at most {CAP_LIMIT} of apply without it");
    Goal { what, cases: cases.collect() }
}

/// From 64 to 768 to 4096, the time per parameter may grow as much as the time to load one, and no more.
fn linear(races: &[Race]) -> Goal {
    let squares = |size: usize| {
        races_of(races, Operation::Apply)
            .find(move |race| race.shape == Shape { inputs: size, outputs: size, rank: EXAMPLE.rank })
    };
    let cases = [(64, 768), (768, 4096)].into_iter().filter_map(|(small, large)| {
        let (before, after) = (squares(small)?, squares(large)?);
        let growth = |who: Who| Some(per_parameter(after, who)? / per_parameter(before, who)?);
        Some(Case {
            of: format!("from {small} to {large}"),
            ratio: growth(Who::Ours(Simd::best()))?,
            // Loading does not get cheaper per byte; if it seems to, that is the overhead of the loop.
            limit: growth(Who::Loads(Simd::best()))?.max(1.0) * 1.1,
        })
    });
    Goal {
        what: "apply, rank 2: time per parameter grows no more than loading does (10 % allowed)".to_owned(),
        cases: cases.collect(),
    }
}

pub fn per_parameter(race: &Race, who: Who) -> Option<f64> {
    Some(race.time(who)?.min / race.shape.parameters() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Time;

    fn race(operation: Operation, ours: f64, theirs: f64) -> Race {
        let time = |min| Time { min, median: min };
        let mut times = vec![(Who::OursCapped, time(ours))];
        times.extend([Simd::Portable, Simd::Avx2, Simd::Avx512].map(|simd| (Who::Ours(simd), time(ours))));
        times.extend((0..PEERS.len()).map(|peer| (Who::Peer(peer), time(theirs))));
        Race { operation, shape: EXAMPLE, times }
    }

    #[test]
    fn a_goal_is_met_or_missed_by_its_ratio() {
        let fast = [race(Operation::Apply, 79.0, 100.0)];
        assert!(judge(&fast).iter().take(1).all(Goal::is_met));
        let slow = [race(Operation::Apply, 81.0, 100.0)];
        assert!(!judge(&slow)[0].is_met(), "0.81 of Eigen SSE2");
        let all = faster_than_all(&slow, Operation::Apply);
        assert!(all.is_met() && all.cases.len() == peers().count());
        assert!(!faster_than_all(&[race(Operation::Apply, 101.0, 100.0)], Operation::Apply).is_met());
    }

    #[test]
    fn what_was_not_measured_is_missed() {
        assert!(judge(&[]).iter().all(|goal| !goal.is_met()));
        assert!(batch_beside_openblas(&[race(Operation::Batch(32), 99.0, 100.0)]).is_met());
        assert!(!batch_beside_openblas(&[race(Operation::Batch(8), 99.0, 100.0)]).is_met());
    }
}
