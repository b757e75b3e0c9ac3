//! Every kind of feedback compared with central differences of its loss, in float64.
//!
//! The losses below are written from their definitions, and differentiated numerically: no formula of a gradient is
//! shared with the engine. The one exception is quality alone, which has no loss; it is compared with its definition.
//! The output guard is off: the gradient ignores it, on purpose.

use micro_lora::{
    Apply, Choice, Config, Learn, Listwise, MicroLora, Outcome, Receipt, Sample, Skip, StepKind,
};

/// Relative to the norm of the whole tensor. The losses divide by a temperature of 0.1, which multiplies rounding by
/// ten.
const TOLERANCE: f64 = 1e-5;

/// Steps of the differences: their truncation and their rounding both stay below 1e-8 here.
const EPSILON: f64 = 1e-5;

/// The update through which the pending gradient is read. Long enough for the gradient to keep its digits beside the
/// weights; a power of two, so that dividing by it rounds nothing.
const LONG_STEP: f32 = 512.0;

/// Values in -1..1 that look random and are the same everywhere.
fn noise(seed: u32, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
    };
    // The first values of a xorshift still show its seed.
    (0..8).for_each(|_| _ = next());
    (0..len).map(|_| next()).collect()
}

fn unit(seed: u32, len: usize) -> Vec<f32> {
    let raw = noise(seed, len);
    let norm = dot(&wide(&raw), &wide(&raw)).sqrt() as f32;
    raw.iter().map(|value| value / norm).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The feedback, with everything that its loss needs.
#[derive(Clone)]
enum Feedback {
    Choice { candidates: Vec<f32>, chosen: usize, quality: f32, temperature: f32 },
    Listwise { candidates: Vec<f32>, weights: Vec<f32>, temperature: f32 },
    Target { target: Vec<f32>, weight: f32 },
    AttractRepel { attract: Vec<f32>, repel: Vec<f32> },
}

impl Feedback {
    fn tell(&self, lora: &mut impl Learn, sample: Sample<'_>) -> Receipt {
        let receipt = match self {
            Self::Choice { candidates, chosen, quality, temperature } => {
                let choice =
                    Choice::click(candidates, *chosen).with_quality(*quality).with_temperature(*temperature);
                lora.adapt_choice(sample, choice)
            }
            Self::Listwise { candidates, weights, temperature } => {
                lora.adapt_listwise(sample, Listwise::new(candidates, weights).with_temperature(*temperature))
            }
            Self::Target { target, weight } => lora.adapt_target(sample, target, *weight),
            Self::AttractRepel { attract, repel } => lora.adapt_attract_repel(sample, attract, repel),
        };
        receipt.unwrap()
    }

    fn loss(&self, y: &[f64]) -> f64 {
        match self {
            Self::Choice { candidates, chosen, quality, temperature } => {
                let p = softmax(candidates, y, *temperature)[*chosen];
                let q = f64::from(*quality);
                -(2.0 * q - 1.0).max(0.0) * p.ln() - (1.0 - 2.0 * q).max(0.0) * (1.0 - p).ln()
            }
            Self::Listwise { candidates, weights, temperature } => {
                let (p, weights) = (softmax(candidates, y, *temperature), wide(weights));
                let total: f64 = weights.iter().sum();
                -p.iter().zip(&weights).map(|(p, weight)| weight / total * p.ln()).sum::<f64>()
            }
            Self::Target { target, weight } => -f64::from(*weight) * cosine(y, &wide(target)),
            Self::AttractRepel { attract, repel } => {
                let apart: Vec<f64> =
                    repel.chunks_exact(y.len()).map(|repel| cosine(y, &wide(repel))).collect();
                apart.iter().sum::<f64>() / apart.len() as f64 - cosine(y, &wide(attract))
            }
        }
    }
}

fn softmax(candidates: &[f32], y: &[f64], temperature: f32) -> Vec<f64> {
    let logits =
        candidates.chunks_exact(y.len()).map(|candidate| dot(&wide(candidate), y) / f64::from(temperature));
    let exp: Vec<f64> = logits.map(f64::exp).collect();
    let total: f64 = exp.iter().sum();
    exp.iter().map(|value| value / total).collect()
}

/// One adapter's weights and one event, in float64.
#[derive(Clone)]
struct Model {
    a: Vec<f64>,
    b: Vec<f64>,
    scaling: f64,
    x: Vec<f64>,
    base: Vec<f64>,
}

impl Model {
    fn y(&self) -> Vec<f64> {
        let rows = self.a.chunks_exact(self.x.len()).zip(self.b.chunks_exact(self.base.len()));
        rows.fold(self.base.clone(), |y, (a, b)| {
            let h = self.scaling * dot(a, &self.x);
            y.iter().zip(b).map(|(y, b)| y + h * b).collect()
        })
    }

    /// `dL/dA` and `dL/dB`, one after the other.
    fn differences(&self, feedback: &Feedback) -> (Vec<f64>, Vec<f64>) {
        let slope = |pick: fn(&mut Self) -> &mut Vec<f64>, len: usize| -> Vec<f64> {
            let loss = |i: usize, step: f64| {
                let mut model = self.clone();
                pick(&mut model)[i] += step;
                feedback.loss(&model.y())
            };
            (0..len).map(|i| (loss(i, EPSILON) - loss(i, -EPSILON)) / (2.0 * EPSILON)).collect()
        };
        (slope(|model| &mut model.a, self.a.len()), slope(|model| &mut model.b, self.b.len()))
    }
}

/// The change of the weights by an SGD update, per unit of learning rate: the pending gradient.
fn pending_gradient(lora: &mut impl Learn) -> (Vec<f64>, Vec<f64>) {
    let (a, b) = (wide(lora.lora_a()), wide(lora.lora_b()));
    assert_eq!(lora.apply_updates(LONG_STEP).unwrap().outcome, Outcome::Applied);
    let taken = |before: Vec<f64>, after: &[f32]| -> Vec<f64> {
        before
            .iter()
            .zip(wide(after))
            .map(|(before, after)| (before - after) / f64::from(LONG_STEP))
            .collect()
    };
    (taken(a, lora.lora_a()), taken(b, lora.lora_b()))
}

#[track_caller]
fn assert_close(name: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{name}");
    let norm = dot(expected, expected).sqrt();
    assert!(norm > 1e-4, "{name}: expected a gradient worth comparing, got norm {norm:.1e}");
    let off: Vec<f64> = got.iter().zip(expected).map(|(got, expected)| got - expected).collect();
    let error = dot(&off, &off).sqrt() / norm;
    assert!(error <= TOLERANCE, "{name}: expected a relative error up to {TOLERANCE:.0e}, got {error:.1e}");
}

fn adapter<const IN: usize, const OUT: usize, const RANK: usize>() -> MicroLora<IN, OUT, RANK> {
    let config = Config::new().with_alpha(3.0).with_cap(Config::CAP_OFF).with_step(StepKind::Sgd);
    let mut lora = MicroLora::new(config).unwrap();
    let scaled =
        |seed, len, factor: f32| noise(seed, len).iter().map(|value| factor * value).collect::<Vec<_>>();
    lora.set_weights(&scaled(1, RANK * IN, 0.5), &scaled(2, RANK * OUT, 0.2)).unwrap();
    lora
}

fn check<const IN: usize, const OUT: usize, const RANK: usize>(
    base: Option<&[f32]>,
    feedback: &Feedback,
    name: &str,
) {
    let mut lora = adapter::<IN, OUT, RANK>();
    let x = unit(3, IN);
    let model = Model {
        a: wide(lora.lora_a()),
        b: wide(lora.lora_b()),
        scaling: 3.0 / RANK as f64,
        x: wide(&x),
        base: wide(base.unwrap_or(&x)),
    };
    let (grad_a, grad_b) = model.differences(feedback);
    let sample = base.map_or(Sample::new(&x), |base| Sample::new(&x).with_base(base));
    assert_eq!(feedback.tell(&mut lora, sample).outcome, Outcome::Applied, "{name}");
    let (got_a, got_b) = pending_gradient(&mut lora);
    assert_close(&format!("{name}, lora_A"), &got_a, &grad_a);
    assert_close(&format!("{name}, lora_B"), &got_b, &grad_b);
}

/// Square with and without a base, and rectangular both ways.
fn check_shapes(name: &str, feedback: impl Fn(usize) -> Feedback) {
    check::<16, 16, 2>(None, &feedback(16), &format!("{name}, square"));
    check::<16, 16, 2>(Some(&unit(4, 16)), &feedback(16), &format!("{name}, square with a base"));
    check::<24, 10, 3>(Some(&unit(5, 10)), &feedback(10), &format!("{name}, 24 to 10"));
    check::<9, 40, 1>(Some(&unit(6, 40)), &feedback(40), &format!("{name}, 9 to 40"));
    check::<33, 5, 4>(Some(&unit(7, 5)), &feedback(5), &format!("{name}, 33 to 5"));
}

fn candidates(n: u32, len: usize) -> Vec<f32> {
    (0..n).flat_map(|i| unit(100 + i, len)).collect()
}

#[test]
fn choice_follows_its_loss_at_every_quality() {
    for quality in [1.0, 0.8, 0.2, 0.0] {
        for (n, chosen, temperature) in [(2, 1, 0.1), (10, 3, 0.1), (64, 60, 0.5)] {
            check_shapes(&format!("choice {chosen} of {n}, quality {quality}"), |len| Feedback::Choice {
                candidates: candidates(n, len),
                chosen,
                quality,
                temperature,
            });
        }
    }
}

#[test]
fn a_click_is_a_choice_of_quality_one_at_temperature_a_tenth() {
    let (x, candidates) = (unit(3, 16), candidates(10, 16));
    let (mut click, mut spelled_out) = (adapter::<16, 16, 2>(), adapter::<16, 16, 2>());
    assert!(click.adapt_choice(&x[..], Choice::click(&candidates, 3)).unwrap().applied());
    let choice = Choice::click(&candidates, 3).with_quality(1.0).with_temperature(0.08);
    assert!(spelled_out.adapt_choice(&x[..], choice).unwrap().applied());
    assert_eq!(pending_gradient(&mut click), pending_gradient(&mut spelled_out));
}

#[test]
fn listwise_follows_its_loss() {
    for (name, weights) in
        [("graded", vec![0.0, 3.0, 1.0, 0.0, 0.5, 0.0]), ("one of six", vec![0.0, 0.0, 0.0, 2.0, 0.0, 0.0])]
    {
        for temperature in [0.1, 0.4] {
            check_shapes(&format!("listwise {name}"), |len| Feedback::Listwise {
                candidates: candidates(6, len),
                weights: weights.clone(),
                temperature,
            });
        }
    }
}

#[test]
fn target_follows_its_loss_towards_and_away() {
    for weight in [1.0, -1.0, 2.5, -0.3] {
        // A target need not have unit norm: the loss uses only its direction.
        let target = |len| unit(50, len).iter().map(|value| 3.0 * value).collect();
        check_shapes(&format!("target, weight {weight}"), |len| Feedback::Target {
            target: target(len),
            weight,
        });
    }
}

#[test]
fn attract_repel_follows_its_loss() {
    for n in [1, 3] {
        check_shapes(&format!("attract one, repel {n}"), |len| Feedback::AttractRepel {
            attract: unit(60, len),
            repel: candidates(n, len),
        });
    }
}

#[test]
fn quality_alone_follows_its_definition() {
    quality_alone(None);
    quality_alone(Some(&unit(4, 16)));
}

/// `g = -(q - mean) y / |y|` with a tenth of a sample's weight; the mean starts at 0.5 and is updated afterwards.
fn quality_alone(base: Option<&[f32]>) {
    let mut lora = adapter::<16, 16, 2>();
    let mut mean = 0.5;
    for (event, quality) in [0.8f32, 0.3, 1.0, 0.5, 0.0].into_iter().enumerate() {
        let x = unit(70 + event as u32, 16);
        // Back to weights of the usual size; the mean is not one of the weights, so it stays.
        let start = adapter::<16, 16, 2>();
        lora.set_weights(start.lora_a(), start.lora_b()).unwrap();
        let model = Model {
            a: wide(lora.lora_a()),
            b: wide(lora.lora_b()),
            scaling: 1.5,
            x: wide(&x),
            base: wide(base.unwrap_or(&x)),
        };
        let y = model.y();
        let advantage = f64::from(quality) - mean;
        let g: Vec<f64> = y.iter().map(|y_i| 0.1 * -advantage * y_i / dot(&y, &y).sqrt()).collect();
        mean += 0.05 * advantage;

        let sample = base.map_or(Sample::new(&x), |base| Sample::new(&x).with_base(base));
        assert_eq!(lora.adapt_quality(sample, quality).unwrap().outcome, Outcome::Applied);
        let (got_a, got_b) = pending_gradient(&mut lora);
        let (grad_a, grad_b) = backward(&model, &g);
        assert_close(&format!("quality {quality}, event {event}, lora_A"), &got_a, &grad_a);
        assert_close(&format!("quality {quality}, event {event}, lora_B"), &got_b, &grad_b);
    }
}

/// The gradients of `dot(g, y)`.
fn backward(model: &Model, g: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let rows = model.a.chunks_exact(model.x.len()).zip(model.b.chunks_exact(g.len()));
    let (mut grad_a, mut grad_b) = (Vec::new(), Vec::new());
    for (a, b) in rows {
        let (h, back) = (model.scaling * dot(a, &model.x), model.scaling * dot(b, g));
        grad_a.extend(model.x.iter().map(|x| back * x));
        grad_b.extend(g.iter().map(|g| h * g));
    }
    (grad_a, grad_b)
}

#[test]
fn a_sample_weight_multiplies_every_kind() {
    let (x, candidates) = (unit(3, 16), candidates(4, 16));
    let kinds = [
        Feedback::Choice { candidates: candidates.clone(), chosen: 1, quality: 0.2, temperature: 0.1 },
        Feedback::Listwise {
            candidates: candidates.clone(),
            weights: vec![1.0, 0.0, 2.0, 0.0],
            temperature: 0.1,
        },
        Feedback::Target { target: unit(50, 16), weight: -1.0 },
        Feedback::AttractRepel { attract: unit(60, 16), repel: candidates },
    ];
    for feedback in kinds {
        let gradient = |weight: f32| {
            let mut lora = adapter::<16, 16, 2>();
            assert!(feedback.tell(&mut lora, Sample::new(&x).with_weight(weight)).applied());
            pending_gradient(&mut lora)
        };
        let ((a, b), (tripled_a, tripled_b)) = (gradient(1.0), gradient(3.0));
        let times = |values: &[f64]| values.iter().map(|value| 3.0 * value).collect::<Vec<_>>();
        assert_close("lora_A", &tripled_a, &times(&a));
        assert_close("lora_B", &tripled_b, &times(&b));
    }
}

#[test]
fn a_loss_without_a_slope_is_skipped() {
    let (x, candidates) = (unit(3, 16), candidates(4, 16));
    let mut lora = adapter::<16, 16, 2>();
    let neutral = Feedback::Choice { candidates, chosen: 1, quality: 0.5, temperature: 0.1 };
    assert_eq!(neutral.tell(&mut lora, Sample::new(&x)).outcome, Outcome::Skipped(Skip::NeutralQuality));
    assert_eq!(lora.pending(), 0);
    let receipt = lora.adapt_gradient(&x[..], &[0.0; 16]).unwrap();
    assert_eq!(receipt.outcome, Outcome::Skipped(Skip::ZeroGradient));
    assert_eq!(lora.pending(), 0);
}
