//! The commands beside `serve`.

pub mod check;
pub mod dtmf;
pub mod flow;
pub mod flow_test;
pub mod import_studio;
mod kept_test;
pub mod openapi;
mod plan;
pub mod records;
pub mod restore;
pub mod route;
pub mod store;
pub mod trunk;
