//! The engine of the entry `micro-lora`.

use micro_lora::{Apply, Choice, Feedback, Header, Learn, Listwise, Result, Sample};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::calls::full as call;
use crate::memory::{self, Lent};
use crate::report;

/// Where the report of the last error is: five words, as `report.rs` has them.
#[wasm_bindgen]
pub fn report() -> usize {
    report::address()
}

/// Numbers that a call passes. What they are depends on the call.
struct Numbers {
    base: i32,
    weight: f32,
    value: f32,
    temperature: f32,
    chosen: usize,
}

/// Does what `calls.rs` numbers so, with the adapter in the block at this address. Passed arrays
/// stand one after the other at `passed`, of so many floats each: `vectors`, `extra` and, unless it is
/// below 0, `base`. Gives a number that is not negative; if there was an error, minus its code, and
/// [`report`] has the rest.
///
/// # Safety
/// As for [`memory::lend`].
#[wasm_bindgen]
pub unsafe fn call(
    what: u32,
    block: *mut Header,
    passed: *const f32,
    vectors: usize,
    extra: usize,
    base: i32,
    weight: f32,
    value: f32,
    temperature: f32,
    chosen: usize,
) -> f32 {
    let numbers = Numbers { base, weight, value, temperature, chosen };
    // SAFETY: the caller's promise.
    let lent = unsafe { memory::lend(block, passed, [vectors, extra, base.max(0) as usize]) };
    match lent.and_then(|lent| run(what, lent, numbers)) {
        Ok(number) => number,
        Err(error) => {
            report::put_down(&error);
            -(error.code() as f32)
        }
    }
}

fn run(what: u32, lent: Lent<'_, 3>, numbers: Numbers) -> Result<f32> {
    let Lent { mut adapter, input, output, passed: [vectors, extra, base] } = lent;
    let Numbers { weight, value, .. } = numbers;
    match what {
        call::APPLY => return adapter.apply_into(input, output),
        // In place: JavaScript has put the input there, unless it does not fit.
        call::RESIDUAL => {
            return adapter.apply_residual(if input.len() == output.len() { output } else { input });
        }
        call::UPDATE => return Ok(adapter.apply_updates(value)?.step_norm),
        call::RESET => {
            adapter.reset();
            return Ok(0.0);
        }
        call::TAKE_UP => {
            adapter.take_up_weights()?;
            return Ok(0.0);
        }
        call::STRENGTH => {
            adapter.set_strength(value)?;
            return Ok(0.0);
        }
        call::DISCARD => {
            adapter.discard_pending();
            return Ok(0.0);
        }
        _ => {}
    }
    let mut sample = Sample::new(input).with_weight(weight);
    if numbers.base >= 0 {
        sample = sample.with_base(base);
    }
    let list = Listwise::new(vectors, extra).with_temperature(numbers.temperature);
    if what == call::REHEARSE {
        return Ok(adapter.rehearse(sample, list, value)?.outcome.code() as f32);
    }
    let feedback = match what {
        call::QUALITY => Feedback::Quality(value),
        call::GRADIENT => Feedback::Gradient(vectors),
        call::LISTWISE => Feedback::Listwise(list),
        call::TARGET => Feedback::Target { target: vectors, weight: value },
        call::ATTRACT_REPEL => Feedback::AttractRepel { attract: extra, repel: vectors },
        _ => Feedback::Choice(choice(vectors, &numbers)),
    };
    let receipt = adapter.adapt(sample, feedback)?;
    Ok(receipt.outcome.code() as f32)
}

fn choice<'a>(candidates: &'a [f32], numbers: &Numbers) -> Choice<'a> {
    Choice::click(candidates, numbers.chosen)
        .with_quality(numbers.value)
        .with_temperature(numbers.temperature)
}
