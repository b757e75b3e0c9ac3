use micro_lora::{Config, StepKind};
use micro_lora_lab::{Clicks, Contender, Learner, OnlineLora, Plan, ReplacedRule, Rule};

/// The main learner; the others are for comparison.
pub const DEFAULT: usize = 0;

pub const RANK: usize = 4;

pub fn contenders(checkpoints: &[usize]) -> Vec<Contender> {
    let plan = |clicks| Plan { checkpoints: checkpoints.to_vec(), ..Plan::of(clicks) };
    vec![
        Contender {
            name: "MicroLoRA",
            learner: |seed| Ok(Box::new(OnlineLora::<RANK>::with_memory(seed)?)),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "scaled step, each click replayed",
            learner: |seed| Ok(Box::new(OnlineLora::<RANK>::new(Rule::Listwise, seed)?.with_replay())),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "scaled step, each click once",
            learner: |seed| micro_lora(Rule::Listwise, seed),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "the same, version 1",
            learner: |seed| {
                let config = Config::new().with_step(StepKind::ScaledGradient).with_cap(1.0).with_seed(seed);
                Ok(Box::new(OnlineLora::<RANK>::with_config(Rule::Listwise, config)?))
            },
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "scaled step, list quality alone",
            learner: |seed| micro_lora(Rule::QualityOnly, seed),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "replaced system's rule, rate 0.01",
            learner: |seed| Ok(Box::new(ReplacedRule::new(0.01, seed))),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "replaced system's rule, rate 1",
            learner: |seed| Ok(Box::new(ReplacedRule::new(1.0, seed))),
            plan: plan(Clicks::HONEST),
        },
        Contender {
            name: "MicroLoRA, from random clicks",
            learner: |seed| Ok(Box::new(OnlineLora::<RANK>::with_memory(seed)?)),
            plan: plan(Clicks::RANDOM),
        },
        Contender {
            name: "scaled step, from random clicks",
            learner: |seed| Ok(Box::new(OnlineLora::<RANK>::new(Rule::Listwise, seed)?.with_replay())),
            plan: plan(Clicks::RANDOM),
        },
        Contender {
            name: "the same, with a holdback",
            learner: |seed| {
                Ok(Box::new(OnlineLora::<RANK>::new(Rule::Listwise, seed)?.with_replay().with_holdback()))
            },
            plan: plan(Clicks::RANDOM),
        },
        Contender {
            name: "bound: told all answers",
            learner: |seed| micro_lora(Rule::ExactGradient, seed),
            plan: plan(Clicks::HONEST),
        },
    ]
}

fn micro_lora(rule: Rule, seed: u32) -> Result<Box<dyn Learner>, micro_lora::Error> {
    Ok(Box::new(OnlineLora::<RANK>::new(rule, seed)?))
}
