//! The simulator measures what it should: controls gain nothing, clicks teach, runs are reproducible.

use micro_lora_lab::{
    Clicks, Debian, Learner, OnlineLora, Plan, Relevance, ReplacedRule, Rule, Run, Switch, Task, USERS, run,
    top,
};

fn plan(clicks: Clicks) -> Plan {
    Plan { checkpoints: vec![50, 150], ..Plan::of(clicks) }
}

fn lora(rule: Rule) -> OnlineLora<4> {
    OnlineLora::new(rule, 0).unwrap()
}

/// A user whose taste is quickly learned.
fn task(data: &Debian) -> Task<'_> {
    Task::new(data, &USERS[2], 0)
}

fn last_gain(run: &Run) -> f64 {
    run.checkpoints.last().unwrap().gain()
}

#[test]
fn clicks_teach_and_the_bound_is_higher() {
    let data = Debian::embedded().unwrap();
    let task = task(&data);
    let clicks = run(&task, &plan(Clicks::HONEST), &mut lora(Rule::Listwise)).unwrap();
    let bound = run(&task, &plan(Clicks::HONEST), &mut lora(Rule::ExactGradient)).unwrap();
    assert!(last_gain(&clicks) > 0.04, "{clicks:?}");
    assert!(last_gain(&bound) > last_gain(&clicks) + 0.02, "{bound:?}");
    assert_eq!(bound.learn_times.len(), 150);
    assert!((50..150).contains(&clicks.learn_times.len()), "lists without clicks teach nothing: {clicks:?}");
}

#[test]
fn what_cannot_teach_does_not() {
    let data = Debian::embedded().unwrap();
    let task = task(&data);
    // Four people, since one run may be lucky.
    let random: f64 = (0..4)
        .map(|user| {
            let task = Task::new(&data, &USERS[user], 0);
            last_gain(&run(&task, &plan(Clicks::RANDOM), &mut lora(Rule::Listwise)).unwrap())
        })
        .sum();
    assert!(random / 4.0 < 0.01, "{random}");
    let replaced = run(&task, &plan(Clicks::HONEST), &mut ReplacedRule::new(0.01, 0)).unwrap();
    assert!(last_gain(&replaced).abs() < 0.001, "{replaced:?}");
    let mut diverging = ReplacedRule::new(1e4, 0);
    let diverged = run(&task, &plan(Clicks::HONEST), &mut diverging).unwrap();
    assert!(last_gain(&diverged) < -0.1, "{diverged:?}");
}

#[test]
fn the_base_is_the_frozen_ranking_and_plausible() {
    let data = Debian::embedded().unwrap();
    for (user, expected) in USERS.iter().zip([0.15, 0.24, 0.26, 0.19]) {
        let bases = (0..3).map(|seed| {
            let task = Task::new(&data, user, seed);
            let scores = task.held_out_frozen().map(|(query, shown)| {
                assert_eq!(top(task.document_rows(), task.query(query)), *shown);
                task.score(&task.relevance, query, shown).unwrap()
            });
            scores.sum::<f64>() / task.held_out.len() as f64
        });
        let base = bases.sum::<f64>() / 3.0;
        assert!((base - expected).abs() < 0.04, "{}: {base}", user.name);
    }
}

#[test]
fn a_run_repeats_and_the_seed_matters() {
    let data = Debian::embedded().unwrap();
    let once = |seed| {
        let task = Task::new(&data, &USERS[0], seed);
        run(&task, &plan(Clicks::HONEST), &mut lora(Rule::Listwise)).unwrap().checkpoints
    };
    assert_eq!(once(1), once(1));
    assert_ne!(once(1), once(2));
}

#[test]
fn more_noise_teaches_less() {
    let data = Debian::embedded().unwrap();
    let task = task(&data);
    let gain = |noise| {
        let plan = plan(Clicks::Taste { noise });
        last_gain(&run(&task, &plan, &mut lora(Rule::Listwise)).unwrap())
    };
    assert!(gain(0.0) > gain(0.6) + 0.02, "{} and {}", gain(0.0), gain(0.6));
}

#[test]
fn after_a_switch_the_new_taste_counts() {
    let data = Debian::embedded().unwrap();
    let task = Task::new(&data, &USERS[0], 0);
    let switch = Some(Switch { after: 50, to: Relevance::new(&data, &USERS[1]) });
    let plan = Plan { checkpoints: vec![50, 51], switch, ..Plan::of(Clicks::HONEST) };
    let result = run(&task, &plan, &mut lora(Rule::Listwise)).unwrap();
    let changed = Relevance::new(&data, &USERS[1]);
    let expected = |relevance: &Relevance| {
        let scores: Vec<f64> =
            task.held_out_frozen().filter_map(|(q, shown)| task.score(relevance, q, shown)).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    };
    assert_eq!(result.checkpoints[0].base, expected(&task.relevance));
    assert_eq!(result.checkpoints[1].base, expected(&changed));
    assert_ne!(result.checkpoints[0].base, result.checkpoints[1].base);
}

#[test]
fn a_fresh_learner_changes_nothing() {
    let data = Debian::embedded().unwrap();
    let fresh: [Box<dyn Learner>; 2] = [Box::new(lora(Rule::Listwise)), Box::new(ReplacedRule::new(0.01, 0))];
    for learner in fresh {
        let mut query = data.embeddings.row(3).to_vec();
        learner.correct(&mut query).unwrap();
        assert_eq!(query, data.embeddings.row(3));
        // At least two matrices of rank 4 and 384 columns, 4 bytes per value.
        assert!(learner.state_bytes() >= 12_288, "{}", learner.state_bytes());
    }
}
