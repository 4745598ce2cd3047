//! The commands beside `serve`.

pub mod check;
pub mod dtmf;
pub mod flow;
pub mod import_studio;
pub mod route;
