//! The routes of the API by subject.

mod audit;
pub mod call;
mod session;
mod setup;
mod token;
mod user;

use super::route::Route;

/// All routes below `/api/v1`.
pub fn routes() -> Vec<Route> {
    [setup::routes(), session::routes(), user::routes(), token::routes(), audit::routes(), call::routes()]
        .into_iter()
        .flatten()
        .collect()
}
