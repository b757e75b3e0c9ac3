//! MicroLoRA through its public interface, with all its checks.

use micro_lora::{Adapter, AdapterMut, Apply, Choice, Config, Header, Learn, Sample, Simd};

use crate::lora::{Buffer, Shape};
use crate::measure::Runner;
use crate::operation::{CHOSEN, LEARNING_RATE, Operation, State, TEMPERATURE};

struct Ours<F> {
    simd: Simd,
    operation: Operation,
    memory: Memory,
    call: F,
}

/// Each call makes a new view, as the crate's own types do.
struct Memory {
    header: Header,
    scratch: Buffer,
    state: State,
}

impl Memory {
    fn learning(&mut self) -> (AdapterMut<'_>, Rows<'_>) {
        let State { lora, x, base, g, candidates, .. } = &mut self.state;
        let view = AdapterMut::from_parts(
            &mut self.header,
            &mut lora.a,
            &mut lora.b,
            &mut lora.grad_a,
            &mut lora.grad_b,
            &mut self.scratch,
        )
        .expect("lengths are those of the shape");
        (view, Rows { x, base, g, candidates })
    }

    fn applying(&mut self) -> (Adapter<'_>, &[f32], &mut [f32]) {
        let State { lora, x, y, .. } = &mut self.state;
        let view =
            Adapter::from_parts(&self.header, &lora.a, &lora.b).expect("lengths are those of the shape");
        (view, x, y)
    }
}

struct Rows<'a> {
    x: &'a [f32],
    base: &'a [f32],
    g: &'a [f32],
    candidates: &'a [f32],
}

impl<F: FnMut(&mut Memory)> Runner for Ours<F> {
    fn prepare(&mut self) {
        self.simd.limit();
    }

    fn run(&mut self) {
        (self.call)(&mut self.memory);
    }

    fn result(&self) -> Vec<f32> {
        self.memory.state.result(self.operation)
    }
}

pub fn contender(operation: Operation, shape: Shape, simd: Simd, cap: f32) -> Box<dyn Runner> {
    match operation {
        Operation::Apply => ours(operation, shape, simd, cap, |memory| {
            let (view, x, y) = memory.applying();
            view.apply_into(x, y).expect("finite");
        }),
        Operation::Residual => ours(operation, shape, simd, cap, |memory| {
            let (view, _, y) = memory.applying();
            view.apply_residual(y).expect("finite");
        }),
        Operation::Batch(_) => ours(operation, shape, simd, cap, |memory| {
            let (view, x, y) = memory.applying();
            view.apply_batch(x, y).expect("finite");
        }),
        Operation::Gradient => ours(operation, shape, simd, cap, |memory| {
            let (mut view, rows) = memory.learning();
            assert!(view.adapt_gradient(rows.x, rows.g).expect("finite").applied());
        }),
        Operation::Gradients(n) => ours(operation, shape, simd, cap, move |memory| {
            let (mut view, rows) = memory.learning();
            assert_eq!(view.adapt_gradients(rows.x, rows.g).expect("finite").applied as usize, n);
        }),
        Operation::Choice => ours(operation, shape, simd, cap, |memory| {
            let (mut view, rows) = memory.learning();
            let choice = Choice::click(rows.candidates, CHOSEN).with_temperature(TEMPERATURE);
            let sample = Sample::new(rows.x).with_base(rows.base);
            assert!(view.adapt_choice(sample, choice).expect("finite").applied());
        }),
        Operation::Step => ours(operation, shape, simd, cap, |memory| {
            let (mut view, rows) = memory.learning();
            view.adapt_gradient(rows.x, rows.g).expect("finite");
            assert!(view.apply_updates(LEARNING_RATE).expect("finite").applied());
        }),
    }
}

fn ours(
    operation: Operation,
    shape: Shape,
    simd: Simd,
    cap: f32,
    call: impl FnMut(&mut Memory) + 'static,
) -> Box<dyn Runner> {
    let state = State::new(operation, shape);
    let config = Config::new().with_alpha(state.lora.scaling * shape.rank as f32).with_cap(cap);
    let header =
        Header::of_weights(shape.inputs, shape.outputs, shape.rank, &config, &state.lora.a, &state.lora.b)
            .expect("a shape within the limits");
    let memory = Memory { header, scratch: Buffer::zeros(shape.outputs), state };
    Box::new(Ours { simd, operation, memory, call })
}

/// Whether the output guard at its default shortens the benchmark's corrections.
#[cfg(test)]
pub fn cap_binds(shape: Shape) -> bool {
    let state = State::new(Operation::Apply, shape);
    let config = Config::new().with_alpha(state.lora.scaling * shape.rank as f32);
    let Shape { inputs, outputs, rank } = shape;
    let header = Header::of_weights(inputs, outputs, rank, &config, &state.lora.a, &state.lora.b);
    let header = header.expect("a shape within the limits");
    let view = Adapter::from_parts(&header, &state.lora.a, &state.lora.b).expect("its lengths");
    view.output_guard(&state.x).expect("finite") < 1.0
}
