//! Builds the crate anew when the console was built anew: its files are embedded.

fn main() {
    println!("cargo:rerun-if-changed=web/dist");
}
