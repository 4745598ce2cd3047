use super::*;
use crate::clock::SystemClock;
use std::collections::VecDeque;

/// Two sides of a handshake under a virtual clock, and the datagrams between them.
struct Pair {
    now: Instant,
    client: Association,
    server: Association,
    to_server: VecDeque<Vec<u8>>,
    to_client: VecDeque<Vec<u8>>,
    outcomes: [Option<Outcome>; 2],
}

impl Pair {
    /// Each side awaits the certificate of these numbers of the other one.
    fn new(client_awaits: usize, server_awaits: usize) -> Self {
        let epoch = SystemClock::start().origin();
        let (ours, theirs) = (Identity::new(epoch).unwrap(), Identity::new(epoch).unwrap());
        let now = Instant::from_millis(5_000);
        let awaited = |identity: &Identity, number| Arc::from([identity.fingerprint(number).clone()]);
        let client = Association::new(now, &theirs, 0, Role::Client, awaited(&ours, client_awaits));
        let server = Association::new(now, &ours, 0, Role::Server, awaited(&theirs, server_awaits));
        let (to_server, to_client) = Default::default();
        Pair { now, client, server, to_server, to_client, outcomes: [None, None] }
    }

    fn note(&mut self, side: usize, outcome: Outcome) {
        if outcome != Outcome::Going {
            self.outcomes[side] = Some(outcome);
        }
    }

    /// Lets a second go by, in steps of ten milliseconds; what `lost` says is lost.
    fn run(&mut self, mut lost: impl FnMut() -> bool) {
        for _ in 0..100 {
            let (now, to_server, to_client) = (self.now, &mut self.to_server, &mut self.to_client);
            let client = self.client.on_time(now, &mut |datagram| to_server.push_back(datagram.to_vec()));
            let server = self.server.on_time(now, &mut |datagram| to_client.push_back(datagram.to_vec()));
            self.note(0, client);
            self.note(1, server);
            while let Some(datagram) = self.to_server.pop_front() {
                if !lost() {
                    let to_client = &mut self.to_client;
                    let mut send = |datagram: &[u8]| to_client.push_back(datagram.to_vec());
                    let outcome = self.server.receive(self.now, &datagram, &mut send);
                    self.note(1, outcome);
                }
            }
            while let Some(datagram) = self.to_client.pop_front() {
                if !lost() {
                    let to_server = &mut self.to_server;
                    let mut send = |datagram: &[u8]| to_server.push_back(datagram.to_vec());
                    let outcome = self.client.receive(self.now, &datagram, &mut send);
                    self.note(0, outcome);
                }
            }
            self.now += Duration::from_millis(10);
        }
    }

    fn agreements(&self) -> [&Agreement; 2] {
        self.outcomes.each_ref().map(|outcome| match outcome {
            Some(Outcome::Agreed(agreement)) => agreement.as_ref(),
            other => panic!("{other:?}"),
        })
    }
}

#[test]
fn both_sides_come_to_the_same_keys() {
    let mut pair = Pair::new(0, 0);
    pair.run(|| false);
    let [client, server] = pair.agreements();
    assert_eq!((client.profile, server.profile), (Profile::Gcm256, Profile::Gcm256));
    assert!(client.send == server.receive && client.receive == server.send && client.send != client.receive);
}

#[test]
fn flights_that_are_lost_are_sent_again() {
    for seed in 0..8 {
        let mut pair = Pair::new(0, 0);
        let mut random = crate::ids::Random::from_seed(seed);
        for _ in 0..10 {
            pair.run(|| random.below(4) == 0);
        }
        let [client, server] = pair.agreements();
        assert!(client.send == server.receive, "seed {seed}");
    }
}

#[test]
fn a_certificate_that_the_description_does_not_name_gives_no_keys() {
    let mut pair = Pair::new(0, 1);
    pair.run(|| false);
    assert_eq!(pair.outcomes[1], Some(Outcome::Failed(Failure::WrongCertificate)));
    let mut pair = Pair::new(1, 0);
    pair.run(|| false);
    assert_eq!(pair.outcomes[0], Some(Outcome::Failed(Failure::WrongCertificate)));
    assert!(!matches!(pair.outcomes[1], Some(Outcome::Agreed(_))), "{:?}", pair.outcomes[1]);
}

#[test]
fn a_peer_that_falls_silent_is_given_up() {
    let mut pair = Pair::new(0, 0);
    let mut count = 0;
    for _ in 0..20 {
        pair.run(|| {
            count += 1;
            count > 4
        });
    }
    assert!(matches!(pair.outcomes[1], Some(Outcome::Failed(Failure::Late))), "{:?}", pair.outcomes[1]);
    assert_eq!(pair.server.due(), None);
}

#[test]
fn bytes_of_any_kind_end_no_finished_handshake_and_are_answered_a_few_times_only() {
    let mut pair = Pair::new(0, 0);
    pair.run(|| false);
    let mut random = crate::ids::Random::from_seed(1);
    let mut answers = 0;
    for _ in 0..2_000 {
        let mut bytes: Vec<u8> = (0..random.below(300)).map(|_| random.next_u32() as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first = 20 + *first % 5;
        }
        let outcome = pair.server.receive(pair.now, &bytes, &mut |_| answers += 1);
        assert_eq!(outcome, Outcome::Going);
    }
    assert!(answers <= DATAGRAMS_MAX, "{answers}");
}

#[test]
fn certificates_differ_and_a_fingerprint_is_of_one_alone() {
    let identity = Identity::new(SystemClock::start().origin()).unwrap();
    assert_ne!(identity.fingerprint(0), identity.fingerprint(1));
    assert_eq!(identity.fingerprint(0), identity.fingerprint(2));
    let der = &identity.certificates[0].pair.certificate;
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        assert!(Fingerprint::of(hash, der).is_of(der));
        assert!(!Fingerprint::of(hash, &der[1..]).is_of(der));
    }
}
