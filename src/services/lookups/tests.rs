//! Against a web service of the test's own, on the loopback.

use super::*;
use crate::flow::reply_json::{DEPTH_MAX, NODES_MAX};
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn lookups(outside: &Outside) -> Result<Lookups, reqwest::Error> {
    let clock = SystemClock::start();
    Lookups::new(outside, super::super::crm::connect(outside, clock).unwrap(), clock)
}

/// A service that gives each request the same answer, or, without one, none. Says of each connection when it is closed.
async fn service(answer: Option<String>) -> (Lookups, String, Arc<Mutex<(u32, u32)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(Mutex::new((0, 0)));
    let counts = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counts) = (answer.clone(), counts.clone());
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                counts.lock().unwrap().0 += 1;
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    None => while stream.read(&mut request).await.is_ok_and(|read| read > 0) {},
                }
                counts.lock().unwrap().1 += 1;
            });
        }
    });
    let outside = Outside { allowed_hosts: vec![host.clone()], ..Outside::default() };
    (lookups(&outside).unwrap(), format!("http://{host}/"), connections)
}

fn http(kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn get(url: &str) -> Question {
    Question::Http(HttpRequest {
        method: Method::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_secs(5),
        retries: 0,
        bytes_max: crate::flow::HTTP_BYTES_MAX,
        sign_with: None,
    })
}

#[tokio::test]
async fn json_is_read_where_it_was_fetched_and_handed_over_as_a_tree() {
    let large = json!((0..NODES_MAX / 2).map(|n| json!([n])).collect::<Vec<_>>()).to_string();
    let deep = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1));
    for (kind, body, expected) in [
        ("application/json; charset=utf-8", "{\"tier\": \"gold\"}", Ok(json!({"tier": "gold"}))),
        ("text/plain", "[1]", Ok(json!([1]))),
        ("text/plain", "hello", Ok(Value::Null)),
        ("application/problem+json", "", Ok(Value::Null)),
        ("application/json", "{", Err("is no JSON")),
        ("application/json", large.as_str(), Err("has more than 20000 values")),
        ("application/json", deep.as_str(), Err("more than 64 deep")),
        ("text/plain", deep.as_str(), Ok(Value::Null)),
    ] {
        let (lookups, url, _) = service(Some(http(kind, body))).await;
        match (lookups.answer(&get(&url)).await, expected) {
            (Ok(Reply::Http { status: 200, body: found, json }), Ok(expected)) => {
                assert_eq!((found.as_str(), json), (body, expected));
            }
            (Err(error), Err(expected)) => {
                assert_eq!(error.code, "http_bad_json");
                assert!(error.message.contains(expected), "{error}");
            }
            (found, expected) => panic!("{kind} {body:.40}: {found:?} in place of {expected:?}"),
        }
    }
}

#[tokio::test]
async fn a_question_that_is_given_up_closes_its_connection_leaves_its_place_and_is_no_failure_of_the_host() {
    let (lookups, url, connections) = service(None).await;
    // More than there are places at one time, and more than the failures that close a host.
    for round in 1..=40 {
        let (lookups, url) = (&lookups, &url);
        let seen = connections.clone();
        let asked = async move {
            while seen.lock().unwrap().0 < round {
                tokio::task::yield_now().await;
            }
        };
        let question = get(url);
        tokio::select! {
            answer = lookups.answer(&question) => panic!("{round}: {answer:?}"),
            () = asked => {}
        }
    }
    while connections.lock().unwrap().1 < 40 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_sms_provider_answers_is_not_read_as_json() {
    let (_, url, _) = service(Some(http("application/json", "{ no JSON"))).await;
    let outside = Outside { sms: Some(SmsProvider { url, token: None }), ..Outside::default() };
    let lookups = lookups(&outside).unwrap();
    let message = TextMessage { to: "+1".to_owned(), from: "+2".to_owned(), body: "x".to_owned() };
    assert_eq!(lookups.answer(&Question::Sms(message)).await, Ok(Reply::Sms));
}

#[tokio::test]
async fn a_message_that_was_taken_is_sent_however_much_the_provider_says_about_it() {
    let (_, url, _) = service(Some(http("text/html", &"x".repeat(300_000)))).await;
    let outside = Outside { sms: Some(SmsProvider { url, token: None }), ..Outside::default() };
    let lookups = lookups(&outside).unwrap();
    let message = TextMessage { to: "+1".to_owned(), from: "+2".to_owned(), body: "x".to_owned() };
    assert_eq!(lookups.answer(&Question::Sms(message)).await, Ok(Reply::Sms));
}
