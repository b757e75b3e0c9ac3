//! Random shapes compared with plain f64, with bounds from the sums of absolute products.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{Apply, Config, Error, Learn, StepKind};
use proptest::prelude::*;

const EPS: f64 = f32::EPSILON as f64;

/// A value and how far f32 arithmetic with about `steps` roundings may be from it.
struct Bounded {
    value: f64,
    absolute: f64,
}

fn dot(a: &[f32], x: &[f32]) -> Bounded {
    let products = a.iter().zip(x).map(|(a, x)| f64::from(*a) * f64::from(*x));
    products.fold(Bounded { value: 0.0, absolute: 0.0 }, |sum, p| Bounded {
        value: sum.value + p,
        absolute: sum.absolute + p.abs(),
    })
}

/// Roundings along the longest path of a dot product of n terms: the adds of a lane, five halvings,
/// a product, and a few more for the scale factors.
fn roundings(n: usize) -> f64 {
    (n.div_ceil(32) + 5 + 1 + 6) as f64
}

fn random_lora(in_len: usize, out_len: usize, rank: usize, config: &Config, noise: &mut Noise) -> HeapLora {
    let mut lora = HeapLora::new(in_len, out_len, rank, config);
    let (a, b) = (noise.vec(rank * in_len), noise.vec(rank * out_len));
    lora.set_weights(&a, &b).unwrap();
    lora
}

/// `m s B A x` per output, with an error bound.
fn reference_delta(lora: &HeapLora, x: &[f32]) -> Vec<(f64, f64)> {
    let (in_len, out_len) = (lora.in_features(), lora.out_features());
    let sm = f64::from(lora.scaling()) * f64::from(lora.strength());
    let h: Vec<Bounded> = lora.a.chunks(in_len).map(|row| dot(row, x)).collect();
    (0..out_len)
        .map(|o| {
            let terms = h.iter().enumerate().map(|(r, h)| (h, f64::from(lora.b[r * out_len + o])));
            let value: f64 = terms.clone().map(|(h, b)| sm * h.value * b).sum();
            let absolute: f64 = terms.map(|(h, b)| (sm * h.absolute * b).abs()).sum();
            (value, absolute * EPS * (roundings(in_len) + 4.0))
        })
        .collect()
}

fn shapes() -> impl Strategy<Value = (usize, usize, usize, u32)> {
    (1usize..=513, 1usize..=513, 1usize..=4, any::<u32>())
}

fn config(seed: u32) -> Config {
    let alphas = [0.5, 1.0, 3.0, 16.0];
    Config::new()
        .with_cap(Config::CAP_OFF)
        .with_alpha(alphas[(seed % 4) as usize])
        .with_rslora(seed.is_multiple_of(3))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn apply_is_the_reference_within_its_error_bound((in_len, out_len, rank, seed) in shapes()) {
        let noise = &mut Noise(seed);
        let mut lora = random_lora(in_len, out_len, rank, &config(seed), noise);
        lora.set_strength(noise.next().abs() * 2.0).unwrap();
        let x = noise.vec(in_len);
        let mut delta = vec![0.0; out_len];
        prop_assert_eq!(lora.apply_into(&x, &mut delta).unwrap(), 1.0);
        for (o, (value, bound)) in reference_delta(&lora, &x).into_iter().enumerate() {
            let error = (f64::from(delta[o]) - value).abs();
            prop_assert!(error <= bound, "output {o}: off by {error:e}, bound {bound:e}");
        }
    }

    #[test]
    fn a_batch_is_written_up_to_the_vector_that_is_refused(
        (in_len, out_len, rank, seed) in shapes(),
        n in 1..10_usize,
        bad in 0..10_usize,
    ) {
        let noise = &mut Noise(seed);
        let lora = random_lora(in_len, out_len, rank, &Config::new().with_cap(0.7), noise);
        let mut inputs = noise.vec(n * in_len);
        let bad = bad % n;
        inputs[bad * in_len] = f32::NAN;
        let mut deltas = vec![9.0; n * out_len];
        let expected = Err(Error::NotFinite { what: "input", index: 0 });
        prop_assert_eq!(lora.apply_batch(&inputs, &mut deltas), expected);
        for (i, (x, row)) in inputs.chunks(in_len).zip(deltas.chunks(out_len)).enumerate() {
            let mut delta = vec![9.0; out_len];
            prop_assert_eq!(lora.apply_into(x, &mut delta).is_err(), i == bad);
            prop_assert_eq!(row, if i < bad { delta } else { vec![9.0; out_len] });
        }
    }

    #[test]
    fn all_forms_of_apply_agree((len, _, rank, seed) in shapes(), n in 1..10_usize) {
        let noise = &mut Noise(seed);
        let lora = random_lora(len, len, rank, &Config::new().with_cap(0.7), noise);
        let inputs = noise.vec(n * len);
        let mut deltas = vec![0.0; n * len];
        lora.apply_batch(&inputs, &mut deltas).unwrap();
        for (x, row) in inputs.chunks(len).zip(deltas.chunks(len)) {
            let mut delta = vec![0.0; len];
            lora.apply_into(x, &mut delta).unwrap();
            prop_assert_eq!(row, &delta);
            let mut y = x.to_vec();
            lora.apply_residual(&mut y).unwrap();
            for ((y, x), d) in y.iter().zip(x).zip(&delta) {
                prop_assert_eq!(*y, x + d);
            }
        }
    }

    #[test]
    fn the_guard_keeps_delta_within_the_cap((len, out_len, rank, seed) in shapes()) {
        let noise = &mut Noise(seed);
        let cap = noise.next().abs() + 0.01;
        let mut lora = random_lora(len, out_len, rank, &config(seed).with_cap(cap), noise);
        lora.set_strength(noise.next().abs() * 3.0).unwrap();
        let x = noise.vec(len);
        let mut delta = vec![0.0; out_len];
        let guard = lora.apply_into(&x, &mut delta).unwrap();
        let norm = |v: &[f32]| v.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        let free: Vec<f64> = reference_delta(&lora, &x).into_iter().map(|(value, _)| value).collect();
        let free_norm = free.iter().map(|v| v * v).sum::<f64>().sqrt();
        let limit = f64::from(cap) * norm(&x);
        if guard < 1.0 {
            prop_assert!((norm(&delta) / limit - 1.0).abs() < 1e-3, "{} against {limit}", norm(&delta));
        } else {
            prop_assert!(free_norm <= limit * (1.0 + 1e-3), "{free_norm} against {limit}");
        }
        // It only shortens the output: the direction stays.
        let along: f64 = delta.iter().zip(&free).map(|(d, f)| f64::from(*d) * f).sum();
        prop_assert!(along >= 0.999 * norm(&delta) * free_norm);
    }

    #[test]
    fn delta_weight_is_what_apply_does((in_len, out_len, rank, seed) in (1usize..=65, 1usize..=65, 1usize..=4, any::<u32>())) {
        let noise = &mut Noise(seed);
        let mut lora = random_lora(in_len, out_len, rank, &config(seed), noise);
        lora.set_strength(0.5).unwrap();
        let mut weight = vec![0.0; out_len * in_len];
        lora.delta_weight(&mut weight).unwrap();
        let sm = f64::from(lora.scaling()) * 0.5;
        for (o, row) in weight.chunks(in_len).enumerate() {
            for (i, w) in row.iter().enumerate() {
                let terms = (0..rank).map(|r| sm * f64::from(lora.b[r * out_len + o]) * f64::from(lora.a[r * in_len + i]));
                let (value, absolute) = terms.fold((0.0, 0.0), |(v, a), t: f64| (v + t, a + t.abs()));
                prop_assert!((f64::from(*w) - value).abs() <= absolute * EPS * 6.0);
            }
        }
        let norm = weight.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        let stated = f64::from(lora.stats().norm_delta_weight);
        prop_assert!((stated - norm).abs() <= 1e-4 * norm, "{stated} against {norm}");

        let base = noise.vec(out_len * in_len);
        let kept = base.clone();
        let mut merged = vec![0.0; out_len * in_len];
        lora.merge_into(&base, &mut merged).unwrap();
        prop_assert_eq!(&base, &kept);
        for ((m, b), w) in merged.iter().zip(&base).zip(&weight) {
            prop_assert_eq!(*m, b + w);
        }
    }

    #[test]
    fn the_backward_is_the_reference_within_its_error_bound((in_len, out_len, rank, seed) in shapes()) {
        let noise = &mut Noise(seed);
        let mut lora = random_lora(in_len, out_len, rank, &config(seed).with_step(StepKind::Sgd), noise);
        let (x, g) = (noise.vec(in_len), noise.vec(out_len));
        prop_assert!(lora.adapt_gradient(&x, &g).unwrap().applied());
        let s = f64::from(lora.scaling());
        for r in 0..rank {
            let h = dot(&lora.a[r * in_len..][..in_len], &x);
            let p = dot(&lora.b[r * out_len..][..out_len], &g);
            for (i, x) in x.iter().enumerate() {
                let expected = s * p.value * f64::from(*x);
                let bound = (s * p.absolute * f64::from(*x)).abs() * EPS * (roundings(out_len) + 4.0);
                prop_assert!((f64::from(lora.grad_a[r * in_len + i]) - expected).abs() <= bound);
            }
            for (o, g) in g.iter().enumerate() {
                let expected = h.value * f64::from(*g);
                let bound = (h.absolute * f64::from(*g)).abs() * EPS * (roundings(in_len) + 4.0);
                prop_assert!((f64::from(lora.grad_b[r * out_len + o]) - expected).abs() <= bound);
            }
        }
    }

    #[test]
    fn a_fresh_adapter_is_the_identity((len, _, rank, seed) in shapes()) {
        let lora = HeapLora::new(len, len, rank, &Config::new().with_seed(seed));
        let x = Noise(seed).vec(len);
        let mut y = x.clone();
        prop_assert_eq!(lora.apply_residual(&mut y).unwrap(), 1.0);
        prop_assert_eq!(y, x);
        let bound = (3.0 / len as f32).sqrt();
        prop_assert!(lora.a.iter().all(|a| a.abs() <= bound));
        // One of 2^24 values is 0: at the same place of two adapters only if none is drawn there.
        let other = HeapLora::new(len, len, rank, &Config::new().with_seed(seed.wrapping_add(1)));
        prop_assert!(lora.a.iter().zip(&other.a).all(|(a, b)| *a != 0.0 || *b != 0.0));
    }
}
