//! The firmware's two slots, with the power cut at every byte and every word of a save.

#[path = "../examples/firmware/rust/src/slots.rs"]
mod slots;

use micro_lora::{Choice, Config, Learn, MicroLora};
use slots::{Flash, HEADER, Slots};

type Lora = MicroLora<8, 8, 2>;
const SLOT: usize = Lora::JSON_MAX + HEADER + 3;

/// Erasing sets bits, writing clears them; nothing is written after the power has failed.
#[derive(Clone)]
struct Simulated {
    bytes: [[u8; SLOT]; 2],
    /// Units of this many bytes that can still be erased or written.
    power: usize,
    unit: usize,
    /// Whether the unit in progress is left half done.
    torn: bool,
}

impl Simulated {
    fn change(&mut self, slot: usize, offset: usize, new: impl Fn(usize, u8) -> u8, len: usize) {
        for start in (0..len).step_by(self.unit) {
            let units = offset + start..offset + (start + self.unit).min(len);
            let is_on = self.power > 0;
            if !is_on && !self.torn {
                return;
            }
            for at in units {
                let byte = &mut self.bytes[slot][at];
                let whole = new(at - offset, *byte);
                let half = (*byte & 0x5A) | (whole & 0xA5);
                *byte = if is_on { whole } else { half };
            }
            self.torn &= is_on;
            self.power = self.power.saturating_sub(1);
        }
    }
}

impl Flash for Simulated {
    fn slot(&self, slot: usize) -> &[u8] {
        &self.bytes[slot]
    }

    fn erase(&mut self, slot: usize) {
        self.change(slot, 0, |_, _| 0xFF, SLOT);
    }

    fn program(&mut self, slot: usize, offset: usize, bytes: &[u8]) {
        self.change(slot, offset, |at, old| old & bytes[at], bytes.len());
    }
}

fn fresh() -> Lora {
    Lora::new(Config::new()).unwrap()
}

fn learn(lora: &mut Lora, chosen: usize) {
    let mut rows = [0.0; 24];
    rows[0] = 1.0;
    rows[9] = 1.0;
    rows[18] = 1.0;
    assert!(lora.adapt_choice(&[0.35; 8], Choice::click(&rows, chosen)).unwrap().applied());
    assert!(lora.apply_updates(0.01).unwrap().applied());
}

#[test]
fn after_every_cut_the_newest_whole_state_loads() {
    let (mut cuts, mut new_ones) = (0, 0);
    for unit in [1, 4] {
        let mut flash = Simulated { bytes: [[0xFF; SLOT]; 2], power: usize::MAX, unit, torn: false };
        let (mut lora, mut saved) = (fresh(), None::<Lora>);
        let mut json = [0; Lora::JSON_MAX];
        assert_eq!(Slots::load(&flash, &mut fresh()), Slots::default());
        // The number wraps around during the test.
        let mut place = Slots { current: None, sequence: u32::MAX - 2 };
        for save in 0..5 {
            learn(&mut lora, save % 3);
            assert!(saved.as_ref().is_none_or(|old| *old != lora));
            let mut whole = (flash.clone(), place);
            whole.1.save(&mut whole.0, &lora, &mut json).unwrap();
            let cost = usize::MAX - whole.0.power;
            for (cut, torn) in (0..=cost).flat_map(|cut| [(cut, false), (cut, true)]) {
                let mut lost = (Simulated { power: cut, torn, ..flash.clone() }, place);
                lost.1.save(&mut lost.0, &lora, &mut json).unwrap();
                lost.0.power = usize::MAX;
                lost.0.torn = false;

                let mut found = fresh();
                let mut at = Slots::load(&lost.0, &mut found);
                let is_new = at.current.is_some() && found == lora;
                let is_old =
                    at.current.is_some() == saved.is_some() && saved.as_ref().is_none_or(|old| *old == found);
                assert!(
                    if cut == cost { is_new } else { is_old || is_new },
                    "save {save}, cut {cut} of {cost}, {torn}"
                );
                cuts += 1;
                new_ones += usize::from(is_new);

                // The next save is complete, whatever the cut has left.
                at.save(&mut lost.0, &lora, &mut json).unwrap();
                Slots::load(&lost.0, &mut found);
                assert!(found == lora, "save {save}, after cut {cut}");
            }
            (flash, place) = whole;
            flash.power = usize::MAX;
            saved = Some(lora.clone());
        }
    }
    println!(
        "power loss: {cuts} cuts, the newest whole state loaded after each ({new_ones} times the new one)"
    );
    assert!(cuts > 10_000 && new_ones >= 20 && new_ones < cuts / 100, "{cuts} cuts, {new_ones}");
}
