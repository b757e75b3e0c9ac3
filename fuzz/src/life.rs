//! An adapter in use: what must hold is checked before and after every call.

use micro_lora::{Apply, Learn, Outcome, Receipt, Result, StepKind};

use super::common::HeapLora;
use super::compare::{all_finite, assert_describes, assert_unchanged, bits, same_bits, sound};
use super::ops::{Done, Op};
use super::source::{Shape, Source};

pub struct Life {
    lora: HeapLora,
    shape: Shape,
}

impl Life {
    /// An adapter of any size and settings, after a few calls.
    pub fn of(source: &mut Source<'_>) -> Option<Self> {
        let mut life = Self::begin(source)?;
        for _ in 0..source.below(6) {
            let _ = life.carry_out(&Op::draw(source, life.shape));
        }
        Some(life)
    }

    pub fn begin(source: &mut Source<'_>) -> Option<Self> {
        let (shape, config) = (source.shape(), source.config());
        config.check().ok()?;
        Some(Self::from_adapter(HeapLora::new(shape.in_features, shape.out_features, shape.rank, &config)))
    }

    pub fn from_adapter(lora: HeapLora) -> Self {
        let (in_features, out_features) = (lora.in_features(), lora.out_features());
        let shape = Shape { in_features, out_features, rank: lora.rank() };
        sound(&lora);
        Self { lora, shape }
    }

    pub fn adapter(&self) -> &HeapLora {
        &self.lora
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn carry_out(&mut self, op: &Op) -> Result<Done> {
        let before = self.lora.clone();
        let result = op.perform(&mut self.lora);
        match &result {
            Err(error) => {
                assert_unchanged(&self.lora, &before);
                assert_describes(error);
            }
            // A call with an output: `before` was checked when it was made.
            Ok(done @ (Done::Output(..) | Done::Written(_))) => {
                assert_unchanged(&self.lora, &before);
                self.check_done(op, done, &before);
            }
            Ok(done) => {
                sound(&self.lora);
                self.check_done(op, done, &before);
            }
        }
        result
    }

    /// A call to an adapter that must have the same bits as one whose call was checked.
    pub fn repeat(&mut self, op: &Op) -> Result<Done> {
        op.perform(&mut self.lora)
    }

    fn check_done(&self, op: &Op, done: &Done, before: &HeapLora) {
        match (op, done) {
            (Op::Update(_), Done::Receipt(receipt)) => self.check_update(receipt, before),
            (_, Done::Receipt(receipt)) => self.check_event(receipt, before),
            (Op::Apply(x), Done::Output(guard, delta)) => self.check_delta(x, *guard, delta),
            (Op::Residual(x), Done::Output(guard, y)) => {
                let mut delta = vec![0.0; y.len()];
                assert_eq!(self.lora.apply_into(x, &mut delta), Ok(*guard));
                let sums = x.iter().zip(&delta).map(|(x, delta)| x + delta);
                if self.lora.bias.iter().all(|b| *b == 0.0) {
                    assert_eq!(bits(y), bits(&sums.collect::<Vec<_>>()));
                    return;
                }
                // The bias is added to the sum of input and rest: rounded in another order.
                let terms = x.iter().zip(&delta).zip(&self.lora.bias);
                for ((y, sum), ((x, delta), bias)) in y.iter().zip(sums).zip(terms) {
                    let size = x.abs() + delta.abs() + self.lora.strength() * guard * bias.abs();
                    assert!((y - sum).abs() <= 1e-6 * size + f32::MIN_POSITIVE, "{y} is not {sum}");
                }
            }
            (Op::Batch(inputs), Done::Written(deltas)) => {
                for (x, delta) in
                    inputs.chunks(self.shape.in_features).zip(deltas.chunks(self.shape.out_features))
                {
                    let mut single = vec![0.0; delta.len()];
                    self.lora.apply_into(x, &mut single).expect("it was accepted in the batch");
                    assert_eq!(bits(&single), bits(delta));
                }
            }
            (Op::DeltaWeight, Done::Written(weight)) => assert!(all_finite(weight)),
            (Op::Merge(base), Done::Written(_)) => assert!(all_finite(base)),
            (Op::Reset, _) => {
                assert!(self.lora.b.iter().chain(&self.lora.bias).all(|b| *b == 0.0));
                assert_eq!(self.lora.generation(), before.generation().saturating_add(1));
            }
            _ => {}
        }
    }

    fn check_update(&self, receipt: &Receipt, before: &HeapLora) {
        assert!(finite(receipt), "{receipt:?}");
        let (now, then) = (self.lora.stats(), before.stats());
        match receipt.outcome {
            Outcome::Applied => {
                assert_eq!(now.pending, 0);
                assert_eq!(now.updates, then.updates.saturating_add(1));
                assert_eq!(now.generation, then.generation.saturating_add(1));
                assert_eq!(receipt.generation, now.generation);
                self.check_step(receipt, before);
            }
            Outcome::Skipped(_) => assert_unchanged(&self.lora, before),
        }
    }

    /// The weights have moved as far as the receipt says, up to rounding at the size of these weights.
    fn check_step(&self, receipt: &Receipt, before: &HeapLora) {
        let is_dual = self.lora.config().step == StepKind::Dual;
        if before.config().decay > 0.0 || is_dual {
            return;
        }
        let moved = distance(&self.lora.a, &before.a).hypot(distance(&self.lora.b, &before.b));
        // The receipt does not include what the default step forgets by itself.
        let rounding = 1e-6 * norm(&self.lora.a).hypot(norm(&self.lora.b)) + 3.1e-4 * norm(&before.b);
        // A norm whose square is below the smallest f32 counts as 0, and is divided by an RMS of at least 1e-8.
        let underflow = 1e-9 * (1.0 + 1.0 / f64::from(self.lora.scaling()));
        let limit = 8.0 * f64::from(receipt.step_norm) + rounding + underflow;
        assert!(moved <= limit, "moved {moved}, and the receipt says {receipt:?}");
    }

    /// An event counts once, and never changes the weights.
    fn check_event(&self, receipt: &Receipt, before: &HeapLora) {
        assert!(finite(receipt), "{receipt:?}");
        let (now, then) = (self.lora.stats(), before.stats());
        let same = |part: fn(&HeapLora) -> &Vec<f32>| same_bits(part(&self.lora), part(before));
        if !(same(|lora| &lora.a) && same(|lora| &lora.b) && same(|lora| &lora.bias)) {
            self.check_turned(before);
        }
        assert_eq!(now.samples_seen, then.samples_seen.saturating_add(1));
        assert_eq!(now.capped, then.capped.saturating_add(u32::from(receipt.guard < 1.0)));
        if receipt.applied() {
            assert_eq!(now.pending, then.pending.saturating_add(1));
        } else {
            assert_eq!(now.pending, then.pending);
            assert!(same_bits(&self.lora.grad_a, &before.grad_a));
            assert!(same_bits(&self.lora.grad_b, &before.grad_b));
        }
    }

    /// Only the first list of an adapter that was not dual yet changes weights, and as `into_dual` does. The step alone
    /// does not tell: weights that are set leave it as it is.
    fn check_turned(&self, before: &HeapLora) {
        let mut turned = before.clone();
        turned.discard_pending();
        let generation = turned.generation();
        turned.into_dual().expect("the event has made it dual");
        assert!(turned.generation() > generation, "an event changed the weights of {before:?}");
        assert_eq!(self.lora.config().step, StepKind::Dual);
        let weights = |lora: &HeapLora| [&lora.a, &lora.b, &lora.bias].map(|values| bits(values));
        assert_eq!(weights(&self.lora), weights(&turned));
    }

    /// The output guard holds, up to rounding where the rows of `C` cancel each other out.
    fn check_delta(&self, x: &[f32], guard: f32, delta: &[f32]) {
        assert!((0.0..=1.0).contains(&guard), "guard {guard}");
        assert!(all_finite(delta), "delta {delta:?}");
        let (norm_x, cap) = (norm(x), self.lora.config().cap);
        if !cap.is_finite() || norm_x < 1e-15 {
            return;
        }
        let rows =
            self.lora.a.chunks(self.shape.in_features).zip(self.lora.b.chunks(self.shape.out_features));
        let reach: f64 = rows
            .map(|(a, b)| {
                let h: f64 = a.iter().zip(x).map(|(a, x)| f64::from(*a) * f64::from(*x)).sum();
                (h.abs() + 1e-6 * norm(a) * norm_x) * norm(b)
            })
            .sum();
        let bias = norm(&self.lora.bias);
        let strength = f64::from(self.lora.strength());
        let scale = f64::from(self.lora.scaling()) * strength;
        // The bias may cancel the rest, and the mean the input.
        let rounding = if bias > 0.0 { 1.02 } else { 1.001 };
        let limit = rounding * f64::from(cap) * norm_x + 4e-3 * (scale * reach + strength * bias);
        assert!(norm(delta) <= limit, "|delta| {} above {limit}, guard {guard}", norm(delta));
    }
}

fn finite(receipt: &Receipt) -> bool {
    let norms = [receipt.grad_norm, receipt.step_norm];
    norms.iter().all(|norm| norm.is_finite() && *norm >= 0.0) && (0.0..=1.0).contains(&receipt.guard)
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}
