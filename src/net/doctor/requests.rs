//! OPTIONS to each target, and a REGISTER: what their answers mean to an administrator.

use super::step::Found;
use super::{Examination, Kind, Tried};
use crate::call::said::{Said, capital};
use crate::call::trial::{Answered, Why};
use crate::sip::Transport;
use crate::sip::digest::Rejection;
use std::net::IpAddr;
use std::time::Duration;

/// How long an answer is waited for: 16 * T1, in which a request over UDP has gone out four times; calls go on to the next
/// target after the same time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(8);

impl Examination {
    /// Sends an OPTIONS to a target. True where it answers as one that takes calls.
    pub(super) async fn ask(&mut self, tried: &Tried) -> bool {
        let place = Some(tried.words());
        self.steps.running(Kind::Options, place.clone(), "Waiting for the answer to an OPTIONS.").await;
        let answered = self.session.options(tried.target.clone(), ANSWER_TIME_MAX).await;
        let found = options(answered.as_ref(), tried.target.transport, tried.own);
        let is_ok = found.remedy.is_none();
        self.steps.found(Kind::Options, place, found).await;
        is_ok
    }

    pub(super) async fn register(&mut self, tried: &Tried) {
        let Some(wanted) = self.trunk.register else {
            let text = match &self.trunk.login {
                None => {
                    "This server does not register with the trunk, and has no account there: the trunk knows it by its \
                         address."
                }
                Some(_) => {
                    "This server does not register with the trunk; its account is for the challenges to its calls."
                }
            };
            return self.steps.skipped(Kind::Register, text).await;
        };
        let has_password = self.trunk.login.as_ref().is_some_and(|login| login.password.is_some());
        let place = Some(tried.words());
        let text = format!("Registering for {} s.", wanted.as_secs());
        self.steps.running(Kind::Register, place.clone(), text).await;
        let mut answered = self.session.register(tried.target.clone(), None, ANSWER_TIME_MAX).await;
        // RFC 3261 10.2.8: our registration asks for more by itself as well.
        if let Some(Answered { result: Ok(Said { code: 423, .. }), time: Some(least), .. }) = answered {
            answered = self.session.register(tried.target.clone(), Some(least), ANSWER_TIME_MAX).await;
        }
        let found = register(answered.as_ref(), wanted, has_password);
        if found.remedy.is_none() {
            // Our own registration may have been given up: it is known to work now.
            self.session.tell_registered().await;
        }
        self.steps.found(Kind::Register, place, found).await;
    }
}

fn options(answered: Option<&Answered>, transport: Transport, own: Option<IpAddr>) -> Found {
    let own = own.map_or_else(|| "this server's address".to_owned(), |own| own.to_string());
    let said = match answered.map(|answered| (&answered.result, answered.took)) {
        None | Some((Err(Why::Silent), _)) => return silent(transport, &own),
        Some((Ok(said), took)) => {
            let text = format!("It answered {said} after {} ms.", took.as_millis());
            return meaning(said.code, text, &own);
        }
        Some((Err(why), _)) => why,
    };
    match said {
        Why::NotSent(why) => {
            Found::failed(format!("The OPTIONS could not be sent: {why}."), "Look at the trunk's host.")
        }
        _ => Found::failed(
            "The connection broke before there was an answer.",
            "Look into the peer's log why it closes connections from this server.",
        ),
    }
}

fn silent(transport: Transport, own: &str) -> Found {
    let text = format!("No answer within {} s.", ANSWER_TIME_MAX.as_secs());
    let remedy = match transport {
        Transport::Udp => format!(
            "Look whether the port is right, whether a firewall lets UDP through both ways, and whether the provider takes \
             requests from {own}: many drop those of addresses they were not told. Where calls go through all the same, the \
             peer does not answer OPTIONS: leave options_interval_s out."
        ),
        _ => format!(
            "It takes the connection and says nothing: look whether the provider takes requests from {own}, and whether \
             that is its port for SIP."
        ),
    };
    Found::failed(text, remedy)
}

/// RFC 3261 11.2: the answer is the one that an INVITE would get; what is no answer of one who takes calls is a fault.
fn meaning(code: u16, text: String, own: &str) -> Found {
    let note = |note: &str| Found::ok(format!("{text} {note}"));
    match code {
        200..=299 => Found::ok(text),
        300..=399 => note("It is there, and would send calls elsewhere: this server does not follow that."),
        401 | 407 => note("It is there, and wants credentials for OPTIONS too: that keeps no call from it."),
        403 => Found::failed(
            text,
            format!(
                "The peer is there and refuses us: have the provider put {own} on its list of addresses, or enter the \
                 account (username and password) that it gave you."
            ),
        ),
        404 => note(
            "It is there, and knows nobody at the address without a user: that keeps no call from it, unless those get \
             404 too.",
        ),
        405 | 501 => {
            note("It is there, and does not know OPTIONS: that keeps no call from it, and counts as up.")
        }
        408 | 504 => Found::failed(
            text,
            "A proxy answers that gets nothing from behind it: ask the provider, or take another of its hosts.",
        ),
        503 => Found::failed(
            text,
            "It says that it takes no calls now: wait, or ask the provider whether the trunk is switched on and the host \
             the right one.",
        ),
        500 | 502 => {
            Found::failed(text, "It has a fault of its own: ask the provider, with the time of this test.")
        }
        _ => note("It is there: any such answer counts as up."),
    }
}

fn register(answered: Option<&Answered>, wanted: Duration, has_password: bool) -> Found {
    let Some(answered) = answered else { return silent_registrar() };
    let said = match &answered.result {
        Ok(said) => said,
        Err(Why::Silent) => return silent_registrar(),
        Err(Why::NotSent(why)) => {
            return Found::failed(
                format!("The REGISTER could not be sent: {why}."),
                "Look at the trunk's account.",
            );
        }
        Err(_) => {
            return Found::failed(
                "The connection broke before there was an answer.",
                "Look into the registrar's log why it closes connections from this server.",
            );
        }
    };
    let text = format!("It answered {said} after {} ms.", answered.took.as_millis());
    if said.code < 300 {
        let granted = answered.time.unwrap_or(wanted);
        let less =
            if granted < wanted { format!(", asked were {}", wanted.as_secs()) } else { String::new() };
        return Found::ok(format!("{text} Registered for {} s{less}.", granted.as_secs()));
    }
    let (text, remedy) = refused(said, answered.rejection, has_password, text);
    Found::failed(text, remedy)
}

fn refused(said: &Said, rejection: Option<Rejection>, has_password: bool, text: String) -> (String, String) {
    let remedy = match (said.code, rejection) {
        (401 | 407, _) if !has_password => {
            return (
                format!(
                    "{text} Credentials are wanted, and there is no password: its file could not be read."
                ),
                "Look at the file that password = \"${file:…}\" names, and who may read it.".to_owned(),
            );
        }
        (401 | 407, Some(Rejection::OtherRealm)) => {
            return (
                format!("{text} {}.", capital(&Rejection::OtherRealm.to_string())),
                "Set realm to the one that the provider names, or leave it out.".to_owned(),
            );
        }
        (401 | 407, Some(Rejection::NothingAnswerable)) => {
            return (
                format!("{text} {}.", capital(&Rejection::NothingAnswerable.to_string())),
                "Have the provider offer digest with MD5, SHA-256 or SHA-512-256.".to_owned(),
            );
        }
        (401 | 407, _) => {
            return (
                format!("{text} Credentials rejected."),
                "Compare username, password and, where the provider has one for credentials alone, auth_username with \
                 what it gave you. After that, register anew."
                    .to_owned(),
            );
        }
        (403, _) => {
            "Credentials rejected, most likely, or the account may not register: compare username and password, and ask \
             the provider whether the account is active and this trunk one that registers."
        }
        (404, _) => {
            "The registrar does not know that user: compare username and host with what the provider gave you."
        }
        (405 | 501, _) => {
            "The peer takes no registrations: leave register out; it knows you by your address or by each call's \
             credentials."
        }
        (423, _) => {
            "It wants a longer time and does not say which: set register_expires_s to what the provider names."
        }
        (503, _) => "It takes no registrations now: it is tried again by itself.",
        (code, _) if code >= 500 => {
            "It has a fault of its own: ask the provider, with the time of this test."
        }
        _ => "Ask the provider what that answer means to a registration.",
    };
    (text, remedy.to_owned())
}

fn silent_registrar() -> Found {
    Found::failed(
        format!("No answer within {} s.", ANSWER_TIME_MAX.as_secs()),
        "Look whether the host is the provider's registrar, and whether it takes requests from this server's address.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, rejection: Option<Rejection>, time: Option<u64>) -> Answered {
        let said = Said { code, phrase: "Words".into(), more: None };
        let (result, took) = (Ok(said), Duration::from_millis(12));
        Answered { number: 1, result, took, rejection, time: time.map(Duration::from_secs) }
    }

    #[test]
    fn each_answer_to_options_is_fine_or_says_what_helps() {
        let own = Some(IpAddr::from([192, 0, 2, 1]));
        for (code, remedy) in [
            (200, None),
            (302, None),
            (401, None),
            (403, Some("put 192.0.2.1 on its list")),
            (404, None),
            (405, None),
            (408, Some("A proxy answers")),
            (480, None),
            (500, Some("a fault of its own")),
            (503, Some("takes no calls now")),
        ] {
            let found = options(Some(&answered(code, None, None)), Transport::Udp, own);
            assert!(found.text.starts_with(&format!("It answered {code} Words after 12 ms.")), "{found:?}");
            assert_eq!(found.remedy.is_some(), remedy.is_some(), "{code}");
            assert!(found.remedy.unwrap_or_default().contains(remedy.unwrap_or_default()), "{code}");
        }
        for (transport, words) in
            [(Transport::Udp, "lets UDP through"), (Transport::Tcp, "takes the connection")]
        {
            let found = options(None, transport, own);
            assert_eq!(found.text, "No answer within 8 s.");
            assert!(found.remedy.unwrap().contains(words));
        }
        let broken = Answered { result: Err(Why::Unreachable), ..answered(200, None, None) };
        assert!(options(Some(&broken), Transport::Tcp, own).text.contains("broke"));
    }

    #[test]
    fn each_answer_to_a_register_is_a_time_or_says_what_helps() {
        let wanted = Duration::from_secs(600);
        let text = |code, time| register(Some(&answered(code, None, time)), wanted, true).text;
        assert!(text(200, Some(600)).ends_with("Registered for 600 s."));
        assert!(text(200, Some(60)).ends_with("Registered for 60 s, asked were 600."));
        assert!(text(200, None).ends_with("Registered for 600 s."));
        for (code, rejection, has_password, words, helps) in [
            (401, Some(Rejection::Rejected), true, "Credentials rejected.", "Compare username"),
            (407, Some(Rejection::OtherRealm), true, "another realm", "Set realm"),
            (401, Some(Rejection::NothingAnswerable), true, "no digest", "MD5"),
            (401, None, false, "could not be read", "${file:"),
            (403, None, true, "403 Words", "Credentials rejected, most likely"),
            (404, None, true, "404 Words", "does not know that user"),
            (405, None, true, "405 Words", "leave register out"),
            (423, None, true, "423 Words", "register_expires_s"),
            (500, None, true, "500 Words", "fault of its own"),
            (503, None, true, "503 Words", "tried again"),
            (488, None, true, "488 Words", "Ask the provider"),
        ] {
            let found = register(Some(&answered(code, rejection, None)), wanted, has_password);
            assert!(found.text.contains(words), "{code}: {found:?}");
            assert!(found.remedy.as_ref().unwrap().contains(helps), "{code}: {found:?}");
        }
        assert!(register(None, wanted, true).remedy.unwrap().contains("registrar"));
    }
}
