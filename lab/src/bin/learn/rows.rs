use micro_lora::{Config, Error, StepKind};
use micro_lora_lab::{Answer, Clicks, Learner, OnlineLora, ReplacedRule, Rule};

/// When a taste switches, in events.
pub const SWITCH_AFTER: usize = 400;

/// What the simulated users do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Clean,
    Noise,
    Random,
    Careless,
    Switch,
}

impl Condition {
    pub const ALL: [Self; 5] = [Self::Clean, Self::Noise, Self::Random, Self::Careless, Self::Switch];

    pub fn clicks(self) -> Clicks {
        match self {
            Self::Clean | Self::Switch => Clicks::HONEST,
            Self::Noise => Clicks::Taste { noise: 0.3 },
            Self::Random => Clicks::RANDOM,
            Self::Careless => Clicks::CARELESS,
        }
    }

    pub fn title(self) -> String {
        match self {
            Self::Clean => "Clicks by taste, 10 % noise".into(),
            Self::Noise => "30 % noise".into(),
            Self::Random => "Purely random clicks".into(),
            Self::Careless => "Careless clicks: random, but more on top".into(),
            Self::Switch => {
                format!("The taste switches after {SWITCH_AFTER} events (from then on: the new one)")
            }
        }
    }
}

/// One learner under one condition.
pub struct Row {
    pub name: &'static str,
    pub condition: Condition,
    pub learner: fn(u32) -> Result<Box<dyn Learner>, Error>,
    /// What it is measured on besides searches.
    pub answers: &'static [Answer],
    pub is_quick: bool,
}

pub const DEFAULT: &str = "default";
pub const REPLAY: &str = "default, replay";
pub const HOLDBACK: &str = "default, replay, holdback";
pub const QUALITY: &str = "default, from quality alone";
const FIRST: &str = "first step, cap 1";

type Make = fn(u32) -> Result<Box<dyn Learner>, Error>;

const MAKE_FIRST: Make = |seed| {
    let config = Config::new().with_step(StepKind::ScaledGradient).with_cap(1.0).with_seed(seed);
    Ok(Box::new(OnlineLora::<4>::with_config(Rule::Listwise, config)?))
};
const MAKE_DEFAULT: Make = |seed| Ok(Box::new(OnlineLora::<4>::new(Rule::Listwise, seed)?));
const MAKE_REPLAY: Make = |seed| Ok(Box::new(OnlineLora::<4>::new(Rule::Listwise, seed)?.with_replay()));
const MAKE_HOLDBACK: Make =
    |seed| Ok(Box::new(OnlineLora::<4>::new(Rule::Listwise, seed)?.with_replay().with_holdback()));

const MAKE_DECAY: Make = |seed| {
    let config = Config::new().with_decay(0.001).with_seed(seed);
    Ok(Box::new(OnlineLora::<4>::with_config(Rule::Listwise, config)?.with_replay()))
};
const MAKE_PULL: Make =
    |seed| Ok(Box::new(OnlineLora::<4>::new(Rule::Listwise, seed)?.with_replay().with_pull(0.01, 100)));

/// Every row, the condition's own one after the other.
pub fn all() -> Vec<Row> {
    let row = |name, condition, learner: Make| Row {
        name,
        condition,
        learner,
        answers: match (condition, name) {
            (Condition::Clean, DEFAULT | FIRST) => &[Answer::Label, Answer::Thumb],
            // All labels are right: they have one quality.
            (Condition::Clean, QUALITY) => &[Answer::Thumb],
            _ => &[],
        },
        is_quick: [DEFAULT, REPLAY].contains(&name) && condition == Condition::Clean,
    };
    let mut rows = vec![
        row("rule of the replaced system, rate 0.01", Condition::Clean, |seed| {
            Ok(Box::new(ReplacedRule::new(0.01, seed)))
        }),
        row("the same, rate 1", Condition::Clean, |seed| Ok(Box::new(ReplacedRule::new(1.0, seed)))),
        row(QUALITY, Condition::Clean, |seed| Ok(Box::new(OnlineLora::<4>::new(Rule::QualityOnly, seed)?))),
    ];
    for condition in Condition::ALL {
        rows.push(row(FIRST, condition, MAKE_FIRST));
        rows.push(row(DEFAULT, condition, MAKE_DEFAULT));
        rows.push(row(REPLAY, condition, MAKE_REPLAY));
        rows.push(row(HOLDBACK, condition, MAKE_HOLDBACK));
        if [Condition::Random, Condition::Switch].contains(&condition) {
            rows.push(row("default, replay, decay 0.001", condition, MAKE_DECAY));
            rows.push(row("default, replay, pulled to what it was", condition, MAKE_PULL));
        }
    }
    let bound = row("bound: told every answer", Condition::Clean, |seed| {
        Ok(Box::new(OnlineLora::<4>::new(Rule::ExactGradient, seed)?))
    });
    let end = rows.iter().position(|row| row.condition != Condition::Clean).unwrap_or(rows.len());
    rows.insert(end, bound);
    rows
}
