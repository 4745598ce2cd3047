//! Which widgets become steps, in the order in which a call comes to them, and what stands in the report.

use super::liquid::{Answer, Liquid, Place};
use super::names::{self, Names};
use super::report::{Line, Notes, Outcome};
use super::source::{Source, State, one_line};
use super::split::{self, Split};
use super::{ImportError, http, reach, say};
use crate::flow::finding::quoted;
use crate::flow::template::Template;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// Steps of one widget stand so far apart on the canvas.
const STEP_WIDTH: f64 = 260.0;

/// What is done with a widget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plan {
    Step,
    /// Nothing: what leads to it leads on.
    Pass(&'static str),
    /// The keys of the gather before it: that is a menu.
    Menu,
}

/// An import under way.
pub(super) struct Import<'a> {
    pub source: &'a Source,
    pub liquid: Liquid,
    /// The first step's id of each widget, whether it has a step or not.
    pub ids: Vec<String>,
    pub splits: HashMap<usize, Split>,
    /// Splits by the gathers that they make menus.
    pub menus: HashMap<usize, usize>,
    names: Names,
    plans: Vec<Plan>,
    /// Widgets that a call can come to and that have steps still to be made.
    open: VecDeque<usize>,
    /// Widgets that a call can come to.
    reached: Vec<bool>,
    steps: Map<String, Value>,
    /// Ids and types of the steps of each widget.
    made: Vec<Vec<(String, &'static str)>>,
    lines: Vec<Option<Line>>,
}

/// Where a call enters: the widget after the trigger.
pub(super) fn entry(source: &Source) -> Result<usize, ImportError> {
    let start = source.states.get(source.start).ok_or(ImportError::NoCalls)?;
    if start.kind != "trigger" {
        return Ok(source.start);
    }
    trigger_way(start).ok_or(ImportError::NoCalls)
}

fn trigger_way(trigger: &State) -> Option<usize> {
    ["incomingCall", "incomingParent", "incomingRequest"].iter().find_map(|event| trigger.next(event))
}

impl<'a> Import<'a> {
    pub fn new(source: &'a Source) -> Import<'a> {
        let mut names = Names::default();
        let ids: Vec<String> =
            source.states.iter().map(|state| names.unique(names::step_id(&state.name))).collect();
        let mut liquid = Liquid::default();
        for (state, id) in source.states.iter().zip(&ids) {
            match state.kind.as_str() {
                "gather-input-on-call" => liquid.add_answer(&state.name, Answer::Digits(digits(id))),
                "make-http-request" => liquid.add_answer(&state.name, Answer::Reply(reply(id))),
                "connect-call-to" => liquid.add_answer(&state.name, Answer::Dial),
                _ => {}
            }
        }
        let count = source.states.len();
        let mut import = Import {
            source,
            liquid,
            ids,
            splits: HashMap::new(),
            menus: HashMap::new(),
            names,
            plans: Vec::new(),
            open: VecDeque::new(),
            reached: vec![false; count],
            steps: Map::new(),
            made: vec![Vec::new(); count],
            lines: vec![None; count],
        };
        for (i, state) in source.states.iter().enumerate() {
            if state.kind == "split-based-on" {
                let split = split::read(state, &mut import.liquid);
                import.splits.insert(i, split);
            }
        }
        import.menus = say::menus(&import);
        import.plans = source.states.iter().enumerate().map(|(i, state)| import.plan(i, state)).collect();
        import
    }

    fn plan(&self, i: usize, state: &State) -> Plan {
        match state.kind.as_str() {
            "trigger" => Plan::Pass("Calls begin here."),
            "say-play" if state.text("say").trim().is_empty() && state.text("play").trim().is_empty() => {
                Plan::Pass("It says nothing that a caller could hear; tones cannot be played.")
            }
            "split-based-on" if self.menus.values().any(|split| *split == i) => Plan::Menu,
            "split-based-on" if self.splits.get(&i).is_none_or(|split| split.rules.is_empty()) => {
                Plan::Pass("None of its conditions can be decided here, so no call matches.")
            }
            "connect-call-to" if matches!(state.text("noun").as_str(), "sim" | "conference") => {
                Plan::Pass("Conferences and SIM cards cannot be dialled.")
            }
            "set-variables" if state.pairs("variables").is_empty() => Plan::Pass("It sets nothing."),
            "say-play"
            | "gather-input-on-call"
            | "split-based-on"
            | "connect-call-to"
            | "set-variables"
            | "make-http-request"
            | "send-message"
            | "run-subflow"
            | "record-voicemail"
            | "enqueue-call"
            | "send-to-flex" => Plan::Step,
            "make-outgoing-call" | "make-outgoing-call-v2" => {
                Plan::Pass("A flow answers calls and makes none; the call is taken as answered.")
            }
            "record-call" => Plan::Pass("Calls are not recorded by this version."),
            "capture-payments" => Plan::Pass("Payments are not taken on calls."),
            "fork-stream" => Plan::Pass("Audio is not streamed elsewhere."),
            "connect-virtual-agent" | "connect-virtual-agent-v2" => {
                Plan::Pass("There are no virtual agents.")
            }
            "run-function" => Plan::Pass("Twilio's functions do not run here; offer it by HTTP instead."),
            "add-twiml-redirect" => Plan::Pass("TwiML is not understood."),
            "send-and-wait-for-reply" => Plan::Pass("A flow of calls does not wait for messages."),
            _ => Plan::Pass("This type of widget is not known."),
        }
    }

    /// Makes all steps; the id of the first one.
    pub fn run(&mut self, entry: usize) -> String {
        let first = self.target(Some(entry)).unwrap_or_else(|| self.bare_end(entry));
        while let Some(i) = self.open.pop_front() {
            let mut notes = Notes::default();
            self.make(i, &mut notes);
            self.finish_widget(i, notes);
        }
        first
    }

    /// A flow in which nothing is left but the way through it: it hangs up.
    fn bare_end(&mut self, entry: usize) -> String {
        let id = self.ids.get(entry).cloned().unwrap_or_default();
        self.add_step(entry, id.clone(), "hangup", json!({}), Vec::new());
        id
    }

    fn make(&mut self, i: usize, notes: &mut Notes) {
        let Some(state) = self.source.states.get(i) else { return };
        match state.kind.as_str() {
            "say-play" => say::say_play(self, i, state, notes),
            "gather-input-on-call" => say::gather(self, i, state, notes),
            "split-based-on" => split::write(self, i, state, notes),
            "connect-call-to" => reach::dial(self, i, state, notes),
            "set-variables" => reach::set(self, i, state, notes),
            "send-message" => reach::message(self, i, state, notes),
            "run-subflow" => reach::subflow(self, i, state, notes),
            "make-http-request" => http::request(self, i, state, notes),
            _ => reach::stand_in(self, i, state),
        }
    }

    /// The step that a way to a widget leads to, past those that have none; none where the way ends.
    pub fn target(&mut self, to: Option<usize>) -> Option<String> {
        let mut at = to?;
        // A circle of widgets without steps is an end.
        for _ in 0..=self.source.states.len() {
            let was_reached = std::mem::replace(self.reached.get_mut(at)?, true);
            match self.plans.get(at)? {
                Plan::Step => {
                    if !was_reached {
                        self.open.push_back(at);
                    }
                    return self.ids.get(at).cloned();
                }
                Plan::Pass(_) | Plan::Menu => at = self.way_on(at)?,
            }
        }
        None
    }

    /// Where a widget without a step leads on to.
    fn way_on(&self, i: usize) -> Option<usize> {
        /// The good ways of all widgets; one that has none of them leads to where its first one does.
        const GOOD: [&str; 8] = [
            "noMatch",
            "success",
            "completed",
            "next",
            "answered",
            "return",
            "audioComplete",
            "callCompleted",
        ];
        let state = self.source.states.get(i)?;
        if state.kind == "trigger" {
            return trigger_way(state);
        }
        let good = GOOD.iter().find_map(|event| state.next(event));
        // A condition that cannot be decided is no way on.
        let any = || state.transitions.iter().filter(|way| way.event != "match").find_map(|way| way.next);
        good.or_else(any)
    }

    /// Another id for a widget that becomes several steps.
    pub fn further_id(&mut self, i: usize) -> String {
        let base = self.ids.get(i).cloned().unwrap_or_default();
        self.names.unique(base)
    }

    /// Adds a step of a widget; ways that lead nowhere are left unconnected.
    pub fn add_step(
        &mut self,
        owner: usize,
        id: String,
        kind: &'static str,
        config: Value,
        on: Vec<(String, Option<String>)>,
    ) {
        let (Some(state), Some(made)) = (self.source.states.get(owner), self.made.get_mut(owner)) else {
            return;
        };
        let mut step = Map::new();
        step.insert("type".to_owned(), kind.into());
        let name = one_line(&state.name, 60);
        if made.is_empty() && !name.is_empty() {
            step.insert("name".to_owned(), name.into());
        }
        step.insert("config".to_owned(), config);
        let on: Map<String, Value> =
            on.into_iter().filter_map(|(port, to)| Some((port, Value::from(to?)))).collect();
        if !on.is_empty() {
            step.insert("on".to_owned(), on.into());
        }
        if let Some((x, y)) = state.at {
            step.insert("ui".to_owned(), json!({"x": x + STEP_WIDTH * made.len() as f64, "y": y}));
        }
        made.push((id.clone(), kind));
        self.steps.insert(id, step.into());
    }

    fn finish_widget(&mut self, i: usize, mut notes: Notes) {
        let (Some(state), Some(made)) = (self.source.states.get(i), self.made.get(i)) else { return };
        for way in &state.transitions {
            if let Some(dangling) = &way.dangling {
                let (event, dangling) = (quoted(&way.event), quoted(dangling));
                notes.attention(format!("{event} leads to {dangling}, and there is no such widget."));
            }
        }
        let steps: Vec<String> = made.iter().map(|(id, _)| id.clone()).collect();
        let shown: Vec<String> = made.iter().take(5).map(|(id, kind)| format!("{kind} `{id}`")).collect();
        let more = if made.len() > shown.len() { ", …" } else { "" };
        let shown = shown.join(", ") + more;
        let (outcome, first) = match state.kind.as_str() {
            "record-voicemail" => {
                (Outcome::LeftOut, format!("There are no mailboxes yet; {shown} stands in for it."))
            }
            "enqueue-call" | "send-to-flex" => {
                (Outcome::LeftOut, format!("There are no queues yet; {shown} stands in for it."))
            }
            _ if notes.needs_attention() => (Outcome::Attention, format!("Became {shown}.")),
            _ => (Outcome::Mapped, format!("Became {shown}.")),
        };
        let line = line(state, outcome, steps, notes.after(first));
        if let Some(slot) = self.lines.get_mut(i) {
            *slot = Some(line);
        }
    }

    /// The steps, and a line for each widget.
    pub fn finish(mut self, entry: usize) -> (Map<String, Value>, Vec<Line>) {
        let lines = std::mem::take(&mut self.lines);
        let lines = lines.into_iter().enumerate().map(|(i, line)| match line {
            Some(line) => line,
            None => self.line_without_step(i, entry),
        });
        let lines = lines.collect();
        (with_unique_names(self.steps), lines)
    }

    fn line_without_step(&self, i: usize, entry: usize) -> Line {
        let Some(state) = self.source.states.get(i) else { return missing_line() };
        let steps = self.made.get(i).map(|made| made.iter().map(|(id, _)| id.clone()).collect());
        let steps: Vec<String> = steps.unwrap_or_default();
        if i == self.source.start && state.kind == "trigger" {
            return self.trigger_line(state, entry, steps);
        }
        if self.reached.get(i) != Some(&true) {
            let sentence = "No call comes here any more: all that leads here is left out.";
            return line(state, Outcome::LeftOut, steps, sentence.to_owned());
        }
        match self.plans.get(i) {
            Some(Plan::Menu) => {
                let menu = self.menus.iter().find(|(_, split)| **split == i);
                let menu = menu.and_then(|(gather, _)| self.ids.get(*gather)).cloned().unwrap_or_default();
                let sentence = format!("Its keys are the options of menu `{menu}`.");
                line(state, Outcome::Mapped, vec![menu], sentence)
            }
            Some(Plan::Pass(reason)) => {
                let mut sentence = (*reason).to_owned();
                let on = self.way_on(i).and_then(|to| self.source.states.get(to));
                sentence.push_str(&match on {
                    Some(to) => format!(" Calls go on at {}.", quoted(&to.name)),
                    None => " Calls end here.".to_owned(),
                });
                let notes = self.splits.get(&i).map(|split| split.notes.clone()).unwrap_or_default();
                line(state, Outcome::LeftOut, steps, notes.after(sentence))
            }
            Some(Plan::Step) | None => missing_line(),
        }
    }

    fn trigger_line(&self, state: &State, entry: usize, steps: Vec<String>) -> Line {
        let mut notes = Notes::default();
        if state.next("incomingCall").is_none() && state.next("incomingParent").is_none() {
            notes.attention("It takes no incoming calls; they begin where requests to make a call did.");
        }
        let ignored = |event: &str| state.next(event).is_some() && trigger_way(state) != state.next(event);
        if ["incomingMessage", "incomingConversationMessage"].iter().any(|event| ignored(event)) {
            notes.remark("What it does with messages is left out.");
        }
        let name = self.source.states.get(entry).map(|state| quoted(&state.name)).unwrap_or_default();
        let outcome = if notes.needs_attention() { Outcome::Attention } else { Outcome::Mapped };
        line(state, outcome, steps, notes.after(format!("Calls enter at {name}.")))
    }

    /// Translated text for a field.
    pub fn text(&mut self, text: &str, chars_max: usize, notes: &mut Notes) -> String {
        let text = self.liquid.translate(text, Place::Text, notes);
        cut(text, chars_max, notes)
    }
}

fn line(state: &State, outcome: Outcome, steps: Vec<String>, sentence: String) -> Line {
    Line { widget: state.name.clone(), kind: state.kind.clone(), outcome, steps, sentence }
}

/// Of a widget that is not there; no place leads here.
fn missing_line() -> Line {
    let (widget, kind, sentence) = (String::new(), String::new(), String::new());
    Line { widget, kind, outcome: Outcome::LeftOut, steps: Vec::new(), sentence }
}

/// The variable with the keys of a gather.
pub(super) fn digits(id: &str) -> String {
    format!("{id}_digits")
}

/// The variable with the reply to a request.
pub(super) fn reply(id: &str) -> String {
    format!("{id}_reply")
}

/// At most so many characters of a template, which still parses.
pub(super) fn cut(mut text: String, chars_max: usize, notes: &mut Notes) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text };
    notes.attention(format!("Its text was cut to {chars_max} characters."));
    text.truncate(end);
    if Template::parse(&text).is_err()
        && let Some(open) = text.rfind("{{")
    {
        text.truncate(open);
    }
    text
}

/// Takes the name off each step whose name another one has, or whose name is the id of another, since a step without a
/// name goes by its id.
fn with_unique_names(mut steps: Map<String, Value>) -> Map<String, Value> {
    let ids: HashSet<String> = steps.keys().cloned().collect();
    let mut names = HashSet::new();
    for (id, step) in &mut steps {
        let name = step.get("name").and_then(Value::as_str).map(str::to_lowercase);
        let keeps = name.is_some_and(|name| (name == *id || !ids.contains(&name)) && names.insert(name));
        if !keeps && let Some(step) = step.as_object_mut() {
            step.shift_remove("name");
        }
    }
    steps
}
