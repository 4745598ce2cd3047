//! cordboard
fn main() {}
