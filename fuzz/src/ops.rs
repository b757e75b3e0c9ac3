//! One call of the public API with all its arguments, so that it can be repeated on another adapter.

use micro_lora::{Apply, Choice, Learn, Listwise, Receipt, Result, Sample};

use super::common::HeapLora;
use super::source::{Shape, Source};

#[derive(Debug)]
pub struct Event {
    x: Vec<f32>,
    base: Option<Vec<f32>>,
    weight: f32,
}

#[derive(Debug)]
pub enum Op {
    Gradient(Event, Vec<f32>),
    Choice { event: Event, candidates: Vec<f32>, chosen: usize, quality: f32, temperature: f32 },
    Listwise { event: Event, candidates: Vec<f32>, weights: Vec<f32>, temperature: f32 },
    Target { event: Event, target: Vec<f32>, weight: f32 },
    AttractRepel { event: Event, attract: Vec<f32>, repel: Vec<f32> },
    Quality(Event, f32),
    Update(f32),
    SetWeights(Vec<f32>, Vec<f32>),
    SetStrength(f32),
    Discard,
    Reset,
    Apply(Vec<f32>),
    Residual(Vec<f32>),
    Batch(Vec<f32>),
    DeltaWeight,
    Merge(Vec<f32>),
}

/// The result of a call.
#[derive(Clone, Debug)]
pub enum Done {
    Receipt(Receipt),
    /// The guard factor and the output.
    Output(f32, Vec<f32>),
    Written(Vec<f32>),
    Nothing,
}

impl Event {
    fn draw(source: &mut Source<'_>, shape: Shape) -> Self {
        let weight = match source.below(4) {
            0 => source.number(),
            1 => source.choose(&[0.0, 1e-6, 1e6, 0.5]),
            _ => 1.0,
        };
        let base_needed = shape.in_features != shape.out_features;
        Self {
            x: source.vector_of_about(shape.in_features),
            base: (base_needed || source.one_in(8)).then(|| source.vector_of_about(shape.out_features)),
            weight,
        }
    }

    fn sample(&self) -> Sample<'_> {
        let sample = Sample::new(&self.x).with_weight(self.weight);
        match &self.base {
            Some(base) => sample.with_base(base),
            None => sample,
        }
    }
}

fn temperature(source: &mut Source<'_>) -> f32 {
    if source.one_in(4) { source.number() } else { source.choose(&[0.1, 1e-3, 1.0, 1e3]) }
}

fn quality(source: &mut Source<'_>) -> f32 {
    if source.one_in(8) { source.number() } else { source.choose(&[1.0, 0.0, 0.5, 0.9, 0.2, 1e-20]) }
}

fn rows(source: &mut Source<'_>, len: usize) -> (usize, Vec<f32>) {
    let n = source.choose(&[2, 3, 5, 1, 64, 65, 0]);
    (n, source.vector_of_about(n * len))
}

impl Op {
    pub fn gradient(x: Vec<f32>, gradient: Vec<f32>) -> Self {
        Self::Gradient(Event { x, base: None, weight: 1.0 }, gradient)
    }

    pub fn draw(source: &mut Source<'_>, shape: Shape) -> Self {
        let Shape { in_features, out_features, rank } = shape;
        match source.below(24) {
            0..=3 => Self::Gradient(Event::draw(source, shape), source.vector_of_about(out_features)),
            4 | 5 => {
                let (n, candidates) = rows(source, out_features);
                Self::Choice {
                    event: Event::draw(source, shape),
                    candidates,
                    chosen: usize::from(source.below(n as u8 + 1)),
                    quality: quality(source),
                    temperature: temperature(source),
                }
            }
            6 => {
                let (n, candidates) = rows(source, out_features);
                Self::Listwise {
                    event: Event::draw(source, shape),
                    candidates,
                    weights: source.vector_of_about(n).iter().map(|weight| weight.abs()).collect(),
                    temperature: temperature(source),
                }
            }
            7 => Self::Target {
                event: Event::draw(source, shape),
                target: source.vector_of_about(out_features),
                weight: source.number(),
            },
            8 => Self::AttractRepel {
                event: Event::draw(source, shape),
                attract: source.vector_of_about(out_features),
                repel: rows(source, out_features).1,
            },
            9 => Self::Quality(Event::draw(source, shape), quality(source)),
            10..=13 => Self::Update(source.choose(&[0.01, 0.1, 1000.0, 1e-6])),
            14 => Self::Update(source.number()),
            15 | 16 => Self::SetWeights(
                source.vector_of_about(rank * in_features),
                source.vector_of_about(rank * out_features),
            ),
            17 => {
                let strength = source.number();
                Self::SetStrength(if source.one_in(2) { strength } else { strength.abs().min(100.0) })
            }
            18 => [Self::Discard, Self::Reset, Self::DeltaWeight]
                .into_iter()
                .nth(source.below(3).into())
                .unwrap_or(Self::Discard),
            19 | 20 => Self::Apply(source.vector_of_about(in_features)),
            21 => Self::Residual(source.vector_of_about(in_features)),
            22 => {
                let n = usize::from(source.below(4));
                Self::Batch(source.vector_of_about(n * in_features + usize::from(n == 0)))
            }
            _ => Self::Merge(source.vector_of_about(in_features * out_features)),
        }
    }

    pub fn perform(&self, lora: &mut HeapLora) -> Result<Done> {
        let receipt = match self {
            Self::Gradient(event, gradient) => lora.adapt_gradient(event.sample(), gradient)?,
            Self::Choice { event, candidates, chosen, quality, temperature } => {
                let choice = Choice::click(candidates, *chosen).with_quality(*quality);
                lora.adapt_choice(event.sample(), choice.with_temperature(*temperature))?
            }
            Self::Listwise { event, candidates, weights, temperature } => {
                let list = Listwise::new(candidates, weights).with_temperature(*temperature);
                lora.adapt_listwise(event.sample(), list)?
            }
            Self::Target { event, target, weight } => lora.adapt_target(event.sample(), target, *weight)?,
            Self::AttractRepel { event, attract, repel } => {
                lora.adapt_attract_repel(event.sample(), attract, repel)?
            }
            Self::Quality(event, quality) => lora.adapt_quality(event.sample(), *quality)?,
            Self::Update(rate) => lora.apply_updates(*rate)?,
            _ => return self.perform_without_receipt(lora),
        };
        Ok(Done::Receipt(receipt))
    }

    fn perform_without_receipt(&self, lora: &mut HeapLora) -> Result<Done> {
        match self {
            Self::SetWeights(a, b) => lora.set_weights(a, b)?,
            Self::SetStrength(strength) => lora.set_strength(*strength)?,
            Self::Discard => lora.discard_pending(),
            Self::Reset => lora.reset(),
            _ => return self.perform_without_change(lora),
        }
        Ok(Done::Nothing)
    }

    fn perform_without_change(&self, lora: &HeapLora) -> Result<Done> {
        let (in_features, out_features) = (lora.in_features(), lora.out_features());
        match self {
            Self::Residual(x) => {
                let mut x = x.clone();
                Ok(Done::Output(lora.apply_residual(&mut x)?, x))
            }
            Self::Batch(inputs) => {
                let mut deltas = vec![0.0; inputs.len() / in_features * out_features];
                lora.apply_batch(inputs, &mut deltas)?;
                Ok(Done::Written(deltas))
            }
            Self::DeltaWeight => {
                let mut weight = vec![f32::NAN; in_features * out_features];
                lora.delta_weight(&mut weight)?;
                Ok(Done::Written(weight))
            }
            Self::Merge(base) => {
                let mut merged = vec![f32::NAN; in_features * out_features];
                lora.merge_into(base, &mut merged)?;
                Ok(Done::Written(merged))
            }
            Self::Apply(x) => {
                let mut delta = vec![f32::NAN; out_features];
                Ok(Done::Output(lora.apply_into(x, &mut delta)?, delta))
            }
            _ => unreachable!("all other calls change the adapter"),
        }
    }
}
