//~ ERROR RANK must be 1, 2, 3 or 4
use micro_lora::{Config, MicroLora};

fn main() {
    let _ = MicroLora::<8, 8, 5>::new(Config::new());
}
