use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::*;

const RUN: &str = include_str!("../../../tests/golden/dual_run.json");

/// Values of an array, packed as described in `tests/golden/README.md`.
fn array(value: &Value) -> Vec<f32> {
    let text = value.as_str().unwrap();
    let (kind, text) = text.split_once(':').unwrap();
    let bytes = BASE64_STANDARD.decode(text).unwrap();
    match kind {
        "f32" => bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
        _ => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()) as f32).collect(),
    }
}

fn rows(n: usize, values: Vec<f32>) -> Array2<f32> {
    Array2::from_shape_vec((values.len() / n, n), values).unwrap()
}

fn settings(case: &Value) -> DualSettings {
    let number = |name: &str| case[name].as_f64().unwrap();
    DualSettings {
        rank: number("rank") as usize,
        lam: number("lam") as f32,
        gamma: number("gamma") as f32,
        tau: number("tau") as f32,
        beta: number("beta") as f32,
        eta: number("eta") as f32,
        visits: number("visits") as usize,
        ring: number("ring") as usize,
        outside: case["outside"].as_bool().unwrap_or(false),
    }
}

fn take(dual: &mut Dual, n: usize, step: &Value) {
    if let Some(list) = step.get("learn") {
        let (query, weights) = (Array1::from(array(&list["q"])), Array1::from(array(&list["weights"])));
        let documents = rows(n, array(&list["documents"]));
        let list = if weights.iter().all(|weight| *weight == 0.0) {
            DualList::without_clicks(query.view(), documents)
        } else {
            DualList::new(query.view(), documents, weights.view())
        };
        dual.learn(list);
    } else if let Some(position) = step.get("forget") {
        dual.forget(position.as_u64().unwrap() as usize);
    } else {
        dual.settle(step["settle"].as_u64().unwrap() as usize);
    }
}

#[test]
fn every_step_is_that_of_the_golden_run() {
    let run: Value = serde_json::from_str(RUN).unwrap();
    let mut steps = 0;
    for case in run["cases"].as_array().unwrap() {
        let n = case["n"].as_u64().unwrap() as usize;
        let mut dual = Dual::from_a(rows(n, array(&case["lora_a"])), settings(case));
        for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            take(&mut dual, n, step);
            assert_eq!(dual.lists.len() as u64, step["lists"].as_u64().unwrap());
            let alphas: Vec<f32> = dual.lists.iter().flat_map(|one| one.alpha.to_vec()).collect();
            for (name, got) in [
                ("b", dual.b.to_vec()),
                ("c", dual.c.iter().copied().collect()),
                ("a", dual.a.iter().copied().collect()),
                ("mu", dual.mu().to_vec()),
                ("alphas", alphas),
            ] {
                let expected = array(&step[name]);
                assert_eq!(got.len(), expected.len());
                let apart = got.iter().zip(&expected).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                assert!(apart < 1e-6, "{}, step {number}: {name} differs by {apart}", case["name"]);
            }
            steps += 1;
        }
    }
    assert_eq!(steps, 168);
}

#[test]
fn a_rejected_document_falls_and_the_others_keep_their_order() {
    let documents = rows(3, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let query = Array1::from(vec![0.8, 0.6, 0.0]);
    let mut dual = Dual::new(3, DualSettings { rank: 2, ..DualSettings::default() }, 1);
    let mut list = DualList::new(query.view(), documents.clone(), Array1::from(vec![0.0, 1.0, 0.0]).view());
    (list.rejected, list.omega) = (Some(0), 1.0);
    for _ in 0..20 {
        dual.learn(list.clone());
    }
    let corrected = &query + &dual.corrections(query.view().insert_axis(Axis(0))).row(0);
    let scores = documents.dot(&corrected);
    assert!(scores[1] > scores[0] && scores[1] > scores[2], "{scores}");
}

#[test]
fn with_none_of_these_b_and_c_stay_sums_over_the_lists_about_the_mean_of_the_documents() {
    let settings = DualSettings { rank: 2, outside: true, ..DualSettings::default() };
    let (n, mut chance) = (6, Chance::new(3));
    let mut dual = Dual::new(n, settings, 1);
    let mut unit = || {
        let row = Array1::from_shape_simple_fn(n, || chance.normal());
        &row / row.dot(&row).sqrt()
    };
    for number in 0..12 {
        let (query, documents) = (unit(), rows(n, (0..4).flat_map(|_| unit().to_vec()).collect()));
        let weights = Array1::from(vec![0.0, 1.0, 0.0, 1.0]);
        dual.learn(match number % 3 {
            1 => DualList::without_clicks(query.view(), documents),
            _ => DualList::new(query.view(), documents, weights.view()),
        });
        if number % 5 == 4 {
            dual.forget(1);
        }
    }
    let means = dual.lists.iter().map(|one| one.list.documents.mean_axis(Axis(0)).unwrap());
    let m = means.fold(Array1::zeros(n), |sum: Array1<f32>, mean| sum + mean) / dual.lists.len() as f32;
    let (mut b, mut c) = (Array1::<f32>::zeros(n), Array2::<f32>::zeros((2, n)));
    for Remembered { list, alpha, h, .. } in &dual.lists {
        let part = (&list.documents - &m).t().dot(alpha) / dual.lam_tau();
        b += &part;
        c += &(outer(h, &part) * settings.gamma);
    }
    let largest = |x: &[f32]| x.iter().fold(0.0f32, |max, v| max.max(v.abs()));
    assert!(largest(b.as_slice().unwrap()) > 1e-3, "nothing was learned");
    for (got, expected) in dual.b.iter().chain(&dual.c).zip(b.iter().chain(&c)) {
        assert!((got - expected).abs() < 1e-6, "expected {expected}, got {got}");
    }
}

#[test]
fn lists_of_the_same_documents_have_no_place_for_none_of_these() {
    let documents = rows(3, vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let (query, weights) = (Array1::from(vec![0.8, 0.6, 0.0]), Array1::from(vec![0.0, 0.0, 1.0]));
    let learned = |outside| {
        let mut dual = Dual::new(3, DualSettings { rank: 2, outside, ..DualSettings::default() }, 1);
        for _ in 0..9 {
            dual.learn(DualList::new(query.view(), documents.clone(), weights.view()));
        }
        dual.corrections(query.view().insert_axis(Axis(0))).row(0).to_owned()
    };
    let apart = |x: &Array1<f32>| [x[2] - x[0], x[2] - x[1]];
    for (with, without) in apart(&learned(true)).into_iter().zip(apart(&learned(false))) {
        assert!((with - without).abs() < 1e-5 && without > 0.01, "expected {without}, got {with}");
    }
}
