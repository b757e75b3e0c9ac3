//! Pulling weights towards an earlier copy.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{Apply, Config, Error, Learn};

fn trained(seed: u32) -> HeapLora {
    let mut lora = HeapLora::new(5, 3, 2, &Config::new().with_cap(0.05));
    let noise = &mut Noise(seed);
    for _ in 0..9 {
        lora.adapt_gradient(&noise.vec(5), &noise.vec(3)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora
}

#[test]
fn a_share_of_one_gives_the_kept_weights_and_of_zero_the_own() {
    let (own, kept) = (trained(1), trained(2));
    let pulled = |share| {
        let mut lora = own.clone();
        lora.pull_towards(&kept.a, &kept.b, share).unwrap();
        assert_eq!(lora.generation(), own.generation() + 1);
        lora
    };
    assert_eq!((pulled(1.0).a, pulled(1.0).b), (kept.a.clone(), kept.b.clone()));
    assert_eq!((pulled(0.0).a, pulled(0.0).b), (own.a.clone(), own.b.clone()));
    for ((half, a), b) in pulled(0.5).b.iter().zip(&own.b).zip(&kept.b) {
        assert!((half - (a + b) / 2.0).abs() < 1e-6, "{half} between {a} and {b}");
    }
}

#[test]
fn outputs_follow_and_what_is_pending_stays() {
    let (mut lora, kept) = (trained(1), trained(2));
    let (x, g) = ([0.3, -0.2, 0.5, 0.1, 0.7], [0.1, 0.2, -0.3]);
    lora.adapt_gradient(&x, &g).unwrap();
    let (before, gradients) = (lora.stats(), lora.grad_a.clone());
    lora.pull_towards(&kept.a, &kept.b, 1.0).unwrap();
    let (mut pulled, mut expected) = ([0.0; 3], [0.0; 3]);
    // The output guard binds here, so it must use the Gram matrix of the new weights.
    lora.apply_into(&x, &mut pulled).unwrap();
    kept.apply_into(&x, &mut expected).unwrap();
    assert_eq!(pulled, expected);
    let guard = lora.output_guard(&x).unwrap();
    assert!(guard < 1.0 && Ok(guard) == kept.output_guard(&x), "{guard}");
    let after = lora.stats();
    assert_eq!((after.pending, after.updates, after.samples_seen), (1, before.updates, before.samples_seen));
    assert_eq!(lora.grad_a, gradients);
}

#[test]
fn what_cannot_be_pulled_to_is_refused_and_changes_nothing() {
    let mut lora = trained(1);
    let before = lora.clone();
    let (a, b, nan, huge) = ([0.0; 10], [0.0; 6], [f32::NAN; 10], [1e9; 6]);
    for (a, b, share, says) in [
        (&a[..9], &b[..], 0.5, "lora_a: expected 10 values, got 9"),
        (&a[..], &b[..5], 0.5, "lora_b: expected 6 values, got 5"),
        (&a[..], &b[..], 1.5, "share: expected 0 to 1, got 1.5"),
        (&nan[..], &b[..], 0.5, "lora_a: expected finite values, got NaN or infinity at index 0"),
        (&a[..], &huge[..], 0.5, "lora_b: expected a magnitude that f32 can go on with, got an overflow"),
    ] {
        assert_eq!(lora.pull_towards(a, b, share).unwrap_err().to_string(), says);
        assert!(lora.same_as(&before), "{says}");
    }
    // `lora_B` times alpha / rank, 8 here, is what must be within the limit.
    let mut scaled = HeapLora::new(5, 3, 2, &Config::new().with_alpha(16.0));
    scaled.pull_towards(&a, &[4e6; 6], 0.5).unwrap();
    assert_eq!(scaled.pull_towards(&a, &[6e6; 6], 0.5), Err(Error::Overflow { what: "lora_b" }));
    let mut zeroed = micro_lora::MicroLora::<5, 3, 2>::zeroed();
    assert_eq!(zeroed.pull_towards(&a, &b, 0.5), Err(Error::NotInitialised));
}
