//! The engine as one function of numbers: vectors and adapters are addresses in the linear memory.
//! `js/` makes the API of it.
//!
//! One function rather than one for each call: most of such a function is the way from an address to
//! an adapter, and from an error to a number.

#![cfg_attr(target_arch = "wasm32", no_std)]

mod memory;
mod report;

#[cfg(feature = "full")]
use micro_lora::Listwise;
use micro_lora::{Apply, Choice, Header, Learn, Result, Sample};

use memory::Lent;
use report::refuse;

/// Where the memory starts that JavaScript may use.
#[unsafe(no_mangle)]
pub extern "C" fn start() -> usize {
    memory::report().addr()
}

/// Whether this is the build with simd128.
#[unsafe(no_mangle)]
pub extern "C" fn simd() -> bool {
    cfg!(target_feature = "simd128")
}

/// Numbers that a call passes. What they are depends on the call.
struct Numbers {
    base: i32,
    weight: f32,
    value: f32,
    temperature: f32,
    chosen: usize,
}

/// Does what `js/adapter.js` numbers so, with the adapter in the block at this address. Passed arrays
/// stand one after the other at `passed`, of so many floats each: `vectors`, `extra` and, unless it is
/// below 0, `base`. Gives a number that is not negative; if there was an error, minus its code, and
/// the report at the start of the memory has the rest.
///
/// # Safety
/// As for [`memory::lend`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn call(
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
            // SAFETY: nothing else is there, and what was lent is not used any more.
            refuse(unsafe { &mut *memory::report() }, error)
        }
    }
}

fn run(what: u32, lent: Lent<'_>, numbers: Numbers) -> Result<f32> {
    let Lent { mut adapter, input, output, passed: [vectors, _extra, base] } = lent;
    let Numbers { weight, value, temperature, chosen, .. } = numbers;
    match what {
        0 => return adapter.apply_into(input, output),
        // In place: JavaScript has put the input there, unless it does not fit.
        1 => return adapter.apply_residual(if input.len() == output.len() { output } else { input }),
        2 => return Ok(adapter.apply_updates(value)?.step_norm),
        3 => {
            // The only errors of a header that JavaScript wrote are its settings'.
            let (in_features, out_features) = (adapter.in_features(), adapter.out_features());
            Header::new(in_features, out_features, adapter.rank(), &adapter.config())?;
            adapter.reset();
            return Ok(0.0);
        }
        4 => {
            adapter.take_up()?;
            return Ok(0.0);
        }
        #[cfg(feature = "full")]
        5 => {
            adapter.set_strength(value)?;
            return Ok(0.0);
        }
        #[cfg(feature = "full")]
        6 => {
            adapter.discard_pending();
            return Ok(0.0);
        }
        _ => {}
    }
    let mut sample = Sample::new(input).with_weight(weight);
    if numbers.base >= 0 {
        sample = sample.with_base(base);
    }
    let receipt = match what {
        #[cfg(feature = "full")]
        8 => adapter.adapt_quality(sample, value),
        #[cfg(feature = "full")]
        9 => adapter.adapt_gradient(sample, vectors),
        #[cfg(feature = "full")]
        10 => adapter.adapt_listwise(sample, Listwise::new(vectors, _extra).with_temperature(temperature)),
        #[cfg(feature = "full")]
        11 => adapter.adapt_target(sample, vectors, value),
        #[cfg(feature = "full")]
        12 => adapter.adapt_attract_repel(sample, _extra, vectors),
        #[cfg(feature = "full")]
        13 => {
            adapter.rehearse(sample, Listwise::new(vectors, _extra).with_temperature(temperature), value)
        }
        _ => {
            let choice = Choice::click(vectors, chosen).with_quality(value).with_temperature(temperature);
            adapter.adapt_choice(sample, choice)
        }
    };
    Ok(receipt?.outcome.code() as f32)
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
