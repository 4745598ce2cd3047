//! The routes of the API by subject.

mod audit;
pub mod call;
mod flow;
mod record;
mod route;
mod session;
mod setup;
pub mod simulation;
mod token;
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
        flow::routes(),
        simulation::routes(),
        route::routes(),
        call::routes(),
        record::routes(),
    ];
    subjects.into_iter().flatten().collect()
}
