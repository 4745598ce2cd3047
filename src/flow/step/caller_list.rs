//! caller_list: whether the caller stands in a list, at once.

use crate::flow::context::{Call, Exit};
use crate::flow::finding::quoted;
use crate::flow::port::Port;
use crate::flow::reading::{Field, Fields, Reading};

pub const FIELDS: [Field; 1] = [("listId", "The id of the list in which the caller is looked for.")];

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    list: String,
}

impl Config {
    pub fn read(fields: &Fields, reading: &mut Reading) -> Config {
        let list = fields.required_text("listId", 100, reading).unwrap_or_default();
        if !list.is_empty() {
            reading.lists.push((list.to_owned(), fields.at("listId")));
        }
        Config { list: list.to_owned() }
    }

    pub fn decide(&self, call: &mut Call) -> Exit {
        match call.library.caller_lists.get(&self.list) {
            Some(list) if list.contains(&call.state.facts.from) => Exit::Port(Port::Match),
            Some(_) => Exit::Port(Port::NoMatch),
            None => Exit::Error {
                code: "list_unavailable",
                message: format!("There is no list of callers {}.", quoted(&self.list)),
            },
        }
    }
}
