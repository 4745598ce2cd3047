//! Sound files on their way in and out.

use super::*;

fn upload(path: &str, kind: &str, body: Body) -> Request<Body> {
    let request = Request::builder().method("POST").uri(format!("/api/v1{path}"));
    let request =
        request.header("authorization", format!("Bearer {ADMIN_TOKEN}")).header("content-type", kind);
    request.body(body).unwrap()
}

/// Some silence.
fn wav() -> Vec<u8> {
    let mut wav =
        b"RIFF\x64\x03\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x03\0\0"
            .to_vec();
    wav.resize(wav.len() + 832, 0);
    wav
}

#[test]
fn slow_uploads_keep_neither_the_api_nor_those_who_listen_from_their_places() {
    run(async |world| {
        let made = world.send(upload("/prompts?id=one", "audio/wav", Body::from(wav()))).await;
        assert_eq!(made.status, 201, "{made:?}");
        let slow = |id: &str| world.send(upload(&format!("/prompts?id={id}"), "audio/wav", Body::new(Never)));
        let mut first = std::pin::pin!(slow("slow1"));
        let mut second = std::pin::pin!(slow("slow2"));
        for upload in [&mut first, &mut second] {
            assert!(tokio::time::timeout(Duration::from_millis(100), upload).await.is_err());
        }
        let third = tokio::time::timeout(Duration::from_secs(20), slow("slow3")).await.unwrap();
        assert_eq!((third.status.as_u16(), third.header("retry-after")), (503, "10"), "{third:?}");
        assert!(third.json()["detail"].as_str().unwrap().contains("again in 10 s"), "{third:?}");
        assert_eq!(world.as_admin("GET", "/users", None).await.status, 200);
        assert_eq!(world.as_admin("GET", "/prompts/one/peaks?points=1", None).await.status, 200);
    });
}

#[test]
fn a_prompt_may_lie_in_a_folder_and_is_what_its_bytes_say() {
    run(async |world| {
        let made =
            world.send(upload("/prompts?id=menus/main", "application/octet-stream", Body::from(wav()))).await;
        assert_eq!((made.status.as_u16(), &made.json()["format"]), (201, &json!("wav")), "{made:?}");
        assert_eq!(made.header("location"), "/api/v1/prompts/menus%2Fmain");
        let read = world.as_admin("GET", "/prompts/menus%2Fmain", None).await;
        assert_eq!((read.status.as_u16(), &read.json()["id"]), (200, &json!("menus/main")), "{read:?}");
        for id in ["menus/", "/main", "menus//main", "../main", ".hidden"] {
            let refused =
                world.send(upload(&format!("/prompts?id={id}"), "audio/wav", Body::from(wav()))).await;
            assert_eq!(refused.status, 400, "{id}");
        }
        let other = world.send(upload("/prompts?id=other", "audio/mpeg", Body::from(wav()))).await;
        assert_eq!(other.status, 415, "{other:?}");
        assert!(other.json()["detail"].as_str().unwrap().contains("wav by its bytes"), "{other:?}");
        let both = world.send(upload("/prompts?id=x&format=mp3", "audio/wav", Body::from(wav()))).await;
        assert_eq!(both.status, 400, "{both:?}");
    });
}

#[test]
fn a_plus_that_came_as_a_blank_is_hinted_at() {
    run(async |world| {
        for path in ["/records?caller=+1555", "/records?number=+1555", "/route?number=+1555"] {
            let answer = world.as_admin("GET", path, None).await;
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.text.contains("%2B"), "{answer:?}");
        }
        assert_eq!(world.as_admin("GET", "/records?caller=%2B1555", None).await.status, 200);
    });
}

#[test]
fn what_is_cut_off_or_no_sound_is_refused_in_words_of_our_own() {
    run(async |world| {
        let cut = wav()[..444].to_vec();
        let refused = world.send(upload("/prompts?id=cut", "audio/wav", Body::from(cut))).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(refused.text.contains("is cut off: its header says 0.1 s, there are 0.0 s"), "{refused:?}");
        for kind in ["application/octet-stream", "audio/mpeg", "audio/ogg"] {
            let junk = Body::from(vec![b'x'; 5_000]);
            let refused = world.send(upload("/prompts?id=junk", kind, junk)).await;
            assert_eq!(refused.status, 422, "{kind}: {refused:?}");
            let detail = "no sound format that is known: wav, mp3, ogg, flac, m4a";
            assert_eq!(refused.json()["detail"], detail, "{kind}: {refused:?}");
        }
    });
}

#[test]
fn records_are_listed_by_why_the_call_ended() {
    run(async |world| {
        assert_eq!(world.as_admin("GET", "/records?endReason=rejected", None).await.status, 200);
        let unknown = world.as_admin("GET", "/records?endReason=bored", None).await;
        assert_eq!(unknown.status, 400, "{unknown:?}");
    });
}
