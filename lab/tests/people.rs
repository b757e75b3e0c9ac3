//! The simulated people are those of the tables, and learners have the expected effect.

use micro_lora_lab::learners::{FROZEN, MAIN, REFERENCE, ROSTER, Setting};
use micro_lora_lab::people::{Clicking, Course, Evaluation, Kind, Measure, Persons, SearchTask, simulate};

fn run(task: &SearchTask, course: Course<'_>, name: &str) -> Vec<Measure> {
    let contender = ROSTER.iter().find(|contender| contender.name == name).unwrap();
    let mut learner = (contender.make)(&Setting::new(task.documents.clone(), task.seed)).unwrap();
    simulate(task, course, &mut *learner).unwrap()
}

const COURSE: Course<'_> = Course { clicking: Clicking::USUAL, at: &[60], switch: None, validation: false };

#[test]
fn the_persons_are_those_of_the_numpy_tables() {
    let persons = Persons::embedded().unwrap();
    let task = persons.task(0, Kind::Graded, 0).unwrap();
    // From the same task in NumPy.
    assert_eq!(task.documents.nrows(), 1249);
    let frozen = run(&task, COURSE, FROZEN)[0];
    assert_eq!((frozen.gain, frozen.topic, frozen.kept, frozen.known), (0.0, 1.0, 1.0, 1.0));
    assert!((frozen.frozen - 0.1742).abs() < 2e-3, "{}", frozen.frozen);
}

#[test]
fn clicks_teach_and_the_engine_is_no_worse_than_its_reference() {
    let persons = Persons::embedded().unwrap();
    let task = persons.task(3, Kind::Strict, 0).unwrap();
    let [engine, reference] = [MAIN, REFERENCE].map(|name| run(&task, COURSE, name)[0]);
    assert!(engine.gain > 0.01 && engine.topic > 0.9, "{engine:?}");
    assert!((engine.gain - reference.gain).abs() < 0.02, "{engine:?} and {reference:?}");
}

#[test]
fn the_host_sees_a_shorter_run_as_the_beginning_of_a_longer_one() {
    let persons = Persons::embedded().unwrap();
    let task = persons.task(1, Kind::Coarse, 1).unwrap();
    let short = run(&task, Course { at: &[30], ..COURSE }, "ridge")[0].gain;
    let long = run(&task, Course { at: &[30, 60], ..COURSE }, "ridge");
    assert_eq!(short, long[0].gain);
    assert_ne!(short, long[1].gain);
}

#[test]
fn after_a_switch_another_taste_is_measured() {
    let persons = Persons::embedded().unwrap();
    let task = persons.task(0, Kind::Coarse, 0).unwrap();
    let course = Course { at: &[20, 40], switch: Some(20), ..COURSE };
    let [before, after] = run(&task, course, FROZEN)[..] else { panic!("expected two measures") };
    let [_, _, test] = task.switched();
    let learner = (ROSTER[0].make)(&Setting::new(task.documents.clone(), 0)).unwrap();
    let expected = Evaluation::new(&task, test).measure(&*learner).unwrap();
    assert_eq!(after.frozen, expected.frozen);
    assert_ne!(before.frozen, after.frozen);
}
