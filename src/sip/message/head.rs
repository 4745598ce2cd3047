//! The headers of one message: one text, and where in it each name and value lies.

use super::text::split_list;

/// All headers of a message in their order, unfolded, white space around values trimmed, comma lists split
/// where the header is a list. One allocation for the text, one for the index.
#[derive(Clone, Default)]
pub struct Head {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    name: HeaderName,
    label: Span,
    value: Span,
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Head {
    pub(super) fn with_capacity(text: usize) -> Self {
        Head { text: String::with_capacity(text), entries: Vec::with_capacity(24) }
    }

    /// The first value of a header. `label` is looked at only where `name` is [`HeaderName::Other`].
    pub fn get(&self, name: HeaderName, label: &str) -> Option<&str> {
        self.entries.iter().find(|entry| self.is(entry, name, label)).map(|entry| self.slice(entry.value))
    }

    /// All values of a header, in their order.
    pub fn all<'a>(&'a self, name: HeaderName, label: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries
            .iter()
            .filter(move |entry| self.is(entry, name, label))
            .map(|entry| self.slice(entry.value))
    }

    /// Name and value of each header in their order; known names in their canonical form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| {
            let name = match entry.name {
                HeaderName::Other => self.slice(entry.label),
                known => known.as_str(),
            };
            (name, self.slice(entry.value))
        })
    }

    /// How many values a header has.
    pub fn count(&self, name: HeaderName) -> usize {
        self.entries.iter().filter(|entry| entry.name == name).count()
    }

    /// How many values all headers have together.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Puts another text in the place of the first value of a header.
    pub(in crate::sip) fn replace_first(&mut self, name: HeaderName, value: &str) {
        let span = self.append(value);
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == name) {
            entry.value = span;
        }
    }

    /// Takes in one header line. The value may be a list.
    pub(super) fn push(&mut self, label: &str, value: &str) {
        let name = HeaderName::of(label);
        let label = if name == HeaderName::Other { self.append(label) } else { Span { start: 0, end: 0 } };
        let value_span = self.append(value);
        if !name.is_list() {
            self.entries.push(Entry { name, label, value: value_span });
            return;
        }
        let start = value_span.start;
        let mut any = false;
        for (from, to) in split_list(value) {
            any = true;
            let span = Span { start: start + from as u32, end: start + to as u32 };
            self.entries.push(Entry { name, label, value: span });
        }
        if !any {
            // A list without elements (`Supported:`) still is a header that is there.
            self.entries.push(Entry { name, label, value: Span { start, end: start } });
        }
    }

    fn append(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span { start, end: self.text.len() as u32 }
    }

    fn is(&self, entry: &Entry, name: HeaderName, label: &str) -> bool {
        entry.name == name
            && (name != HeaderName::Other || self.slice(entry.label).eq_ignore_ascii_case(label))
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}

macro_rules! header_names {
    ($($variant:ident, $canonical:literal, $compact:expr, $list:literal;)*) => {
        /// Headers that we know the name of; all others are [`HeaderName::Other`] and compared by text.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum HeaderName {
            $($variant,)*
            Other,
        }

        const NAMES: &[(HeaderName, &str, Option<u8>, bool)] =
            &[$((HeaderName::$variant, $canonical, $compact, $list),)*];
    };
}

// Name, compact form, and whether commas separate values (RFC 3261 7.3.1; the credentials headers and those
// whose values hold bare commas are none). The ones that each message has come first.
header_names! {
    Via, "Via", Some(b'v'), true;
    From, "From", Some(b'f'), false;
    To, "To", Some(b't'), false;
    CallId, "Call-ID", Some(b'i'), false;
    CSeq, "CSeq", None, false;
    Contact, "Contact", Some(b'm'), true;
    MaxForwards, "Max-Forwards", None, false;
    ContentLength, "Content-Length", Some(b'l'), false;
    ContentType, "Content-Type", Some(b'c'), false;
    RecordRoute, "Record-Route", None, true;
    Route, "Route", None, true;
    UserAgent, "User-Agent", None, false;
    Allow, "Allow", None, true;
    Supported, "Supported", Some(b'k'), true;
    Require, "Require", None, true;
    ProxyRequire, "Proxy-Require", None, true;
    Unsupported, "Unsupported", None, true;
    Accept, "Accept", None, true;
    AcceptEncoding, "Accept-Encoding", None, true;
    AcceptLanguage, "Accept-Language", None, true;
    Subject, "Subject", Some(b's'), false;
    Date, "Date", None, false;
    Expires, "Expires", None, false;
    RetryAfter, "Retry-After", None, false;
    Reason, "Reason", None, true;
    Server, "Server", None, false;
    Warning, "Warning", None, true;
    ContentEncoding, "Content-Encoding", Some(b'e'), true;
    ContentDisposition, "Content-Disposition", None, false;
    ContentLanguage, "Content-Language", None, true;
    SessionExpires, "Session-Expires", Some(b'x'), false;
    MinSe, "Min-SE", None, false;
    ReferTo, "Refer-To", Some(b'r'), false;
    ReferredBy, "Referred-By", Some(b'b'), false;
    Replaces, "Replaces", None, false;
    Event, "Event", Some(b'o'), false;
    AllowEvents, "Allow-Events", Some(b'u'), true;
    AcceptContact, "Accept-Contact", Some(b'a'), true;
    RejectContact, "Reject-Contact", Some(b'j'), true;
    RequestDisposition, "Request-Disposition", Some(b'd'), true;
    Identity, "Identity", Some(b'y'), false;
    IdentityInfo, "Identity-Info", Some(b'n'), false;
    RAck, "RAck", None, false;
    RSeq, "RSeq", None, false;
    AssertedIdentity, "P-Asserted-Identity", None, true;
    PreferredIdentity, "P-Preferred-Identity", None, true;
    Diversion, "Diversion", None, true;
    HistoryInfo, "History-Info", None, true;
    Privacy, "Privacy", None, false;
    Path, "Path", None, true;
    ServiceRoute, "Service-Route", None, true;
    AlertInfo, "Alert-Info", None, true;
    CallInfo, "Call-Info", None, true;
    ErrorInfo, "Error-Info", None, true;
    InReplyTo, "In-Reply-To", None, true;
    RemotePartyId, "Remote-Party-ID", None, true;
    MimeVersion, "MIME-Version", None, false;
    Organization, "Organization", None, false;
    Priority, "Priority", None, false;
    ReplyTo, "Reply-To", None, false;
    Timestamp, "Timestamp", None, false;
    Authorization, "Authorization", None, false;
    ProxyAuthorization, "Proxy-Authorization", None, false;
    WwwAuthenticate, "WWW-Authenticate", None, false;
    ProxyAuthenticate, "Proxy-Authenticate", None, false;
}

impl HeaderName {
    /// From a name as it is on the wire, long or compact, in any case.
    pub fn of(label: &str) -> Self {
        let found = match label.as_bytes() {
            [letter] => NAMES.iter().find(|(_, _, compact, _)| *compact == Some(letter.to_ascii_lowercase())),
            bytes => NAMES.iter().find(|(_, canonical, _, _)| {
                canonical.len() == bytes.len() && canonical.as_bytes().eq_ignore_ascii_case(bytes)
            }),
        };
        found.map_or(HeaderName::Other, |(name, ..)| *name)
    }

    /// The long form; empty for [`HeaderName::Other`].
    pub fn as_str(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(_, canonical, ..)| canonical)
    }

    fn is_list(self) -> bool {
        NAMES.get(self as usize).is_some_and(|(.., list)| *list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_long_and_compact_form_and_any_case() {
        for (name, canonical, compact, _) in NAMES {
            assert_eq!(HeaderName::of(&canonical.to_uppercase()), *name);
            assert_eq!(name.as_str(), *canonical);
            if let Some(letter) = compact {
                assert_eq!(HeaderName::of(&char::from(*letter).to_string()), *name);
                assert_eq!(HeaderName::of(&char::from(letter.to_ascii_uppercase()).to_string()), *name);
            }
        }
        assert_eq!(HeaderName::of("C%6Fntact"), HeaderName::Other);
    }

    #[test]
    fn lists_are_split_only_where_the_header_is_one() {
        let mut head = Head::default();
        head.push("m", r#""a,b" <sip:a@h;x=1,2>, <sip:b@h>,,"#);
        head.push("Subject", "one, two");
        head.push("X-List", "one, two");
        head.push("Supported", "");
        let values: Vec<_> = head.iter().collect();
        assert_eq!(
            values,
            [
                ("Contact", r#""a,b" <sip:a@h;x=1,2>"#),
                ("Contact", "<sip:b@h>"),
                ("Subject", "one, two"),
                ("X-List", "one, two"),
                ("Supported", "")
            ]
        );
        assert_eq!(head.get(HeaderName::Other, "x-LIST"), Some("one, two"));
    }
}
