//~ ERROR RANK must be 1, 2, 3 or 4
use micro_lora::MicroLora;

static LORA: MicroLora<8, 8, 5> = MicroLora::zeroed();

fn main() {
    let _ = &LORA;
}
