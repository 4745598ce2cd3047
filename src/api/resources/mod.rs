//! The routes of the API by subject.

mod audit;
pub mod call;
mod flow;
mod session;
mod setup;
pub mod simulation;
mod token;
mod user;

use super::route::Route;

/// All routes below `/api/v1`.
pub fn routes() -> Vec<Route> {
    [
        setup::routes(),
        session::routes(),
        user::routes(),
        token::routes(),
        audit::routes(),
        call::routes(),
        flow::routes(),
        simulation::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
