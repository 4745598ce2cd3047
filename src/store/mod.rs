//! What is kept outside memory: provisioned files, prompt files, the database, call records on their way to it.

pub mod apply;
pub mod assemble;
pub mod audio_file;
pub mod carriers;
mod cut_off;
pub mod database;
pub mod doubts;
pub mod erasure;
pub mod export;
mod flow_links;
pub mod loader;
pub mod objects;
pub mod outside;
pub mod passwords;
pub mod plan;
pub mod prompts;
pub mod provision;
pub mod record_export;
pub mod records;
pub mod restore;
pub mod retention;
#[cfg(test)]
mod sample_sound;
pub mod setup_findings;
pub mod spool;
pub mod uploader;
