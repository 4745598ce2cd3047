//! What a command would do to the store, or has done, in words: of many things the first.

use crate::flow::simulate::plain;
use crate::store::plan::Plan;

/// What somebody would do to the store.
#[derive(serde::Serialize)]
pub struct Told {
    #[serde(skip)]
    who: &'static str,
    add: Listed,
    change: Listed,
    remove: Listed,
}

/// Things by their names, of many the first.
#[derive(serde::Serialize)]
pub struct Listed {
    pub count: usize,
    names: Vec<String>,
}

impl Listed {
    /// Not more than the first of them.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl Told {
    /// `who` begins the sentences: "a sync".
    pub fn of(who: &'static str, plan: Plan) -> Self {
        let Plan { add, change, remove } = plan;
        Told { who, add: add.into(), change: change.into(), remove: remove.into() }
    }
}

impl From<Vec<String>> for Listed {
    fn from(mut names: Vec<String>) -> Self {
        /// More are no slip that a person would find by reading.
        const NAMED_MAX: usize = 20;
        let count = names.len();
        names.truncate(NAMED_MAX);
        Listed { count, names }
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.names.iter().map(|name| plain(name)).collect();
        write!(f, "{}", names.join(", "))?;
        match self.count - self.names.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut any = false;
        for (verb, listed) in [("add", &self.add), ("change", &self.change), ("remove", &self.remove)] {
            if listed.count > 0 {
                any = true;
                writeln!(f, "{} would {verb} {} in the store: {listed}", self.who, listed.count)?;
            }
        }
        if any { Ok(()) } else { writeln!(f, "{} would change nothing in the store", self.who) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sync_would_do_is_said_in_few_words_however_much_it_is() {
        let names = |count: usize| (0..count).map(|n| format!("list \"{n}\"")).collect::<Vec<_>>();
        let sync = |add, change, remove| {
            let plan = Plan { add: names(add), change: names(change), remove: names(remove) };
            Told::of("a sync", plan)
        };
        assert_eq!(sync(0, 0, 0).to_string(), "a sync would change nothing in the store\n");
        assert_eq!(
            sync(1, 0, 2).to_string(),
            "a sync would add 1 in the store: list \"0\"\n\
             a sync would remove 2 in the store: list \"0\", list \"1\"\n"
        );
        let many = sync(0, 100_000, 0).to_string();
        assert!(many.len() < 300 && many.ends_with("list \"19\" and 99980 more\n"), "{many}");
    }
}
