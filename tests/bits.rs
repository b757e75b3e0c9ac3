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
        0x57d5_eed1_7a8d_1cc8,
        0x1b9e_e20f_a669_ccdb,
        0xd6ca_3075_5a96_1076,
        0x208a_abef_a1ed_bd1d,
        0xb679_c428_af00_cf3c,
        0x6e62_8c59_7424_6c03,
        0x5da0_f9bc_0602_d57c,
    ];
    for ((shape, hash), committed) in results.into_iter().zip(committed) {
        assert_eq!(hash, committed, "{shape}: {hash:#018x} instead of {committed:#018x}; all: {results:#x?}");
    }
}
