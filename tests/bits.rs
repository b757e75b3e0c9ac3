//! The numerics contract on the machine at hand; `cargo xtask bits` runs the same script everywhere.

#[path = "script/committed.rs"]
mod committed;
mod script;

use committed::Committed;
use script::{LARGE_BUFFER, Outcome, SMALL_BUFFER, large, small};

type Shapes = fn(&mut [u8], &mut dyn FnMut(Outcome)) -> micro_lora::Result<()>;

fn compare(shapes: Shapes, buffer: usize, committed: &[Committed]) {
    let mut outcomes = vec![];
    shapes(&mut vec![0; buffer], &mut |outcome| outcomes.push(outcome)).unwrap();
    let print = |shape, script, save| format!("{shape}: script {script:#018x}, save {save:#018x}\n");
    let came: String = outcomes.iter().map(|o| print(o.shape, o.script, o.save)).collect();
    let expected: String = committed.iter().map(|c| print(c.shape, c.script, c.save)).collect();
    assert!(came == expected, "expected the committed bits\n{expected}came\n{came}");
}

#[test]
fn small_shapes_give_the_committed_bits() {
    compare(small, SMALL_BUFFER, &committed::SMALL);
}

#[test]
fn large_shapes_give_the_committed_bits() {
    compare(large, LARGE_BUFFER, &committed::LARGE);
}
