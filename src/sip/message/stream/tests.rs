use super::*;

fn options(body: &str) -> String {
    format!(
        "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\n\
         Call-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn drain(framer: &mut StreamFramer, now: Instant) -> Vec<Framed> {
    std::iter::from_fn(|| framer.next(now)).collect()
}

#[test]
fn messages_pings_and_bodies_are_told_apart_wherever_the_bytes_are_cut() {
    let stream = format!("\r\n\r\n{}\r\n{}\r\n\r\n{}", options("a\r\n\r\nb"), options(""), options("c"));
    for size in 1..40 {
        let mut framer = StreamFramer::default();
        let mut kinds = Vec::new();
        for piece in stream.as_bytes().chunks(size) {
            framer.push(piece);
            kinds.extend(drain(&mut framer, Instant::ZERO).iter().map(|framed| match framed {
                Framed::Ping => "ping".to_owned(),
                Framed::Message(Message::Request(request)) => {
                    String::from_utf8_lossy(request.body()).into_owned()
                }
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(kinds, ["ping", "a\r\n\r\nb", "", "ping", "c"], "in pieces of {size}");
        assert_eq!(framer.deadline(), None);
    }
}

#[test]
fn the_deadline_runs_from_the_first_byte_of_a_message_and_line_ends_start_none() {
    let mut framer = StreamFramer::default();
    let at = Instant::from_millis;
    framer.push(b"\r\n");
    drain(&mut framer, at(0));
    assert_eq!(framer.deadline(), None);
    framer.push(b"OPTIONS");
    drain(&mut framer, at(1_000));
    framer.push(b" sip:h SIP/2.0\r\n");
    drain(&mut framer, at(20_000));
    assert_eq!(framer.deadline(), Some(at(31_000)));
}

#[test]
fn a_head_without_end_is_given_up_at_its_limit_and_nothing_is_kept() {
    let mut framer = StreamFramer::default();
    framer.push(b"OPTIONS sip:h SIP/2.0\r\n");
    let mut framed = Vec::new();
    for _ in 0..2_000 {
        framer.push(b"X: yyyyyyyyyyyyyyyy\r\n");
        framed.extend(drain(&mut framer, Instant::ZERO));
        assert!(framer.buffer.len() <= HEAD_BYTES_MAX + 64);
    }
    let [Framed::Broken(reject)] = &framed[..] else { panic!("{framed:?}") };
    assert_eq!((reject.fault, framer.buffer.len(), framer.deadline()), (Fault::HeadTooLarge, 0, None));
}
