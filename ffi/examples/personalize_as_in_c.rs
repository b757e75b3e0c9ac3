//! `examples/c/personalize.c` in Rust: the same searches, clicks and learning through the Rust API. `cargo xtask
//! c-test` compares the output of both.

use std::error::Error;

use micro_lora::{Apply, Config, Learn, Listwise, MicroLora};
use micro_lora_lab::{Clicks, Debian, Event, FEATURES, LEARNING_RATE, Learner, Plan, Task, USERS, run};

const SEED: u32 = 0;

struct Online(Box<MicroLora<FEATURES, FEATURES, 4>>);

impl Learner for Online {
    fn correct(&self, query: &mut [f32]) -> Result<(), micro_lora::Error> {
        self.0.apply_residual(query).map(drop)
    }

    fn learn(&mut self, event: &Event<'_>) -> Result<bool, micro_lora::Error> {
        let lora = &mut self.0;
        let clicks = event.clicks.map(f32::from);
        lora.adapt_listwise(event.query, Listwise::new(event.shown, &clicks))?;
        Ok(lora.apply_updates(LEARNING_RATE)?.applied())
    }

    fn state_bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let data = Debian::embedded()?;
    let task = Task::new(&data, &USERS[0], SEED);
    let mut learner = Online(Box::new(MicroLora::new(Config::new().with_seed(SEED))?));
    let plan = Plan { checkpoints: vec![100, 200, 400], ..Plan::of(Clicks::HONEST) };
    for checkpoint in run(&task, &plan, &mut learner)?.checkpoints {
        println!("gain@{} {:+.6} (base {:.6})", checkpoint.events, checkpoint.gain(), checkpoint.base);
    }
    let lora = &learner.0;
    let mut json = vec![0; lora.json_len()];
    lora.write_json(&mut json)?;
    println!("state: {} bytes of JSON, crc32 {:08x}", json.len(), crc32fast::hash(&json));
    Ok(())
}
