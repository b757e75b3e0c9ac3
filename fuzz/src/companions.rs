//! What must hold for a ring, a memory and a holdback after loading.

use micro_lora::{
    Apply, Clicks, Config, Forgotten, Holdback, Listwise, Memory, MemoryLayout, MicroLora, Replay, Sample,
    Serving, StepKind, no_vectors,
};

use super::compare::all_finite;

type Ring = Replay<3, 2, 4, 5>;

const LAYOUT: MemoryLayout = MemoryLayout::by_value(3, 2, 4);
type Lists = Memory<{ LAYOUT.words(5) }, { LAYOUT.scratch() }>;
type Lora = MicroLora<3, 2, 2>;

/// The model id of the states in the corpus.
const MODEL: u32 = 7;

pub fn loading(text: &[u8]) {
    ring(text);
    memory(text);
    if let Ok(holdback) = Holdback::from_json(text) {
        live_with(holdback);
    }
}

fn ring(text: &[u8]) {
    thread_local! {
        static BEFORE: Box<Ring> = {
            let mut ring = Box::new(Ring::new());
            push(&mut ring);
            ring
        };
    }
    let before = BEFORE.with(Box::clone);
    let mut ring = before.clone();
    if ring.view().load_json(text, MODEL).is_err() {
        assert!(ring == before, "refused, and yet changed");
        return;
    }
    let mut again = Ring::new();
    again.view().load_json(&save(&mut ring), MODEL).unwrap();
    assert_eq!(save(&mut again), save(&mut ring));
    // Lists with too large vectors are refused here as in normal use; nothing panics.
    let mut lora = Lora::new(Config::new().with_step(StepKind::ScaledGradientV2)).unwrap();
    for _ in 0..3 {
        let _ = ring.view().rehearse(&mut lora, 0.01, 3);
        push(&mut ring);
    }
    assert!((1..=ring.capacity()).contains(&ring.len()));
}

fn push(ring: &mut Ring) {
    let list = Listwise::new(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0]);
    let sample = Sample::new(&[0.0, 1.0, 0.0]).with_base(&[1.0, 0.0]);
    ring.view().push(sample, list).unwrap();
}

fn save(ring: &mut Ring) -> Vec<u8> {
    let mut json = vec![0; Ring::JSON_MAX];
    let len = ring.view().write_json(&mut json, MODEL).unwrap();
    json.truncate(len);
    json
}

/// Lists that no adapter has learned: their changes are refused, or finite.
fn memory(text: &[u8]) {
    thread_local! {
        static BEFORE: Box<(Lists, Lora)> = {
            let mut memory = Lists::new(LAYOUT).unwrap();
            let mut lora = Lora::new(Config::new().with_step(StepKind::Dual)).unwrap();
            learn(&mut memory, &mut lora).unwrap();
            Box::new((memory, lora))
        };
    }
    let mut before = BEFORE.with(Box::clone);
    let (mut memory, mut lora) = (*before).clone();
    let json = |memory: &mut Lists| {
        let mut json = vec![0; 4000];
        let len = memory.view().write_json(&mut json, MODEL).unwrap();
        json.truncate(len);
        json
    };
    if memory.view().load_json(text, MODEL).is_err() {
        let (now, then) = (memory.view(), before.0.view());
        assert!(now.header == then.header && now.words == then.words, "refused, and yet changed");
        return;
    }
    let mut again = Lists::new(LAYOUT).unwrap();
    again.view().load_json(&json(&mut memory), MODEL).unwrap();
    assert_eq!(json(&mut again), json(&mut memory));
    for _ in 0..6 {
        let _ = learn(&mut memory, &mut lora);
        let _ = memory.view().settle(&mut lora, 3, no_vectors);
        let (earlier, len) = (lora.clone(), memory.view().header.len());
        if memory.view().forget(&mut lora, 1, no_vectors) == Ok(Forgotten::LeftBehind) {
            // Its vectors are in the memory, so it is forged: to take it out would leave sums that cannot be saved.
            assert!(lora == earlier && memory.view().header.len() + 1 == len, "left behind, and yet changed");
        }
        let weights = [lora.lora_a(), lora.lora_b(), lora.bias()];
        assert!(weights.iter().all(|values| all_finite(values)), "{weights:?}");
    }
}

fn learn(memory: &mut Lists, lora: &mut Lora) -> micro_lora::Result<()> {
    let sample = Sample::new(&[0.6, 0.0, 0.8]).with_base(&[0.6, 0.8]);
    memory.view().learn(lora, sample, Clicks::on(&[1.0, 0.0, 0.0, 1.0], &[1.0, 0.0]), 0.01, no_vectors)?;
    Ok(())
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
