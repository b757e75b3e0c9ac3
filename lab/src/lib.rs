//! How well does an adapter learn a person's taste from clicks?
//!
//! Real embeddings (Debian package descriptions), simulated users with a taste, and the metrics to
//! compare learners on queries that they never saw. Not published: the example `personalize` and the
//! project's own benchmarks share it.
//!
//! ```
//! use micro_lora_lab::{Clicks, Debian, OnlineLora, Plan, Rule, Task, USERS, run};
//!
//! let data = Debian::embedded()?;
//! let task = Task::new(&data, &USERS[0], 0);
//! let mut learner = OnlineLora::<4>::new(Rule::Listwise, 0)?;
//! let plan = Plan { checkpoints: vec![50], ..Plan::of(Clicks::HONEST) };
//! let result = run(&task, &plan, &mut learner)?;
//! assert!(result.checkpoints[0].gain() > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classes;
mod clicks;
mod corpus;
mod debian;
mod dual;
mod embeddings;
mod error;
mod exploration;
mod grid;
mod labelled;
mod learner;
pub mod learners;
mod metrics;
mod movies;
mod online_lora;
pub mod people;
mod random;
mod ranking;
mod replaced;
mod run;
mod split;
mod statistics;
mod task;
mod taste;

pub use classes::{Answer, Classes, NoClasses};
pub use clicks::Clicks;
pub use corpus::{CLASSES, Corpus, PEOPLE};
pub use debian::{Debian, Package};
pub use dual::{Dual, DualList, DualSettings};
pub use embeddings::Embeddings;
pub use error::DataError;
pub use exploration::{Exploration, Search};
pub use grid::{Contender, run_grid};
pub use labelled::Labelled;
pub use learner::{Event, Learner, Truth};
pub use metrics::{click_quality, ndcg};
pub use movies::{Host, Judged, Person, Query, Ratings};
pub use online_lora::{LEARNING_RATE, OnlineLora, Rule};
pub use ranking::{SHOWN, Shown, top, top_of_each};
pub use replaced::ReplacedRule;
pub use run::{Checkpoint, Plan, Run, Switch, run};
pub use split::Split;
pub use statistics::Estimate;
pub use task::Task;
pub use taste::{Relevance, Topic, USERS, User};

/// Length of the embeddings of the Debian set, and of every adapter here.
pub const FEATURES: usize = 384;

// The pages' examples are tested here, since a published crate does not contain the pages.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
struct Guide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/memory.md")]
struct MemoryPage;
