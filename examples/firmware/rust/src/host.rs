//! The board is a computer with an operating system.

pub use std::println;

use crate::Lora;

pub fn main() {
    let mut lora = Box::new(Lora::zeroed());
    let mut json = Box::new([0; Lora::JSON_MAX]);
    crate::run(&mut lora, &mut json).unwrap();
}
