//! What a list may add at the most to the weights: just below the limit it is admitted, just above it refused.

use micro_lora::{Apply, Error, Learn, Listwise, Sample};

use super::people::{Event, Lora, Person, dot, dual, save, section};

/// A tenth of the largest norm that can be loaded.
const LIMIT: f64 = 1e7;
/// The longest document that 64 of the rms length 1 can have among them, and their mean.
const LONGEST: f64 = 1.0 + 8.0;
/// How much longer than the first list's the vectors of a later one may be.
const APART: f64 = 16.0;
const LAMBDA: f64 = 50.0;
const GAMMA: f64 = 5.0;

fn scaled(values: &[f32], factor: f64) -> Vec<f32> {
    values.iter().map(|value| (factor * f64::from(*value)) as f32).collect()
}

/// One click; omega is half of the weight. Vectors are unit ones times these lengths.
fn tell(
    lora: &mut Lora,
    event: &Event,
    [input, base]: [f64; 2],
    omega: f64,
    temperature: f32,
) -> Result<(), Error> {
    let (input, base) = (scaled(&event.query, input), scaled(&event.query, base));
    let sample = Sample::new(&input).with_base(&base).with_weight((2.0 * omega) as f32);
    let list = Listwise::new(&event.documents, &event.clicks).with_temperature(temperature);
    lora.adapt_listwise(sample, list).map(drop)
}

#[test]
fn a_first_list_is_refused_where_its_part_of_c_could_pass_the_limit() {
    let event = Person::new(31).search();
    let (base, temperature) = (1000.0, 0.1);
    let moved = 2.0 * LONGEST * base / (LAMBDA * temperature);
    let shortest = 2.0 * GAMMA * moved / LIMIT;
    let told = |input| tell(&mut dual(), &event, [input, base], 1.0, temperature as f32);
    assert_eq!(told(1.001 * shortest), Ok(()));
    assert_eq!(told(0.999 * shortest), Err(Error::Overflow { what: "step" }));
}

/// Norms of the pending sums of `lora_B` and of the bias.
fn pending(lora: &Lora) -> [f64; 2] {
    ["grad_c", "grad_bias"].map(|name| {
        let values = section(lora, name);
        f64::from(dot(&values, &values)).sqrt()
    })
}

#[test]
fn a_later_list_is_refused_where_it_could_pass_the_limit_with_what_is_pending() {
    let mut person = Person::new(32);
    let [first, event] = [person.search(), person.search()];
    // In the first case C reaches the limit, and a good part of it is pending; in the second the bias, of which little is.
    for (input, base, temperature, least) in [(0.01, 1000.0, 0.1, 1e-3), (1000.0, 1000.0, 0.001, 1e-8)] {
        let told = |share: f64| {
            let mut lora = dual();
            tell(&mut lora, &first, [input, base], 2.0, temperature as f32).unwrap();
            let [c, bias] = pending(&lora);
            let moved = 2.0 * (APART * LONGEST) * base / (LAMBDA * temperature);
            let turned = 2.0 * GAMMA * APART * moved / input;
            let scaling = f64::from(lora.config().scaling(4));
            let most = ((LIMIT - bias) / moved).min((LIMIT - scaling * c) / turned);
            assert!(most < 16.0 && (scaling * c).max(bias) > least * LIMIT, "{most}: {c} {bias}");
            let before = save(&lora);
            let told = tell(&mut lora, &event, [input, base], share * most, temperature as f32);
            assert!(told.is_ok() || save(&lora) == before);
            told
        };
        assert_eq!(told(0.9999), Ok(()));
        assert_eq!(told(1.0001), Err(Error::Overflow { what: "step" }));
    }
}
