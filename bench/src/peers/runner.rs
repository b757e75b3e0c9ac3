//! A peer's turn: the same mathematics with the peer's products.

use super::algebra::Algebra;
use super::scaled_gradient::ScaledGradient;
use crate::lora::Shape;
use crate::measure::Runner;
use crate::operation::{CANDIDATES, CHOSEN, Operation, State, TEMPERATURE};

struct Peer<F> {
    operation: Operation,
    state: State,
    algebra: Box<dyn Algebra>,
    call: F,
}

impl<F: FnMut(&mut dyn Algebra, &mut State)> Runner for Peer<F> {
    fn run(&mut self) {
        (self.call)(&mut *self.algebra, &mut self.state);
    }

    fn result(&self) -> Vec<f32> {
        self.state.result(self.operation)
    }
}

pub fn contender(operation: Operation, shape: Shape, algebra: Box<dyn Algebra>) -> Box<dyn Runner> {
    match operation {
        Operation::Apply => peer(operation, shape, algebra, |algebra, state| {
            algebra.apply(&state.lora, &state.x, &mut state.y);
        }),
        Operation::Residual => peer(operation, shape, algebra, |algebra, state| {
            algebra.residual(&state.lora, &mut state.y);
        }),
        Operation::Batch(n) => peer(operation, shape, algebra, move |algebra, state| {
            algebra.apply_batch(&state.lora, n, &state.x, &mut state.y, &mut state.h);
        }),
        Operation::Gradient => peer(operation, shape, algebra, |algebra, state| {
            algebra.gradient(&mut state.lora, &state.x, &state.g);
        }),
        Operation::Gradients(n) => peer(operation, shape, algebra, move |algebra, state| {
            algebra.gradient_batch(&mut state.lora, n, &state.x, &state.g, &mut state.h);
        }),
        Operation::Choice => peer(operation, shape, algebra, choose),
        Operation::Step => {
            let mut step = None;
            peer(operation, shape, algebra, move |algebra, state| {
                algebra.gradient(&mut state.lora, &state.x, &state.g);
                step.get_or_insert_with(|| ScaledGradient::new(algebra, &state.lora)).apply(algebra, state);
            })
        }
    }
}

fn peer(
    operation: Operation,
    shape: Shape,
    algebra: Box<dyn Algebra>,
    call: impl FnMut(&mut dyn Algebra, &mut State) + 'static,
) -> Box<dyn Runner> {
    Box::new(Peer { operation, state: State::new(operation, shape), algebra, call })
}

fn choose(algebra: &mut dyn Algebra, state: &mut State) {
    let State { lora, x, base, g, candidates, y, .. } = state;
    y.copy_from_slice(base);
    algebra.add(lora, x, y);
    let mut scores = [0.0; CANDIDATES];
    algebra.project(candidates, y, &mut scores);
    to_factors(&mut scores);
    algebra.combine(candidates, &scores, g);
    algebra.gradient(lora, x, g);
}

/// From `c . y` to the factor of each candidate in `dL/dy` of a click: `(p - [chosen]) / tau`.
fn to_factors(scores: &mut [f32; CANDIDATES]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in &mut *scores {
        *score = ((*score - largest) / TEMPERATURE).exp();
        sum += *score;
    }
    for (j, score) in scores.iter_mut().enumerate() {
        *score = (*score / sum - if j == CHOSEN { 1.0 } else { 0.0 }) / TEMPERATURE;
    }
}
