//! OPTIONS to each target, and a REGISTER: what their answers mean to an administrator.

use super::step::Found;
use super::{Account, Examination, Kind, Own, Tried};
use crate::call::said::{Said, capital};
use crate::call::trial::{Answered, Why};
use crate::sip::Transport;
use crate::sip::digest::Rejection;
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
        // Whether a refusal keeps calls away, they show: those bring credentials, which an OPTIONS does not.
        let is_shown_later = Account::of(&self.trunk) == Account::Known || self.trunk.test_number.is_some();
        let found = options(answered.as_ref(), tried.target.transport, &tried.own, is_shown_later);
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
        let place = Some(tried.words());
        let text = format!("Registering for {} s.", wanted.as_secs());
        self.steps.running(Kind::Register, place.clone(), text).await;
        let mut answered = self.session.register(tried.target.clone(), None, ANSWER_TIME_MAX).await;
        // RFC 3261 10.2.8: our registration asks for more by itself as well.
        if let Some(Answered { result: Ok(Said { code: 423, .. }), time: Some(least), .. }) = answered {
            answered = self.session.register(tried.target.clone(), Some(least), ANSWER_TIME_MAX).await;
        }
        let found = register(answered.as_ref(), wanted, Account::of(&self.trunk), tried);
        if found.remedy.is_none() {
            // Our own registration may have been given up: it is known to work now.
            self.session.tell_registered().await;
        }
        self.steps.found(Kind::Register, place, found).await;
    }
}

fn options(answered: Option<&Answered>, transport: Transport, own: &Own, is_shown_later: bool) -> Found {
    let own = own.listed();
    let said = match answered.map(|answered| (&answered.result, answered.took)) {
        None | Some((Err(Why::Silent), _)) => return silent(transport, &own),
        Some((Ok(said), took)) => {
            let text = format!("It answered {said} after {} ms.", took.as_millis());
            return meaning(said.code, text, &own, is_shown_later);
        }
        Some((Err(why), _)) => why,
    };
    match said {
        Why::NotSent(why) => {
            Found::failed(format!("The OPTIONS could not be sent: {why}."), "Look at the trunk's host.")
        }
        _ => broke(transport),
    }
}

/// The peer closed the connection, or it broke. One that waits for a handshake of TLS does so at once, without a word.
pub(super) fn broke(transport: Transport) -> Found {
    let text = "The connection was closed, or broke, without an answer.";
    let remedy = match transport {
        Transport::Tcp => {
            "Look whether that port speaks TLS (most often 5061 does): then write ;transport=tls behind the trunk's host. If \
             it does not, look into the peer's log why it closes connections from this server."
        }
        _ => "Look into the peer's log why it closes connections from this server.",
    };
    Found::failed(text, remedy)
}

/// Credentials are wanted, and the password of the trunk is not there.
pub(super) fn without_password(text: &str) -> Found {
    Found::failed(
        format!("{text} Credentials are wanted, and there is no password: its file could not be read."),
        "Look at the file that password = \"${file:…}\" names, and who may read it.",
    )
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
fn meaning(code: u16, text: String, own: &str, is_shown_later: bool) -> Found {
    let note = |note: &str| Found::ok(format!("{text} {note}"));
    match code {
        200..=299 => Found::ok(text),
        300..=399 => note("It is there, and would send calls elsewhere: this server does not follow that."),
        401 | 407 => note("It is there, and wants credentials for OPTIONS too: that keeps no call from it."),
        403 if is_shown_later => note(&format!(
            "It is there, and refuses this request, which brings no credentials: that keeps no call from it. Where calls get \
             403 too, have the provider put {own} on its list of addresses."
        )),
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

fn register(answered: Option<&Answered>, wanted: Duration, account: Account, tried: &Tried) -> Found {
    let own = tried.own.listed();
    let Some(answered) = answered else { return silent_registrar(&own) };
    let said = match &answered.result {
        Ok(said) => said,
        Err(Why::Silent) => return silent_registrar(&own),
        Err(Why::NotSent(why)) => {
            return Found::failed(
                format!("The REGISTER could not be sent: {why}."),
                "Look at the trunk's account.",
            );
        }
        Err(_) => return broke(tried.target.transport),
    };
    let text = format!("It answered {said} after {} ms.", answered.took.as_millis());
    if said.code < 300 {
        let granted = answered.time.unwrap_or(wanted);
        let less =
            if granted < wanted { format!(", asked were {}", wanted.as_secs()) } else { String::new() };
        return Found::ok(format!("{text} Registered for {} s{less}.", granted.as_secs()));
    }
    refused(said, answered.rejection, account, text)
}

fn refused(said: &Said, rejection: Option<Rejection>, account: Account, text: String) -> Found {
    let remedy = match (said.code, rejection) {
        (401 | 407, _) if account != Account::Known => return without_password(&text),
        (401 | 407, Some(Rejection::OtherRealm)) => {
            return Found::failed(
                format!("{text} {}.", capital(&Rejection::OtherRealm.to_string())),
                "Set realm to the one that the provider names, or leave it out.",
            );
        }
        (401 | 407, Some(Rejection::NothingAnswerable)) => {
            return Found::failed(
                format!("{text} {}.", capital(&Rejection::NothingAnswerable.to_string())),
                "Have the provider offer digest with MD5, SHA-256 or SHA-512-256.",
            );
        }
        (401 | 407, _) => {
            return Found::failed(
                format!("{text} Credentials rejected."),
                "Compare username, password and, where the provider has one for credentials alone, auth_username with \
                 what it gave you; most registrars do not say whether it was the name or the password. A trunk that is \
                 changed registers by itself; a password file that is changed is read at SIGHUP. Without a change: \
                 \"Register now\" on the trunk's page of the console, or POST /api/v1/trunks/ID/register.",
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
    Found::failed(text, remedy)
}

fn silent_registrar(own: &str) -> Found {
    Found::failed(
        format!("No answer within {} s.", ANSWER_TIME_MAX.as_secs()),
        format!(
            "Look whether the host is the provider's registrar, and whether it takes requests from {own}."
        ),
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
        let own = Own::of([192, 0, 2, 1].into());
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
            let found = options(Some(&answered(code, None, None)), Transport::Udp, &own, false);
            assert!(found.text.starts_with(&format!("It answered {code} Words after 12 ms.")), "{found:?}");
            assert_eq!(found.remedy.is_some(), remedy.is_some(), "{code}");
            assert!(found.remedy.unwrap_or_default().contains(remedy.unwrap_or_default()), "{code}");
        }
        for (transport, words) in
            [(Transport::Udp, "lets UDP through"), (Transport::Tcp, "takes the connection")]
        {
            let found = options(None, transport, &own, false);
            assert_eq!(found.text, "No answer within 8 s.");
            assert!(found.remedy.unwrap().contains(words));
        }
    }

    #[test]
    fn a_403_to_options_is_no_fault_where_the_call_shows_what_it_is_worth() {
        let own = Own::of([192, 0, 2, 1].into());
        let found = options(Some(&answered(403, None, None)), Transport::Udp, &own, true);
        assert_eq!(found.remedy, None);
        assert!(found.text.contains("Where calls get 403 too, have the provider put 192.0.2.1 on its list"));
    }

    #[test]
    fn a_peer_that_closes_a_connection_without_a_word_may_want_tls() {
        let broken = Answered { result: Err(Why::Unreachable), ..answered(200, None, None) };
        for (transport, helps) in [(Transport::Tcp, ";transport=tls"), (Transport::Tls, "the peer's log")] {
            let own = Own::of([192, 0, 2, 1].into());
            let found = options(Some(&broken), transport, &own, false);
            assert!(found.text.contains("without an answer"), "{found:?}");
            assert!(found.remedy.unwrap().contains(helps));
        }
    }

    #[test]
    fn each_answer_to_a_register_is_a_time_or_says_what_helps() {
        let wanted = Duration::from_secs(600);
        let tried = Tried::of(Transport::Udp);
        let say = |answered: Option<&Answered>, account| register(answered, wanted, account, &tried);
        let text = |code, time| say(Some(&answered(code, None, time)), Account::Known).text;
        assert!(text(200, Some(600)).ends_with("Registered for 600 s."));
        assert!(text(200, Some(60)).ends_with("Registered for 60 s, asked were 600."));
        assert!(text(200, None).ends_with("Registered for 600 s."));
        for (code, rejection, account, words, helps) in [
            (401, Some(Rejection::Rejected), Account::Known, "Credentials rejected.", "Compare username"),
            (407, Some(Rejection::OtherRealm), Account::Known, "another realm", "Set realm"),
            (401, Some(Rejection::NothingAnswerable), Account::Known, "no digest", "MD5"),
            (401, None, Account::Unreadable, "could not be read", "${file:"),
            (403, None, Account::Known, "403 Words", "Credentials rejected, most likely"),
            (404, None, Account::Known, "404 Words", "does not know that user"),
            (405, None, Account::Known, "405 Words", "leave register out"),
            (423, None, Account::Known, "423 Words", "register_expires_s"),
            (500, None, Account::Known, "500 Words", "fault of its own"),
            (503, None, Account::Known, "503 Words", "tried again"),
            (488, None, Account::Known, "488 Words", "Ask the provider"),
        ] {
            let found = say(Some(&answered(code, rejection, None)), account);
            assert!(found.text.contains(words), "{code}: {found:?}");
            assert!(found.remedy.as_ref().unwrap().contains(helps), "{code}: {found:?}");
        }
        let silent = say(None, Account::Known).remedy.unwrap();
        assert!(silent.contains("registrar") && silent.contains("192.0.2.1"), "{silent}");
        let anew = say(Some(&answered(401, Some(Rejection::Rejected), None)), Account::Known).remedy.unwrap();
        for way in ["SIGHUP", "Register now", "POST /api/v1/trunks/ID/register"] {
            assert!(anew.contains(way), "{way}: {anew}");
        }
    }
}
