use super::super::access::{SignIn, Token};
use super::super::change::AuditFilter;
use super::super::idempotency::{KeptAnswer, Known};
use super::*;
use crate::store::database::testing::for_each_engine;

fn at(seconds: i64) -> Wall {
    Wall::from_unix_seconds(seconds)
}

fn by(seconds: i64) -> By<'static> {
    By { actor: "test", at: at(seconds) }
}

fn fields(role: Role) -> UserFields {
    UserFields { name: "A".to_owned(), role, disabled: false }
}

#[test]
fn a_login_is_given_once_and_a_stale_change_is_refused() {
    for_each_engine(async |database| {
        let user = database.create_user("u1", "ann", &fields(Role::Admin), "hash", by(1)).await.unwrap();
        let twin = database.create_user("u2", "ann", &fields(Role::Viewer), "hash", by(1)).await;
        assert!(matches!(twin, Err(UserError::LoginTaken)), "{twin:?}");
        let named = UserFields { name: "Ann".to_owned(), ..user.fields() };
        let new = database.replace_user("u1", Some(1), &named, by(2)).await.unwrap();
        assert_eq!((new.revision, new.name.as_str(), new.updated), (2, "Ann", at(2)));
        let stale = database.replace_user("u1", Some(1), &named, by(3)).await;
        assert!(matches!(stale, Err(UserError::Stale)), "{stale:?}");
        let unknown = database.replace_user("u9", None, &named, by(3)).await;
        assert!(matches!(unknown, Err(UserError::Unknown)), "{unknown:?}");
        assert_eq!(database.user_by_login("ann").await.unwrap(), Some((new, "hash".to_owned())));
        let audit = database.audit(&AuditFilter::default(), None, 10).await.unwrap();
        let actions: Vec<_> = audit.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["replace", "create"]);
    });
}

#[test]
fn the_last_admin_who_can_sign_in_can_neither_be_deleted_nor_disabled_nor_given_another_role() {
    for_each_engine(async |database| {
        database.create_user("u1", "ann", &fields(Role::Admin), "h", by(1)).await.unwrap();
        let disabled = UserFields { disabled: true, ..fields(Role::Admin) };
        database.create_user("u2", "bob", &disabled, "h", by(1)).await.unwrap();
        let attempts = [
            database.delete_user("u1", None, by(2)).await,
            database.replace_user("u1", None, &disabled, by(2)).await.map(drop),
            database.replace_user("u1", None, &fields(Role::Editor), by(2)).await.map(drop),
        ];
        assert!(attempts.iter().all(|result| matches!(result, Err(UserError::LastAdmin))), "{attempts:?}");
        database.replace_user("u2", None, &fields(Role::Admin), by(3)).await.unwrap();
        database.delete_user("u1", None, by(4)).await.unwrap();
    });
}

#[test]
fn a_set_up_link_makes_one_admin_once_and_in_its_time() {
    for_each_engine(async |database| {
        assert!(database.has_no_users().await.unwrap());
        database.set_setup_link("old", at(100)).await.unwrap();
        database.set_setup_link("new", at(100)).await.unwrap();
        let set_up = async |link: &str, now| database.set_up(link, "u1", "ann", "Ann", "h", at(now)).await;
        assert_eq!(set_up("old", 1).await.unwrap(), None);
        assert_eq!(set_up("new", 100).await.unwrap(), None);
        let user = set_up("new", 99).await.unwrap().unwrap();
        assert_eq!((user.role, user.login.as_str()), (Role::Admin, "ann"));
        assert_eq!(set_up("new", 99).await.unwrap(), None);
        database.set_setup_link("again", at(100)).await.unwrap();
        assert!(matches!(set_up("again", 1).await, Err(UserError::NotEmpty)));
    });
}

fn sign_in(id: &str, created: i64) -> SignIn {
    SignIn {
        id: id.to_owned(),
        user_id: "u1".to_owned(),
        created: at(created),
        last_used: at(created),
        source: "127.0.0.1".to_owned(),
        user_agent: String::new(),
    }
}

#[test]
fn a_sign_in_ends_by_age_by_idleness_by_a_new_password_and_by_disabling() {
    for_each_engine(async |database| {
        let user = database.create_user("u1", "ann", &fields(Role::Editor), "h", by(1)).await.unwrap();
        assert!(database.sign_in("hash", &sign_in("s1", 100), "h").await.unwrap());
        let found = async |created, used| {
            database.find_sign_in("hash", at(created), at(used)).await.unwrap().is_some()
        };
        assert!(found(99, 99).await);
        assert!(!found(100, 99).await && !found(99, 100).await);
        database.touch_sign_in("s1", at(200)).await.unwrap();
        assert!(found(99, 150).await);
        assert!(database.sign_in("other", &sign_in("s2", 300), "h").await.unwrap());
        database.change_own_password("u1", ("h", "h2"), "s1", by(5)).await.unwrap();
        assert_eq!(database.sign_ins("u1").await.unwrap().len(), 1);
        let disabled = UserFields { disabled: true, ..user.fields() };
        database.replace_user("u1", None, &disabled, by(6)).await.unwrap();
        assert!(!found(0, 0).await);
    });
}

#[test]
fn a_sign_in_does_not_begin_with_a_password_that_was_replaced_nor_for_who_is_disabled() {
    for_each_engine(async |database| {
        let user = database.create_user("u1", "ann", &fields(Role::Editor), "h", by(1)).await.unwrap();
        database.set_password("u1", "h2", by(2)).await.unwrap();
        assert!(!database.sign_in("a", &sign_in("s1", 100), "h").await.unwrap());
        assert!(database.sign_in("b", &sign_in("s2", 100), "h2").await.unwrap());
        let disabled = UserFields { disabled: true, ..user.fields() };
        database.replace_user("u1", None, &disabled, by(3)).await.unwrap();
        assert!(!database.sign_in("c", &sign_in("s3", 100), "h2").await.unwrap());
        assert_eq!(database.sign_ins("u1").await.unwrap(), []);
    });
}

#[test]
fn the_own_password_is_changed_by_who_has_the_last_one_and_is_signed_in() {
    for_each_engine(async |database| {
        database.create_user("u1", "ann", &fields(Role::Editor), "h", by(1)).await.unwrap();
        for id in ["s1", "s2", "s3"] {
            assert!(database.sign_in(id, &sign_in(id, 100), "h").await.unwrap());
        }
        let change = async |old: &str, new: &str, but: &str| {
            database.change_own_password("u1", (old, new), but, by(5)).await
        };
        assert!(database.sign_out("u1", "s3").await.unwrap());
        let signed_out = change("h", "h3", "s3").await;
        assert!(matches!(signed_out, Err(UserError::SignedOut)), "{signed_out:?}");
        change("h", "h2", "s1").await.unwrap();
        // Who checked the old password comes second, signed in or not.
        for id in ["s1", "s2"] {
            let late = change("h", "h4", id).await;
            assert!(matches!(late, Err(UserError::PasswordChanged)), "{late:?}");
        }
        let kept: Vec<_> = database.sign_ins("u1").await.unwrap().into_iter().map(|s| s.id).collect();
        assert_eq!(kept, ["s1"]);
        assert_eq!(database.password_hash("u1").await.unwrap().as_deref(), Some("h2"));
    });
}

#[test]
fn the_oldest_sign_in_goes_when_there_are_too_many() {
    for_each_engine(async |database| {
        database.create_user("u1", "ann", &fields(Role::Editor), "h", by(1)).await.unwrap();
        for n in 0..25 {
            assert!(database.sign_in(&format!("h{n}"), &sign_in(&format!("s{n}"), n), "h").await.unwrap());
        }
        let kept = database.sign_ins("u1").await.unwrap();
        assert_eq!((kept.len(), kept[0].id.as_str(), kept[19].id.as_str()), (20, "s24", "s5"));
    });
}

#[test]
fn a_token_is_found_until_it_runs_out_or_its_user_goes_or_has_a_new_password() {
    for_each_engine(async |database| {
        database.create_user("u1", "ann", &fields(Role::Editor), "h", by(1)).await.unwrap();
        let token = |id: &str, expires| Token {
            id: id.to_owned(),
            user_id: "u1".to_owned(),
            name: "ci".to_owned(),
            scopes: "all".to_owned(),
            created: at(1),
            expires,
            last_used: None,
        };
        assert!(database.sign_in("in1", &sign_in("s1", 1), "h").await.unwrap());
        let make = async |hash: &str, token: &Token, sign_in: &str| {
            database.create_token(hash, token, sign_in, by(1)).await.unwrap()
        };
        assert!(make("a", &token("t1", Some(at(50))), "s1").await);
        assert!(make("b", &token("t2", None), "s1").await);
        let found = async |hash: &str, now| database.find_token(hash, at(now)).await.unwrap().is_some();
        assert!(found("a", 49).await && !found("a", 50).await && found("b", 1_000_000).await);
        assert!(!database.delete_token("u2", "t1", by(2)).await.unwrap());
        assert!(database.delete_token("u1", "t1", by(2)).await.unwrap());
        database.create_user("u2", "bob", &fields(Role::Admin), "h", by(1)).await.unwrap();
        let of_bob = |id: &str| SignIn { user_id: "u2".to_owned(), ..sign_in(id, 1) };
        assert!(database.sign_in("in2", &of_bob("s2"), "h").await.unwrap());
        assert!(make("c", &Token { user_id: "u2".to_owned(), ..token("t3", None) }, "s2").await);
        assert!(!make("x", &token("t9", None), "s2").await, "another user's sign-in");
        database.set_password("u1", "h2", by(2)).await.unwrap();
        assert!(!found("b", 2).await && found("c", 2).await);
        assert!(!make("x", &token("t9", None), "s1").await, "the new password ended it");
        assert!(database.sign_in("in3", &sign_in("s3", 3), "h2").await.unwrap());
        assert!(make("d", &token("t4", None), "s3").await);
        database.delete_user("u1", None, by(3)).await.unwrap();
        assert!(!found("d", 2).await);
    });
}

#[test]
fn a_key_belongs_to_one_request_and_an_abandoned_one_is_taken_over() {
    for_each_engine(async |database| {
        let take = async |request: &str, now, abandoned| {
            database.take_key("u1", "k", request, at(now), at(abandoned), 2).await.unwrap()
        };
        assert_eq!(take("r", 10, 0).await, Known::New);
        assert_eq!(take("r", 11, 9).await, Known::Running);
        assert_eq!(take("other", 11, 9).await, Known::OtherRequest);
        assert_eq!(take("r", 80, 20).await, Known::New);
        let answer = KeptAnswer { status: 201, headers: "etag: \"1\"".to_owned(), body: "{}".to_owned() };
        database.keep_answer("u1", "k", Some(&answer)).await.unwrap();
        assert_eq!(take("r", 200, 199).await, Known::Answered(answer));
        assert_eq!(database.take_key("u2", "k", "r", at(1), at(0), 2).await.unwrap(), Known::New);
        assert_eq!(database.take_key("u2", "l", "r", at(1), at(0), 2).await.unwrap(), Known::New);
        assert_eq!(database.take_key("u2", "m", "r", at(1), at(0), 2).await.unwrap(), Known::Full);
        assert_eq!(database.take_key("u2", "l", "r", at(1), at(0), 2).await.unwrap(), Known::Running);
        database.forget_old_access(at(0), at(0), at(100), at(0)).await.unwrap();
        assert_eq!(take("r", 201, 0).await, Known::New);
        database.keep_answer("u1", "k", None).await.unwrap();
        assert_eq!(take("r", 202, 0).await, Known::New);
    });
}
