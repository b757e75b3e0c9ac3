//~ ERROR OUT (out_features) must be 1 to 1048576
use micro_lora::{Config, MicroLora};

fn main() {
    let _ = MicroLora::<8, 1_048_577, 1>::new(Config::new());
}
