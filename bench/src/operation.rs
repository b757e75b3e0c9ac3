//! The measured operations, and their memory.

use std::fmt;

use crate::lora::{Buffer, Lora, Noise, Shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `delta = s B (A x)`
    Apply,
    /// `x += s B (A x)`
    Residual,
    /// Apply to this many vectors.
    Batch(usize),
    /// The backward pass of a given `dL/dy`, added to the pending gradients.
    Gradient,
    /// [`Gradient`](Self::Gradient) for this many vectors.
    Gradients(usize),
    /// A click on one of ten candidates: output, scores, softmax, gradient, backward pass.
    Choice,
    /// [`Gradient`](Self::Gradient) and then the scaled-gradient step.
    Step,
}

pub const OPERATIONS: [Operation; 8] = [
    Operation::Apply,
    Operation::Residual,
    Operation::Batch(8),
    Operation::Batch(32),
    Operation::Gradient,
    Operation::Gradients(32),
    Operation::Choice,
    Operation::Step,
];

pub const CANDIDATES: usize = 10;
pub const CHOSEN: usize = 3;
pub const TEMPERATURE: f32 = 0.1;
pub const LEARNING_RATE: f32 = 1e-4;

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply => f.write_str("apply"),
            Self::Residual => f.write_str("residual"),
            Self::Batch(n) => write!(f, "apply to {n}"),
            Self::Gradient => f.write_str("adapt by gradient"),
            Self::Gradients(n) => write!(f, "adapt by {n} gradients"),
            Self::Choice => f.write_str("adapt by choice of 10"),
            Self::Step => f.write_str("adapt by gradient, apply_updates"),
        }
    }
}

impl Operation {
    pub fn fits(self, shape: Shape) -> bool {
        self != Self::Residual || shape.is_square()
    }

    pub fn vectors(self) -> usize {
        if let Self::Batch(n) | Self::Gradients(n) = self { n } else { 1 }
    }

    /// Bytes that have to be read at least once; none if there is no such simple count.
    pub fn bytes_read(self, shape: Shape) -> Option<usize> {
        let Shape { inputs, outputs, .. } = shape;
        let values = match self {
            Self::Apply => shape.parameters() + inputs,
            Self::Residual => shape.parameters() + inputs + outputs,
            Self::Batch(n) => shape.parameters() + n * inputs,
            Self::Gradient => 2 * shape.parameters() + inputs + outputs,
            Self::Gradients(n) => 2 * shape.parameters() + n * (inputs + outputs),
            Self::Choice | Self::Step => return None,
        };
        Some(4 * values)
    }
}

/// The change of a step is compared, since the digits of the change would be lost in large weights.
fn start(operation: Operation, shape: Shape) -> Lora {
    let mut lora = Lora::new(shape);
    if operation == Operation::Step {
        for b in &mut *lora.b {
            *b /= 1024.0;
        }
    }
    lora
}

/// The memory of one contender.
#[derive(Clone)]
pub struct State {
    pub lora: Lora,
    pub x: Buffer,
    pub base: Buffer,
    pub g: Buffer,
    pub candidates: Buffer,
    /// Outputs; the row of a residual starts as `x`.
    pub y: Buffer,
    /// `A x` of a batch, then `B g`.
    pub h: Buffer,
}

impl State {
    pub fn new(operation: Operation, shape: Shape) -> Self {
        let Shape { inputs, outputs, rank } = shape;
        let n = operation.vectors();
        let gradients = if let Operation::Gradients(n) = operation { n } else { 1 };
        let mut noise = Noise::new(7);
        let unit = |len: usize| (3.0 / len as f32).sqrt();
        let x = noise.buffer(n * inputs, unit(inputs));
        let y = if operation == Operation::Residual { x.clone() } else { Buffer::zeros(n * outputs) };
        Self {
            lora: start(operation, shape),
            x,
            base: noise.buffer(outputs, unit(outputs)),
            g: noise.buffer(gradients * outputs, unit(outputs)),
            candidates: noise.buffer(CANDIDATES * outputs, unit(outputs)),
            y,
            h: Buffer::zeros(2 * n * rank),
        }
    }

    /// The values that the first call of an operation has changed.
    pub fn result(&self, operation: Operation) -> Vec<f32> {
        match operation {
            Operation::Apply | Operation::Residual | Operation::Batch(_) => self.y.to_vec(),
            Operation::Gradient | Operation::Gradients(_) | Operation::Choice => {
                [&*self.lora.grad_a, &*self.lora.grad_b].concat()
            }
            Operation::Step => {
                let before = start(operation, self.lora.shape);
                let moved = |now: &[f32], before: &[f32]| -> Vec<f32> {
                    now.iter().zip(before).map(|(now, before)| now - before).collect()
                };
                [moved(&self.lora.a, &before.a), moved(&self.lora.b, &before.b)].concat()
            }
        }
    }
}
