//! What a browser gets outside the API.

use super::*;

async fn get(world: &World, path: &str, accept: &str) -> Answer {
    let request = Request::get(path).header("accept", accept);
    world.send(request.body(Body::empty()).unwrap()).await
}

#[test]
fn each_address_within_the_console_is_its_page_with_a_nonce_of_its_own() {
    run(async |world| {
        let mut policies = Vec::new();
        for path in ["/", "/index.html", "/flows/main", "/setup?token=x"] {
            let answer = get(&world, path, "text/html,*/*;q=0.8").await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(answer.header("content-type").starts_with("text/html"), "{path}");
            assert!(!answer.text.contains("__CSP_NONCE__"), "{path}");
            let policy = answer.header("content-security-policy").to_owned();
            assert!(
                policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            policies.push(policy);
        }
        // Where the console was not built, its one page says so, and needs no styles.
        if policies[0].contains("'nonce-") {
            assert_ne!(policies[0], policies[1], "a nonce is used once");
        }
    });
}

#[test]
fn what_is_no_page_of_the_console_is_not_answered_with_it() {
    run(async |world| {
        for (path, accept) in [
            ("/assets/gone-12345678.js", "*/*"),
            ("/assets/gone-12345678.js", "text/html"),
            ("/../Cargo.toml", "text/html"),
            ("/%2e%2e/Cargo.toml", "text/html"),
            ("/api/v1/nothing", "text/html"),
            ("/api/v2", "text/html"),
            ("/flows", "application/json"),
        ] {
            let answer = get(&world, path, accept).await;
            assert_eq!(answer.status, 404, "{path} for {accept}: {answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        }
        let post = Request::post("/").header("accept", "text/html").body(Body::empty()).unwrap();
        assert_eq!(world.send(post).await.status, 404);
    });
}
