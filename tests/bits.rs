//! The numerics contract on this machine; `cargo xtask bits` runs the same script everywhere.

#[path = "script/committed.rs"]
mod committed;
mod script;

use committed::Committed;
use micro_lora::Simd;
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

// One test, since the choice of instructions is global.
#[test]
fn the_script_gives_the_committed_bits_with_any_instructions() {
    for simd in [Simd::Portable, Simd::Avx2, Simd::Avx512] {
        if simd > Simd::best() {
            eprintln!("skipped: this machine has no {}", simd.name());
            continue;
        }
        simd.limit();
        assert_eq!(Simd::current(), simd);
        compare(small, SMALL_BUFFER, &committed::SMALL);
        compare(large, LARGE_BUFFER, &committed::LARGE);
    }
}
