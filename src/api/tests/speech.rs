//! Texts that are spoken for listening.

use super::*;

async fn speak(world: &World, body: Value) -> Answer {
    world.as_admin("POST", "/speech", Some(body)).await
}

#[test]
fn a_text_is_spoken_as_a_wav_file() {
    // An engine that says the same of everything: 800 samples of silence, the text unread.
    const ENGINE: [&str; 3] = [
        "sh",
        "-c",
        r"cat >/dev/null; printf 'RIFF\144\006\0\0WAVEfmt \020\0\0\0\001\0\001\0\100\037\0\0\200\076\0\0\002\0\020\0data\100\006\0\0'; head -c 1600 /dev/zero",
    ];
    run_with(Some(&ENGINE), async |world| {
        let answer =
            speak(&world, json!({"text": "Good morning", "language": "en-GB", "voice": "default"})).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "audio/wav"), "{answer:?}");
        assert!(answer.text.starts_with("RIFF") && answer.text.contains("WAVEfmt "));
    });
}

#[test]
fn why_a_text_is_not_spoken_is_told_in_words() {
    let cases: [(Option<&[&str]>, &str); 4] = [
        (None, "install a speech engine"),
        (Some(&["/nowhere/engine"]), "is not installed"),
        (Some(&["false"]), "did not speak this text"),
        (Some(&["cat"]), "did not speak this text"),
    ];
    for (engine, words) in cases {
        run_with(engine, async |world| {
            let answer = speak(&world, json!({"text": "Good morning"})).await;
            assert_eq!(answer.status, 422, "{answer:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(words) && !detail.contains("nowhere"), "{detail}");
        });
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    run(async |world| {
        for (body, pointer) in [
            (json!({"text": ""}), "/text"),
            (json!({"text": " \n"}), "/text"),
            (json!({"text": "x".repeat(4_001)}), "/text"),
            (json!({"text": "x", "language": "x".repeat(101)}), "/language"),
            (json!({"text": "x", "voice": "x".repeat(101)}), "/voice"),
            (json!({"text": "x", "speed": 2}), "/speed"),
        ] {
            let answer = speak(&world, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()["findings"][0]["pointer"].as_str()),
                (422, Some(pointer)),
                "{answer:?}"
            );
        }
    });
}

#[test]
fn texts_are_spoken_for_those_who_edit_flows_and_so_many_at_a_time() {
    run(async |world| {
        world.user("vera", "viewer").await;
        let session = world.sign_in("vera", PASSWORD).await;
        let (cookie, csrf) = (session.cookie(), session.json()["csrfToken"].as_str().unwrap().to_owned());
        let headers = [&*format!("cookie: {cookie}"), &*format!("x-csrf-token: {csrf}")];
        let refused = world.ask("POST", "/speech", &headers, Some(json!({"text": "x"}))).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        for _ in 0..30 {
            assert_eq!(speak(&world, json!({"text": "x"})).await.status, 422);
        }
        let late = speak(&world, json!({"text": "x"})).await;
        assert_eq!(late.status, 429, "{late:?}");
        assert!(!late.header("retry-after").is_empty());
    });
}
