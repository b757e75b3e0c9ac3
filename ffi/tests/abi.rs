//! The C functions, called from Rust, do what the Rust API does, bit for bit.

use std::ffi::CStr;
use std::ptr::{null, null_mut};

use micro_lora::{
    Apply, Choice, Clicks, Config, Error, Header, Learn, Memory, MemoryLayout, MicroLora, Outcome, Sample,
    Skip, StepKind, no_vectors,
};
use micro_lora_ffi::*;

const IN: usize = 7;
const OUT: usize = 5;
type Lora = MicroLora<IN, OUT, 3>;

/// An adapter as in C.
struct Handle {
    lora: *mut mlora,
    _memory: Box<[u32]>,
}

impl Handle {
    fn new(config: &mlora_config) -> Self {
        let mut bytes = 0;
        let (inputs, outputs, rank) = (config.in_features, config.out_features, config.rank);
        // SAFETY: the pointer is to a local variable.
        ok(unsafe { mlora_size(inputs, outputs, rank, config.flags, &mut bytes) });
        let mut memory = vec![0xA5A5_A5A5u32; bytes / 4].into_boxed_slice();
        let mut lora = null_mut();
        let start = memory.as_mut_ptr().cast();
        // SAFETY: the memory has `bytes` bytes and lives as long as the handle.
        ok(unsafe { mlora_init(start, bytes, config, MLORA_ABI_VERSION, &mut lora) });
        Self { lora, _memory: memory }
    }

    fn json(&self) -> Vec<u8> {
        let (mut len, mut written) = (0, 0);
        // SAFETY: a good handle, and a pointer to a local variable.
        ok(unsafe { mlora_json_len(self.lora, &mut len) });
        let mut json = vec![0; len];
        // SAFETY: the same, and the buffer has `len` bytes.
        ok(unsafe { mlora_save_json(self.lora, json.as_mut_ptr().cast(), len, &mut written) });
        assert_eq!(written, len);
        json
    }
}

fn ok(status: mlora_status) {
    assert_eq!(status, mlora_status::MLORA_OK);
}

fn json(lora: &Lora) -> Vec<u8> {
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json).unwrap();
    json
}

/// Different values in -1..1.
fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 37 + seed * 101) % 199) as f32 / 100.0 - 0.99).collect()
}

#[test]
fn a_problem_with_a_setting_is_what_the_core_says_of_it() {
    let good = mlora_config::new(5, 3, 2);
    let bad = [
        mlora_config { in_features: 0, ..good },
        mlora_config { out_features: u32::MAX, ..good },
        mlora_config { rank: 5, ..good },
        mlora_config { alpha: 0.0, ..good },
        mlora_config { cap: f32::NAN, ..good },
        mlora_config { decay: 0.6, ..good },
    ];
    for config in bad {
        let mut problem = null();
        // SAFETY: pointers to local variables.
        ok(unsafe { mlora_config_problem(&config, &mut problem) });
        // SAFETY: a static string, and none of these configs is without a problem.
        let problem = unsafe { CStr::from_ptr(problem) }.to_str().unwrap();
        let settings = Config::new().with_alpha(config.alpha).with_cap(config.cap).with_decay(config.decay);
        let [inputs, outputs, rank] =
            [config.in_features, config.out_features, config.rank].map(|size| size as usize);
        let says = Header::new(inputs, outputs, rank, &settings).unwrap_err().to_string();
        let (expected, _) = says.split_once(", got ").unwrap();
        assert!(problem.starts_with(expected), "{problem}, but {says}");
    }
}

#[test]
fn a_script_through_c_leaves_the_bits_that_rust_leaves() {
    let config = mlora_config { seed: 3, model_id: 4, ..mlora_config::new(IN as u32, OUT as u32, 3) };
    let c = Handle::new(&config);
    let mut rust = Lora::new(Config::new().with_seed(3).with_model_id(4)).unwrap();
    assert_eq!(c.json(), json(&rust), "fresh");

    for event in 0..20 {
        let (x, base, rows) = (values(IN, event), values(OUT, event + 50), values(4 * OUT, event + 90));
        let sample =
            mlora_sample { x: x.as_ptr(), x_len: IN, base: base.as_ptr(), base_len: OUT, weight: 0.5 };
        let mut receipt =
            mlora_receipt { outcome: 9, grad_norm: 9.0, step_norm: 9.0, guard: 9.0, generation: 9, step: 9 };
        let chosen = event % 4;
        // SAFETY: a good handle, and every pointer has the values that its length says.
        ok(unsafe {
            let (rows, len) = (rows.as_ptr(), rows.len());
            mlora_adapt_choice(c.lora, &sample, rows, len, chosen, 0.9, 0.2, &mut receipt)
        });
        let choice = Choice::click(&rows, chosen).with_quality(0.9).with_temperature(0.2);
        let expected = rust.adapt_choice(Sample::new(&x).with_base(&base).with_weight(0.5), choice).unwrap();
        assert_eq!(receipt, expected.into());
        // SAFETY: a good handle, and a pointer to a local variable.
        ok(unsafe { mlora_apply_updates(c.lora, MLORA_LEARNING_RATE, &mut receipt) });
        assert_eq!(receipt, rust.apply_updates(0.01).unwrap().into());
        assert_eq!(c.json(), json(&rust), "after event {event}");

        let (mut delta, mut guard) = ([9.0; OUT], 9.0);
        // SAFETY: a good handle, and every pointer has the values that its length says.
        ok(unsafe { mlora_apply(c.lora, x.as_ptr(), IN, delta.as_mut_ptr(), OUT, &mut guard) });
        let mut expected = [0.0; OUT];
        assert_eq!(guard, rust.apply_into(&x, &mut expected).unwrap());
        assert_eq!(delta, expected);
    }
}

#[test]
fn a_batch_through_c_leaves_the_bits_that_rust_leaves() {
    let c = Handle::new(&mlora_config::new(IN as u32, OUT as u32, 3));
    let mut rust = Lora::new(Config::new()).unwrap();
    let (inputs, mut gradients) = (values(6 * IN, 1), values(6 * OUT, 2));
    gradients[OUT..2 * OUT].fill(0.0);
    let mut receipt = mlora_batch_receipt { applied: 9, skipped: 9, capped: 9, generation: 9 };
    // SAFETY: a good handle, and every pointer has the values that its length says.
    ok(unsafe {
        let (inputs_len, gradients_len) = (inputs.len(), gradients.len());
        let (inputs, gradients) = (inputs.as_ptr(), gradients.as_ptr());
        mlora_adapt_gradients(c.lora, inputs, inputs_len, gradients, gradients_len, &mut receipt)
    });
    assert_eq!(receipt, rust.adapt_gradients(&inputs, &gradients).unwrap().into());
    assert_eq!((receipt.applied, receipt.skipped), (5, 1));
    assert_eq!(c.json(), json(&rust));
}

#[test]
fn a_memory_through_c_leaves_the_bits_that_rust_leaves() {
    const N: usize = 6;
    const LAYOUT: MemoryLayout = MemoryLayout::by_value(N, N, 4);
    let config = mlora_config { step: mlora_step::MLORA_STEP_DUAL as u32, ..mlora_config::new(6, 6, 2) };
    let c = Handle::new(&config);
    let mut rust = MicroLora::<N, N, 2>::new(Config::new().with_step(StepKind::Dual)).unwrap();
    let mut lists = Memory::<{ LAYOUT.words(3) }, { LAYOUT.scratch() }>::new(LAYOUT).unwrap();
    let layout = mlora_memory_layout { list: 4, capacity: 3, queries: 1, documents: 1, scores: 0 };
    let (mut bytes, mut memory) = (0, null_mut());
    // SAFETY: pointers to local variables.
    ok(unsafe { mlora_memory_size(6, 6, &layout, &mut bytes) });
    let mut words = vec![0xA5A5_A5A5u32; bytes / 4];
    // SAFETY: the memory has `bytes` bytes, and lives as long as the handle is used.
    ok(unsafe { mlora_memory_init(words.as_mut_ptr().cast(), bytes, c.lora, &layout, &mut memory) });
    for event in 0..8 {
        let unit = |n, seed| -> Vec<f32> {
            let rows = values(n * N, seed);
            let norm = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
            rows.chunks(N).flat_map(|row| row.iter().map(move |v| v / norm(row))).collect()
        };
        let (x, documents, weights) = (unit(1, event), unit(4, event + 90), [0.0, 1.0, 0.0, 0.5]);
        let sample = mlora_sample { x: x.as_ptr(), x_len: N, base: null(), base_len: 0, weight: 1.0 };
        let clicks = mlora_clicks {
            documents: documents.as_ptr(),
            documents_len: documents.len(),
            ids: null(),
            ids_len: 0,
            weights: weights.as_ptr(),
            weights_len: 4,
            scores: null(),
            scores_len: 0,
            chosen: 0,
            quality: 1.0,
            temperature: 0.1,
            has_query_id: 0,
            query_id: 0,
        };
        let mut receipt = mlora_memory_receipt {
            outcome: 9,
            number: 9,
            moved: 9.0,
            visits: 9,
            left_behind: 9,
            generation: 9,
        };
        // SAFETY: good handles, and every pointer has the values that its length says.
        ok(unsafe {
            mlora_memory_learn(memory, c.lora, &sample, &clicks, 0.01, None, null_mut(), &mut receipt)
        });
        let list = Clicks::on(&documents, &weights);
        let expected = lists.view().learn(&mut rust, &x, list, 0.01, no_vectors).unwrap();
        assert_eq!(receipt, expected.into());
        let mut json = vec![0; rust.json_len()];
        rust.write_json(&mut json).unwrap();
        assert_eq!(c.json(), json, "after event {event}");
    }
}

#[test]
fn sizes_are_those_of_the_rust_types() {
    let size = |flags| {
        let mut bytes = 0;
        // SAFETY: the pointer is to a local variable.
        ok(unsafe { mlora_size(IN as u32, OUT as u32, 3, flags, &mut bytes) });
        bytes
    };
    assert_eq!(size(0), 16 + Lora::BYTES);
    assert_eq!(size(MLORA_INFERENCE), 16 + micro_lora::FrozenLora::<IN, OUT, 3>::BYTES);
    // tests/c/save.c compares MLORA_JSON_MAX with the same numbers.
    assert_eq!(MicroLora::<384, 384, 4>::JSON_MAX, 39_549);
    assert_eq!(MicroLora::<5, 3, 1>::JSON_MAX, 785);
}

#[test]
fn a_function_without_a_receipt_works_alike() {
    let c = Handle::new(&mlora_config::new(2, 2, 1));
    let x = [1.0, 0.5];
    let sample = mlora_sample { x: x.as_ptr(), x_len: 2, base: null(), base_len: 0, weight: 1.0 };
    // SAFETY: a good handle, sample and no receipt.
    ok(unsafe { mlora_adapt_quality(c.lora, &sample, 0.9, null_mut()) });
    let mut rust = MicroLora::<2, 2, 1>::new(Config::new()).unwrap();
    rust.adapt_quality(&x, 0.9).unwrap();
    let mut expected = vec![0; rust.json_len()];
    rust.write_json(&mut expected).unwrap();
    assert_eq!(c.json(), expected);
}

/// One of each kind. `every_code_of_rust_is_one_of_c` fails if one is missing.
const ERRORS: &[Error] = &[
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
    Error::Step { feedback: "" },
    Error::KeyStyle { got: "" },
];

const SKIPS: &[Skip] = &[
    Skip::NeutralQuality,
    Skip::AllChosen,
    Skip::NothingChosen,
    Skip::ZeroGradient,
    Skip::ZeroWeight,
    Skip::NoPending,
    Skip::ZeroLearningRate,
];

/// The numbers behind `before` in a source of the core.
fn numbers_in(source: &str, before: &str) -> Vec<i32> {
    let numbers = source.lines().filter_map(|line| line.trim().split_once(before)?.1.strip_suffix(','));
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn every_code_of_rust_is_one_of_c() {
    let codes = numbers_in(include_str!("../../src/error/mod.rs"), " => ");
    assert_eq!(codes, ERRORS.iter().map(|error| error.code() as i32).collect::<Vec<_>>());
    for &error in ERRORS {
        assert_eq!(mlora_status::from(error) as u32, error.code(), "{error}");
    }
    let codes = numbers_in(include_str!("../../src/adapter/stats.rs"), " = ");
    assert_eq!(codes, SKIPS.iter().map(|skip| *skip as i32).collect::<Vec<_>>());
    for outcome in [Outcome::Applied].into_iter().chain(SKIPS.iter().map(|skip| Outcome::Skipped(*skip))) {
        assert_eq!(mlora_outcome::from(outcome) as u32, outcome.code(), "{outcome:?}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    // SAFETY: a static string.
    let version = unsafe { CStr::from_ptr(mlora_version()) };
    assert_eq!(version.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
}
