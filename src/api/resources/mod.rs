//! The routes of the API by subject.

mod audit;
mod ban;
pub mod call;
pub mod call_media;
mod call_trace;
mod carrier;
mod crm;
mod diff;
mod erasure;
mod finding;
mod flow;
mod flow_test;
mod object;
pub mod prompt;
mod publish;
mod record;
pub mod record_export;
mod record_filter;
mod registration;
mod report;
mod route;
mod schedule_state;
mod session;
mod setup;
pub mod simulation;
mod speech;
mod store;
mod studio;
mod token;
mod trunk_state;
mod user;

use super::route::Route;

/// All routes below `/api/v1`.
pub fn routes() -> Vec<Route> {
    let subjects = [
        setup::routes(),
        session::routes(),
        user::routes(),
        token::routes(),
        audit::routes(),
        object::routes(),
        finding::routes(),
        crm::routes(),
        flow::routes(),
        studio::routes(),
        publish::routes(),
        diff::routes(),
        flow_test::routes(),
        prompt::routes(),
        speech::routes(),
        simulation::routes(),
        route::routes(),
        call::routes(),
        call_media::routes(),
        call_trace::routes(),
        record::routes(),
        record_export::routes(),
        erasure::routes(),
        report::routes(),
        schedule_state::routes(),
        trunk_state::routes(),
        registration::routes(),
        carrier::routes(),
        ban::routes(),
    ];
    subjects.into_iter().flatten().collect()
}
