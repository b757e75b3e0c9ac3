//! The engine of the entry `micro-lora/lite`: apply (added to the input or not), updates, the taking up of a state, choices. An error is its
//! code and nothing else: `js/lite.js` knows what it gave.

use micro_lora::{Apply, Choice, Header, Learn, Result, Sample};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::calls::lite as call;
use crate::memory::{self, Lent};

/// Does what `calls.rs` numbers so, with the adapter in the block at this address; `base` and `candidates`
/// are how many floats of each stand at `passed`, one after the other. Gives a number that is not negative;
/// if there was an error, minus its code.
///
/// # Safety
/// As for [`memory::lend`].
#[wasm_bindgen]
pub unsafe fn call(
    what: u32,
    block: *mut Header,
    passed: *const f32,
    base: usize,
    candidates: usize,
    weight: f32,
    value: f32,
    temperature: f32,
    chosen: usize,
) -> f32 {
    // SAFETY: the caller's promise.
    let lent = unsafe { memory::lend(block, passed, [base, candidates]) };
    let done: Result<f32> = lent.and_then(|lent| {
        let Lent { mut adapter, input, output, passed: [base, candidates] } = lent;
        match what {
            call::APPLY => adapter.apply_into(input, output),
            call::UPDATE => Ok(adapter.apply_updates(value)?.step_norm),
            // In place: JavaScript has put the input there.
            call::RESIDUAL => adapter.apply_residual(output),
            call::TAKE_UP => adapter.take_up_weights().map(|()| 0.0),
            _ => {
                let sample = Sample::new(input).with_base(base).with_weight(weight);
                let choice =
                    Choice::click(candidates, chosen).with_quality(value).with_temperature(temperature);
                Ok(adapter.adapt_choice(sample, choice)?.outcome.code() as f32)
            }
        }
    });
    match done {
        Ok(number) => number,
        Err(error) => -(error.code() as f32),
    }
}
