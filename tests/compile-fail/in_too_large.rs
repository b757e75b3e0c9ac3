//~ ERROR IN (in_features) must be 1 to 1048576
use micro_lora::{Config, MicroLora};

fn main() {
    let _ = MicroLora::<1_048_577, 8, 1>::new(Config::new());
}
