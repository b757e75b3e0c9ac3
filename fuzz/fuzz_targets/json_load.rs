#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| micro_lora_fuzz::json_load(data));
