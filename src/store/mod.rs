//! What is kept outside memory: provisioned files, prompt files, call records.

pub mod assemble;
pub mod audio_file;
pub mod database;
mod flow_links;
pub mod objects;
pub mod prompts;
pub mod provision;
pub mod records;
