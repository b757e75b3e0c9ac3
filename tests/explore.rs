//! Learning from a number alone, in directions given by the caller.

use micro_lora::{Config, Error, Explore, Learn, MicroLora, principal_directions};

struct Noise(u32);

impl Noise {
    fn value(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / 8_388_608.0 - 1.0
    }
}

const DIM: usize = 64;

/// Vectors that vary along three hidden axes, along each less than along the one before, and little elsewhere.
fn examples(noise: &mut Noise) -> (Vec<f32>, [Vec<f32>; 3]) {
    let mut axes = [(); 3].map(|()| (0..DIM).map(|_| noise.value()).collect::<Vec<f32>>());
    for axis in &mut axes {
        let norm = axis.iter().map(|v| v * v).sum::<f32>().sqrt();
        axis.iter_mut().for_each(|v| *v /= norm);
    }
    let mut all = vec![];
    for _ in 0..300 {
        let along = [3.0, 2.0, 1.2].map(|size| size * noise.value());
        all.extend((0..DIM).map(|i| {
            0.5 + 0.05 * noise.value() + (0..3).map(|axis| along[axis] * axes[axis][i]).sum::<f32>()
        }));
    }
    (all, axes)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn principal_directions_span_what_varies() {
    let (examples, axes) = examples(&mut Noise(3));
    let mut directions = [0.0; 3 * DIM];
    assert_eq!(principal_directions(&examples, DIM, &mut directions, &mut [0.0; 2 * DIM]), Ok(3));
    let rows: Vec<&[f32]> = directions.chunks(DIM).collect();
    for (i, a) in rows.iter().enumerate() {
        for (j, b) in rows.iter().enumerate() {
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!((dot(a, b) - expected).abs() < 1e-4, "{i}, {j}: {}", dot(a, b));
        }
    }
    for axis in &axes {
        let kept: f32 = rows.iter().map(|row| dot(row, axis).powi(2)).sum();
        assert!(kept > 0.99, "{kept} of a hidden axis is in the span");
    }
}

#[test]
fn examples_that_span_less_give_fewer_directions() {
    // On a line, away from the origin.
    let examples: Vec<f32> = (0..10).flat_map(|i| [1.0 + i as f32, 2.0, 3.0 - i as f32]).collect();
    let mut directions = [9.0; 9];
    let found = principal_directions(&examples, 3, &mut directions, &mut [0.0; 6]);
    assert_eq!(found, Ok(1), "{directions:?}");
    assert!((directions[0] + directions[2]).abs() < 1e-5 && directions[1].abs() < 1e-5, "{directions:?}");
    assert_eq!(directions[3..], [0.0; 6]);
    let same = [1.0, 2.0, 3.0].repeat(5);
    assert_eq!(principal_directions(&same, 3, &mut directions, &mut [0.0; 6]), Ok(0));
}

#[test]
fn what_all_examples_share_is_no_direction() {
    // Far from the origin along the second axis, and different along the first.
    let examples: Vec<f32> = (0..10).flat_map(|i| [0.1 * i as f32, 100.0]).collect();
    let mut directions = [9.0; 4];
    assert_eq!(principal_directions(&examples, 2, &mut directions, &mut [0.0; 4]), Ok(1));
    assert!(directions[0].abs() > 0.999 && directions[1].abs() < 1e-2, "{directions:?}");
}

#[test]
fn the_largest_qualities_that_are_taken_teach() {
    let mut lora = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    let mut explore = Explore::new(0.3, 1).unwrap();
    for (plus, minus) in [(9e18, -9e18), (1.0, 0.0)] {
        let receipt = explore.adapt(&mut lora, &[1.0, 0.0], &mut [0.3, 0.0], plus, minus).unwrap();
        assert!(receipt.applied() && receipt.grad_norm > 0.0, "{receipt:?}");
        explore.check().unwrap();
    }
}

#[test]
fn more_directions_than_values_are_not_found() {
    let mut noise = Noise(11);
    let examples: Vec<f32> = (0..400).map(|_| noise.value()).collect();
    let mut directions = [9.0; 16 * 4];
    let found = principal_directions(&examples, 4, &mut directions, &mut [0.0; 8]);
    assert_eq!(found, Ok(4), "{directions:?}");
    // Two examples have one difference.
    let two = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(principal_directions(&two, 4, &mut directions, &mut [0.0; 8]), Ok(1), "{directions:?}");
}

/// How much closer 1,000 pairs bring outputs to their target along one hidden axis.
fn learned(directions: &[f32], wanted: &[f32], noise: &mut Noise) -> f32 {
    let mut lora = Box::new(MicroLora::<DIM, DIM, 4>::new(Config::new()).unwrap());
    let mut explore = Explore::new(0.3, 1).unwrap();
    let mut eps = [0.0; DIM];
    let quality = |y: &[f32], noise: &mut Noise| dot(y, wanted) + 0.1 * noise.value();
    let unit = |noise: &mut Noise| {
        // With a part that all inputs share, as embeddings have.
        let mut x: Vec<f32> = (0..DIM).map(|_| 0.1 + 0.1 * noise.value()).collect();
        let norm = dot(&x, &x).sqrt();
        x.iter_mut().for_each(|v| *v /= norm);
        x
    };
    for _ in 0..500 {
        let x = unit(noise);
        let y: Vec<f32> = lora.apply(&x).unwrap().iter().zip(&x).map(|(d, x)| d + x).collect();
        explore.draw(directions, &mut eps).unwrap();
        let [plus, minus] = [1.0, -1.0].map(|sign| {
            let tried: Vec<f32> = y.iter().zip(&eps).map(|(y, eps)| y + sign * eps).collect();
            quality(&tried, noise)
        });
        explore.adapt(&mut *lora, &x, &mut eps, plus, minus).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    dot(&lora.apply(&unit(noise)).unwrap(), wanted)
}

#[test]
fn a_subspace_that_holds_the_answer_teaches_and_another_does_not() {
    let noise = &mut Noise(5);
    let (examples, axes) = examples(noise);
    let mut directions = [0.0; 3 * DIM];
    principal_directions(&examples, DIM, &mut directions, &mut [0.0; 2 * DIM]).unwrap();
    let found = learned(&directions, &axes[1], noise);
    assert!(found > 0.5, "{found}");

    // The target is orthogonal to all directions that are tried.
    let mut elsewhere: Vec<f32> = (0..DIM).map(|_| noise.value()).collect();
    for row in directions.chunks(DIM) {
        let along = dot(row, &elsewhere);
        elsewhere.iter_mut().zip(row).for_each(|(v, r)| *v -= along * r);
    }
    let missed = learned(&directions, &elsewhere, noise);
    assert!(missed.abs() < 0.1, "{missed}");
}

#[test]
fn the_same_seed_tries_the_same_and_every_try_has_the_radius() {
    let directions = [0.6, 0.8, 0.0, 0.0, 0.0, 1.0];
    let draws = |seed| {
        let mut explore = Explore::new(0.25, seed).unwrap();
        [(); 20].map(|()| {
            let mut eps = [0.0; 3];
            explore.draw(&directions, &mut eps).unwrap();
            assert!((dot(&eps, &eps).sqrt() - 0.25).abs() < 1e-6);
            assert!((0.8 * eps[0] - 0.6 * eps[1]).abs() < 1e-6, "out of the span: {eps:?}");
            eps
        })
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
    let spread: f32 = draws(3).iter().map(|eps| eps[2]).sum::<f32>() / 20.0;
    assert!(spread.abs() < 0.12, "draws lean to one side: {spread}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut explore = Explore::new(0.3, 1).unwrap();
    let count = |got| Error::Count { what: "directions", got, min: 1, max: 16 };
    assert_eq!(explore.draw(&[1.0; 3], &mut [0.0; 4]), Err(count(0)));
    assert_eq!(explore.draw(&[1.0; 17 * 4], &mut [0.0; 4]), Err(count(17)));
    let before = explore;
    assert_eq!(explore.draw(&[0.0; 8], &mut [0.0; 4]), Err(Error::ZeroNorm { what: "directions" }));
    assert!(explore == before, "nothing was drawn");
    let mut lora = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    let before = (lora.clone(), explore);
    let refused = explore.adapt(&mut lora, &[1.0, 0.0], &mut [0.3, 0.0], 0.5, f32::NAN);
    assert_eq!(refused, Err(Error::NotFinite { what: "qualities", index: 1 }));
    for (plus, minus) in [(1e20, 0.0), (-3e38, 3e38), (0.0, f32::MIN)] {
        let mut eps = [0.3, 0.0];
        let refused = explore.adapt(&mut lora, &[1.0, 0.0], &mut eps, plus, minus);
        assert_eq!(refused, Err(Error::Overflow { what: "qualities" }), "{plus} and {minus}");
        assert_eq!(eps, [0.3, 0.0]);
    }
    assert_eq!(
        principal_directions(&[f32::NAN; 4], 2, &mut [0.0; 2], &mut [0.0; 4]),
        Err(Error::NotFinite { what: "examples", index: 0 })
    );
    assert_eq!(
        principal_directions(&[1.0; 2], 2, &mut [0.0; 2], &mut [0.0; 4]),
        Err(Error::Length { what: "examples", expected: 4, got: 2 })
    );
    assert!((lora, explore) == before);
}

#[test]
fn answers_that_are_alike_teach_nothing_and_set_no_scale() {
    let mut lora = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    let mut explore = Explore::new(0.3, 1).unwrap();
    let before = explore;
    let receipt = explore.adapt(&mut lora, &[1.0, 0.0], &mut [0.3, 0.0], 0.7, 0.7).unwrap();
    assert!(!receipt.applied() && explore == before, "{receipt:?}");
    // The first nonzero difference sets the scale, so its step has the usual length.
    let mut fresh = (MicroLora::<2, 2, 1>::new(Config::new()).unwrap(), Explore::new(0.3, 1).unwrap());
    let first = explore.adapt(&mut lora, &[1.0, 0.0], &mut [0.3, 0.0], 0.7, 0.2).unwrap();
    let alone = fresh.1.adapt(&mut fresh.0, &[1.0, 0.0], &mut [0.3, 0.0], 0.7, 0.2).unwrap();
    assert_eq!((first.applied(), first.grad_norm), (true, alone.grad_norm));
    assert_eq!(explore, fresh.1);
}

#[test]
fn magnitudes_that_overflow_are_refused_by_name() {
    let mut lora = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    let mut explore = Explore::new(0.3, 1).unwrap();
    let before = (lora.clone(), explore);
    let refused = explore.adapt(&mut lora, &[1.0, 0.0], &mut [1e30, 0.0], 0.5, 0.1);
    assert_eq!(refused, Err(Error::Overflow { what: "eps" }));
    let refused = explore.draw(&[1e30; 4], &mut [0.0; 4]);
    assert_eq!(refused, Err(Error::Overflow { what: "directions" }));
    assert!((lora, explore) == before);
    let large = [1e30, 0.0, 0.0, 1e30, -1e30, 0.0];
    let refused = principal_directions(&large, 2, &mut [0.0; 2], &mut [0.0; 4]);
    assert_eq!(refused, Err(Error::Overflow { what: "examples" }));
    let refused = principal_directions(&[1.0; 5], 2, &mut [0.0; 2], &mut [0.0; 4]);
    assert_eq!(refused, Err(Error::Length { what: "examples", expected: 4, got: 5 }));
}

#[test]
fn what_scatters_far_less_than_the_first_is_no_direction() {
    // The first scatter is large, then small: what is too little is a share of it.
    for size in [100.0, 0.01] {
        let examples: Vec<f32> =
            (0..8).flat_map(|i| [size * (i % 2) as f32, 1e-6 * size * (i / 2 % 2) as f32]).collect();
        let mut directions = [9.0; 4];
        let found = principal_directions(&examples, 2, &mut directions, &mut [0.0; 4]);
        assert_eq!(found, Ok(1), "{directions:?}");
        assert_eq!(directions[2..], [0.0; 2]);
    }
}
