//! Saving and loading an adapter with its memory.

use micro_lora::{Apply, Learn, Listwise};

use super::people::{Lists, Lora, N, Person, apart, dual, learn, lists, save, without_counts};

#[test]
fn saving_and_loading_at_any_time_changes_no_bit() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(16));
    let (mut other, mut other_memory) = (dual(), lists());
    let query = person.search().query;
    for n in 0..60 {
        let event = person.search();
        learn(&mut lora, &mut memory, &event);
        learn(&mut other, &mut other_memory, &event);
        if n % 3 == 0 {
            let list = Listwise::new(&event.documents, &event.clicks);
            lora.adapt_listwise(&query, list).unwrap();
            other.adapt_listwise(&query, list).unwrap();
        }
        if n % 5 == 0 {
            let (json, document) = (save(&other), save_memory(&mut other_memory));
            (other, other_memory) = (dual(), lists());
            other.load_json(&json).unwrap();
            other_memory.view().load_json(&document, 7).unwrap();
        }
        let bits = |lora: &Lora| lora.apply(&query).unwrap().map(f32::to_bits);
        assert_eq!(bits(&lora), bits(&other), "after {n} lists");
    }
    assert_eq!(lora.stats().samples_seen, other.stats().samples_seen);
    let loaded = micro_lora::FrozenLora::<N, N, 4>::from_json(&save(&lora), 0).unwrap();
    assert_eq!(loaded.apply(&query).unwrap(), lora.apply(&query).unwrap());
    let frozen = lora.freeze();
    assert_eq!(frozen.apply(&query).unwrap(), lora.apply(&query).unwrap());

    // A frozen adapter is saved without the training sums; later learning starts from its outputs.
    let mut json = vec![0; frozen.json_len()];
    frozen.write_json(&mut json).unwrap();
    let mut same = vec![0; loaded.json_len()];
    loaded.write_json(&mut same).unwrap();
    assert_eq!(without_counts(&same), without_counts(&json), "loaded for inference, or frozen");
    let mut thawed = Lora::from_json(&json, 0).unwrap();
    assert_eq!(thawed.apply(&query).unwrap(), lora.apply(&query).unwrap());
    let event = person.search();
    let list = Listwise::new(&event.documents, &event.clicks);
    thawed.adapt_listwise(micro_lora::Sample::new(&event.query).with_weight(1e-4), list).unwrap();
    assert!(apart(&thawed.apply(&query).unwrap(), &lora.apply(&query).unwrap()) < 1e-4);
}

fn save_memory(memory: &mut Lists) -> Vec<u8> {
    let mut json = vec![0; memory.view().header.json_max()];
    let len = memory.view().write_json(&mut json, 7).unwrap();
    json.truncate(len);
    json
}

#[test]
fn damage_to_a_saved_memory_is_refused_and_changes_nothing() {
    let (mut lora, mut memory, mut person) = (dual(), lists(), Person::new(17));
    for _ in 0..3 {
        learn(&mut lora, &mut memory, &person.search());
    }
    let saved = save_memory(&mut memory);
    let mut target = lists();
    learn(&mut dual(), &mut target, &person.search());
    let before = save_memory(&mut target);
    let mut tried = 0;
    for at in (0..saved.len()).step_by(7).chain(0..400) {
        for bit in 0..8 {
            let mut damaged = saved.clone();
            damaged[at] ^= 1 << bit;
            assert!(target.view().load_json(&damaged, 7).is_err(), "bit {bit} of byte {at}");
            tried += 1;
        }
        assert!(target.view().load_json(&saved[..at], 7).is_err(), "cut at {at}");
    }
    assert!(tried > 3000 && save_memory(&mut target) == before);
    assert_eq!(target.view().load_json(&saved, 7), Ok(()));
    assert_eq!(save_memory(&mut target), saved);
}
