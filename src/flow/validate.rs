//! Checks that need the whole graph. What a single field can do wrong is found where it is read.

use super::finding::{Code, nearest, quoted};
use super::graph::{Draft, Resources, Settings, Way, way};
use super::port::Port;
use super::reading::{Read, Reading, known_words};
use super::step::{Config, repeat};
use super::variables::{
    CALL_FIELDS, CONTACT_FIELDS, DIAL_FIELDS, ERROR_FIELDS, FLOW_FIELDS, OWNER_ID, QUEUE_VARIABLES,
};
use super::web_address::{is_allowed, needs_leave};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Reachability, dead ends, cycles, and variables that are read before they are set. Says of each step whether a
/// call can come to it without having waited for the caller or a leg.
pub(super) fn graph(
    drafts: &[Draft],
    entry: Option<usize>,
    settings: &Settings,
    reading: &mut Reading,
) -> Vec<bool> {
    let mut ways: Vec<Vec<usize>> = drafts.iter().map(|draft| ways_out(draft, settings, true)).collect();
    // A loop ends with its list: no circle through a body runs for ever, unless there is one without it.
    let past_bodies: Vec<Vec<usize>> = drafts.iter().map(|draft| ways_out(draft, settings, false)).collect();
    let in_bodies = body_steps(drafts, &ways, &past_bodies, entry, settings);
    for draft in drafts {
        if matches!(draft.config, Some(Config::Loop(_))) && connected(draft, Port::Body).is_none() {
            repeat::without_body(&draft.id, reading);
        }
    }
    if let Some(entry) = entry {
        unreachable_steps(drafts, &ways, entry, settings, reading);
        for (step, loops) in in_bodies.iter().enumerate() {
            if let Some(ways) = ways.get_mut(step) {
                ways.extend(loops);
            }
        }
        early_reads(&ways, entry, reading);
    }
    let continues = |draft: &Draft| matches!(&draft.config, Some(Config::Dial(dial)) if dial.continues);
    let can_break = drafts.iter().any(continues);
    for (draft, loops) in drafts.iter().zip(&in_bodies) {
        // What ends in the body of a loop goes on with the next item.
        if loops.is_empty() {
            dead_ends(draft, settings, can_break, reading);
        }
    }
    runaway_cycles(drafts, &past_bodies, reading);
    let waits = |draft: &Draft| {
        draft.config.as_ref().is_some_and(|config| config.waits() && !matches!(config, Config::Subflow(_)))
    };
    let ways_at_once: Vec<Vec<usize>> =
        drafts.iter().zip(ways).map(|(draft, ways)| if waits(draft) { Vec::new() } else { ways }).collect();
    reached(&ways_at_once, entry.into_iter().collect())
}

/// For each step that is reached only through the body of a loop, the loops whose bodies lead to it.
fn body_steps(
    drafts: &[Draft],
    ways: &[Vec<usize>],
    past_bodies: &[Vec<usize>],
    entry: Option<usize>,
    settings: &Settings,
) -> Vec<Vec<usize>> {
    let outside = reached(past_bodies, settings.fallback.into_iter().chain(entry).collect());
    let mut in_bodies = vec![Vec::new(); drafts.len()];
    for (step, draft) in drafts.iter().enumerate() {
        let Some(body) = connected(draft, Port::Body) else { continue };
        let inside = reached(ways, vec![body]);
        for (i, loops) in in_bodies.iter_mut().enumerate() {
            if inside.get(i) == Some(&true) && outside.get(i) == Some(&false) {
                loops.push(step);
            }
        }
    }
    in_bodies
}

/// The steps that can be reached from some.
fn reached(ways: &[Vec<usize>], mut open: Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; ways.len()];
    while let Some(step) = open.pop() {
        if let Some(reached) = reached.get_mut(step).filter(|reached| !**reached) {
            *reached = true;
            open.extend(ways.get(step).into_iter().flatten());
        }
    }
    reached
}

/// E05.
pub(super) fn references(resources: &Resources, reading: &mut Reading) {
    let mut check = |what: &str, known: &Option<BTreeSet<String>>, named: Vec<(String, String)>| {
        let Some(known) = known else { return };
        for (id, pointer) in named.into_iter().filter(|(id, _)| !known.contains(id)) {
            if reading.report.is_full() {
                break;
            }
            let remedy = match nearest(&id, known.iter().map(String::as_str)) {
                Some(near) => format!("Did you mean `{near}`?"),
                None if what == "secret" => {
                    "Add it to [secrets] in the configuration, or name another.".to_owned()
                }
                None => format!("Add the {what}, or name another."),
            };
            reading.report.add(Code::E05, pointer, format!("There is no {what} {}.", quoted(&id)), remedy);
        }
    };
    check("agent", &resources.agents, std::mem::take(&mut reading.agents));
    check("prompt", &resources.prompts, reading.prompts.clone());
    check("list of callers", &resources.lists, std::mem::take(&mut reading.lists));
    check("secret", &resources.secrets, std::mem::take(&mut reading.secrets));
    check("call flow", &resources.flows, std::mem::take(&mut reading.flows));
    check("schedule", &resources.schedules, std::mem::take(&mut reading.schedules));
    web_addresses(resources, reading);
}

/// W12.
fn web_addresses(resources: &Resources, reading: &mut Reading) {
    for (url, pointer) in std::mem::take(&mut reading.web_addresses) {
        let Some((why, host)) = needs_leave(&url) else { continue };
        let (host, remedy) = (
            quoted(&host),
            format!(
                "Add `{host}` to `allow` in [http_client] of the configuration, or ask a public host over https."
            ),
        );
        let message = match &resources.allowed_hosts {
            Some(allowed) if is_allowed(&url, allowed) => continue,
            Some(_) => {
                format!("The server refuses to ask {host}: {why}, and [http_client] allow does not name it.")
            }
            None => format!("The server asks {host} only where its configuration allows it: {why}."),
        };
        reading.report.add(Code::W12, pointer, message, remedy);
    }
}

/// W13.
pub(super) fn services(drafts: &[Draft], resources: &Resources, reading: &mut Reading) {
    for (is_there, needs_it, message, remedy) in [
        (
            resources.sends_messages,
            (|config| matches!(config, Config::Sms(_))) as fn(&Config) -> bool,
            "No text message can be sent from here: the configuration has no [sms].",
            "Add [sms] with the `url` of a provider to the configuration, or take the step out.",
        ),
        (
            resources.asks_crm,
            |config| match config {
                Config::Query(_) | Config::Callout(_) => true,
                Config::Dial(dial) => dial.rings_owner(),
                _ => false,
            },
            "No CRM can be asked from here: the configuration has no [salesforce] and no [crm].",
            "Add [salesforce], or [crm] with the `bridge` that answers, to the configuration, or take the step out.",
        ),
    ] {
        if is_there != Some(false) {
            continue;
        }
        for draft in drafts {
            if draft.config.as_ref().is_some_and(needs_it) {
                reading.report.add(Code::W13, format!("/steps/{}/type", draft.id), message, remedy);
            }
        }
    }
}

/// W11. No step of this version can ask for consent.
pub(super) fn no_consent(pointer: String, reading: &mut Reading) {
    reading.report.add(
        Code::W11,
        pointer,
        "Recording is on, and nothing tells the caller so.",
        "Say it in a greeting before the call is recorded.",
    );
}

/// The steps that may follow. A step error that leads nowhere of its own is left out: it would draw an edge from
/// every step, the fallback itself included, to the fallback.
fn ways_out(draft: &Draft, settings: &Settings, bodies: bool) -> Vec<usize> {
    let Some(config) = &draft.config else {
        return draft.on.iter().filter_map(|edge| edge.target).collect();
    };
    let mut ways: Vec<usize> = ports(config)
        .filter(|port| bodies || *port != Port::Body)
        .filter_map(|port| match way(|port| connected(draft, port), port, settings.fallback, config) {
            Way::Connected(step) => Some(step),
            Way::StandIn(step) | Way::Fallback(step) if port != Port::Error => Some(step),
            _ => None,
        })
        .collect();
    ways.extend(connected(draft, Port::NoResponse));
    ways.sort_unstable();
    ways.dedup();
    ways
}

/// The ports that can be taken.
fn ports(config: &Config) -> impl Iterator<Item = Port> {
    let ends = matches!(config, Config::Dial(dial) if !dial.continues);
    config.ports().into_iter().filter(move |port| *port != Port::AfterCall || !ends)
}

fn connected(draft: &Draft, port: Port) -> Option<usize> {
    draft.on.iter().find(|edge| edge.port == Some(port)).and_then(|edge| edge.target)
}

/// W01.
fn unreachable_steps(
    drafts: &[Draft],
    ways: &[Vec<usize>],
    entry: usize,
    settings: &Settings,
    reading: &mut Reading,
) {
    let reached = reached(ways, settings.fallback.into_iter().chain([entry]).collect());
    for (draft, _) in drafts.iter().zip(&reached).filter(|(_, reached)| !**reached) {
        reading.report.add(
            Code::W01,
            format!("/steps/{}", draft.id),
            "No way leads to this step.",
            "Connect it, or take it out.",
        );
    }
}

/// W02, W04, W05, W08.
fn dead_ends(draft: &Draft, settings: &Settings, can_break: bool, reading: &mut Reading) {
    let Some(config) = &draft.config else { return };
    let pointer = format!("/steps/{}/on", draft.id);
    let falls = |port: Port| way(|port| connected(draft, port), port, settings.fallback, config) == Way::End;
    let is_menu = matches!(config, Config::Menu(_));
    let helpless = match (is_menu, falls(Port::NoInput), falls(Port::Invalid)) {
        (true, true, true) => Some("A caller who presses nothing, or something wrong, leads nowhere."),
        (true, true, false) => Some("A caller who presses nothing leads nowhere."),
        (true, false, true) => Some("A caller who presses something wrong leads nowhere."),
        _ => None,
    };
    if let Some(message) = helpless {
        let remedy = "Connect `no_response`, or set the flow's `fallback`.";
        reading.report.add(Code::W04, pointer.clone(), message, remedy);
    }
    if matches!(config, Config::Dial(_)) && falls(Port::NoAnswer) {
        reading.report.add(
            Code::W05,
            pointer.clone(),
            "Nothing says what happens when nobody answers.",
            "Connect `no_answer` or `no_response`.",
        );
    }
    if matches!(config, Config::Time(_)) && falls(Port::Closed) {
        reading.report.add(
            Code::W08,
            pointer.clone(),
            "Nothing says what happens outside the hours.",
            "Connect `closed`.",
        );
    }
    // Errors are the exception; a warning for each step that has no route for them would drown the others.
    let dead: Vec<_> = ports(config)
        .filter(|port| !matches!(port, Port::Error | Port::Body))
        // Those of a menu were said before.
        .filter(|port| !is_menu || !matches!(port, Port::NoInput | Port::Invalid))
        .filter(|port| (*port != Port::Break || can_break) && falls(*port))
        .map(|port| format!("`{}`", config.port_name(port)))
        .collect();
    if !dead.is_empty() {
        reading.report.add(
            Code::W02,
            pointer,
            format!("{} not connected: there the call ends with \"goodbye\".", are(&dead)),
            "Connect it, or `no_response`, or set the flow's `fallback`.",
        );
    }
}

fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// E11: cycles that are left when all steps that wait are taken out. A depth-first search without recursion;
/// a step met again on the current path closes a cycle.
fn runaway_cycles(drafts: &[Draft], ways: &[Vec<usize>], reading: &mut Reading) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let waits = |step: usize| drafts.get(step).and_then(|d| d.config.as_ref()).is_some_and(Config::waits);
    let mut marks = vec![Mark::New; drafts.len()];
    let mark = |marks: &mut Vec<Mark>, step: usize, new: Mark| {
        if let Some(mark) = marks.get_mut(step) {
            *mark = new;
        }
    };
    for start in 0..drafts.len() {
        if marks.get(start) != Some(&Mark::New) || waits(start) {
            continue;
        }
        let mut path = vec![(start, 0)];
        mark(&mut marks, start, Mark::OnPath);
        while let Some((step, next)) = path.last_mut() {
            let step = *step;
            let to = ways.get(step).and_then(|ways| ways.get(*next)).copied();
            *next += 1;
            match to {
                None => {
                    mark(&mut marks, step, Mark::Done);
                    path.pop();
                }
                Some(to) if waits(to) => {}
                Some(to) => match marks.get(to) {
                    Some(Mark::New) => {
                        mark(&mut marks, to, Mark::OnPath);
                        path.push((to, 0));
                    }
                    Some(Mark::OnPath) => {
                        let cycle = path.iter().map(|(step, _)| *step).skip_while(|step| *step != to);
                        report_cycle(cycle.collect(), drafts, reading);
                    }
                    _ => {}
                },
            }
        }
    }
}

fn report_cycle(cycle: Vec<usize>, drafts: &[Draft], reading: &mut Reading) {
    const SHOWN_MAX: usize = 10;
    let ids: Vec<_> =
        cycle.iter().filter_map(|step| drafts.get(*step)).map(|draft| draft.id.as_str()).collect();
    let Some(first) = ids.first() else { return };
    let shown = ids.iter().take(SHOWN_MAX).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" → ");
    let rest = if ids.len() > SHOWN_MAX { " → …" } else { "" };
    reading.error(
        Code::E11,
        &format!("/steps/{first}"),
        format!(
            "The call can go round {shown}{rest} → `{first}` without ever waiting for the caller or an agent."
        ),
        "Put a menu, a prompt or a dial into the circle, or break it.",
    );
}

/// W03 and W07: for each step the variables that some path to it may have set, as sets of bits, until nothing
/// changes any more.
fn early_reads(ways: &[Vec<usize>], entry: usize, reading: &mut Reading) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for (_, name) in &reading.writes {
        let next = numbers.len();
        numbers.entry(name).or_insert(next);
    }
    let words = numbers.len().div_ceil(64);
    let mut sets = vec![vec![0u64; words]; ways.len()];
    for (step, name) in &reading.writes {
        let number = numbers.get(name.as_str()).copied().unwrap_or(0);
        if let Some(word) = sets.get_mut(*step).and_then(|set| set.get_mut(number / 64)) {
            *word |= 1 << (number % 64);
        }
    }
    // What may be set when a step is entered; `None` where no path has come by.
    let mut before: Vec<Option<Vec<u64>>> = vec![None; ways.len()];
    if let Some(first) = before.get_mut(entry) {
        *first = Some(vec![0; words]);
    }
    let mut open = VecDeque::from([entry]);
    while let Some(step) = open.pop_front() {
        let Some(Some(known)) = before.get(step) else { continue };
        let own = sets.get(step).map(Vec::as_slice).unwrap_or_default();
        let after: Vec<u64> = known.iter().zip(own).map(|(known, own)| known | own).collect();
        for to in ways.get(step).into_iter().flatten() {
            if merge(before.get_mut(*to), &after) {
                open.push_back(*to);
            }
        }
    }
    let findings: Vec<_> = reading
        .reads
        .iter()
        .filter(|read| !read.has_default)
        .filter_map(|read| {
            let may_be_set = |name: &str| {
                // In its own step as well: a set step may read what it set a line before.
                let step = read.step.unwrap_or(usize::MAX);
                let Some(number) = numbers.get(name) else { return false };
                let bit = |set: &Vec<u64>| {
                    set.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
                };
                // A step that no path reaches has its own warning; a setting is read when the call is over.
                match before.get(step) {
                    None | Some(None) => true,
                    Some(Some(known)) => bit(known) || sets.get(step).is_some_and(bit),
                }
            };
            judge_read(read, may_be_set)
        })
        .map(|(code, message, remedy, read)| (code, read.pointer.clone(), message, remedy))
        .collect();
    for (code, pointer, message, remedy) in findings {
        reading.report.add(code, pointer, message, remedy);
    }
}

/// Joins what is known; true where something was new.
fn merge(target: Option<&mut Option<Vec<u64>>>, after: &[u64]) -> bool {
    match target {
        None => false,
        Some(target @ None) => {
            *target = Some(after.to_vec());
            true
        }
        Some(Some(known)) => {
            let mut changed = false;
            for (known, after) in known.iter_mut().zip(after) {
                changed |= *after & !*known != 0;
                *known |= *after;
            }
            changed
        }
    }
}

fn judge_read(read: &Read, may_be_set: impl Fn(&str) -> bool) -> Option<(Code, String, String, &Read)> {
    let field = read.path.get(read.root.len() + 1..).unwrap_or_default();
    let of_group = |known: &[&'static str]| {
        (!known.contains(&field)).then(|| {
            let message = format!("There is no variable {}.", quoted(&read.path));
            (Code::W03, message, known_words(field, known.iter().copied()), read)
        })
    };
    match read.root.as_str() {
        "call" => of_group(&CALL_FIELDS),
        "flow" => of_group(&FLOW_FIELDS),
        "error" => of_group(&ERROR_FIELDS),
        "dial" if !DIAL_FIELDS.contains(&field) => of_group(&DIAL_FIELDS),
        root if QUEUE_VARIABLES.contains(&root) => Some((
            Code::W07,
            format!("`{root}` has a value only directly before a dial to a queue."),
            "Give it a default: {{name | default: \"a few\"}}.".to_owned(),
            read,
        )),
        "contact" => of_group(&CONTACT_FIELDS),
        OWNER_ID => None,
        root if !may_be_set(root) => Some((
            Code::W03,
            format!("No path that leads here sets {}.", quoted(root)),
            "Set it before, or give it a default: {{name | default: \"…\"}}.".to_owned(),
            read,
        )),
        _ => None,
    }
}
