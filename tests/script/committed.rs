//! The committed results of the script of operations, for every machine and for ever. `cargo xtask bits` compares
//! every target with them.
//!
//! A different result means that the order of operations has changed. That breaks every saved state:
//! fix the code, not the numbers. The dual shapes learn with a memory, whose step has changed on purpose with "none of
//! these": states from before still load, and go on by the new step.

pub struct Committed {
    pub shape: &'static str,
    pub script: u64,
    pub save: u64,
}

const fn of(shape: &'static str, script: u64, save: u64) -> Committed {
    Committed { shape, script, save }
}

pub const SMALL: [Committed; 9] = [
    of("1x1 r1", 0x57d5_eed1_7a8d_1cc8, 0x097c_b26c_0a78_2a7e),
    of("7x33 r2", 0x1b9e_e20f_a669_ccdb, 0x169e_589b_6048_9fe2),
    of("33x7 r3", 0xd6ca_3075_5a96_1076, 0xaf51_c5a0_b35f_dcc9),
    of("48x48 r4", 0x208a_abef_a1ed_bd1d, 0x946f_2e0d_9a15_3c22),
    of("48x48 r4 sgd", 0xb679_c428_af00_cf3c, 0xfffe_2f16_bd6a_8f80),
    of("40x40 r4 default", 0x9efe_b02f_722e_4a6f, 0x5cc8_baec_2671_dac9),
    of("17x17 r3 replay", 0x5c6d_c44d_e28e_2f5d, 0xbe60_d1e8_47da_4271),
    of("1x1 r1 dual", 0xefc3_744a_4b47_7fe7, 0x9316_3bf6_7f98_ace5),
    of("17x17 r3 dual", 0xdda2_641f_6fda_34ce, 0xce37_8aae_6501_47d5),
];

pub const LARGE: [Committed; 5] = [
    of("384x384 r4", 0x6e62_8c59_7424_6c03, 0x5407_1f99_27eb_f20a),
    of("768x512 r2", 0x5da0_f9bc_0602_d57c, 0xecd6_56bb_383a_be12),
    of("384x384 r4 default", 0xf95e_e845_f347_6ad4, 0xf602_9066_d6df_5302),
    of("384x200 r4 replay", 0x100e_234d_d873_7dc9, 0x2bbb_f927_14d4_52f4),
    of("384x384 r4 dual", 0x3452_a4a2_c139_6642, 0xb0b0_cad1_8cfb_a6d3),
];
