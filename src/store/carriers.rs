//! What a trunk of a known carrier or PBX begins with: the files of `config/carriers`, embedded.

use crate::config::reader::camel_case;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// By their names. A test holds that each file of the folder is here.
const FILES: [(&str, &str); 14] = [
    ("3cx", include_str!("../../config/carriers/3cx.toml")),
    ("asterisk", include_str!("../../config/carriers/asterisk.toml")),
    ("avaya", include_str!("../../config/carriers/avaya.toml")),
    ("bandwidth", include_str!("../../config/carriers/bandwidth.toml")),
    ("chime", include_str!("../../config/carriers/chime.toml")),
    ("cucm", include_str!("../../config/carriers/cucm.toml")),
    ("didww", include_str!("../../config/carriers/didww.toml")),
    ("freeswitch", include_str!("../../config/carriers/freeswitch.toml")),
    ("mitel", include_str!("../../config/carriers/mitel.toml")),
    ("teams", include_str!("../../config/carriers/teams.toml")),
    ("telnyx", include_str!("../../config/carriers/telnyx.toml")),
    ("twilio", include_str!("../../config/carriers/twilio.toml")),
    ("vonage", include_str!("../../config/carriers/vonage.toml")),
    ("zoom", include_str!("../../config/carriers/zoom.toml")),
];

/// A carrier or PBX that was looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct Carrier {
    /// The name of its file.
    pub id: &'static str,
    pub name: String,
    pub kind: Kind,
    /// What is special about it, in a sentence or two.
    pub about: String,
    /// Keys of a trunk that only whoever sets it up knows, as documents have them.
    pub needs: Vec<String>,
    /// What to mind.
    pub notes: Vec<String>,
    /// What the document of a trunk begins with, without its id.
    pub trunk: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Carrier,
    Pbx,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    kind: Kind,
    about: String,
    needs: Vec<String>,
    notes: Vec<String>,
    trunk: toml::Table,
}

/// All of them, by their names.
pub fn all() -> &'static [Carrier] {
    static ALL: LazyLock<Vec<Carrier>> = LazyLock::new(|| {
        let read = FILES.iter().filter_map(|(id, text)| match read(id, text) {
            Ok(carrier) => Some(carrier),
            Err(error) => {
                tracing::error!(carrier = id, %error, "a preset that is built in cannot be read");
                None
            }
        });
        let mut all: Vec<Carrier> = read.collect();
        all.sort_by_key(|carrier| carrier.name.to_lowercase());
        all
    });
    &ALL
}

fn read(id: &'static str, text: &str) -> Result<Carrier, toml::de::Error> {
    let File { name, kind, about, needs, notes, trunk } = toml::from_str(text)?;
    let value = |value: &toml::Value| serde_json::to_value(value).unwrap_or_default();
    let trunk = trunk.iter().map(|(key, of)| (camel_case(key), value(of))).collect();
    let needs = needs.iter().map(|key| camel_case(key)).collect();
    Ok(Carrier { id, name, kind, about, needs, notes, trunk })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::objects::{Kind as ObjectKind, check};
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn each_file_of_the_folder_is_built_in_and_can_be_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/carriers");
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let on_disk: BTreeSet<String> =
            files.map(|file| file.path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let built_in: BTreeSet<String> = FILES.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(on_disk, built_in);
        for (id, text) in FILES {
            assert!(read(id, text).is_ok(), "{id}");
        }
        assert_eq!(all().len(), FILES.len());
        assert!(all().is_sorted_by_key(|carrier| carrier.name.to_lowercase()));
    }

    #[test]
    fn a_trunk_made_of_a_carriers_preset_has_nothing_wrong_with_it() {
        for carrier in all() {
            let mut trunk = carrier.trunk.clone();
            trunk.insert("id".to_owned(), carrier.id.into());
            for need in &carrier.needs {
                let value = match need.as_str() {
                    "match" => json!(["192.0.2.0/24"]),
                    "host" => json!("sip.carrier.example:5060"),
                    "defaultCountry" => json!("US"),
                    "fromDomain" => json!("acme.carrier.example"),
                    "username" => json!("acme"),
                    "password" => json!("${file:carrier.secret}"),
                    other => panic!("{} needs {other}", carrier.id),
                };
                trunk.insert(need.clone(), value);
            }
            let findings = match check(ObjectKind::Trunk, &Value::Object(trunk)) {
                Ok((_, _, findings)) | Err(findings) => findings,
            };
            assert_eq!(findings, [], "{}", carrier.id);
        }
    }
}
