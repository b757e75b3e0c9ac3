//! The board is a computer with an operating system.

pub use std::println;

use crate::suggestions::{Lora, run};

pub fn main() {
    let mut lora = Box::new(Lora::zeroed());
    let mut json = Box::new([0; Lora::JSON_MAX]);
    run(&mut lora, &mut json).unwrap();
}
