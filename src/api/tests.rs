mod console;
mod crm;
mod flows;
mod principals;
mod records;
mod speech;
mod studio;
mod trunks;
mod uploads;

use super::*;
use crate::store::database::testing::Folder;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use std::net::SocketAddr;

const ADMIN_TOKEN: &str = "a token for tests alone";
const PASSWORD: &str = "correct horse";

/// An API over a fresh SQLite database.
struct World {
    api: Api,
    router: Router,
    _folder: Folder,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
    }
}

fn run<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    run_with(None, test);
}

/// `speech`: the command of the speech engine.
fn run_with<F: Future<Output = ()>>(speech: Option<&[&str]>, test: impl FnOnce(World) -> F) {
    let speech = speech.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = Folder::new("api");
        let database = Database::open(&format!("sqlite://{}/x.db", folder.0.display())).await.unwrap();
        let settings = Settings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            admin_token: Some(ADMIN_TOKEN.to_owned()),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            reads_forwarded: false,
            sync_folder: Some("config/site".to_owned()),
            configured: Default::default(),
            outside: Default::default(),
            crm: None,
            records_file: Some("data/calls.jsonl".into()),
            spool: Some("data/spool".into()),
        };
        let (post, _) = Post::new().unwrap();
        let (clock, random) = (SystemClock::start(), Random::from_seed(1));
        let speech = Arc::new(SpeechEngine::new(speech));
        let helpers = Helpers { speech, crm: None, doctor: None };
        let api = Api::new(Some(database), settings, clock, random, post, helpers).unwrap();
        let router = api.with_console(Router::new());
        test(World { api, router, _folder: folder }).await;
    });
}

impl World {
    async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from([192, 0, 2, 1], request).await
    }

    async fn send_from(&self, peer: [u8; 4], mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 5))));
        let service = TowerToHyperService::new(self.router.clone());
        let response = hyper::service::Service::call(&service, request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// `headers` are `name: value`.
    async fn ask(&self, method: &str, path: &str, headers: &[&str], body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        for (name, value) in headers.iter().filter_map(|line| line.split_once(": ")) {
            request = request.header(name, value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    async fn as_admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.ask(method, path, &[&format!("authorization: Bearer {ADMIN_TOKEN}")], body).await
    }

    async fn user(&self, login: &str, role: &str) -> String {
        let body = json!({"login": login, "name": login, "role": role, "password": PASSWORD});
        let answer = self.as_admin("POST", "/users", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn sign_in(&self, login: &str, password: &str) -> Answer {
        self.ask("POST", "/session", &[], Some(json!({"login": login, "password": password}))).await
    }
}

#[test]
fn a_change_is_answered_once_new_calls_follow_it() {
    run(async |world| {
        let list = |id: &str| Some(json!({"id": id, "numbers": ["+15550100"]}));
        let early = world.as_admin("POST", "/lists", list("a")).await;
        assert_eq!((early.status, early.header("cordboard-applied")), (StatusCode::CREATED, "false"));
        world.api.set_snapshot(Arc::new(Snapshot { revision: 1, ..Snapshot::default() }));
        let (api, database) = (world.api.clone(), world.api.database().unwrap().clone());
        let feed = tokio::spawn(async move {
            loop {
                database.changed().await;
                let revision = database.revision().await.unwrap();
                api.set_snapshot(Arc::new(Snapshot { revision, ..Snapshot::default() }));
            }
        });
        let answer = world.as_admin("POST", "/lists", list("b")).await;
        assert_eq!((answer.header("cordboard-revision"), answer.header("cordboard-applied")), ("2", "true"));
        assert_eq!(world.api.snapshot().revision, 2);
        let gone = world
            .ask(
                "DELETE",
                "/lists/b",
                &[&format!("authorization: Bearer {ADMIN_TOKEN}"), "if-match: *"],
                None,
            )
            .await;
        assert_eq!((gone.status, gone.header("cordboard-revision")), (StatusCode::NO_CONTENT, "3"));
        feed.abort();
    });
}

#[test]
fn a_browser_signs_in_changes_things_with_its_csrf_token_and_signs_out() {
    run(async |world| {
        world.user("ann", "admin").await;
        let answer = world.sign_in("ANN", PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let set = answer.header("set-cookie");
        assert!(set.contains("; HttpOnly; SameSite=Strict") && !set.contains("Secure"), "{set}");
        let (cookie, csrf) = (format!("cookie: {}", answer.cookie()), answer.json()["csrfToken"].clone());
        let csrf = format!("x-csrf-token: {}", csrf.as_str().unwrap());
        let who = world.ask("GET", "/session", &[&cookie], None).await;
        assert_eq!(who.json()["user"]["login"], "ann");
        let body = json!({"login": "bob", "name": "Bob", "role": "viewer", "password": PASSWORD});
        let without = world.ask("POST", "/users", &[&cookie], Some(body.clone())).await;
        assert_eq!(without.status, 403, "{without:?}");
        let wrong = world.ask("POST", "/users", &[&cookie, "x-csrf-token: 1"], Some(body.clone())).await;
        assert_eq!(wrong.status, 403);
        let with = world.ask("POST", "/users", &[&cookie, &csrf], Some(body)).await;
        assert_eq!(with.status, 201, "{with:?}");
        assert_eq!(world.ask("DELETE", "/session", &[&cookie, &csrf], None).await.status, 204);
        assert_eq!(world.ask("GET", "/session", &[&cookie], None).await.status, 401);
    });
}

#[test]
fn an_unknown_login_a_wrong_password_and_a_disabled_user_get_the_same_answer() {
    run(async |world| {
        world.user("ann", "viewer").await;
        let id = world.user("bob", "viewer").await;
        let headers = [&*format!("authorization: Bearer {ADMIN_TOKEN}"), "if-match: *"];
        let off = json!({"name": "Bob", "role": "viewer", "disabled": true});
        assert_eq!(world.ask("PUT", &format!("/users/{id}"), &headers, Some(off)).await.status, 200);
        let answers = [
            world.sign_in("nobody", PASSWORD).await,
            world.sign_in("ann", "wrong password").await,
            world.sign_in("bob", PASSWORD).await,
        ];
        for answer in &answers {
            assert_eq!((answer.status, &answer.text), (StatusCode::UNAUTHORIZED, &answers[0].text));
        }
    });
}

#[test]
fn the_eleventh_try_on_an_account_is_refused_whether_it_exists_or_not() {
    run(async |world| {
        world.user("ann", "viewer").await;
        for login in ["ann", "nobody"] {
            for _ in 0..10 {
                assert_eq!(world.sign_in(login, "wrong password").await.status, 401);
            }
            let answer = world.sign_in(login, PASSWORD).await;
            assert_eq!(answer.status, 429, "{login}");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 30);
        }
    });
}

#[test]
fn the_set_up_link_makes_the_first_admin_once() {
    run(async |world| {
        let link = world.api.setup_link().await.unwrap().unwrap();
        let token = link.strip_prefix("http://127.0.0.1:8080/setup?token=").unwrap();
        let body =
            |token: &str| Some(json!({"token": token, "login": "ann", "name": "Ann", "password": PASSWORD}));
        assert_eq!(world.ask("POST", "/setup", &[], body("wrong")).await.status, 403);
        let made = world.ask("POST", "/setup", &[], body(token)).await;
        assert_eq!((made.status.as_u16(), made.json()["role"].as_str()), (201, Some("admin")), "{made:?}");
        assert_eq!(world.ask("POST", "/setup", &[], body(token)).await.status, 403);
        assert_eq!(world.api.setup_link().await.unwrap(), None);
        assert_eq!(world.sign_in("ann", PASSWORD).await.status, 200);
    });
}

#[test]
fn a_token_is_shown_once_and_does_no_more_than_its_scopes_and_its_user_may() {
    run(async |world| {
        world.user("eve", "editor").await;
        let signed_in = world.sign_in("eve", PASSWORD).await;
        let cookie = format!("cookie: {}", signed_in.cookie());
        let csrf = format!("x-csrf-token: {}", signed_in.json()["csrfToken"].as_str().unwrap());
        let wanted = json!({"name": "ci", "scopes": ["calls.read", "users.manage"], "days": 30});
        let made = world.ask("POST", "/tokens", &[&cookie, &csrf], Some(wanted)).await;
        assert_eq!(made.status, 201, "{made:?}");
        let secret = made.json()["token"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("cb_"), "{secret}");
        let listed = world.ask("GET", "/tokens", &[&cookie], None).await;
        assert!(listed.text.contains("\"ci\"") && !listed.text.contains(&secret), "{listed:?}");
        let bearer = format!("authorization: Bearer {secret}");
        let who = world.ask("GET", "/session", &[&bearer], None).await;
        assert_eq!(who.json()["permissions"], json!(["calls.read"]));
        assert_eq!(world.ask("GET", "/users", &[&bearer], None).await.status, 403);
        let more = json!({"name": "more", "scopes": ["all"]});
        assert_eq!(world.ask("POST", "/tokens", &[&bearer], Some(more)).await.status, 403);
        let path = format!("/tokens/{}", made.json()["id"].as_str().unwrap());
        assert_eq!(world.ask("DELETE", &path, &[&cookie, &csrf], None).await.status, 204);
        assert_eq!(world.ask("GET", "/session", &[&bearer], None).await.status, 401);
    });
}

#[test]
fn a_token_makes_no_token_and_a_narrow_one_ends_nothing_but_itself() {
    run(async |world| {
        world.user("eve", "editor").await;
        let signed_in = world.sign_in("eve", PASSWORD).await;
        let cookie = format!("cookie: {}", signed_in.cookie());
        let csrf = format!("x-csrf-token: {}", signed_in.json()["csrfToken"].as_str().unwrap());
        let make = async |scope: &str| {
            let wanted = json!({"name": "ci", "scopes": [scope]});
            let made = world.ask("POST", "/tokens", &[&cookie, &csrf], Some(wanted)).await.json();
            let text = |field: &str| made[field].as_str().unwrap().to_owned();
            (format!("/tokens/{}", text("id")), format!("authorization: Bearer {}", text("token")))
        };
        let ((narrow_path, narrow), (wide_path, wide)) = (make("calls.read").await, make("all").await);
        for bearer in [&narrow, &wide] {
            let same = json!({"name": "more", "scopes": ["calls.read"]});
            let refused = world.ask("POST", "/tokens", &[bearer], Some(same)).await;
            assert_eq!(refused.status, 403);
            assert!(refused.text.contains("sign in with a browser"), "{refused:?}");
        }
        let sessions = world.ask("GET", "/sessions", &[&cookie], None).await.json();
        let session = format!("/sessions/{}", sessions["items"][0]["id"].as_str().unwrap());
        let delete = async |path: &str, bearer: &str| world.ask("DELETE", path, &[bearer], None).await.status;
        assert_eq!(delete(&session, &narrow).await, 403);
        assert_eq!(delete(&wide_path, &narrow).await, 403);
        assert_eq!(delete(&narrow_path, &narrow).await, 204);
        assert_eq!(delete(&session, &wide).await, 204);
    });
}

#[test]
fn a_new_password_ends_the_users_tokens_whoever_gives_it() {
    run(async |world| {
        let id = world.user("eve", "editor").await;
        let token_of = async |password: &str| {
            let signed_in = world.sign_in("eve", password).await;
            let cookie = format!("cookie: {}", signed_in.cookie());
            let csrf = format!("x-csrf-token: {}", signed_in.json()["csrfToken"].as_str().unwrap());
            let wanted = json!({"name": "ci", "scopes": ["all"]});
            let made = world.ask("POST", "/tokens", &[&cookie, &csrf], Some(wanted)).await.json();
            (cookie, csrf, format!("authorization: Bearer {}", made["token"].as_str().unwrap()))
        };
        let works = async |bearer: &str| world.ask("GET", "/session", &[bearer], None).await.status == 200;
        let (cookie, csrf, bearer) = token_of(PASSWORD).await;
        assert!(works(&bearer).await);
        let change = json!({"current": PASSWORD, "new": "battery staple"});
        let changed = world.ask("PUT", "/session/password", &[&cookie, &csrf], Some(change)).await;
        assert_eq!(changed.status, 204, "{changed:?}");
        assert!(!works(&bearer).await && works(&cookie).await);
        let (cookie, _, bearer) = token_of("battery staple").await;
        let reset = Some(json!({"password": "another password"}));
        let reset = world.as_admin("PUT", &format!("/users/{id}/password"), reset).await;
        assert_eq!(reset.status, 204, "{reset:?}");
        assert!(!works(&bearer).await && !works(&cookie).await);
    });
}

#[test]
fn who_has_not_signed_in_takes_no_place_of_those_who_have() {
    run(async |world| {
        world.user("ann", "viewer").await;
        let open = world.api.open_requests.acquire_many(OPEN_REQUESTS_MAX as u32).await.unwrap();
        assert_eq!(world.sign_in("ann", PASSWORD).await.status, 503);
        assert_eq!(world.as_admin("GET", "/users", None).await.status, 200);
        drop(open);
        let _all = world.api.requests.acquire_many(REQUESTS_MAX as u32).await.unwrap();
        assert_eq!(world.as_admin("GET", "/users", None).await.status, 503);
        assert_eq!(world.ask("GET", "/users", &[], None).await.status, 401);
        assert_eq!(world.sign_in("ann", PASSWORD).await.status, 200);
    });
}

/// A body of which nothing ever comes.
struct Never;

impl axum::body::HttpBody for Never {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[test]
fn a_body_that_does_not_come_takes_no_place() {
    run(async |world| {
        for path in ["/users", "/session"] {
            let request = Request::builder().method("POST").uri(format!("/api/v1{path}"));
            let request = request
                .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
                .header("content-type", "application/json")
                .body(Body::new(Never));
            let mut slow = std::pin::pin!(world.send(request.unwrap()));
            assert!(tokio::time::timeout(Duration::from_millis(100), &mut slow).await.is_err());
            assert_eq!(world.api.requests.available_permits(), REQUESTS_MAX);
            assert_eq!(world.api.open_requests.available_permits(), OPEN_REQUESTS_MAX);
        }
    });
}

#[test]
fn a_change_needs_the_etag_of_what_it_changes() {
    run(async |world| {
        let id = world.user("ann", "viewer").await;
        let path = format!("/users/{id}");
        let tag = world.as_admin("GET", &path, None).await.header("etag").to_owned();
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let body = || Some(json!({"name": "Ann B", "role": "editor", "disabled": false}));
        assert_eq!(world.ask("PUT", &path, &[&admin], body()).await.status, 428);
        let matching = format!("if-match: {tag}");
        let changed = world.ask("PUT", &path, &[&admin, &matching], body()).await;
        assert_eq!((changed.status.as_u16(), changed.json()["role"].as_str()), (200, Some("editor")));
        assert_ne!(changed.header("etag"), tag);
        assert_eq!(world.ask("PUT", &path, &[&admin, &matching], body()).await.status, 412);
    });
}

#[test]
fn a_creation_sent_twice_with_one_key_is_done_once() {
    run(async |world| {
        let body =
            |login: &str| Some(json!({"login": login, "name": "A", "role": "viewer", "password": PASSWORD}));
        let headers = [&*format!("authorization: Bearer {ADMIN_TOKEN}"), "idempotency-key: k1"];
        let first = world.ask("POST", "/users", &headers, body("ann")).await;
        let again = world.ask("POST", "/users", &headers, body("ann")).await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{again:?}");
        assert_eq!((&first.text, first.header("etag")), (&again.text, again.header("etag")));
        assert_eq!(
            (first.header("idempotency-replayed"), again.header("idempotency-replayed")),
            ("", "true")
        );
        assert_eq!(again.header("content-type"), "application/json");
        assert_eq!(world.ask("POST", "/users", &headers, body("bob")).await.status, 422);
        assert_eq!(world.as_admin("GET", "/users", None).await.json()["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn lists_come_in_pages_that_a_cursor_joins() {
    run(async |world| {
        for login in ["c", "a", "b"] {
            world.user(login, "viewer").await;
        }
        let logins = |page: &Value| {
            let items = page["items"].as_array().unwrap().iter();
            items.map(|user| user["login"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = world.as_admin("GET", "/users?limit=2", None).await.json();
        assert_eq!(logins(&first), ["a", "b"]);
        let next = format!("/users?limit=2&cursor={}", first["next"].as_str().unwrap());
        let second = world.as_admin("GET", &next, None).await.json();
        assert_eq!((logins(&second), second.get("next")), (vec!["c".to_owned()], None));
        for wrong in ["limit=0", "limit=201", "limit=x", "cursor=zz", "page=2"] {
            let answer = world.as_admin("GET", &format!("/users?{wrong}"), None).await;
            assert_eq!(answer.status, 400, "{wrong}: {answer:?}");
        }
    });
}

#[test]
fn every_refusal_is_a_problem() {
    run(async |world| {
        let admin = format!("authorization: Bearer {ADMIN_TOKEN}");
        let post = |kind: &str, body: &str| {
            let request = Request::builder().method("POST").uri("/api/v1/users").header("content-type", kind);
            request
                .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
                .body(Body::from(body.to_owned()))
                .unwrap()
        };
        let large = format!("\"{}\"", "x".repeat(request::DOCUMENT_BYTES_MAX));
        let answers = [
            (400, world.send(post("application/json", "{")).await),
            (401, world.ask("GET", "/users", &[], None).await),
            (401, world.ask("GET", "/users", &["authorization: Bearer cb_none"], None).await),
            (404, world.ask("GET", "/nothing", &[], None).await),
            (404, world.as_admin("GET", "/users/u-none", None).await),
            (405, world.ask("PATCH", "/users", &[&admin], None).await),
            (406, world.ask("GET", "/users", &[&admin, "accept: text/html"], None).await),
            (413, world.send(post("application/json", &large)).await),
            (415, world.send(post("text/plain", "{}")).await),
            (422, world.send(post("application/json", "{\"x\":1}")).await),
        ];
        for (status, answer) in answers {
            assert_eq!(answer.status.as_u16(), status, "{answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            let body = answer.json();
            for field in ["type", "title", "detail"] {
                assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {answer:?}");
            }
            assert_eq!(body["status"], status);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            if status == 405 {
                assert_eq!(answer.header("allow"), "HEAD, GET, POST");
            }
        }
    });
}

#[test]
fn a_sound_file_becomes_a_prompt_and_what_is_none_is_named() {
    run(async |world| {
        let upload = |path: &str, kind: &str, bytes: Vec<u8>| {
            let request = Request::builder().method("POST").uri(format!("/api/v1{path}"));
            let request =
                request.header("authorization", format!("Bearer {ADMIN_TOKEN}")).header("content-type", kind);
            request.body(Body::from(bytes)).unwrap()
        };
        let mut wav = b"RIFF\x64\x03\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x03\0\0".to_vec();
        wav.extend(std::iter::repeat_n([0, 0x40], 416).flatten());
        let made = world.send(upload("/prompts?id=hello&language=en", "audio/wav", wav)).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!((&made.json()["lengthMs"], &made.json()["format"]), (&json!(52), &json!("wav")));
        let peaks = world.as_admin("GET", "/prompts/hello/peaks?points=1", None).await.json();
        assert_eq!(peaks["peaks"], json!([0.5, 0.5]), "{peaks}");
        let garbage = world.send(upload("/prompts?id=bad", "audio/mpeg", vec![1; 500])).await;
        assert_eq!(garbage.status, 422, "{garbage:?}");
        assert!(garbage.json()["detail"].as_str().unwrap().contains("format"), "{garbage:?}");
        assert_eq!(world.send(upload("/prompts?id=bad", "image/png", vec![1])).await.status, 415);
        assert_eq!(world.as_admin("DELETE", "/prompts/hello", None).await.status, 204);
        assert_eq!(world.as_admin("GET", "/prompts/hello/original", None).await.status, 404);
    });
}

#[test]
fn the_document_names_every_route_once_and_nothing_that_is_missing() {
    let routes = resources::routes();
    let document = openapi::document(routes.iter().map(|route| &route.operation), "cordboard");
    let mut ids = std::collections::BTreeSet::new();
    for route in &routes {
        let operation = &route.operation;
        assert!(ids.insert(operation.id), "{} stands twice", operation.id);
        assert!(!operation.tag.is_empty() && !operation.answers.is_empty(), "{}", operation.id);
        let method = operation.method.as_str().to_ascii_lowercase();
        assert_eq!(document["paths"][operation.path][method]["operationId"], operation.id);
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|part| part.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} is missing");
    }
}
