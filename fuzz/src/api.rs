//! Two adapters get the same calls; one of them is saved and loaded now and then.

use micro_lora::Result;

use super::check::{reload, save, without_generation};
use super::compare::{assert_same_weights, bits};
use super::life::Life;
use super::ops::{Done, Op};
use super::source::Source;

const MAX_CALLS: u32 = 100;

pub fn run(source: &mut Source<'_>) {
    let Some(mut life) = Life::begin(source) else { return };
    let mut restored = Life::from_adapter(life.adapter().clone());
    let mut calls = 0;
    while calls < MAX_CALLS && !source.is_empty() {
        if source.one_in(8) {
            restored = Life::from_adapter(reload(restored.adapter()));
        }
        let op = Op::draw(source, life.shape());
        // The same event over and over, as from a host that hangs.
        let times = if source.one_in(32) { 30 } else { 1 };
        for _ in 0..times {
            both(&mut life, &mut restored, &op);
            if times > 1 {
                both(&mut life, &mut restored, &Op::Update(1000.0));
            }
        }
        calls += times;
    }
    let restored = reload(restored.adapter());
    assert!(without_generation(&save(&restored)) == without_generation(&save(life.adapter())));
}

fn both(life: &mut Life, restored: &mut Life, op: &Op) {
    let (one, other) = (life.carry_out(op), restored.repeat(op));
    assert_same(&one, &other);
    if one.is_err() {
        // A later call could hide that an error has changed the one that was loaded.
        assert_same_weights(restored.adapter(), life.adapter());
    }
}

fn assert_same(a: &Result<Done>, b: &Result<Done>) {
    match (a, b) {
        (Ok(Done::Receipt(a)), Ok(Done::Receipt(b))) => {
            let parts = |receipt: &micro_lora::Receipt| {
                (receipt.outcome, bits(&[receipt.grad_norm, receipt.step_norm, receipt.guard]))
            };
            assert_eq!(parts(a), parts(b));
        }
        (Ok(Done::Output(guard_a, a)), Ok(Done::Output(guard_b, b))) => {
            assert_eq!((guard_a, bits(a)), (guard_b, bits(b)));
        }
        (Ok(Done::Written(a)), Ok(Done::Written(b))) => assert_eq!(bits(a), bits(b)),
        (Ok(Done::Nothing), Ok(Done::Nothing)) => {}
        // Compared as text, since an error quotes the number that it refuses, and that may be NaN.
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        _ => panic!("{a:?} and, after loading, {b:?}"),
    }
}
