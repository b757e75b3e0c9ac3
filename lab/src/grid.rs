use micro_lora::Error;
use rayon::prelude::*;

use crate::{Debian, Learner, Plan, Run, Task, User, run};

/// A named learner with its plan.
pub struct Contender {
    pub name: &'static str,
    /// Makes the learner from a seed.
    pub learner: fn(u32) -> Result<Box<dyn Learner>, Error>,
    pub plan: Plan,
}

/// Every contender's runs, in the order of users and, within a user, of seeds.
///
/// On one (user, seed) all contenders get the same split, queries and random numbers, so their runs can be
/// compared in pairs. `on_run` is called after every run.
pub fn run_grid(
    data: &Debian,
    users: &[User],
    seeds: u32,
    contenders: &[Contender],
    on_run: impl Fn() + Sync,
) -> Result<Vec<Vec<Run>>, Error> {
    let tasks: Vec<(&User, u32)> =
        users.iter().flat_map(|user| (0..seeds).map(move |seed| (user, seed))).collect();
    let by_task: Vec<Vec<Run>> = tasks
        .into_par_iter()
        .map(|(user, seed)| {
            let task = Task::new(data, user, seed);
            let one = |contender: &Contender| {
                let result = run(&task, &contender.plan, &mut *(contender.learner)(seed)?);
                on_run();
                result
            };
            contenders.iter().map(one).collect()
        })
        .collect::<Result<_, Error>>()?;
    let column = |c: usize| by_task.iter().map(|runs| runs[c].clone()).collect();
    Ok((0..contenders.len()).map(column).collect())
}
