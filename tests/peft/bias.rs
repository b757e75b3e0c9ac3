//! PEFT's `lora_bias`: the bias of an adapter that learned from lists.

use std::fs;
use std::path::Path;

use micro_lora::peft::{explain, find_problem, read_adapter_config};
use micro_lora::{Apply, Config, Error, FrozenLora, Learn, Listwise, MicroLora, Sample, StepKind};

use super::Case;
use super::common::{HeapLora, Noise};

const IN: usize = 5;
const OUT: usize = 3;
const M: &str = "head";
type Lora = MicroLora<IN, OUT, 2>;

/// An adapter with a bias and with a mean of its inputs.
pub fn learned() -> Lora {
    let config =
        Config::new().with_step(StepKind::Dual).with_alpha(3.0).with_cap(Config::CAP_OFF).with_seed(2);
    let (mut lora, noise) = (Lora::new(config).unwrap(), &mut Noise(4));
    for _ in 0..30 {
        let (mut x, base, rows) =
            (noise.unit(IN), noise.unit(OUT), [noise.unit(OUT), noise.unit(OUT)].concat());
        x.iter_mut().for_each(|x| *x += 0.3);
        let sample = Sample::new(&x).with_base(&base).with_weight(4.0);
        lora.adapt_listwise(sample, Listwise::new(&rows, &[0.0, 1.0])).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora
}

fn tensors(lora: &impl Apply) -> Vec<u8> {
    let mut file = vec![0; lora.safetensors_len(M).unwrap()];
    assert_eq!(lora.write_safetensors(M, &mut file), Ok(file.len()));
    file
}

fn config(lora: &impl Apply) -> String {
    let mut json = vec![0; lora.adapter_config_len(M, None).unwrap()];
    lora.write_adapter_config(M, None, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

fn outputs(lora: &impl Apply) -> Vec<f32> {
    let noise = &mut Noise(8);
    let mut all = vec![];
    for _ in 0..10 {
        let (x, mut delta) = (noise.unit(IN), [0.0; OUT]);
        lora.apply_into(&x, &mut delta).unwrap();
        all.extend(delta);
    }
    all
}

fn assert_alike(a: &[f32], b: &[f32]) {
    let norm: f32 = a.iter().map(|a| a * a).sum();
    let apart: f32 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    assert!(norm > 1e-4 && apart < 1e-11 * norm, "{apart} of {norm}");
}

/// Our files as PEFT loads them.
pub fn export(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    let lora = learned();
    fs::write(directory.join("adapter_model.safetensors"), tensors(&lora)).unwrap();
    fs::write(directory.join("adapter_config.json"), config(&lora)).unwrap();
}

/// The difference from PEFT's forward pass, for a file with a bias.
pub fn error_of(case: &Case) -> f64 {
    let settings = Config::new().with_cap(Config::CAP_OFF);
    let mut lora = HeapLora::new(case.in_features, case.out_features, case.rank, &settings);
    let [mut bias, mut grad_bias] = [(); 2].map(|()| vec![0.0; case.out_features]);
    let mut input_sum = vec![0.0; case.in_features];
    let mut view = lora.adapter_mut().with_bias(&mut bias, &mut grad_bias, &mut input_sum).unwrap();
    view.load_safetensors(&case.tensors(), &case.module, Some(&case.config())).unwrap();
    assert!(view.bias().iter().any(|bias| *bias != 0.0));
    case.error_of(&view)
}

#[test]
fn a_bias_comes_back() {
    let lora = learned();
    let mut merged = [0.0; OUT];
    lora.merged_bias(&mut merged).unwrap();
    assert_ne!(merged, lora.bias(), "a mean is taken off");
    let (file, json) = (tensors(&lora), config(&lora));
    assert!(json.contains("\"lora_bias\": true"), "{json}");
    let peft = read_adapter_config(json.as_bytes()).unwrap();
    assert!(peft.lora_bias);

    let mut other = Lora::new(Config::new().with_cap(Config::CAP_OFF)).unwrap();
    assert_eq!(find_problem(&other, &file, M, Some(&peft)), None);
    other.load_safetensors(&file, M, Some(&peft)).unwrap();
    assert_alike(&outputs(&lora), &outputs(&other));
    // Merged into a layer it is the same matrix and the same bias.
    let mut bias = [0.0; OUT];
    other.merged_bias(&mut bias).unwrap();
    assert_alike(&merged, &bias);
    assert_eq!(bias, other.bias());
    let frozen =
        FrozenLora::<IN, OUT, 2>::from_safetensors(Config::new().with_cap(Config::CAP_OFF), &file, M, None)
            .unwrap();
    assert_eq!(outputs(&frozen), outputs(&other));

    // It continues to learn from the loaded weights.
    let list = Listwise::new(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], &[0.0, 1.0]);
    let before = outputs(&other);
    other.adapt_listwise(Sample::new(&[0.4; IN]).with_base(&[0.6; OUT]).with_weight(1e-5), list).unwrap();
    assert_alike(&before, &outputs(&other));
}

#[test]
fn a_bias_comes_with_a_module_of_a_larger_rank() {
    let lora = learned();
    let mut narrow = MicroLora::<IN, OUT, 1>::new(Config::new().with_cap(Config::CAP_OFF)).unwrap();
    narrow.load_safetensors_reduced(&tensors(&lora), M, None).unwrap();
    let mut merged = [0.0; OUT];
    lora.merged_bias(&mut merged).unwrap();
    assert_alike(&merged, narrow.bias());
}

#[test]
fn a_bias_is_never_dropped() {
    let (lora, json) = (learned(), config(&learned()));
    let file = tensors(&lora);
    let mut without_room = HeapLora::new(IN, OUT, 2, &Config::new()).without_bias();
    let before = without_room.clone();
    let error = without_room.load_safetensors(&file, M, None).unwrap_err();
    assert_eq!(error, Error::Length { what: "bias", expected: OUT, got: 0 });
    assert!(without_room.same_as(&before));

    let mut plain = Lora::new(Config::new().with_seed(1)).unwrap();
    plain.set_weights(&[0.1; 2 * IN], &[0.2; 2 * OUT]).unwrap();
    let mut target = learned();
    let before = target.clone();
    for (file, json) in [(&file, json.replace("true,", "false,")), (&tensors(&plain), json.clone())] {
        let error = target.load_safetensors(file, M, Some(&read_adapter_config(json.as_bytes()).unwrap()));
        let expected = "true with a bias of lora_B in the file, false without";
        assert_eq!(error, Err(Error::Unsupported { field: "lora_bias", expected }));
        assert!(target == before);
        // No tensor is shown for it: the setting is of none.
        let problem = explain(error.unwrap_err(), file, M).to_string();
        assert_eq!(problem, format!("lora_bias: expected {expected}, got something else"));
    }
    // A file without a bias removes an earlier one.
    target.load_safetensors(&tensors(&plain), M, None).unwrap();
    assert_eq!(target.bias(), [0.0; OUT]);
    assert_eq!(outputs(&target), {
        let mut same = Lora::new(Config::new().with_cap(Config::CAP_OFF)).unwrap();
        same.load_safetensors(&tensors(&plain), M, None).unwrap();
        outputs(&same)
    });
    for value in [f32::NAN, f32::INFINITY] {
        let mut bad = file.clone();
        let end = bad.len();
        bad[end - 4..].copy_from_slice(&value.to_le_bytes());
        let error = target.load_safetensors(&bad, M, None).unwrap_err();
        assert_eq!(error, Error::NotFinite { what: "bias of lora_B", index: OUT - 1 });
    }
}

/// An adapter with a bias that continues to learn by another step than the dual one.
#[test]
fn the_output_that_a_target_is_compared_with_has_the_bias_in_it() {
    let settings = Config::new().with_step(StepKind::ScaledGradientV2).with_cap(0.01).with_alpha(3.0);
    let mut without = HeapLora::new(IN, OUT, 2, &settings);
    let mut with = without.clone();
    with.load_safetensors(&tensors(&learned()), M, None).unwrap();
    // Without a rank-r part the output is base plus bias, in every way to compute it.
    with.b.fill(0.0);
    with.adapter_mut().take_up().unwrap();
    without.a.copy_from_slice(&with.a);
    without.adapter_mut().take_up().unwrap();
    let noise = &mut Noise(6);
    let (x, base, target) = (noise.unit(IN), noise.unit(OUT), noise.unit(OUT));
    with.set_strength(3.0).unwrap();
    let share = 3.0 * with.output_guard(&x).unwrap();
    assert!(share < 1.0, "{share}");
    let sum: Vec<f32> = base.iter().zip(&with.bias).map(|(base, bias)| base + share * bias).collect();
    with.adapt_target(Sample::new(&x).with_base(&base), &target, 1.0).unwrap();
    without.adapt_target(Sample::new(&x).with_base(&sum), &target, 1.0).unwrap();
    assert!(with.bias.iter().all(|bias| *bias != 0.0) && with.grad_b.iter().all(|value| *value != 0.0));
    assert_eq!(with.grad_b, without.grad_b);
}

#[test]
fn the_guard_bounds_the_correction_of_a_bias_after_other_steps() {
    let learned = learned();
    let (file, json) = (tensors(&learned), config(&learned));
    let settings = Config::new().with_cap(0.2).with_alpha(3.0);
    let mut lora = Lora::new(settings.with_step(StepKind::ScaledGradientV2)).unwrap();
    lora.load_safetensors(&file, M, Some(&read_adapter_config(json.as_bytes()).unwrap())).unwrap();
    let (noise, mut bounded) = (&mut Noise(9), 0);
    for _ in 0..50 {
        let (x, gradient, mut delta) = (noise.unit(IN), noise.unit(OUT), [0.0; OUT]);
        lora.adapt_gradient(&x, &gradient).unwrap();
        lora.apply_updates(0.01).unwrap();
        let guard = lora.apply_into(&x, &mut delta).unwrap();
        let norm = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!(norm(&delta) <= 0.2 * norm(&x) * 1.001, "{delta:?} for {x:?}, guard {guard}");
        bounded += usize::from(guard < 1.0);
    }
    assert!(bounded > 10, "{bounded}");
    assert!(lora.bias().iter().any(|bias| *bias != 0.0));
}

#[test]
fn the_guard_counts_the_strength_with_a_bias_and_without() {
    let (learned, unit) = (learned(), Noise(10).unit(IN));
    let file = tensors(&learned);
    let make = |bias: bool, cap: f32| {
        let mut lora = Lora::new(Config::new().with_alpha(3.0).with_cap(cap)).unwrap();
        if bias {
            lora.load_safetensors(&file, M, None).unwrap();
        } else {
            lora.set_weights(learned.lora_a(), learned.lora_b()).unwrap();
        }
        lora
    };
    for (bias, norm) in [(true, 0.5), (false, 0.5), (true, 500.0), (false, 500.0)] {
        let x: Vec<f32> = unit.iter().map(|x| norm * x).collect();
        let delta = make(bias, Config::CAP_OFF).apply(&x).unwrap();
        let length = delta.iter().map(|value| value * value).sum::<f32>().sqrt();
        for share in [0.9_f32, 1.1] {
            // This share of a correction that is four times as long.
            let mut lora = make(bias, share * 4.0 * length / norm);
            lora.set_strength(4.0).unwrap();
            let guard = lora.output_guard(&x).unwrap();
            assert!((guard - share.min(1.0)).abs() < 1e-5, "{guard} for {share}");
        }
    }
}

#[test]
fn the_guard_measures_a_correction_whose_rows_cancel() {
    // 4 (1, 0) - 4 (1, -1e-4), of which the squares of the rows leave no digit.
    let config = Config::new().with_alpha(8.0).with_cap(2e-4);
    let mut lora = MicroLora::<2, 2, 2>::new(config).unwrap();
    lora.set_weights(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0, -1.0, 1e-4]).unwrap();
    let guard = lora.output_guard(&[1.0, 1.0]).unwrap();
    assert!((guard - 0.5 * 2.0_f32.sqrt()).abs() < 1e-4, "{guard}");
    // The same difference from a bias: 4 (1, 1) - (4, 4 - 4e-4).
    let mut lora = HeapLora::new(2, 2, 2, &config.with_step(StepKind::ScaledGradientV2));
    lora.set_weights(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0, 0.0, 1.0]).unwrap();
    lora.bias = vec![-4.0, 4e-4 - 4.0];
    lora.adapter_mut().take_up().unwrap();
    let guard = lora.output_guard(&[1.0, 1.0]).unwrap();
    assert!((guard - 0.5 * 2.0_f32.sqrt()).abs() < 1e-3, "{guard}");
    // And with half of it: 4 (0.5, 0.5) - (2, 2 - 2e-4).
    lora.bias = vec![-2.0, 2e-4 - 2.0];
    lora.adapter_mut().take_up().unwrap();
    let guard = lora.output_guard(&[0.5, 0.5]).unwrap();
    assert!((guard - 0.5 * 2.0_f32.sqrt()).abs() < 1e-3, "{guard}");
}

#[test]
fn an_input_that_the_guard_cannot_measure_is_refused_with_a_bias_and_without() {
    for bias in [0.0, 0.5] {
        let mut lora =
            HeapLora::new(2, 2, 1, &Config::new().with_alpha(1.0).with_step(StepKind::ScaledGradientV2));
        // `lora_A` does not see the input, so the correction is small.
        lora.set_weights(&[1.0, 0.0], &[1.0, 0.0]).unwrap();
        lora.bias = vec![bias, 0.0];
        lora.adapter_mut().take_up().unwrap();
        assert_eq!(lora.output_guard(&[0.0, 1e18]), Ok(1.0));
        assert_eq!(lora.output_guard(&[0.0, 1e20]), Err(Error::Overflow { what: "input" }), "bias {bias}");
    }
}

#[test]
fn a_file_too_large_without_its_scaling_is_refused_before_anything_is_written() {
    let of = |alpha: f32, a: f32, b: f32| {
        let mut lora = MicroLora::<1, 1, 1>::new(Config::new().with_alpha(alpha)).unwrap();
        lora.set_weights(&[a], &[b]).unwrap();
        lora
    };
    let (source, mut lora) = (of(0.01, 1.0, 3e8), of(1.0, 0.1, 0.1));
    let mut file = vec![0; source.safetensors_len(M).unwrap()];
    source.write_safetensors(M, &mut file).unwrap();
    let before = lora.clone();
    let loaded = lora.load_safetensors(&file, M, None);
    assert_eq!(loaded, Err(Error::Overflow { what: "lora_B" }));
    assert_eq!(lora, before);
}
