//~ OK
use micro_lora::{Config, FrozenLora, MicroLora};

static LORA: MicroLora<8, 16, 3> = MicroLora::zeroed();

fn main() {
    let _ = &LORA;
    let _ = MicroLora::<1, 1, 1>::new(Config::new());
    let _ = MicroLora::<8, 16, 4>::new(Config::new());
    let _ = FrozenLora::<8, 16, 4>::new(Config::new(), &[[0.0; 8]; 4], &[[0.0; 16]; 4]);
}
