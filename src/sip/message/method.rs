//! Methods: `rsip`'s fourteen, and whatever else a peer invents.

use std::fmt;

/// A request method. Names are case-sensitive (RFC 3261 7.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Method {
    Known(rsip::Method),
    /// A token that is no method we know the name of.
    Other(Box<str>),
}

impl Method {
    /// From a token that was checked to be one.
    pub fn of(token: &str) -> Self {
        KNOWN
            .iter()
            .find(|(name, _)| *name == token)
            .map_or_else(|| Method::Other(token.into()), |&(_, method)| Method::Known(method))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Method::Known(known) => {
                KNOWN.iter().find(|(_, method)| method == known).map_or("", |(name, _)| name)
            }
            Method::Other(token) => token,
        }
    }
}

impl PartialEq<rsip::Method> for Method {
    fn eq(&self, other: &rsip::Method) -> bool {
        matches!(self, Method::Known(known) if known == other)
    }
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        Method::Known(method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const KNOWN: [(&str, rsip::Method); 14] = [
    ("INVITE", rsip::Method::Invite),
    ("ACK", rsip::Method::Ack),
    ("BYE", rsip::Method::Bye),
    ("CANCEL", rsip::Method::Cancel),
    ("OPTIONS", rsip::Method::Options),
    ("INFO", rsip::Method::Info),
    ("UPDATE", rsip::Method::Update),
    ("REGISTER", rsip::Method::Register),
    ("PRACK", rsip::Method::PRack),
    ("REFER", rsip::Method::Refer),
    ("NOTIFY", rsip::Method::Notify),
    ("SUBSCRIBE", rsip::Method::Subscribe),
    ("MESSAGE", rsip::Method::Message),
    ("PUBLISH", rsip::Method::Publish),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_method_is_read_back_from_its_name_and_case_counts() {
        for method in rsip::Method::all() {
            let name = Method::Known(method).as_str().to_owned();
            assert_eq!(Method::of(&name), Method::Known(method));
            assert_eq!(Method::of(&name.to_lowercase()), Method::Other(name.to_lowercase().into()));
        }
    }
}
