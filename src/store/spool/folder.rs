//! The folder of the spool, on the disk by name as well: a folder is found after a power cut where its parent was written.

use std::fs::File;
use std::path::{Path, PathBuf};

/// Makes a folder with those above it, and waits until the disk has the names of all that are new.
pub fn make(folder: &Path) -> std::io::Result<()> {
    let parents = parents_of_new(folder, Path::exists);
    std::fs::create_dir_all(folder)?;
    parents.iter().try_for_each(|parent| sync(parent))
}

/// Waits until the disk has the names of what lies in a folder.
#[expect(clippy::disallowed_methods, reason = "the folder of waiting call records")]
pub fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folders in which a folder or one above it will be new, the uppermost first.
fn parents_of_new(folder: &Path, exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let new = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !exists(path));
    let parents = new.filter_map(Path::parent).map(|parent| match parent.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => parent.to_owned(),
    });
    let mut parents: Vec<PathBuf> = parents.collect();
    parents.reverse();
    parents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::testing::Folder;

    #[test]
    fn each_folder_that_is_new_is_written_into_the_one_above_it() {
        for (folder, known, expected) in [
            ("/a/b/c", &["/", "/a"][..], &["/a", "/a/b"][..]),
            ("/a/b", &["/", "/a", "/a/b"], &[]),
            ("a/b", &[], &[".", "a"]),
            ("a", &[], &["."]),
        ] {
            let parents =
                parents_of_new(Path::new(folder), |path| known.iter().any(|k| Path::new(k) == path));
            assert_eq!(parents, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{folder}");
        }
    }

    #[test]
    fn a_folder_is_made_with_those_above_it_and_may_be_there() {
        let folder = Folder::new("spool-parents");
        let deep = folder.0.join("a/b/c");
        make(&deep).unwrap();
        make(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
