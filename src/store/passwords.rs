//! Passwords of agents and trunks for objects out of the database, which keeps no secret: by the files that they refer to,
//! and those that stand in the provisioned files themselves.

use super::objects::{Kind, Object};
use crate::config::reader::Document;
use crate::sip::digest::Password;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Longest password file, in bytes: a password in it has some dozen.
const FILE_BYTES_MAX: usize = 1_024;

/// What helps where a file of a password cannot be read.
pub const REMEDY: &str =
    "write the password into that file, let the server's user read it, and send SIGHUP to the server";

/// Where passwords are.
#[derive(Clone, Default, Debug)]
pub struct Passwords {
    /// What `${file:PATH}` is relative to.
    folder: Option<PathBuf>,
    /// Those that stand in `agents.toml` and `trunks.toml`, by kind and id.
    written: HashMap<(Kind, String), Password>,
}

impl Passwords {
    /// Of a provisioned folder. What is wrong with its files is said where they are provisioned.
    pub fn of(folder: Option<&Path>) -> Passwords {
        let mut written = HashMap::new();
        for kind in [Kind::Agent, Kind::Trunk] {
            let Some(path) = folder.map(|folder| folder.join(kind.file())) else { continue };
            let Some(text) = read(&path, usize::MAX) else { continue };
            let document = Document::parse(&path, &text);
            for section in document.root().sections(kind.word()) {
                section.accept_rest();
                let password = section.reference("password").filter(|text| file_of(text).is_none());
                if let (Some(id), Some(password)) = (section.text("id"), password) {
                    written.insert((kind, id), Password::new(&password));
                }
            }
        }
        Passwords { folder: folder.map(Path::to_owned), written }
    }

    /// The file that a document refers to for its password, where that cannot be read.
    pub fn unreadable(&self, document: &Value) -> Option<PathBuf> {
        let path = self.place(document.get("password").and_then(Value::as_str).and_then(file_of)?);
        read(&path, FILE_BYTES_MAX).is_none().then_some(path)
    }

    fn place(&self, path: &str) -> PathBuf {
        self.folder.as_deref().unwrap_or(Path::new("")).join(path)
    }

    /// Puts an object's password into it.
    pub fn fill(&self, kind: Kind, id: &str, document: &Value, object: &mut Object) {
        let reference = document.get("password").and_then(Value::as_str).and_then(file_of);
        let password = match reference {
            Some(path) => {
                let path = self.place(path);
                let found = read(&path, FILE_BYTES_MAX);
                if found.is_none() {
                    let (kind, file) = (kind.word(), path.display());
                    tracing::error!(kind, id, %file, "a password cannot be read, and its account is without: {REMEDY}");
                }
                found.map(|text| Password::new(text.trim_end()))
            }
            None => self.written.get(&(kind, id.to_owned())).cloned(),
        };
        match object {
            Object::Agent(agent) => agent.password = password,
            Object::Trunk(trunk) => {
                if let Some(login) = &mut trunk.login {
                    login.password = password;
                }
            }
            _ => {}
        }
    }
}

fn file_of(text: &str) -> Option<&str> {
    text.strip_prefix("${file:")?.strip_suffix('}')
}

#[expect(clippy::disallowed_methods, reason = "passwords are read when a snapshot is built")]
fn read(path: &Path, bytes_max: usize) -> Option<String> {
    std::fs::read_to_string(path).ok().filter(|text| text.len() <= bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::snapshot::Trunk;
    use crate::call::trunk::Login;
    use serde_json::json;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test writes the files")]
    fn passwords_come_from_the_file_they_refer_to_or_from_the_provisioned_files() {
        let folder = std::env::temp_dir().join(format!("cordboard-passwords-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pw"), "from a file\n").unwrap();
        let toml = "[[trunk]]\nid = \"a\"\nusername = \"u\"\npassword = \"written\"\n[[trunk]]\nid = \"b\"\npassword = \"${file:pw}\"\n";
        std::fs::write(folder.join("trunks.toml"), toml).unwrap();
        let passwords = Passwords::of(Some(&folder));
        for (id, document, expected) in [
            ("a", json!({}), Some("written")),
            ("b", json!({"password": "${file:pw}"}), Some("from a file")),
            ("c", json!({}), None),
            ("d", json!({"password": "${file:missing}"}), None),
        ] {
            let login =
                Login { username: "u".into(), auth_username: "u".into(), password: None, realm: None };
            let mut object = Object::Trunk(Box::new(Trunk { login: Some(login), ..Trunk::default() }));
            passwords.fill(Kind::Trunk, id, &document, &mut object);
            let Object::Trunk(trunk) = object else { panic!("a trunk") };
            assert_eq!(trunk.login.unwrap().password, expected.map(Password::new), "{id}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
