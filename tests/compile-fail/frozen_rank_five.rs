//~ ERROR RANK must be 1, 2, 3 or 4
use micro_lora::{Config, FrozenLora};

fn main() {
    let _ = FrozenLora::<8, 8, 5>::new(Config::new(), &[[0.0; 8]; 5], &[[0.0; 8]; 5]);
}
