//! Who may do what: a table of roles and permissions, and the scopes that make a token less than its user.

use crate::store::database::users::Role;
use std::fmt;

/// What a route asks for. Its word is the scope of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Permission {
    /// Read numbers, flows, prompts, agents and all else that is set up.
    SetupRead,
    /// Draw, publish and delete flows; prompts and caller lists.
    FlowsEdit,
    /// Smart Numbers: which flow answers.
    NumbersEdit,
    /// Opening times, with their overrides.
    SchedulesEdit,
    /// Agents and their endpoints.
    AgentsEdit,
    /// Trunks and the account.
    SystemEdit,
    /// Run a flow in the simulator.
    Simulate,
    /// Live calls, call records, counts.
    CallsRead,
    /// Hang up a call.
    CallsSteer,
    /// See a call's SIP messages, and capture its packets: addresses, and what peers send word for word.
    CallsInspect,
    /// Take a caller out of call records for good.
    RecordsErase,
    /// Who changed what.
    AuditRead,
    /// Users and their roles.
    UsersManage,
}

/// A row for each permission: admin, editor, supervisor, agent, viewer.
const TABLE: [(Permission, &str, [bool; 5]); 13] = {
    use Permission::*;
    const YES: bool = true;
    const NO: bool = false;
    [
        (SetupRead, "setup.read", [YES, YES, YES, NO, YES]),
        (FlowsEdit, "flows.edit", [YES, YES, NO, NO, NO]),
        (NumbersEdit, "numbers.edit", [YES, YES, NO, NO, NO]),
        (SchedulesEdit, "schedules.edit", [YES, YES, YES, NO, NO]),
        (AgentsEdit, "agents.edit", [YES, NO, YES, NO, NO]),
        (SystemEdit, "system.edit", [YES, NO, NO, NO, NO]),
        (Simulate, "simulate", [YES, YES, YES, NO, NO]),
        (CallsRead, "calls.read", [YES, YES, YES, NO, YES]),
        (CallsSteer, "calls.steer", [YES, NO, YES, NO, NO]),
        (CallsInspect, "calls.inspect", [YES, NO, YES, NO, NO]),
        (RecordsErase, "records.erase", [YES, NO, NO, NO, NO]),
        (AuditRead, "audit.read", [YES, NO, YES, NO, NO]),
        (UsersManage, "users.manage", [YES, NO, NO, NO, NO]),
    ]
};

impl Permission {
    pub fn all() -> impl Iterator<Item = Permission> {
        TABLE.iter().map(|(permission, ..)| *permission)
    }

    fn row(self) -> &'static (Permission, &'static str, [bool; 5]) {
        &TABLE[self as usize]
    }

    pub fn word(self) -> &'static str {
        self.row().1
    }

    pub fn from_word(word: &str) -> Option<Permission> {
        Permission::all().find(|permission| permission.word() == word)
    }

    /// Whether whoever has the role `to` in place of `from` may do anything more.
    pub fn are_more(from: Role, to: Role) -> bool {
        Permission::all().any(|permission| permission.is_held_by(to) && !permission.is_held_by(from))
    }

    pub fn is_held_by(self, role: Role) -> bool {
        Role::ALL.iter().zip(self.row().2).any(|(held_by, held)| *held_by == role && held)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a token may do of what its user may.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scopes {
    All,
    Only(Vec<Permission>),
}

impl Scopes {
    /// The scope that stands for all.
    pub const ALL: &'static str = "all";

    /// From words; the first that is unknown is the error.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Scopes, String> {
        let mut only = Vec::new();
        for word in words {
            match Permission::from_word(word) {
                _ if word == Scopes::ALL => return Ok(Scopes::All),
                Some(permission) if only.contains(&permission) => {}
                Some(permission) => only.push(permission),
                None => return Err(word.to_owned()),
            }
        }
        Ok(Scopes::Only(only))
    }

    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Scopes::All => vec![Scopes::ALL],
            Scopes::Only(only) => only.iter().map(|permission| permission.word()).collect(),
        }
    }

    pub fn include(&self, permission: Permission) -> bool {
        match self {
            Scopes::All => true,
            Scopes::Only(only) => only.contains(&permission),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_who_may_do_what() {
        let of = |role: Role| {
            let held = Permission::all().filter(|permission| permission.is_held_by(role));
            held.map(Permission::word).collect::<Vec<_>>().join(" ")
        };
        for (role, held) in [
            (
                Role::Admin,
                "setup.read flows.edit numbers.edit schedules.edit agents.edit system.edit simulate calls.read \
                 calls.steer calls.inspect records.erase audit.read users.manage",
            ),
            (Role::Editor, "setup.read flows.edit numbers.edit schedules.edit simulate calls.read"),
            (
                Role::Supervisor,
                "setup.read schedules.edit agents.edit simulate calls.read calls.steer calls.inspect \
                 audit.read",
            ),
            (Role::Agent, ""),
            (Role::Viewer, "setup.read calls.read"),
        ] {
            assert_eq!(of(role), held, "{role:?}");
        }
    }

    #[test]
    fn each_permission_stands_in_its_own_row() {
        for permission in Permission::all() {
            assert_eq!(permission.row().0, permission);
            assert_eq!(Permission::from_word(permission.word()), Some(permission));
        }
    }

    #[test]
    fn scopes_are_words_and_an_unknown_one_is_named() {
        let some = Scopes::from_words(["calls.read", "calls.read", "simulate"]).unwrap();
        assert_eq!(some.words(), ["calls.read", "simulate"]);
        assert!(some.include(Permission::Simulate) && !some.include(Permission::FlowsEdit));
        assert!(Scopes::from_words(["calls.read", "all"]).unwrap().include(Permission::UsersManage));
        assert_eq!(Scopes::from_words(["calls.raed"]), Err("calls.raed".to_owned()));
    }
}
