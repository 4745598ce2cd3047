//! Trying parts of a flow without a call: what a query comes out as, and what the task of an abandoned call says.

use super::graph::{Flow, Resources};
use super::interpreter::Interpreter;
use super::library::{FlowVersion, Library};
use super::step::Config;
use super::variables::{Scope, Variables};
use super::{AbandonedTask, Action, CallFacts, Event, Finding, LookupError, Person, Question, Reply};
use crate::clock::{Instant, Now, Wall};
use crate::ids::Random;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Rounds of questions and answers of a trial: a flow that asks in a circle is stopped.
const ANSWERS_MAX: usize = 50;

/// The statement of a query step with these values of variables, by their paths such as `call.from`; or what is wrong with
/// it. Values are bound as they are in a call; nothing comes out where it is too long with them.
pub fn query(
    soql: &str,
    limit: u32,
    values: &BTreeMap<String, String>,
) -> Result<Option<String>, Vec<Finding>> {
    let document = json!({
        "schema": "callflow/1", "id": "trial", "name": "Trial", "entry": "query",
        "steps": {"query": {"type": "query", "config": {"soql": soql, "limit": limit}}},
    });
    // Paths that nothing sets are only warned of.
    let (flow, _) = Flow::compile(&document.to_string(), &Resources::default())?;
    let mut variables = Variables::default();
    for (path, value) in values {
        variables.set_own(path, value.clone());
    }
    let value = |path: &str| values.get(path).cloned().unwrap_or_default();
    let facts = CallFacts {
        from: value("call.from"),
        from_name: value("call.fromName"),
        to: value("call.to"),
        ..CallFacts::default()
    };
    let scope =
        Scope { flow: &flow, version: 0, facts: &facts, started: Wall::default(), variables: &variables };
    match flow.step(0).map(|step| &step.config) {
        Some(Config::Query(query)) => Ok(query.statement(&scope)),
        _ => Ok(None),
    }
}

/// What the task says of a caller who hangs up in the first step that waits for the caller; nothing where the call is over
/// before. Who calls is answered by `contact`; whatever else the flow asks on its way there has no answer.
pub fn abandoned_task(
    flow: Flow,
    library: Arc<Library>,
    facts: CallFacts,
    contact: Option<&Person>,
    at: Wall,
) -> Option<AbandonedTask> {
    let after = flow.settings.short_abandon + Duration::from_secs(7);
    let mut now = Now { instant: Instant::ZERO, wall: at };
    let mut actions = Vec::new();
    let version = FlowVersion { flow: Arc::new(flow), number: 0 };
    let mut call = Interpreter::start(version, library, facts, Random::from_seed(1), now, &mut actions);
    for _ in 0..ANSWERS_MAX {
        let answers: Vec<Event> = actions.drain(..).filter_map(|action| answer(action, contact)).collect();
        if answers.is_empty() {
            break;
        }
        answers.into_iter().for_each(|event| call.handle(now, event, &mut actions));
    }
    now = now.later(after);
    call.handle(now, Event::CallerHungUp, &mut actions);
    actions.into_iter().find_map(|action| match action {
        Action::Finished(outcome) => outcome.abandoned_task,
        _ => None,
    })
}

fn answer(action: Action, contact: Option<&Person>) -> Option<Event> {
    let Action::Ask { lookup, question, .. } = action else { return None };
    let result = match *question {
        Question::Match(_) => Ok(Reply::Match(contact.cloned())),
        _ => Err(LookupError { code: "not_asked", message: "This is a trial.".to_owned() }),
    };
    Some(Event::Replied { lookup, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_tried_with_values_that_stay_values() {
        let values = [("call.from", "+1415"), ("account", "' OR Name != '"), ("found.0.Id", "003A")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        let soql = "SELECT Id FROM Contact WHERE Phone = '{{call.from}}' AND Key__c = '{{account}}' AND Id = '{{found.0.Id}}'";
        assert_eq!(
            query(soql, 3, &values.into()).unwrap().unwrap(),
            "SELECT Id FROM Contact WHERE Phone = '+1415' AND Key__c = '\\' OR Name != \\'' AND Id = '003A' LIMIT 3"
        );
        for wrong in ["DELETE FROM Contact", "SELECT Id FROM {{call.from}}", "SELECT Id FROM A LIMIT 5"] {
            assert!(query(wrong, 1, &BTreeMap::new()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_task_is_shown_as_a_caller_who_hangs_up_would_make_it() {
        let document = json!({
            "schema": "callflow/1", "id": "main", "name": "Main", "entry": "menu",
            "settings": {"abandonedSubject": "Lost {{call.from}}", "abandonedComments": "Ring back", "appendFinalStep": true, "assignAbandonedTo": "alice"},
            "steps": {"menu": {"type": "menu", "name": "Ask", "config": {"prompt": {"kind": "file", "id": "x"}, "options": {"1": {}}}}},
        });
        let (flow, _) = Flow::compile(&document.to_string(), &Resources::default()).unwrap();
        let facts = CallFacts { from: "+14155550100".into(), ..CallFacts::default() };
        let task = abandoned_task(flow, Arc::default(), facts, None, Wall::default()).unwrap();
        assert_eq!(task.subject, "Lost +14155550100");
        assert_eq!(task.comments, "Ring back\nLast step: Ask (menu), for 12 s.");
        assert_eq!(task.assign_to.as_deref(), Some("alice"));
    }

    #[test]
    fn a_task_names_whom_the_crm_knows_and_does_not_wait_for_what_else_is_asked() {
        let document = json!({
            "schema": "callflow/1", "id": "main", "name": "Main", "entry": "order",
            "settings": {"abandonedSubject": "Lost {{contact.name | default: \"somebody\"}}", "appendFinalStep": true},
            "steps": {
                "order": {"type": "query", "config": {"soql": "SELECT Id FROM Order", "saveAs": "order"}, "on": {"found": "menu", "error": "menu"}},
                "menu": {"type": "menu", "name": "Ask", "config": {"prompt": {"kind": "file", "id": "x"}, "options": {"1": {}}}},
            },
        });
        let ann =
            Person { id: "003A".into(), kind: "Contact".into(), name: "Ann".into(), ..Person::default() };
        for (contact, expected) in [(Some(&ann), "Lost Ann"), (None, "Lost somebody")] {
            let (flow, _) = Flow::compile(&document.to_string(), &Resources::default()).unwrap();
            let facts = CallFacts { from: "+14155550100".into(), ..CallFacts::default() };
            let task = abandoned_task(flow, Arc::default(), facts, contact, Wall::default()).unwrap();
            assert_eq!(task.subject, expected);
            assert!(task.comments.contains("Last step: Ask"), "{}", task.comments);
        }
    }
}
