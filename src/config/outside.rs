//! What of the outside world flows may ask: web services, text messages, the CRM, and the secrets for them.

use super::crm::{Crm, System, Webhook};
use super::reader::Section;
use std::collections::BTreeMap;

/// Most secrets: one for each system that flows ask, with room.
const SECRETS_MAX: usize = 500;

/// `[http_client]`, `[sms]`, `[crm]`, `[salesforce]`, `[webhook]` and `[secrets]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// Hosts, with a port where it is not the usual one, that may be asked over plain HTTP and at private addresses.
    pub allowed_hosts: Vec<String>,
    /// Where text messages are posted to.
    pub sms: Option<SmsProvider>,
    pub crm: Option<Crm>,
    pub webhook: Option<Webhook>,
    /// By name. Values are never shown.
    pub secrets: BTreeMap<String, Secret>,
}

/// What flows name and do not see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub value: String,
    /// Hosts that it may be sent to; any, where absent. Whoever draws flows could send it to a host of his own.
    pub hosts: Option<Vec<String>>,
}

/// A provider of text messages that takes `To`, `From` and `Body` as a form.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsProvider {
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<String>,
}

pub(super) fn read(root: &Section<'_>) -> Outside {
    let client = root.section("http_client");
    let allowed_hosts = client.texts("allow").unwrap_or_default();
    for host in &allowed_hosts {
        if host.is_empty() || host.contains(['/', '@', ' ', '*']) {
            client.error("allow", format!("\"{host}\" is no host"), "crm.internal or 127.0.0.1:9000");
        }
    }
    let sms = root.section("sms");
    let token = sms.text("token");
    let sms = url(&sms, "url").map(|url| SmsProvider { url, token });
    let crm = super::crm::read(root);
    let webhook = super::crm::read_webhook(root);
    let section = root.section("secrets");
    let secrets = section.all_texts();
    if secrets.len() > SECRETS_MAX {
        section.error("", format!("has {} entries", secrets.len()), format!("at most {SECRETS_MAX}"));
    }
    let hosts_section = root.section("secret_hosts");
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, list) in hosts_section.all_texts() {
        if !secrets.iter().any(|(known, _)| *known == name) {
            hosts_section.error(&name, "there is no secret of that name", "name one of [secrets]");
        }
        let list = list.split(',').map(|host| host.trim().to_ascii_lowercase());
        hosts.insert(name, list.filter(|host| !host.is_empty()).collect());
    }
    let secret = |(name, value): (String, String)| {
        let hosts = hosts.remove(&name);
        (name, Secret { value, hosts })
    };
    let secrets = secrets.into_iter().map(secret).collect();
    Outside { allowed_hosts, sms, crm, webhook, secrets }
}

pub(super) fn url(section: &Section<'_>, key: &'static str) -> Option<String> {
    let url = section.text(key)?;
    let is_web =
        ["https://", "http://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    if !is_web || url.contains(char::is_whitespace) {
        section.error(key, format!("\"{url}\" is no web address"), "https://HOST/PATH");
        return None;
    }
    Some(url)
}

impl std::fmt::Debug for Outside {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outside")
            .field("allowed_hosts", &self.allowed_hosts)
            .field(
                "crm",
                &self.crm.as_ref().map(|crm| match &crm.system {
                    System::Bridge(bridge) => &bridge.url,
                    System::Salesforce(salesforce) => &salesforce.login_url,
                }),
            )
            .field("webhook", &self.webhook.as_ref().map(|webhook| &webhook.url))
            .field("sms", &self.sms.as_ref().map(|sms| &sms.url))
            .field("secrets", &self.secrets.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Document, Finding};
    use std::path::Path;

    #[test]
    fn secrets_are_read_and_never_printed() {
        let text = "[secrets]\ncrm = \"topsecret\"\n[secret_hosts]\ncrm = \"CRM.example\"\n[http_client]\nallow = [\"127.0.0.1:9000\"]\n[sms]\nurl = \"https://sms.example/send\"\ntoken = \"hidden\"\n";
        let document = Document::parse(Path::new("x.toml"), text);
        let outside = read(&document.root());
        assert_eq!(document.into_findings(), []);
        assert_eq!(outside.secrets["crm"].value, "topsecret");
        assert_eq!(outside.secrets["crm"].hosts.as_deref(), Some(&["crm.example".to_owned()][..]));
        let printed = format!("{outside:?}");
        assert!(printed.contains("crm") && !printed.contains("topsecret") && !printed.contains("hidden"));
    }

    #[test]
    fn what_is_no_host_and_no_web_address_is_said() {
        for (text, expected) in [
            ("[http_client]\nallow = [\"http://x/\"]", "is no host"),
            ("[sms]\nurl = \"ftp://x\"", "is no web address"),
            ("[crm]\nbridge = \"https://\"", "is no web address"),
            ("[secrets]\nx = 1", "a string is wanted"),
            ("[secret_hosts]\nx = \"a.example\"", "there is no secret of that name"),
        ] {
            let document = Document::parse(Path::new("x.toml"), text);
            read(&document.root());
            let findings: Vec<_> = document.into_findings().iter().map(Finding::to_string).collect();
            assert!(findings.iter().any(|found| found.contains(expected)), "{text}: {findings:?}");
        }
    }
}
