use console::style;
use micro_lora::Error;
use micro_lora_lab::{Contender, Debian, Learner, Package, Shown, Task, USERS, run};

/// Two users who ask alike and like opposite things.
const PAIR: [usize; 2] = [0, 1];
const SEED: u32 = 0;
const LINES: usize = 5;

/// One user's search before and after learning.
struct Person<'a> {
    task: Task<'a>,
    name: &'static str,
    learner: Box<dyn Learner>,
}

/// Prints the top results of one unseen query, before learning and after learning from either user.
///
/// The query is not picked by hand: of the held-out queries that got better for both users, it is the
/// one with the median gain. What happened to all the others is said too.
pub fn before_and_after(data: &Debian, contender: &Contender) -> Result<(), Error> {
    let [first, second] = PAIR.map(|user| Person::learn(data, user, contender));
    let people = [first?, second?];
    println!();
    for person in &people {
        person.print_tally()?;
    }
    let Some((query, of)) = median_improved(&people)? else {
        println!("\nno held-out query got better for both users");
        return Ok(());
    };
    println!(
        "\n{} \"{}\"\n(median gain of the {of} held-out queries that got better for both users; \
         * fits the user's taste)",
        style("an unseen search:").bold(),
        data.packages[query].description
    );
    let task = &people[0].task;
    print_list(data, "before", task, &task.search(task.query(query)), None);
    for person in &people {
        let title = format!("after learning from \"{}\"", person.name);
        print_list(data, &title, &person.task, &person.search(query)?, Some((person, query)));
    }
    Ok(())
}

/// The query with the median gain among those that got better for both, and how many these are.
fn median_improved(people: &[Person<'_>; 2]) -> Result<Option<(usize, usize)>, Error> {
    let mut improved = vec![];
    for &query in &people[0].task.held_out {
        let gains = people[0].gain(query)?.zip(people[1].gain(query)?);
        improved.extend(gains.filter(|(a, b)| a.min(*b) > 0.0).map(|(a, b)| (a + b, query)));
    }
    improved.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(improved.get(improved.len() / 2).map(|&(_, query)| (query, improved.len())))
}

impl<'a> Person<'a> {
    fn learn(data: &'a Debian, user: usize, contender: &Contender) -> Result<Self, Error> {
        let task = Task::new(data, &USERS[user], SEED);
        let mut learner = (contender.learner)(SEED)?;
        run(&task, &contender.plan, &mut *learner)?;
        Ok(Self { task, name: USERS[user].name, learner })
    }

    fn search(&self, query: usize) -> Result<Shown, Error> {
        let mut corrected = self.task.query(query).to_vec();
        self.learner.correct(&mut corrected)?;
        Ok(self.task.search(&corrected))
    }

    /// How many held-out queries got better and worse.
    fn print_tally(&self) -> Result<(), Error> {
        let mut gains = vec![];
        for &query in &self.task.held_out {
            gains.extend(self.gain(query)?);
        }
        let count = |is: fn(&f64) -> bool| gains.iter().filter(|&gain| is(gain)).count();
        println!(
            "{}: of {} held-out queries {} got better, {} worse (seed {SEED})",
            self.name,
            gains.len(),
            count(|&gain| gain > 0.0),
            count(|&gain| gain < 0.0)
        );
        Ok(())
    }

    /// What learning did to one query; none if the user likes too few documents on it.
    fn gain(&self, query: usize) -> Result<Option<f64>, Error> {
        let lists = [self.task.search(self.task.query(query)), self.search(query)?];
        let [before, after] = lists.map(|list| self.task.score(&self.task.relevance, query, &list));
        Ok(after.zip(before).map(|(after, before)| after - before))
    }
}

fn print_list(
    data: &Debian,
    title: &str,
    task: &Task<'_>,
    shown: &Shown,
    judge: Option<(&Person<'_>, usize)>,
) {
    println!("  {title}");
    let fits = judge.map(|(person, query)| task.relevant_shown(&person.task.relevance, query, shown));
    for (rank, &document) in shown.iter().take(LINES).enumerate() {
        let mark = if fits.is_some_and(|fits| fits[rank]) { '*' } else { ' ' };
        let package = &data.packages[task.row_of(document)];
        println!(
            "  {mark} {:22} {:12} {}",
            clip(&package.name, 22),
            interface(package),
            clip(&package.description, 58)
        );
    }
}

fn interface(package: &Package) -> &'static str {
    let has = |tag: &str| package.interfaces.iter().any(|i| i == tag);
    match (has("commandline"), has("x11")) {
        (true, true) => "both",
        (true, false) => "command line",
        (false, true) => "graphical",
        (false, false) => "-",
    }
}

fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
