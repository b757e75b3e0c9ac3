//! Every error with its message, and that the adapter keeps all its bits.

mod common;

use common::{HeapLora, Noise};
use micro_lora::{
    Adapter, AdapterMut, Apply, Choice, Config, Error, FrozenLora, Header, Learn, Listwise, MicroLora, Sample,
};

/// A glob import must not shadow the program's own error type.
mod imported_whole {
    use micro_lora::*;

    pub fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
        text.parse()
    }

    pub fn made() -> Result<MicroLora<2, 2, 1>> {
        MicroLora::new(Config::new())
    }
}

#[test]
fn a_glob_import_leaves_results_with_other_errors_alone() {
    assert!(
        imported_whole::parsed("7").is_ok_and(|number| number == 7) && imported_whole::parsed("x").is_err()
    );
    assert!(imported_whole::made().is_ok());
}

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

/// 6 in, 4 out, trained and with events pending.
fn rectangular() -> HeapLora {
    let noise = &mut Noise(9);
    let mut lora = HeapLora::new(6, 4, 3, &Config::new());
    for _ in 0..12 {
        lora.adapt_gradient(&noise.vec(6), &noise.vec(4)).unwrap();
        lora.apply_updates(0.01).unwrap();
    }
    lora.adapt_gradient(&noise.vec(6), &noise.vec(4)).unwrap();
    lora
}

fn square() -> HeapLora {
    let mut lora = HeapLora::new(4, 4, 2, &Config::new());
    lora.adapt_gradient(&[0.5; 4], &[0.1, 0.2, 0.3, 0.4]).unwrap();
    lora.apply_updates(0.01).unwrap();
    lora.adapt_gradient(&[0.5; 4], &[0.4, 0.2, 0.3, 0.1]).unwrap();
    lora
}

/// Makes a call that must be refused with this message, and compares every bit.
#[track_caller]
fn refused<T: core::fmt::Debug>(
    lora: &mut HeapLora,
    call: impl FnOnce(&mut HeapLora) -> Result<T, Error>,
    message: &str,
) {
    let before = lora.clone();
    let error = call(lora).expect_err("expected an error");
    assert_eq!(error.to_string(), message);
    assert!(lora.same_as(&before), "the adapter changed");
}

#[test]
fn wrong_lengths() {
    let lora = &mut rectangular();
    let (x, y) = ([0.1; 6], [0.1; 4]);
    refused(lora, |l| l.apply_into(&x[..5], &mut [0.0; 4]), "input: expected 6 values, got 5");
    refused(lora, |l| l.apply_into(&x, &mut [0.0; 5]), "delta: expected 4 values, got 5");
    refused(lora, |l| l.apply_batch(&[0.0; 13], &mut [0.0; 8]), "inputs: expected 18 values, got 13");
    refused(lora, |l| l.apply_batch(&[0.0; 12], &mut [0.0; 9]), "deltas: expected 8 values, got 9");
    refused(lora, |l| l.delta_weight(&mut [0.0; 23]), "weight: expected 24 values, got 23");
    refused(lora, |l| l.merge_into(&[0.0; 23], &mut [0.0; 24]), "base weight: expected 24 values, got 23");
    refused(
        lora,
        |l| l.merge_into(&[NAN; 24], &mut [0.0; 24]),
        "base weight: expected finite values, got NaN or infinity at index 0",
    );
    refused(lora, |l| l.adapt_gradient(&x[1..], &y), "input: expected 6 values, got 5");
    refused(lora, |l| l.adapt_gradient(&x, &y[1..]), "grad_output: expected 4 values, got 3");
    refused(
        lora,
        |l| l.adapt_gradient(Sample::new(&x).with_base(&y[1..]), &y),
        "base: expected 4 values, got 3",
    );
    refused(lora, |l| l.set_weights(&[0.0; 17], &[0.0; 12]), "lora_A: expected 18 values, got 17");
    refused(lora, |l| l.set_weights(&[0.0; 18], &[0.0; 13]), "lora_B: expected 12 values, got 13");
    let with_base = |base| Sample::new(&x).with_base(base);
    refused(lora, |l| l.adapt_target(with_base(&[0.1; 3]), &y, 1.0), "base: expected 4 values, got 3");
    refused(lora, |l| l.adapt_target(with_base(&y), &[0.1; 5], 1.0), "target: expected 4 values, got 5");
    refused(
        lora,
        |l| l.adapt_attract_repel(with_base(&y), &[0.1; 5], &y),
        "attract: expected 4 values, got 5",
    );
    refused(lora, |l| l.adapt_attract_repel(with_base(&y), &y, &[0.1; 5]), "repel: expected 8 values, got 5");
    refused(
        lora,
        |l| l.adapt_choice(with_base(&y), Choice::click(&[0.1; 9], 0)),
        "candidates: expected 12 values, got 9",
    );
    refused(
        lora,
        |l| l.adapt_listwise(with_base(&y), Listwise::new(&[0.1; 8], &[1.0])),
        "weights: expected 2 values, got 1",
    );
}

#[test]
fn values_that_are_not_finite() {
    let lora = &mut square();
    let x = [0.5; 4];
    for (bad, at) in [(NAN, 0), (INF, 2), (-INF, 3)] {
        let mut v = [0.5; 4];
        v[at] = bad;
        let says = |what: &str| format!("{what}: expected finite values, got NaN or infinity at index {at}");
        refused(lora, |l| l.apply_into(&v, &mut [0.0; 4]), &says("input"));
        refused(lora, |l| l.apply_residual(&mut v.clone()), &says("input"));
        refused(lora, |l| l.adapt_gradient(&v, &x), &says("input"));
        refused(lora, |l| l.adapt_gradient(&x, &v), &says("grad_output"));
        refused(lora, |l| l.adapt_target(&x, &v, 1.0), &says("target"));
        refused(lora, |l| l.adapt_attract_repel(&x, &v, &x), &says("attract"));
        refused(lora, |l| l.adapt_attract_repel(&x, &x, &v), &says("repel"));
        refused(lora, |l| l.adapt_quality(&v, 0.9), &says("input"));
        refused(lora, |l| l.adapt_target(Sample::new(&x).with_base(&v), &x, 1.0), &says("base"));
        let candidates = [x, v].concat();
        let later = format!("candidates: expected finite values, got NaN or infinity at index {}", at + 4);
        refused(lora, |l| l.adapt_choice(&x, Choice::click(&candidates, 0)), &later);
        refused(lora, |l| l.adapt_listwise(&x, Listwise::new(&candidates, &[1.0, 0.0])), &later);
        refused(
            lora,
            |l| l.adapt_choice(Sample::new(&x).with_base(&v), Choice::click(&[0.5; 8], 0)),
            &says("base"),
        );
        let mut weights = [0.5; 8];
        weights[at] = bad;
        refused(lora, |l| l.set_weights(&weights, &[0.0; 8]), &says("lora_A"));
        refused(lora, |l| l.set_weights(&[0.0; 8], &weights), &says("lora_B"));
    }
    // With the cap off nothing else uses the input's norm.
    let mut free = HeapLora::new(4, 4, 2, &Config::new().with_cap(Config::CAP_OFF));
    refused(
        &mut free,
        |l| l.apply_into(&[0.0, NAN, 0.0, 0.0], &mut [0.0; 4]),
        "input: expected finite values, got NaN or infinity at index 1",
    );
}

#[test]
fn numbers_outside_their_ranges() {
    let lora = &mut square();
    let x = [0.5; 4];
    for bad in [NAN, INF, -0.1, 1.1] {
        let says = format!("quality: expected 0 to 1, got {bad}");
        refused(lora, |l| l.adapt_quality(&x, bad), &says);
        refused(lora, |l| l.adapt_choice(&x, Choice::click(&[0.5; 8], 0).with_quality(bad)), &says);
    }
    for bad in [NAN, INF, 0.0, -1.0, 1e-4, 1e4] {
        let says = format!("temperature: expected 0.001 to 1000, got {bad}");
        refused(lora, |l| l.adapt_choice(&x, Choice::click(&[0.5; 8], 0).with_temperature(bad)), &says);
        let list = Listwise::new(&[0.5; 8], &[1.0, 0.0]).with_temperature(bad);
        refused(lora, |l| l.adapt_listwise(&x, list), &says);
    }
    for bad in [NAN, INF, -1.0, 1e-7, 1e7] {
        let says = format!("sample weight unless 0: expected 0.000001 to 1000000, got {bad}");
        refused(lora, |l| l.adapt_gradient(Sample::new(&x).with_weight(bad), &x), &says);
    }
    for bad in [NAN, INF, 1e7, -1e7] {
        let says = format!("|weight| unless 0: expected 0.000001 to 1000000, got {}", bad.abs());
        refused(lora, |l| l.adapt_target(&x, &x, bad), &says);
    }
    for bad in [NAN, INF] {
        let says = "weights: expected finite values, got NaN or infinity at index 1";
        refused(lora, |l| l.adapt_listwise(&x, Listwise::new(&[0.5; 8], &[1.0, bad])), says);
    }
    for bad in [-1.0, 1e7] {
        let says = format!("weights: expected 0 to 1000000, got {bad}");
        refused(lora, |l| l.adapt_listwise(&x, Listwise::new(&[0.5; 8], &[1.0, bad])), &says);
    }
    for bad in [NAN, INF, -0.01, 1001.0] {
        let says = format!("learning_rate: expected 0 to 1000, got {bad}");
        refused(lora, |l| l.apply_updates(bad), &says);
    }
    for bad in [NAN, INF, -0.5, 101.0] {
        refused(lora, |l| l.set_strength(bad), &format!("strength: expected 0 to 100, got {bad}"));
    }
}

#[test]
fn counts_and_indices_outside_their_ranges() {
    let lora = &mut square();
    let x = [0.5; 4];
    refused(lora, |l| l.adapt_choice(&x, Choice::click(&x, 0)), "candidates: expected 2 to 64, got 1");
    refused(lora, |l| l.adapt_choice(&x, Choice::click(&[], 0)), "candidates: expected 2 to 64, got 0");
    refused(
        lora,
        |l| l.adapt_choice(&x, Choice::click(&[0.5; 260], 0)),
        "candidates: expected 2 to 64, got 65",
    );
    refused(lora, |l| l.adapt_choice(&x, Choice::click(&[0.5; 8], 2)), "chosen: expected 0 to 1, got 2");
    refused(lora, |l| l.adapt_attract_repel(&x, &x, &[]), "repel: expected 1 to 64, got 0");
    refused(lora, |l| l.adapt_attract_repel(&x, &x, &[0.5; 260]), "repel: expected 1 to 64, got 65");
}

#[test]
fn directions_of_no_length() {
    let lora = &mut square();
    let x = [0.5; 4];
    refused(lora, |l| l.adapt_target(&x, &[0.0; 4], 1.0), "target: expected a direction, got a zero vector");
    refused(
        lora,
        |l| l.adapt_attract_repel(&x, &[0.0; 4], &x),
        "attract: expected a direction, got a zero vector",
    );
    refused(
        lora,
        |l| l.adapt_attract_repel(&x, &x, &[0.0; 4]),
        "repel: expected a direction, got a zero vector",
    );
}

#[test]
fn what_needs_a_square_adapter() {
    let lora = &mut rectangular();
    let (x, y) = ([0.1; 6], [0.1; 4]);
    let base = "base: expected 4 values because in_features is 6 and out_features 4, got none; \
                give it by Sample::with_base";
    refused(
        lora,
        |l| l.apply_residual(&mut x.clone()),
        "residual: expected in_features equal to out_features, got 6 and 4; use apply_into",
    );
    refused(lora, |l| l.adapt_target(&x, &y, 1.0), base);
    refused(lora, |l| l.adapt_attract_repel(&x, &y, &y), base);
    refused(lora, |l| l.adapt_choice(&x, Choice::click(&[0.1; 8], 0)), base);
    refused(lora, |l| l.adapt_listwise(&x, Listwise::new(&[0.1; 8], &[1.0, 0.0])), base);
    refused(
        lora,
        |l| l.adapt_quality(&x, 0.9),
        "quality alone: expected in_features equal to out_features, got 6 and 4; \
         use gradient, choice, listwise or target feedback",
    );
}

#[test]
fn overflows() {
    let says = |what: &str| format!("{what}: expected a magnitude that f32 can go on with, got an overflow");
    let lora = &mut square();
    let (x, huge) = ([0.5; 4], [1e30; 4]);
    refused(lora, |l| l.apply_into(&huge, &mut [0.0; 4]), &says("delta"));
    refused(lora, |l| l.adapt_gradient(&x, &huge), &says("grad_output"));
    refused(lora, |l| l.adapt_gradient(&x, &[1e15; 4]), &says("gradient"));
    refused(lora, |l| l.adapt_gradient(&[1e15; 4], &x), &says("gradient"));
    refused(lora, |l| l.adapt_choice(&x, Choice::click(&[1e38; 8], 0)), &says("logits"));
    refused(lora, |l| l.adapt_target(&x, &huge, 1.0), &says("target"));
    refused(lora, |l| l.adapt_target(Sample::new(&x).with_base(&huge), &x, 1.0), &says("output"));
    refused(lora, |l| l.set_weights(&[1e30; 8], &[0.0; 8]), &says("lora_A"));
    refused(lora, |l| l.set_weights(&[1e8; 8], &[0.0; 8]), &says("lora_A"));
    refused(lora, |l| l.set_weights(&[0.0; 8], &[1e8; 8]), &says("lora_B"));

    let mut free = HeapLora::new(4, 4, 2, &Config::new().with_cap(Config::CAP_OFF));
    free.set_weights(&[1e7; 8], &[1e7; 8]).unwrap();
    refused(&mut free, |l| l.apply_into(&[1e10; 4], &mut [0.0; 4]), &says("delta"));

    let mut sgd = HeapLora::new(4, 4, 2, &Config::new().with_step(micro_lora::StepKind::Sgd));
    sgd.set_weights(&[1e7; 8], &[1e-6; 8]).unwrap();
    sgd.adapt_gradient(Sample::new(&[1e-6; 4]).with_weight(1e6), &[1e1; 4]).unwrap();
    refused(&mut sgd, |l| l.apply_updates(1000.0), &says("step"));
    sgd.apply_updates(1e-12).unwrap();
}

#[test]
fn settings_and_sizes_outside_their_ranges() {
    let says = |config: Config| Header::new(4, 4, 2, &config).unwrap_err().to_string();
    for bad in [NAN, INF, 0.0, -4.0, 1e-7, 1e7] {
        assert_eq!(
            says(Config::new().with_alpha(bad)),
            format!("alpha: expected 0.000001 to 1000000, got {bad}")
        );
    }
    for bad in [NAN, -INF, 0.0, -1.0, 1e7] {
        assert_eq!(
            says(Config::new().with_cap(bad)),
            format!("cap: expected 0.000001 to 1000000, got {bad}")
        );
    }
    for bad in [NAN, INF, -0.1, 0.6] {
        assert_eq!(says(Config::new().with_decay(bad)), format!("decay: expected 0 to 0.5, got {bad}"));
    }
    let sizes = |i, o, r| Header::new(i, o, r, &Config::new()).unwrap_err().to_string();
    assert_eq!(sizes(0, 4, 2), "in_features: expected 1 to 1048576, got 0");
    assert_eq!(sizes(2_000_000_000, 4, 2), "in_features: expected 1 to 1048576, got 2000000000");
    assert_eq!(sizes(4, 0, 2), "out_features: expected 1 to 1048576, got 0");
    assert_eq!(sizes(4, usize::MAX, 2), "out_features: expected 1 to 1048576, got 18446744073709551615");
    assert_eq!(sizes(4, 4, 0), "rank: expected 1 to 4, got 0");
    assert_eq!(sizes(4, 4, 9), "rank: expected 1 to 4, got 9");
    assert!(FrozenLora::<2, 2, 1>::new(Config::new().with_alpha(NAN), &[[1.0; 2]], &[[1.0; 2]]).is_err());
    assert!(FrozenLora::<2, 2, 1>::new(Config::new(), &[[1.0; 2]], &[[INF; 2]]).is_err());
}

#[test]
fn init_that_is_refused_changes_nothing() {
    let mut lora = MicroLora::<4, 4, 2>::new(Config::new().with_seed(8)).unwrap();
    let before = lora.clone();
    assert!(lora.init(Config::new().with_alpha(-1.0)).is_err());
    assert!(lora == before);
}

#[test]
fn views_over_memory_of_the_wrong_size() {
    let mut header = Header::new(6, 4, 3, &Config::new()).unwrap();
    // The sizes are set, but there are no weights yet.
    let view = Adapter::from_parts(&header, &[1.0; 18], &[1.0; 12]).unwrap();
    assert_eq!(view.apply_into(&[0.1; 6], &mut [0.0; 4]), Err(Error::NotInitialised));
    let weights = (&[1.0; 18], &[f32::MAX; 12]);
    assert_eq!(
        Header::of_weights(6, 4, 3, &Config::new(), weights.0, weights.1),
        Err(Error::Overflow { what: "lora_B" })
    );
    assert_eq!(
        Adapter::from_parts(&header, &[0.0; 18], &[0.0; 11]).unwrap_err(),
        Error::Length { what: "lora_B", expected: 12, got: 11 }
    );
    let names = ["lora_A", "lora_B", "grad_A", "grad_B", "scratch"];
    for (wrong, name) in names.into_iter().enumerate() {
        let mut sizes = [18, 12, 18, 12, 4];
        sizes[wrong] -= 1;
        let [mut a, mut b, mut c, mut d, mut e] = sizes.map(|n| vec![0.0; n]);
        let view = AdapterMut::from_parts(&mut header, &mut a, &mut b, &mut c, &mut d, &mut e);
        let expected = sizes[wrong] + 1;
        assert_eq!(view.unwrap_err(), Error::Length { what: name, expected, got: expected - 1 });
    }
}

#[test]
fn zeroed_memory_is_refused_everywhere() {
    let mut lora = MicroLora::<4, 4, 2>::zeroed();
    let (x, not) = ([0.5; 4], Error::NotInitialised);
    assert_eq!(not.to_string(), "adapter: expected init to have been called, got zeroed memory");
    assert_eq!(lora.apply(&x), Err(not));
    assert_eq!(lora.apply_residual(&mut x.clone()), Err(not));
    assert_eq!(lora.apply_batch(&x, &mut [0.0; 4]), Err(not));
    assert_eq!(lora.delta_weight(&mut []), Err(not));
    assert_eq!(lora.adapt_gradient(&x, &x), Err(not));
    assert_eq!(lora.adapt_choice(&x, Choice::click(&[0.5; 8], 0)), Err(not));
    assert_eq!(lora.adapt_quality(&x, 0.9), Err(not));
    assert_eq!(lora.apply_updates(0.01), Err(not));
    assert_eq!(lora.set_strength(0.5), Err(not));
    assert_eq!(lora.set_weights(&[0.0; 8], &[0.0; 8]), Err(not));
    lora.reset();
    assert_eq!(lora.apply(&x), Err(not));
    let stats = lora.stats();
    assert_eq!((stats.param_count, stats.norm_a, stats.norm_b, stats.norm_delta_weight), (0, 0.0, 0.0, 0.0));
}

#[test]
fn tiny_numbers_are_written_with_an_exponent() {
    let says = |got| Error::OutOfRange { what: "length", got, min: 0.0, max: 1e-30 }.to_string();
    for (got, text) in
        [(1e-38, "1e-38"), (-2.5e-12, "-2.5e-12"), (1e-8, "0.00000001"), (0.0, "0"), (1e9, "1000000000")]
    {
        assert_eq!(says(got), format!("length: expected 0 to 1e-30, got {text}"));
    }
}

#[test]
fn codes_are_distinct_and_stable() {
    let all = [
        Error::Length { what: "", expected: 0, got: 0 },
        Error::NotFinite { what: "", index: 0 },
        Error::OutOfRange { what: "", got: 0.0, min: 0.0, max: 0.0 },
        Error::Count { what: "", got: 0, min: 0, max: 0 },
        Error::Overflow { what: "" },
        Error::BaseRequired { in_features: 0, out_features: 0 },
        Error::SquareRequired { what: "", instead: "", in_features: 0, out_features: 0 },
        Error::ZeroNorm { what: "" },
        Error::PendingFull,
        Error::NotInitialised,
        Error::Syntax { what: "", problem: "" },
        Error::Format { expected: "" },
        Error::Mismatch { what: "", expected: 0, got: 0 },
        Error::Base64 { what: "", values: 0 },
        Error::Checksum { expected: 0, got: 0 },
        Error::Buffer { needed: 0, got: 0 },
        Error::Unsupported { field: "", expected: "" },
        Error::Missing { what: "" },
        Error::UnknownField { at: 0 },
    ];
    assert_eq!(all.map(|error| error.code()), core::array::from_fn(|i| i as u32 + 1));
    assert_eq!(
        Error::PendingFull.to_string(),
        "pending events: expected a total weight below 16777216, got more; call apply_updates"
    );
}
