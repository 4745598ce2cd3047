//! Who may do what, from where, and for how long.

use super::*;

#[test]
fn behind_a_proxy_each_client_has_tries_of_its_own_and_is_named_in_its_session() {
    run(async |world| {
        world.user("ann", "viewer").await;
        let sign_in = async |peer: [u8; 4], client: &str, password: &str| {
            let request = Request::builder().method("POST").uri("/api/v1/session");
            let request = request.header("content-type", "application/json");
            let request = request.header("x-forwarded-for", client).header("x-forwarded-proto", "https");
            let body = json!({"login": "ann", "password": password}).to_string();
            world.send_from(peer, request.body(Body::from(body)).unwrap()).await
        };
        const PROXY: [u8; 4] = [10, 0, 0, 1];
        for _ in 0..10 {
            assert_eq!(sign_in(PROXY, "198.51.100.1", "wrong password").await.status, 401);
        }
        assert_eq!(sign_in(PROXY, "198.51.100.1", PASSWORD).await.status, 429);
        // What that client writes itself stands left of the proxy's word.
        assert_eq!(sign_in(PROXY, "203.0.113.9, 198.51.100.1", PASSWORD).await.status, 429);
        let other = sign_in(PROXY, "198.51.100.2", PASSWORD).await;
        assert_eq!(other.status, 200, "{other:?}");
        assert!(other.header("set-cookie").ends_with("; Secure"), "{other:?}");
        let cookie = format!("cookie: {}", other.cookie());
        let sessions = world.ask("GET", "/sessions", &[&cookie], None).await.json();
        assert_eq!(sessions["items"][0]["source"], "198.51.100.2");
        // A stranger's word is nothing.
        let direct = sign_in([192, 0, 2, 7], "198.51.100.1", PASSWORD).await;
        assert!(direct.status == 200 && !direct.header("set-cookie").contains("Secure"), "{direct:?}");
        let cookie = format!("cookie: {}", direct.cookie());
        let sessions = world.ask("GET", "/sessions", &[&cookie], None).await.json();
        let sources = sessions["items"].as_array().unwrap().iter().map(|item| item["source"].as_str());
        assert!(sources.clone().any(|source| source == Some("192.0.2.7")), "{sessions}");
    });
}

#[test]
fn one_client_behind_a_proxy_does_not_take_all_places() {
    run(async |world| {
        let client: std::net::IpAddr = [198, 51, 100, 1].into();
        let held: Vec<_> = (0..64).map(|_| world.api.proxies.enter(client).unwrap()).collect();
        let ask = async |client: &str| {
            let request = Request::builder().uri("/api/v1/openapi.json").header("x-forwarded-for", client);
            world.send_from([10, 0, 0, 1], request.body(Body::empty()).unwrap()).await.status.as_u16()
        };
        assert_eq!((ask("198.51.100.1").await, ask("198.51.100.2").await), (503, 200));
        drop(held);
        assert_eq!(ask("198.51.100.1").await, 200);
    });
}

#[test]
fn a_request_is_under_way_until_the_last_of_its_answer_is_sent() {
    run(async |world| {
        let client: std::net::IpAddr = [198, 51, 100, 1].into();
        let free = || std::iter::from_fn(|| world.api.proxies.enter(client)).collect::<Vec<_>>().len();
        let request =
            Request::builder().uri("/api/v1/openapi.json").header("x-forwarded-for", "198.51.100.1");
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5))));
        let service = TowerToHyperService::new(world.router.clone());
        let response = hyper::service::Service::call(&service, request).await.unwrap();
        assert_eq!(free(), 63);
        drop(response);
        assert_eq!(free(), 64);
    });
}

#[test]
fn a_stream_ends_when_its_listener_may_not_listen_any_more_and_says_why() {
    run(async |world| {
        let id = world.user("eve", "editor").await;
        let user_path = format!("/users/{id}");
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let change = async |role: &str, disabled: bool| {
            let body = json!({"name": "Eve", "role": role, "disabled": disabled});
            let done = world.ask("PUT", &user_path, &[&admin, "if-match: *"], Some(body)).await;
            assert_eq!(done.status, 200, "{done:?}");
        };
        let principal = async |headers: &[&str]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers.iter().filter_map(|line| line.split_once(": ")) {
                map.insert(axum::http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
            }
            let access = access::Access::SignedIn;
            let principal = access::admit(&world.api, access, &axum::http::Method::GET, &map).await;
            principal.unwrap().unwrap()
        };
        let listen = |principal| {
            let (api, every) = (world.api.clone(), Duration::from_millis(10));
            tokio::spawn(async move { events::listen_for_test(&api, principal, every).await })
        };
        let reason = async |text: tokio::task::JoinHandle<String>| {
            let text = tokio::time::timeout(Duration::from_secs(20), text).await.unwrap().unwrap();
            let (_, last) = text.rsplit_once("event: closed\ndata: ").unwrap();
            serde_json::from_str::<Value>(last).unwrap()["reason"].as_str().unwrap().to_owned()
        };
        let cookie_of = async || {
            let signed_in = world.sign_in("eve", PASSWORD).await;
            let csrf = signed_in.json()["csrfToken"].as_str().unwrap().to_owned();
            (format!("cookie: {}", signed_in.cookie()), format!("x-csrf-token: {csrf}"))
        };
        let (cookie, csrf) = cookie_of().await;
        let wanted = Some(json!({"name": "ci", "scopes": ["calls.read"]}));
        let token = world.ask("POST", "/tokens", &[&cookie, &csrf], wanted).await.json();
        let bearer = format!("authorization: Bearer {}", token["token"].as_str().unwrap());

        let stream = listen(principal(&[&bearer]).await);
        let path = format!("/tokens/{}", token["id"].as_str().unwrap());
        assert_eq!(world.ask("DELETE", &path, &[&cookie, &csrf], None).await.status, 204);
        assert_eq!(reason(stream).await, "token_ended");

        let stream = listen(principal(&[&cookie]).await);
        change("viewer", false).await;
        assert!(!stream.is_finished(), "a viewer may listen too");
        change("agent", false).await;
        assert_eq!(reason(stream).await, "role_changed");
        change("viewer", false).await;

        let stream = listen(principal(&[&cookie]).await);
        assert_eq!(world.ask("DELETE", "/session", &[&cookie, &csrf], None).await.status, 204);
        assert_eq!(reason(stream).await, "signed_out");

        let (cookie, _) = cookie_of().await;
        let stream = listen(principal(&[&cookie]).await);
        change("viewer", true).await;
        assert_eq!(reason(stream).await, "user_disabled");
        change("viewer", false).await;

        let (cookie, _) = cookie_of().await;
        let stream = listen(principal(&[&cookie]).await);
        assert_eq!(world.as_admin("DELETE", &user_path, None).await.status, 204);
        assert_eq!(reason(stream).await, "user_deleted");
    });
}

#[test]
fn what_is_kept_of_a_request_with_a_password_cannot_be_made_from_the_password_alone() {
    run(async |world| {
        let body = json!({"login": "ann", "name": "A", "role": "viewer", "password": PASSWORD});
        let headers = [&*format!("authorization: Bearer {ADMIN_TOKEN}"), "idempotency-key: k1"];
        assert_eq!(world.ask("POST", "/users", &headers, Some(body.clone())).await.status, 201);
        let mut guess = Vec::new();
        for part in ["POST", "/users", &body.to_string()] {
            guess.extend((part.len() as u64).to_be_bytes());
            guess.extend(part.as_bytes());
        }
        let guess = secret::digest(&guess);
        let database = world.api.database().unwrap();
        let known =
            database.take_key("", "k1", &guess, world.api.now().wall, crate::clock::Wall::default(), 10);
        assert_eq!(known.await.unwrap(), crate::store::database::idempotency::Known::OtherRequest);
    });
}

/// A browser that is signed in: its cookie and its token, as headers.
async fn browser(world: &World, login: &str, password: &str) -> [String; 2] {
    let signed_in = world.sign_in(login, password).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    let csrf = signed_in.json()["csrfToken"].as_str().unwrap().to_owned();
    [format!("cookie: {}", signed_in.cookie()), format!("x-csrf-token: {csrf}")]
}

#[test]
fn of_two_who_change_a_password_at_once_one_does_and_is_the_one_that_stays() {
    run(async |world| {
        world.user("ann", "viewer").await;
        let (one, two) = (browser(&world, "ann", PASSWORD).await, browser(&world, "ann", PASSWORD).await);
        let change = async |[cookie, csrf]: &[String; 2], new: &str| {
            let body = json!({"current": PASSWORD, "new": new});
            world.ask("PUT", "/session/password", &[cookie, csrf], Some(body)).await.status.as_u16()
        };
        let done = tokio::join!(change(&one, "the first new one"), change(&two, "the second new one"));
        let stays = async |[cookie, _]: &[String; 2]| {
            world.ask("GET", "/session", &[cookie], None).await.status == 200
        };
        let (winner, loser, password) = match done {
            (204, _) => (&one, &two, "the first new one"),
            _ => (&two, &one, "the second new one"),
        };
        assert!([done.0, done.1].contains(&204) && done.0 != done.1, "{done:?}");
        assert!(stays(winner).await && !stays(loser).await);
        browser(&world, "ann", password).await;
    });
}

#[test]
fn a_narrow_token_that_manages_users_opens_no_way_in() {
    run(async |world| {
        world.user("root", "admin").await;
        let viewer = world.user("vic", "viewer").await;
        let admin = world.user("adam", "admin").await;
        let [cookie, csrf] = browser(&world, "root", PASSWORD).await;
        let bearer = async |scope: &str| {
            let wanted = json!({"name": "hr", "scopes": [scope]});
            let made = world.ask("POST", "/tokens", &[&cookie, &csrf], Some(wanted)).await.json();
            format!("authorization: Bearer {}", made["token"].as_str().unwrap())
        };
        let (narrow, wide) = (bearer("users.manage").await, bearer("all").await);
        let new = || Some(json!({"login": "eve", "name": "E", "role": "viewer", "password": PASSWORD}));
        let password = || Some(json!({"password": "battery staple"}));
        let put = async |token: &str, id: &str, role: &str, disabled: bool| {
            let body = json!({"name": "V", "role": role, "disabled": disabled});
            let path = format!("/users/{id}");
            world.ask("PUT", &path, &[token, "if-match: *"], Some(body)).await.status.as_u16()
        };
        let refused = world.ask("POST", "/users", &[&narrow], new()).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        let reset = format!("/users/{admin}/password");
        assert_eq!(world.ask("PUT", &reset, &[&narrow], password()).await.status, 403);
        for (id, role, disabled, status) in [
            (&viewer, "admin", false, 403),
            (&viewer, "editor", false, 403),
            (&viewer, "viewer", false, 200),
            (&viewer, "viewer", true, 200),
            (&viewer, "viewer", false, 403),
            (&admin, "editor", false, 200),
            (&admin, "supervisor", false, 403),
            (&admin, "agent", false, 200),
        ] {
            assert_eq!(put(&narrow, id, role, disabled).await, status, "{role} {disabled}");
        }
        assert_eq!(put(&wide, &viewer, "editor", false).await, 200);
        assert_eq!(world.ask("POST", "/users", &[&wide], new()).await.status, 201);
        assert_eq!(world.ask("PUT", &reset, &[&wide], password()).await.status, 204);
    });
}

#[test]
fn the_own_password_is_not_changed_without_the_current_one() {
    run(async |world| {
        let (ann, bob) = (world.user("ann", "admin").await, world.user("bob", "viewer").await);
        let [cookie, csrf] = browser(&world, "ann", PASSWORD).await;
        let set = async |id: &str| {
            let body = Some(json!({"password": "battery staple"}));
            world.ask("PUT", &format!("/users/{id}/password"), &[&cookie, &csrf], body).await
        };
        let own = set(&ann).await;
        assert_eq!(own.status, 403, "{own:?}");
        assert!(own.text.contains("PUT /session/password"), "{own:?}");
        assert_eq!(set(&bob).await.status, 204);
    });
}

#[test]
fn refused_sign_ins_are_counted_by_their_reason() {
    run(async |world| {
        world.user("ann", "viewer").await;
        for _ in 0..12 {
            world.sign_in("ann", "wrong password").await;
        }
        let refused = world.api.sign_ins_refused();
        let counts = (&refused.wrong, &refused.throttled);
        use std::sync::atomic::Ordering::Relaxed;
        assert_eq!((counts.0.load(Relaxed), counts.1.load(Relaxed)), (10, 2));
    });
}
