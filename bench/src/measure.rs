//! All contenders in turns, in one process: a slow-down of the machine affects all of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Nanoseconds per call.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    pub min: f64,
    pub median: f64,
}

/// Number and length of the turns.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long one contender runs before the next one's turn.
    pub turn: Duration,
}

/// An operation that can be called repeatedly.
pub trait Runner {
    /// Before its turn, untimed.
    fn prepare(&mut self) {}
    fn run(&mut self);
    /// The result of the first call.
    fn result(&self) -> Vec<f32>;
}

pub fn measure(runners: &mut [Box<dyn Runner + '_>], effort: Effort) -> Vec<Time> {
    let calls: Vec<_> = runners.iter_mut().map(|runner| calls_in(&mut **runner, effort.turn)).collect();
    let mut times: Vec<Vec<f64>> = vec![Vec::with_capacity(effort.rounds); runners.len()];
    for _ in 0..effort.rounds {
        for ((runner, times), calls) in runners.iter_mut().zip(&mut times).zip(&calls) {
            runner.prepare();
            // Brings its data back into the cache.
            runner.run();
            times.push(nanoseconds(&mut **runner, *calls));
        }
    }
    times.iter_mut().map(|times| summary(times)).collect()
}

fn summary(times: &mut [f64]) -> Time {
    times.sort_by(f64::total_cmp);
    Time { min: times[0], median: times[times.len() / 2] }
}

/// How many calls fill a turn.
fn calls_in(runner: &mut dyn Runner, turn: Duration) -> u32 {
    runner.prepare();
    runner.run();
    let once = (0..3).map(|_| nanoseconds(runner, 4)).fold(f64::INFINITY, f64::min);
    (turn.as_nanos() as f64 / once).max(1.0) as u32
}

fn nanoseconds(runner: &mut dyn Runner, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(&mut *runner).run();
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_middle_of_all_turns_are_kept() {
        let time = summary(&mut [5.0, 3.0, 9.0]);
        assert_eq!((time.min, time.median), (3.0, 5.0));
    }

    #[test]
    fn everybody_is_called_in_every_round() {
        struct Count<'a>(&'a mut u32, &'a mut u32);
        impl Runner for Count<'_> {
            fn prepare(&mut self) {
                *self.0 += 1;
            }
            fn run(&mut self) {
                *self.1 += 1;
            }
            fn result(&self) -> Vec<f32> {
                vec![]
            }
        }
        let (mut prepared, mut run) = ([0; 2], [0; 2]);
        let mut runners: Vec<Box<dyn Runner + '_>> = vec![];
        for (prepared, run) in prepared.iter_mut().zip(&mut run) {
            runners.push(Box::new(Count(prepared, run)));
        }
        let times = measure(&mut runners, Effort { rounds: 5, turn: Duration::from_nanos(1) });
        drop(runners);
        assert_eq!((times.len(), prepared), (2, [6; 2]));
        assert!(run.iter().all(|run| *run >= 10), "{run:?}");
    }
}
