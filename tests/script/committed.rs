//! What the script of operations comes to, on every machine and for ever. `cargo xtask bits` holds
//! every target to it.
//!
//! A run that gives something else has changed the order of operations. That breaks every state
//! ever saved: mend the code, not the numbers.

pub struct Committed {
    pub shape: &'static str,
    pub script: u64,
    pub save: u64,
}

const fn of(shape: &'static str, script: u64, save: u64) -> Committed {
    Committed { shape, script, save }
}

pub const SMALL: [Committed; 5] = [
    of("1x1 r1", 0x57d5_eed1_7a8d_1cc8, 0x097c_b26c_0a78_2a7e),
    of("7x33 r2", 0x1b9e_e20f_a669_ccdb, 0x169e_589b_6048_9fe2),
    of("33x7 r3", 0xd6ca_3075_5a96_1076, 0xaf51_c5a0_b35f_dcc9),
    of("48x48 r4", 0x208a_abef_a1ed_bd1d, 0x946f_2e0d_9a15_3c22),
    of("48x48 r4 sgd", 0xb679_c428_af00_cf3c, 0xfffe_2f16_bd6a_8f80),
];

pub const LARGE: [Committed; 2] = [
    of("384x384 r4", 0x6e62_8c59_7424_6c03, 0x5407_1f99_27eb_f20a),
    of("768x512 r2", 0x5da0_f9bc_0602_d57c, 0xecd6_56bb_383a_be12),
];
