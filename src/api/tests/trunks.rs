//! Trunks at work, registrations and presets of carriers over the API: who may what. With a server behind it:
//! `tests/trunks.rs` and `tests/doctor.rs`.

use super::*;
use crate::call::snapshot::Trunk;

/// In the order of the table of permissions.
const ROLES: [&str; 5] = ["admin", "editor", "supervisor", "agent", "viewer"];

/// A browser of somebody with that role: its cookie and its token, as headers.
async fn browser(world: &World, role: &str) -> [String; 2] {
    world.user(role, role).await;
    let signed_in = world.sign_in(role, PASSWORD).await;
    let csrf = signed_in.json()["csrfToken"].as_str().unwrap().to_owned();
    [format!("cookie: {}", signed_in.cookie()), format!("x-csrf-token: {csrf}")]
}

#[test]
fn a_trunk_is_tested_by_admins_and_a_registration_removed_by_those_who_may_edit_agents() {
    run(async |world| {
        let mut browsers = Vec::new();
        for role in ROLES {
            browsers.push(browser(&world, role).await);
        }
        let trunk = Trunk { id: "carrier".to_owned(), ..Trunk::default() };
        world.api.set_snapshot(Arc::new(Snapshot { trunks: vec![trunk], ..Snapshot::default() }));
        // There is no server here that makes calls: whoever may is told so.
        for (method, path, expected) in [
            ("POST", "/trunks/carrier/test", [503, 403, 403, 403, 403]),
            ("POST", "/trunks/nobody/test", [404, 403, 403, 403, 403]),
            ("GET", "/registrations", [503, 503, 503, 403, 503]),
            ("GET", "/registrations?cursor=c31", [400, 400, 400, 403, 400]),
            ("DELETE", "/registrations/alice/1", [503, 403, 503, 403, 403]),
            ("DELETE", "/registrations/alice/zz", [404, 403, 404, 403, 403]),
            ("GET", "/carriers", [200, 200, 200, 403, 200]),
        ] {
            for ((role, [cookie, csrf]), status) in ROLES.iter().zip(&browsers).zip(expected) {
                let answer = world.ask(method, path, &[cookie, csrf], None).await;
                assert_eq!(answer.status, status, "{role}: {method} {path}: {answer:?}");
            }
        }
    });
}
