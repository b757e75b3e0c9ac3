//! What must hold of a ring and a holdback that were loaded.

use micro_lora::{Config, Holdback, Listwise, MicroLora, Replay, Sample, Serving, StepKind};

type Ring = Replay<3, 2, 4, 5>;

/// What the corpus was saved for.
const MODEL: u32 = 7;

pub fn loading(text: &[u8]) {
    ring(text);
    if let Ok(holdback) = Holdback::from_json(text) {
        live_with(holdback);
    }
}

fn ring(text: &[u8]) {
    let mut ring = Ring::new();
    let list = Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0]);
    let sample = Sample::new(&[0.0, 1.0, 0.0]).with_base(&[1.0, 0.0]);
    ring.view().push(sample, list).unwrap();
    let before = ring.clone();
    if ring.view().load_json(text, MODEL).is_err() {
        assert!(ring == before, "refused, and yet changed");
        return;
    }
    let mut again = Ring::new();
    again.view().load_json(&save(&mut ring), MODEL).unwrap();
    assert_eq!(save(&mut again), save(&mut ring));
    // Lists whose vectors are too large for the arithmetic are refused as they are in life; nothing panics.
    let mut lora = MicroLora::<3, 2, 2>::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    for _ in 0..3 {
        let _ = ring.view().rehearse(&mut lora, 0.01, 3);
        ring.view().push(sample, list).unwrap();
    }
    assert!((1..=ring.capacity()).contains(&ring.len()));
}

fn save(ring: &mut Ring) -> Vec<u8> {
    let mut json = vec![0; Ring::JSON_MAX];
    let len = ring.view().write_json(&mut json, MODEL).unwrap();
    json.truncate(len);
    json
}

fn live_with(mut holdback: Holdback) {
    let mut json = [0; Holdback::JSON_MAX];
    let len = holdback.write_json(&mut json).unwrap();
    assert_eq!(Holdback::from_json(&json[..len]).unwrap(), holdback);
    for event in 0..30 {
        let quality = if holdback.next() == Serving::Adapted { 0.75 } else { 0.25 };
        holdback.record(quality).unwrap();
        let mut shown = [0; 3];
        let len = holdback.interleave(&[1, 2, 3], &[3, event, 1], &mut shown).unwrap();
        holdback.record_clicks(&[1.0, 0.0, 0.5][..len]).unwrap();
        assert!(!holdback.report().to_string().is_empty());
    }
    assert!(holdback.report().events >= 60);
}
