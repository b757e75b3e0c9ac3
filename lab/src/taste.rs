use std::collections::HashMap;

use crate::{Debian, Package};

/// What makes two programs alike in the eyes of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// They serve the same purpose (`use::`).
    Purpose,
    /// They handle the same kind of data (`works-with::`).
    Data,
    /// They are in the same section of the archive.
    Section,
}

impl Topic {
    fn of(self, package: &Package) -> &[String] {
        match self {
            Self::Purpose => &package.uses,
            Self::Data => &package.works_with,
            Self::Section => std::slice::from_ref(&package.section),
        }
    }
}

/// A person who looks for programs on a topic, but likes only one kind of interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// A short name for tables.
    pub name: &'static str,
    pub topic: Topic,
    /// The debtag `interface::` that the user's favourites carry. A search cannot know it.
    pub interface: &'static str,
}

/// Two kinds of people, each asking in two ways.
pub const USERS: [User; 4] = [
    User { name: "command line, by purpose", topic: Topic::Purpose, interface: "commandline" },
    User { name: "graphical, by purpose", topic: Topic::Purpose, interface: "x11" },
    User { name: "command line, by data", topic: Topic::Data, interface: "commandline" },
    User { name: "graphical, by section", topic: Topic::Section, interface: "x11" },
];

/// One user's judgement of every package.
#[derive(Clone, Debug)]
pub struct Relevance {
    topics: Vec<Vec<usize>>,
    liked: Vec<bool>,
}

impl Relevance {
    /// From the topics of every document, as numbers, and whether it is liked.
    pub fn of(topics: Vec<Vec<usize>>, liked: Vec<bool>) -> Self {
        Self { topics, liked }
    }

    /// How many documents are judged.
    pub fn len(&self) -> usize {
        self.liked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.liked.is_empty()
    }

    pub fn new(data: &Debian, user: &User) -> Self {
        let mut numbers = HashMap::new();
        let mut number = |label| {
            let next = numbers.len();
            *numbers.entry(label).or_insert(next)
        };
        let likes = |package: &Package| package.interfaces.iter().any(|i| i == user.interface);
        Self {
            topics: data
                .packages
                .iter()
                .map(|package| user.topic.of(package).iter().map(&mut number).collect())
                .collect(),
            liked: data.packages.iter().map(likes).collect(),
        }
    }

    /// Whether a package has any label of the user's topic; without one it is no use in a search.
    pub fn has_topic(&self, package: usize) -> bool {
        !self.topics[package].is_empty()
    }

    /// Whether a document answers a query: on topic, and of the kind that the user likes.
    pub fn is_relevant(&self, query: usize, document: usize) -> bool {
        let topics = &self.topics[document];
        self.liked[document] && self.topics[query].iter().any(|topic| topics.contains(topic))
    }
}
