//! The sets to measure.

use micro_lora_lab::people::{Clicking, Kind};
use micro_lora_lab::{Answer, Host, Query};

/// Tasks of one kind, and how many runs of each.
pub struct Set {
    pub name: &'static str,
    pub about: &'static str,
    pub what: What,
    /// Runs per person; of ratings, people.
    pub seeds: u32,
}

#[derive(Clone, Copy)]
pub enum What {
    Search(Search),
    Classes { from: Source, answer: Answer },
    Ratings { query: Query, host: Host },
    Personal { interface: &'static str },
    Explore,
}

#[derive(Clone, Copy)]
pub struct Search {
    pub from: Source,
    pub clicking: Clicking,
    pub at: &'static [usize],
    pub switch: Option<usize>,
    pub rivals: Rivals,
}

/// The learners that the engine is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rivals {
    /// Learners that are informative under this condition.
    Few,
    All,
    /// Also learners that need minutes.
    AndBounds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Persons(Kind),
    /// The Debian set with its sections as labels.
    Sections,
    /// The set of `--data`.
    Data,
}

pub const AT: &[usize] = &[10, 25, 50, 100, 200, 600];
const LONG: &[usize] = &[100, 600, 2000, 10_000];
const SWITCHED: &[usize] = &[100, 200, 400, 450, 500, 600, 800];
pub const SWITCH_AFTER: usize = 400;
pub const LABELS_AT: &[usize] = &[100, 300, 1000];
pub const PAIRS_AT: &[usize] = &[100, 1000];
const NOISY: Clicking = Clicking::Taste { noise: 0.3 };
const RANDOM: Clicking = Clicking::Random { probability: 0.3 };
const CARELESS: Clicking = Clicking::Careless { probability: 0.4 };

const fn search(from: Source, clicking: Clicking, at: &'static [usize]) -> What {
    What::Search(Search { from, clicking, at, switch: None, rivals: Rivals::Few })
}

const fn usual(from: Source, rivals: Rivals) -> What {
    What::Search(Search { from, clicking: Clicking::USUAL, at: AT, switch: None, rivals })
}

const fn switched(from: Source) -> What {
    let switch = Some(SWITCH_AFTER);
    What::Search(Search { from, clicking: Clicking::USUAL, at: SWITCHED, switch, rivals: Rivals::Few })
}

const GRADED: Source = Source::Persons(Kind::Graded);
const COARSE: Source = Source::Persons(Kind::Coarse);

macro_rules! sets {
    ($($name:literal, $seeds:literal, $what:expr, $about:literal;)*) => {
        /// All sets, the main one first.
        pub const SETS: &[Set] = &[$(Set { name: $name, about: $about, what: $what, seeds: $seeds }),*];
    };
}

sets! {
    "graded", 3, usual(GRADED, Rivals::AndBounds), "people who look for software, on topic by its tags: the main figure";
    "strict", 2, usual(Source::Persons(Kind::Strict), Rivals::AndBounds), "a label in common, and among the 60 nearest";
    "coarse", 2, usual(COARSE, Rivals::All), "a label in common: the control";
    "graded-noise", 3, search(GRADED, NOISY, AT), "graded, 30 % noise";
    "graded-random", 3, search(GRADED, RANDOM, AT), "graded, every result clicked with probability .3";
    "graded-careless", 3, search(GRADED, CARELESS, AT), "graded, clicks by place alone";
    "graded-switch", 3, switched(GRADED), "graded, another taste after 400 searches";
    "coarse-switch", 3, switched(COARSE), "coarse, another taste after 400 searches";
    "graded-long", 1, search(GRADED, Clicking::USUAL, LONG), "graded, 10,000 searches";
    "labels", 4, What::Classes { from: Source::Sections, answer: Answer::Label },
        "20 sections from three examples each, told the right one";
    "thumbs", 4, What::Classes { from: Source::Sections, answer: Answer::Thumb }, "the same, a thumb on the guess";
    "personal-cli", 1, What::Personal { interface: "commandline" },
        "personal search on the command line, the first liked of five is clicked";
    "personal-x11", 1, What::Personal { interface: "x11" }, "the same, x11";
    "explore", 12, What::Explore, "pairs in some directions, only a number observed";
    "data", 4, usual(Source::Data, Rivals::All), "--data: half of each topic's labels are liked, coarse";
    "data-noise", 4, search(Source::Data, NOISY, AT), "the same, 30 % noise";
    "data-random", 4, search(Source::Data, RANDOM, AT), "the same, every result clicked with probability .3";
    "data-switch", 4, switched(Source::Data), "the same, another taste after 400 searches";
    "data-labels", 4, What::Classes { from: Source::Data, answer: Answer::Label },
        "its most frequent labels from three examples each, told the right one";
    "data-thumbs", 4, What::Classes { from: Source::Data, answer: Answer::Thumb }, "the same, a thumb on the guess";
    "movie", 100, What::Ratings { query: Query::Movie, host: Host::Cosine }, "--ratings: movies near one they liked";
    "genre", 100, What::Ratings { query: Query::Genre, host: Host::Cosine }, "--ratings: movies near a genre's name";
    "movie-popularity", 60, What::Ratings { query: Query::Movie, host: Host::Popularity },
        "--ratings: on top of what is popular; gains over popularity alone";
    "genre-popularity", 60, What::Ratings { query: Query::Genre, host: Host::Popularity }, "the same, by genre";
}

impl Set {
    /// The option that gives the folder for it.
    pub fn needs(&self) -> Option<&'static str> {
        match self.what {
            What::Search(Search { from: Source::Data, .. }) | What::Classes { from: Source::Data, .. } => {
                Some("--data")
            }
            What::Ratings { .. } => Some("--ratings"),
            _ => None,
        }
    }
}
