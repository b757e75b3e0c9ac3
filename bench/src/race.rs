//! One operation at one size: compares all results first, then measures all contenders in turns.

use anyhow::{Result, ensure};
use micro_lora::{Config, Simd};

use crate::lora::Shape;
use crate::measure::{Effort, Runner, Time, measure};
use crate::operation::Operation;
use crate::peers::{self, PEERS};
use crate::{bound, ours};

/// Relative to the largest value. Sums of thousands of terms in another order differ by this much.
const TOLERANCE: f32 = 2e-4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// With these instructions, the output guard off.
    Ours(Simd),
    /// With the best instructions, and the output guard at its default.
    OursCapped,
    /// By its index in [`PEERS`].
    Peer(usize),
    /// Only loading the operands.
    Loads(Simd),
}

pub struct Race {
    pub operation: Operation,
    pub shape: Shape,
    pub times: Vec<(Who, Time)>,
}

pub fn levels() -> impl Iterator<Item = Simd> {
    [Simd::Portable, Simd::Avx2, Simd::Avx512].into_iter().filter(|simd| *simd <= Simd::best())
}

/// Peers that can run on this machine.
pub fn peers() -> impl Iterator<Item = usize> {
    (0..PEERS.len()).filter(|i| PEERS[*i].simd.is_none_or(|simd| simd <= Simd::best()))
}

impl Race {
    pub fn run(operation: Operation, shape: Shape, effort: Effort) -> Result<Self> {
        let (who, mut runners): (Vec<_>, Vec<_>) = contenders(operation, shape).into_iter().unzip();
        compare(operation, shape, &who, &mut runners)?;
        if let Some(bytes) = operation.bytes_read(shape) {
            let loads = levels().map(|simd| (Who::Loads(simd), bound::contender(simd, bytes)));
            let (loaders, loads): (Vec<_>, Vec<_>) = loads.unzip();
            runners.extend(loads);
            let times = measure(&mut runners, effort);
            let who = who.into_iter().chain(loaders);
            return Ok(Self { operation, shape, times: who.zip(times).collect() });
        }
        let times = measure(&mut runners, effort);
        Ok(Self { operation, shape, times: who.into_iter().zip(times).collect() })
    }

    pub fn time(&self, who: Who) -> Option<Time> {
        self.times.iter().find(|(other, _)| *other == who).map(|(_, time)| *time)
    }

    /// Our time divided by a peer's, with the instructions that the peer was compiled for.
    pub fn ratio(&self, peer: usize) -> Option<f64> {
        let simd = PEERS[peer].simd.unwrap_or(Simd::best());
        Some(self.time(Who::Ours(simd))?.min / self.time(Who::Peer(peer))?.min)
    }
}

fn contenders(operation: Operation, shape: Shape) -> Vec<(Who, Box<dyn Runner>)> {
    let mut all: Vec<(Who, Box<dyn Runner>)> = vec![];
    for simd in levels() {
        all.push((Who::Ours(simd), ours::contender(operation, shape, simd, Config::CAP_OFF)));
    }
    let cap = Config::new().cap;
    all.push((Who::OursCapped, ours::contender(operation, shape, Simd::best(), cap)));
    for peer in peers() {
        all.push((Who::Peer(peer), peers::contender(operation, shape, (PEERS[peer].new)())));
    }
    all
}

/// Each contender's first call. The output guard changes results, so contenders with it are not compared.
fn compare(operation: Operation, shape: Shape, who: &[Who], runners: &mut [Box<dyn Runner>]) -> Result<()> {
    let mut expected: Option<Vec<f32>> = None;
    for (who, runner) in who.iter().zip(runners) {
        runner.prepare();
        runner.run();
        if *who == Who::OursCapped {
            continue;
        }
        let came = runner.result();
        let expected = expected.get_or_insert_with(|| came.clone());
        let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let error = came.iter().zip(&*expected).fold(0.0f32, |error, (a, b)| error.max((a - b).abs()));
        ensure!(
            largest > 0.0 && error <= TOLERANCE * largest,
            "{operation}, {shape:?}: {} differs by {error:e}, expected at most {TOLERANCE:e} of {largest:e}",
            who.name()
        );
    }
    Ok(())
}

impl Who {
    pub fn name(self) -> String {
        match self {
            Self::Ours(simd) => format!("MicroLoRA {}", simd.name()),
            Self::OursCapped => format!("MicroLoRA {}, cap {}", Simd::best().name(), Config::new().cap),
            Self::Peer(peer) => PEERS[peer].name.to_owned(),
            Self::Loads(simd) => format!("loads alone, {}", simd.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::operation::OPERATIONS;

    const EFFORT: Effort = Effort { rounds: 1, turn: Duration::from_nanos(1) };

    #[test]
    fn everybody_computes_the_same() {
        for operation in OPERATIONS {
            for rank in 1..=4 {
                for (inputs, outputs) in [(64, 64), (48, 80)] {
                    let shape = Shape { inputs, outputs, rank };
                    if operation.fits(shape) {
                        let race = Race::run(operation, shape, EFFORT).unwrap();
                        assert!(peers().all(|peer| race.ratio(peer).is_some_and(|ratio| ratio > 0.0)));
                    }
                }
            }
        }
    }

    #[test]
    fn a_peer_that_computes_something_else_is_found() {
        let shape = Shape { inputs: 64, outputs: 64, rank: 2 };
        let wrong = Shape { rank: 1, ..shape };
        let who = [Who::Ours(Simd::Portable), Who::Peer(0)];
        let of = |shape| ours::contender(Operation::Apply, shape, Simd::Portable, Config::CAP_OFF);
        let error =
            compare(Operation::Apply, shape, &who, &mut [of(shape), of(wrong)]).unwrap_err().to_string();
        assert!(error.contains("Eigen SSE2 differs by"), "{error}");
    }

    #[test]
    fn the_cap_binds_where_its_cost_is_measured() {
        for rank in 1..=4 {
            for (inputs, outputs) in [(64, 64), (384, 384), (768, 768), (768, 3072), (4096, 4096)] {
                assert!(ours::cap_binds(Shape { inputs, outputs, rank }), "{inputs}x{outputs} r{rank}");
            }
        }
    }
}
