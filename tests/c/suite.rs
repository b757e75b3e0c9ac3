//! Runs the tests in C and C++, which print what they expected. `cargo xtask c-test` runs them as programs of their
//! own, under sanitizers.

#![cfg(unix)]

#[test]
fn the_c_interface_holds() {
    assert_eq!(micro_lora_c_tests::c(), 0, "expectations failed: see above");
}

#[test]
fn the_cpp_wrapper_holds() {
    assert_eq!(micro_lora_c_tests::wrapper(), 0, "expectations failed: see above");
}
