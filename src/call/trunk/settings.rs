//! What is set up of a trunk beside its addresses: its account, its registration, its pings, its limits.

use crate::call::snapshot::Trunk;
use crate::sip::digest::{Account, Password};
use std::sync::Arc;
use std::time::Duration;

/// The account that we have with a trunk, or the trunk with us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The user of the address that is registered.
    pub username: String,
    /// The user of the credentials.
    pub auth_username: String,
    /// None where the file that it stands in could not be read.
    pub password: Option<Password>,
    /// The realm that it is for; where none is given, the first that the trunk names.
    pub realm: Option<String>,
}

impl Login {
    /// For requests that go to that trunk.
    pub fn account(&self, trunk: &Trunk) -> Option<Arc<Account>> {
        Some(Arc::new(Account {
            owner: trunk.id.as_str().into(),
            username: self.auth_username.as_str().into(),
            password: self.password.clone()?,
            realm: self.realm.as_deref().map(Box::from),
            hosts: trunk.sources.clone(),
        }))
    }
}

/// OPTIONS to a trunk, to see whether it is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ping {
    pub interval: Duration,
    /// So many without a good answer, one after the other, and the trunk is down.
    pub threshold: u32,
}

/// What a trunk may have at most; no limit where none is given.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CallLimits {
    pub calls_in: Option<u32>,
    pub calls_out: Option<u32>,
    pub per_second_in: Option<u32>,
    pub per_second_out: Option<u32>,
}

/// After which final codes a call out is tried over the next trunk.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum FailOver {
    /// After all but [`FINAL`].
    #[default]
    Usual,
    /// After these alone.
    After(Vec<u16>),
}

/// A person or the caller has decided: nobody is rung again over another trunk.
pub const FINAL: [u16; 6] = [486, 487, 600, 603, 604, 606];

impl FailOver {
    pub fn goes_on_after(&self, code: u16) -> bool {
        match self {
            FailOver::Usual => !FINAL.contains(&code),
            FailOver::After(codes) => codes.contains(&code),
        }
    }
}
