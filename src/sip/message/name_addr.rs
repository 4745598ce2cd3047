//! Addresses as From, To, Contact and the route headers carry them (RFC 3261 20.10).

use super::params::Params;
use super::text::{find_any, is_space, quote, quoted_end, unquote};
use super::uri::SipUri;
use std::fmt;

/// A display name, a URI, and the header's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameAddr {
    /// Without quotes and backslashes; empty where there is none. May hold any character but line ends.
    pub display: String,
    pub uri: SipUri,
    /// Those of the header (`tag`, `expires`), not those of the URI.
    pub params: Params,
}

impl NameAddr {
    pub fn new(uri: SipUri) -> Self {
        NameAddr { display: String::new(), uri, params: Params::default() }
    }

    /// Reads `"Name" <uri>;params`, `<uri>;params` or `uri;params`. Without brackets a semicolon starts the
    /// header's parameters, and a question mark or a comma is an error. A display name that lacks its quotes
    /// is taken as it is up to the bracket; quotes that do not close, and white space inside the brackets,
    /// are errors.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(is_space);
        if text.starts_with('"') {
            let (quoted, rest) = text.split_at(quoted_end(text)?);
            return Self::bracketed(unquote(quoted), rest.trim_start_matches(is_space));
        }
        if let Some(bracket) = text.find('<') {
            let display = text.get(..bracket)?.trim_end_matches(is_space);
            // A bracket inside a quoted parameter (`sip:a@h;x="<y>"`) opens no address.
            if !display.contains('"') {
                return Self::bracketed(display.to_owned(), text.get(bracket..)?);
            }
        }
        let uri_end = find_any(text, b"; \t").unwrap_or(text.len());
        let (uri, rest) = text.split_at(uri_end);
        if uri.contains(['?', ',']) {
            return None;
        }
        Some(NameAddr { display: String::new(), uri: SipUri::parse(uri)?, params: Params::parse(rest)? })
    }

    fn bracketed(display: String, text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let end = inner.find('>')?;
        Some(NameAddr {
            display,
            uri: SipUri::parse(inner.get(..end)?)?,
            params: Params::parse(inner.get(end + 1..)?)?,
        })
    }

    /// The tag; none where it is missing or empty.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The same address with this tag.
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }
}

/// With brackets always, and the display name quoted.
impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            let mut quoted = String::with_capacity(self.display.len() + 3);
            quote(&self.display, &mut quoted);
            write!(f, "{quoted} ")?;
        }
        write!(f, "<{}>{}", self.uri, self.params.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        for (text, display, uri, tag) in [
            ("sip:a@h;tag=1", "", "sip:a@h", Some("1")),
            ("sip:vivekg@h ;   tag    = 19", "", "sip:vivekg@h", Some("19")),
            ("<sip:a@h;x=1>;tag=2", "", "sip:a@h;x=1", Some("2")),
            ("caller<sip:a@h>", "caller", "sip:a@h", None),
            (r#""J \\\" <R>" <sip:a@h> ; q=0.3"#, r#"J \" <R>"#, "sip:a@h", None),
            ("Bell, Alexander <sip:a@h>;tag=43", "Bell, Alexander", "sip:a@h", Some("43")),
            ("<tel:+15550100>", "", "tel:+15550100", None),
            (r#"sip:a@h;x="<y>""#, "", "sip:a@h", None),
            ("<sip:a@h>;tag=", "", "", None),
        ] {
            let read = NameAddr::parse(text);
            if uri.is_empty() {
                assert_eq!(read, None, "{text}");
                continue;
            }
            let Some(read) = read else { panic!("{text} is an address") };
            assert_eq!((read.display.as_str(), read.uri.as_str(), read.tag()), (display, uri, tag), "{text}");
        }
    }

    #[test]
    fn broken_addresses_are_refused() {
        for text in [
            "",
            "*",
            r#""Mr. J. User <sip:a@h>"#,
            "< sip:a@h >",
            "sip:a@h?Route=x",
            "sip:a@h,sip:b@h",
            r#""Joe" <sip:a@h>;;;;"#,
            "<sip:a@h",
            r#""a" x <sip:a@h>"#,
            "<>",
            r#""a""#,
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_printed_so_that_it_reads_back() {
        for text in [r#""a \"b\" \\" <sip:a@h;x>;tag=1"#, "<sip:h>"] {
            let read = NameAddr::parse(text).map(|address| address.to_string());
            assert_eq!(read.as_deref(), Some(text));
        }
    }
}
