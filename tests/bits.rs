//! The numerics contract: the same script gives the same bits, on every machine and for ever.
//!
//! If this test fails, the order of operations has changed. That breaks every state ever saved:
//! mend the code, not the numbers.

mod script;

use micro_lora::{Config, MicroLora};
use script::{Digest, configs, run};

fn hash<const IN: usize, const OUT: usize, const RANK: usize>(config: Config, events: u32) -> u64 {
    let mut digest = Digest::new();
    run(&mut digest, &mut MicroLora::<IN, OUT, RANK>::zeroed(), config, events).unwrap();
    digest.0
}

#[test]
fn the_script_gives_the_committed_bits() {
    let [plain, free, rslora, sgd] = configs();
    let results = [
        ("1x1 r1", hash::<1, 1, 1>(plain, 280)),
        ("7x33 r2", hash::<7, 33, 2>(free, 280)),
        ("33x7 r3", hash::<33, 7, 3>(rslora, 280)),
        ("48x48 r4", hash::<48, 48, 4>(plain, 280)),
        ("48x48 r4 sgd", hash::<48, 48, 4>(sgd, 280)),
        ("384x384 r4", hash::<384, 384, 4>(plain, 140)),
        ("768x512 r2", hash::<768, 512, 2>(rslora, 70)),
    ];
    let committed = [
        0x2ac9_3981_3480_b7e8,
        0x33ff_adaa_8f45_6aea,
        0xb421_2277_b9b1_f616,
        0x5131_a7ac_800c_5efa,
        0x0a5a_5503_3140_dc5a,
        0xf2a7_dbc8_beb6_f53d,
        0x4fd0_1f30_e00d_e3bd,
    ];
    for ((shape, hash), committed) in results.into_iter().zip(committed) {
        assert_eq!(hash, committed, "{shape}: {hash:#018x} instead of {committed:#018x}; all: {results:#x?}");
    }
}
