//! The engine compared with Hugging Face PEFT in float64: forward, backward, SGD steps, the merged weight.
//!
//! `golden/peft_vectors.py` made the vectors with the real PEFT. The output guard is off: PEFT has none.

#[path = "golden/vectors.rs"]
mod vectors;

use micro_lora::{Config, Learn, MicroLora, Outcome, StepKind};
use serde::Deserialize;
use vectors::{Packed, relative_error};

/// Relative to the norm of the whole tensor. f32 rounds at 6e-8, and the longest sum here has 384 terms.
const TOLERANCE: f64 = 1e-6;

/// In one SGD step this long the old weights vanish beside the gradient, so that the gradient can be read back from
/// the weights with all its digits. A power of two, so that dividing by it rounds nothing.
const LONG_STEP: f32 = 512.0;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    in_features: usize,
    out_features: usize,
    rank: usize,
    alpha: f32,
    use_rslora: bool,
    vectors: usize,
    lora_a: Packed,
    lora_b: Packed,
    x: Packed,
    grad_output: Packed,
    delta: Packed,
    single_grad_a: Packed,
    single_grad_b: Packed,
    mean_grad_a: Packed,
    mean_grad_b: Packed,
    lr: f32,
    vectors_per_step: usize,
    sgd_a: Packed,
    sgd_b: Packed,
    rows: Vec<usize>,
    base_rows: Packed,
    delta_weight_rows: Packed,
}

impl Case {
    fn config(&self) -> Config {
        Config::new()
            .with_alpha(self.alpha)
            .with_rslora(self.use_rslora)
            .with_cap(Config::CAP_OFF)
            .with_step(StepKind::Sgd)
    }
}

/// One case's engine, its events, and what has been compared so far.
struct Run<'a, L> {
    case: &'a Case,
    lora: L,
    events: Vec<(Vec<f32>, Vec<f32>)>,
    errors: Vec<(f64, String)>,
}

impl<L: Learn> Run<'_, L> {
    fn new(case: &Case, lora: L) -> Run<'_, L> {
        let (x, grad_output) = (case.x.inputs(), case.grad_output.inputs());
        let events: Vec<_> = x
            .chunks_exact(case.in_features)
            .zip(grad_output.chunks_exact(case.out_features))
            .map(|(x, grad_output)| (x.to_vec(), grad_output.to_vec()))
            .collect();
        assert_eq!(events.len(), case.vectors, "vectors in the file");
        Run { case, lora, events, errors: Vec::new() }
    }

    fn compare(&mut self, tensor: &str, got: impl IntoIterator<Item = f64>, expected: &[f64]) {
        let Case { in_features, out_features, rank, .. } = self.case;
        let name = format!("{in_features}x{out_features} rank {rank}, {tensor}");
        let error = relative_error(got, expected);
        assert!(
            error <= TOLERANCE,
            "{name}: expected a relative error up to {TOLERANCE:.0e}, got {error:.1e}"
        );
        self.errors.push((error, name));
    }

    fn start_over(&mut self) {
        self.lora.set_weights(&self.case.lora_a.inputs(), &self.case.lora_b.inputs()).unwrap();
    }

    /// One SGD step on the mean of these events.
    fn step(&mut self, events: std::ops::Range<usize>, lr: f32) {
        for (x, grad_output) in &self.events[events] {
            let receipt = self.lora.adapt_gradient(&x[..], grad_output).unwrap();
            assert_eq!(receipt.outcome, Outcome::Applied);
        }
        assert_eq!(self.lora.apply_updates(lr).unwrap().outcome, Outcome::Applied);
    }

    /// The mean gradient of these events at the starting weights.
    fn gradient(&mut self, events: std::ops::Range<usize>) -> (Vec<f64>, Vec<f64>) {
        self.start_over();
        self.step(events, LONG_STEP);
        let moved = |before: &Packed, after: &[f32]| -> Vec<f64> {
            let pairs = before.values().iter().zip(after);
            pairs.map(|(before, after)| (before - f64::from(*after)) / f64::from(LONG_STEP)).collect()
        };
        (moved(&self.case.lora_a, self.lora.lora_a()), moved(&self.case.lora_b, self.lora.lora_b()))
    }

    fn forward(&mut self) {
        self.start_over();
        let mut got = Vec::new();
        for (x, _) in &self.events {
            let mut delta = vec![0.0; self.case.out_features];
            let guard = self.lora.apply_into(x, &mut delta).unwrap();
            assert_eq!(guard, 1.0, "the output guard is off");
            got.extend(delta.into_iter().map(f64::from));
        }
        self.compare("delta", got, self.case.delta.values());
    }

    fn weight(&mut self) {
        self.start_over();
        let (case, width) = (self.case, self.case.in_features);
        let base_rows = case.base_rows.inputs();
        let mut delta_weight = vec![f32::NAN; width * case.out_features];
        self.lora.delta_weight(&mut delta_weight).unwrap();

        // Rows that are not in the file have a zero base, so that every merged row is checked.
        let mut base = vec![0.0; delta_weight.len()];
        for (row, values) in case.rows.iter().zip(base_rows.chunks_exact(width)) {
            base[row * width..][..width].copy_from_slice(values);
        }
        let mut merged = vec![f32::NAN; base.len()];
        self.lora.merge_into(&base, &mut merged).unwrap();

        let stored = |matrix: &[f32]| -> Vec<f64> {
            let rows = case.rows.iter().flat_map(|row| &matrix[row * width..][..width]);
            rows.map(|value| f64::from(*value)).collect()
        };
        let expected = case.delta_weight_rows.values();
        let sum: Vec<f64> =
            expected.iter().zip(&base_rows).map(|(delta, base)| delta + f64::from(*base)).collect();
        self.compare("delta_weight", stored(&delta_weight), expected);
        self.compare("merged weight", stored(&merged), &sum);
    }

    fn gradients(&mut self) {
        let params = self.case.lora_a.values().len();
        let singles = self.case.single_grad_a.values().len() / params;
        assert!(singles > 0, "no gradient of a single vector in the file");
        let (mut grad_a, mut grad_b) = (Vec::new(), Vec::new());
        for event in 0..singles {
            let (a, b) = self.gradient(event..event + 1);
            grad_a.extend(a);
            grad_b.extend(b);
        }
        self.compare("gradients of lora_A", grad_a, self.case.single_grad_a.values());
        self.compare("gradients of lora_B", grad_b, self.case.single_grad_b.values());

        let (grad_a, grad_b) = self.gradient(0..self.case.vectors);
        self.compare("mean gradient of lora_A", grad_a, self.case.mean_grad_a.values());
        self.compare("mean gradient of lora_B", grad_b, self.case.mean_grad_b.values());
    }

    fn sgd(&mut self) {
        self.start_over();
        let (case, size) = (self.case, self.case.vectors_per_step);
        let after_a = case.sgd_a.values().chunks_exact(case.rank * case.in_features);
        let after_b = case.sgd_b.values().chunks_exact(case.rank * case.out_features);
        assert_eq!(after_a.len(), 5, "SGD steps in the file");
        for (step, (a, b)) in after_a.zip(after_b).enumerate() {
            self.step(step * size..(step + 1) * size, case.lr);
            let (got_a, got_b) = (wide(self.lora.lora_a()), wide(self.lora.lora_b()));
            self.compare(&format!("lora_A after {} SGD steps", step + 1), got_a, a);
            self.compare(&format!("lora_B after {} SGD steps", step + 1), got_b, b);
        }
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn check(case: &Case, lora: impl Learn) -> Vec<(f64, String)> {
    let mut run = Run::new(case, lora);
    run.forward();
    run.weight();
    run.gradients();
    run.sgd();
    run.errors
}

/// The sizes are in the type; those in the file are looked up here.
macro_rules! check_with_sizes {
    ($case:expr; $(($in:literal, $out:literal, $rank:literal))*) => {{
        let case: &Case = $case;
        match (case.in_features, case.out_features, case.rank) {
            $(($in, $out, $rank) => check(case, MicroLora::<$in, $out, $rank>::new(case.config()).unwrap()),)*
            sizes => panic!("expected sizes listed in this file, got {sizes:?}"),
        }
    }};
}

#[test]
fn equals_peft_in_forward_backward_steps_and_merge() {
    let file: File = serde_json::from_str(include_str!("golden/peft.json")).unwrap();
    assert!(file.cases.len() >= 10, "expected 10 cases or more, got {}", file.cases.len());
    let errors = file.cases.iter().flat_map(|case| {
        check_with_sizes!(case;
            (1, 1, 1) (5, 3, 1) (8, 8, 4) (2, 40, 2) (96, 1, 1) (33, 17, 2) (17, 33, 3) (31, 32, 3)
            (65, 7, 4) (48, 48, 3) (64, 64, 2) (64, 64, 1) (128, 96, 4) (384, 384, 4))
    });
    let (error, name) = errors.max_by(|one, other| one.0.total_cmp(&other.0)).expect("comparisons");
    println!("largest relative error {error:.1e} ({name})");
}
