#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| micro_lora_fuzz::companion_load(data));
