//! What the log says of telephones that register.

use super::trunks::changed;
use super::*;

/// What is logged meanwhile.
fn logged(work: impl FnOnce()) -> String {
    let (sender, lines) = std::sync::mpsc::channel::<u8>();
    // Where a process has but one log, a line that another test comes to first is off for all: with a second one all are asked.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || Sending(sender.clone()));
    tracing::subscriber::with_default(log.finish(), work);
    String::from_utf8(lines.iter().collect()).unwrap()
}

/// Where a log goes to be looked at.
struct Sending(std::sync::mpsc::Sender<u8>);

impl std::io::Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        bytes.iter().for_each(|byte| _ = self.0.send(*byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_telephone_that_makes_room_for_the_eleventh_is_logged_with_its_account() {
    let mut bench = Bench::new();
    bench.handle(changed(|_| {}));
    let line = "has more telephones than are kept";
    let ten = logged(|| (0..10).for_each(|n| bench.registered(5_062 + n, "")));
    assert!(!ten.contains(line), "{ten}");
    let eleventh = logged(|| bench.registered(5_080, ""));
    assert!(eleventh.contains("WARN") && eleventh.contains(line), "{eleventh}");
    assert!(eleventh.contains("account=alice"), "{eleventh}");
}
