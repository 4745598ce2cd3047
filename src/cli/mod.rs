//! The commands beside `serve`.

pub mod check;
pub mod dtmf;
pub mod flow;
pub mod route;

/// Without control characters: what was dialled, or stands in a file, must not write to a terminal as it likes.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
