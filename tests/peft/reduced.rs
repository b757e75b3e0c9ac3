//! Modules of a larger rank, compared with numpy's singular value decompositions.

use micro_lora::peft::{PeftConfig, read_adapter_config};
use micro_lora::{Apply, Config, Error, FrozenLora, Learn};
use serde::Deserialize;

use crate::common::{HeapLora, Noise};
use crate::public::file_of;
use crate::vectors::{Packed, relative_error};

/// Relative to the whole `s B A`: the adapter's weights are f32.
const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    in_features: usize,
    out_features: usize,
    file_rank: usize,
    rank: usize,
    alpha: f32,
    use_rslora: bool,
    lora_a: Packed,
    lora_b: Packed,
    delta_weight: Packed,
    kept: f64,
}

fn config(rank: usize, alpha: f32, use_rslora: bool) -> PeftConfig {
    let json = format!(r#"{{"peft_type":"LORA","r":{rank},"lora_alpha":{alpha},"use_rslora":{use_rslora}}}"#);
    read_adapter_config(json.as_bytes()).unwrap()
}

#[test]
fn the_best_approximation_is_the_one_of_numpy() {
    let vectors: Vectors = serde_json::from_str(include_str!("../golden/reduced.json")).unwrap();
    assert!(vectors.cases.len() >= 8);
    for case in vectors.cases {
        let (n, m, r) = (case.in_features, case.out_features, case.file_rank);
        let file = file_of("m", n, m, r, &case.lora_a.inputs(), &case.lora_b.inputs());
        let mut lora = HeapLora::new(n, m, case.rank, &Config::new().with_cap(Config::CAP_OFF));
        let config = config(r, case.alpha, case.use_rslora);
        let generation = lora.generation();
        let reduction = lora.load_safetensors_reduced(&file, "m", Some(&config)).unwrap();

        let mut weight = vec![0.0; m * n];
        lora.delta_weight(&mut weight).unwrap();
        let error = relative_error(weight.into_iter().map(f64::from), case.delta_weight.values());
        let name = format!("{n} x {m}, r {r} to {}, {}", case.rank, case.kind);
        println!("{error:.1e}  kept {:.4}  {name}", reduction.kept);
        assert!(error <= TOLERANCE, "{name}: {error:e}");
        assert_eq!(reduction.rank, r);
        assert!((f64::from(reduction.kept) - case.kept).abs() <= 1e-6, "{name}: {}", reduction.kept);
        assert_eq!(lora.config().use_rslora, case.use_rslora);
        let divisor = if case.use_rslora { (r as f32).sqrt() } else { r as f32 };
        assert!((lora.scaling() / (case.alpha / divisor) - 1.0).abs() < 1e-6, "{name}: {}", lora.scaling());
        assert_eq!((lora.generation(), lora.pending()), (generation + 1, 0));

        // Both matrices have the same norm: if one were tiny, nothing could be learned.
        let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let (a, b) = (norm(&lora.a), norm(&lora.b) * f64::from(lora.scaling()));
        assert!(case.kind == "of rank 3" || (a / b - 1.0).abs() < 1e-5, "{name}: {a} {b}");
        assert!(lora.a.chunks(n).all(|row| norm(row) > 0.0), "{name}: a row of zeros");
    }
}

#[test]
fn a_module_of_the_same_rank_is_loaded_as_it_is() {
    let noise = &mut Noise(4);
    let (a, b) = (noise.vec(3 * 7), noise.vec(5 * 3));
    let file = file_of("m", 7, 5, 3, &a, &b);
    let config = config(3, 6.0, false);
    let (mut plain, mut reduced) =
        (HeapLora::new(7, 5, 3, &Config::new()), HeapLora::new(7, 5, 3, &Config::new()));
    plain.load_safetensors(&file, "m", Some(&config)).unwrap();
    let reduction = reduced.load_safetensors_reduced(&file, "m", Some(&config)).unwrap();
    assert_eq!((reduction.rank, reduction.kept), (3, 1.0));
    assert!(plain.same_as(&reduced));
}

/// Columns of one length that are not orthogonal: the rotation between them is one of 45 degrees.
#[test]
fn directions_of_the_same_length_are_told_apart() {
    // lora_B is [[2, 1], [1, 2]]. lora_B lora_A, and its largest singular value, along (1, 1):
    // [[5, 4, 0], [4, 5, 0]] and 9, [[2, 1, 0], [1, 2, 0]] and 3.
    for (a, largest, other) in
        [([2.0, 1.0, 0.0, 1.0, 2.0, 0.0], 9.0, 1.0), ([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 3.0, 1.0)]
    {
        let file = file_of("m", 3, 2, 2, &a, &[2.0, 1.0, 1.0, 2.0]);
        let mut lora = HeapLora::new(3, 2, 1, &Config::new().with_cap(Config::CAP_OFF));
        let reduction = lora.load_safetensors_reduced(&file, "m", Some(&config(2, 2.0, false))).unwrap();
        let kept = largest / f64::hypot(largest, other);
        assert!((f64::from(reduction.kept) - kept).abs() < 1e-6, "{} for {kept}", reduction.kept);
        let mut weight = vec![0.0; 6];
        lora.delta_weight(&mut weight).unwrap();
        let half = largest as f32 / 2.0;
        for (value, expected) in weight.iter().zip([half, half, 0.0, half, half, 0.0]) {
            assert!((value - expected).abs() < 1e-5, "{weight:?}");
        }
    }
}

#[test]
fn a_module_of_zeros_becomes_a_fresh_adapter() {
    let file = file_of("m", 7, 5, 8, &Noise(1).vec(56), &[0.0; 40]);
    let mut lora = HeapLora::new(7, 5, 4, &Config::new());
    let reduction = lora.load_safetensors_reduced(&file, "m", None).unwrap();
    assert_eq!(reduction.kept, 1.0);
    assert!(lora.b.iter().all(|value| *value == 0.0));
    // As in a fresh adapter: uniform up to the root of 3 / in_features.
    let bound = (3.0f32 / 7.0).sqrt();
    let largest = lora.a.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    assert!((0.8 * bound..=bound).contains(&largest), "{largest} of {bound}");
    lora.adapt_gradient(&[0.3; 7], &[0.1; 5]).unwrap();
    assert!(lora.apply_updates(0.01).unwrap().applied());
    assert!(lora.b.iter().all(|value| *value != 0.0), "it learns in every direction");
}

#[test]
fn what_cannot_be_reduced_changes_nothing() {
    let mut lora = HeapLora::new(7, 5, 4, &Config::new());
    lora.adapt_gradient(&[0.3; 7], &[0.1; 5]).unwrap();
    let before = lora.clone();
    let mut refused = |rank: usize, a: f32, b: f32, config: Option<PeftConfig>| {
        let file = file_of("m", 7, 5, rank, &vec![a; 7 * rank], &vec![b; 5 * rank]);
        let error = lora.load_safetensors_reduced(&file, "m", config.as_ref()).unwrap_err();
        assert!(lora.same_as(&before), "{error}");
        error.to_string()
    };
    assert_eq!(refused(65, 1.0, 1.0, None), "r: expected 1 to 64, got 65");
    assert_eq!(refused(8, 1.0, 1.0, Some(config(128, 1.0, false))), "r: expected 1 to 64, got 128");
    assert_eq!(refused(3, 1.0, 1.0, None), "rank: expected 4, got 3");
    assert_eq!(refused(8, 1.0, 1.0, Some(config(16, 1.0, false))), "r: expected 8, got 16");
    let overflow = "expected a magnitude that f32 can go on with, got an overflow";
    assert_eq!(refused(8, 1e8, 1.0, None), format!("lora_A: {overflow}"));
    assert_eq!(refused(8, 1.0, 1e8, None), format!("lora_B: {overflow}"));
    assert_eq!(
        refused(8, f32::NAN, 1.0, None),
        "lora_A: expected finite values, got NaN or infinity at index 0"
    );
    // The scaling with r 64 would need an alpha that is too small here.
    assert_eq!(
        refused(64, 1.0, 1.0, Some(config(64, 1e-6, false))),
        "alpha: expected 0.000001 to 1000000, got 0.0000000625"
    );
}

#[test]
fn a_frozen_adapter_is_reduced_to_the_same() {
    let noise = &mut Noise(9);
    let file = file_of("m", 6, 4, 6, &noise.vec(36), &noise.vec(24));
    let mut lora = HeapLora::new(6, 4, 2, &Config::new());
    let reduction = lora.load_safetensors_reduced(&file, "m", None).unwrap();
    let (a, b) = ([[0.0; 6]; 2], [[0.0; 4]; 2]);
    let mut frozen = FrozenLora::<6, 4, 2>::new(Config::new(), &a, &b).unwrap();
    assert_eq!(frozen.frozen_mut().load_safetensors_reduced(&file, "m", None), Ok(reduction));
    assert_eq!((frozen.lora_a(), frozen.lora_b()), (&lora.a[..], &lora.b[..]));
    assert!(matches!(
        frozen.frozen_mut().load_safetensors_reduced(&file, "n", None),
        Err(Error::Missing { .. })
    ));
}
