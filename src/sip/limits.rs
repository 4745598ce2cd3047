//! Every limit of the room, with the reason for its number.

use std::time::Duration;

/// Start line and headers of one message, in bytes. The longest message of RFC 4475 has 3.4 KiB; a request
/// that crossed ten proxies with long tokens has about 8 KiB.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of one message, comma lists counted by element. Real ones have 15 to 40, RFC 4475 `longreq` 43.
pub const HEADERS_MAX: usize = 256;
/// Body of one message, in bytes. Ten times the largest offer seen in the field with ICE and video.
pub const BODY_BYTES_MAX: usize = 32 * 1024;
/// One URI, in bytes. RFC 4475 `longreq` carries one of 400; a number with its parameters has 80.
pub const URI_BYTES_MAX: usize = 2 * 1024;
/// Call-ID, in bytes: copied into each message of the call and into records. Real ones have 20 to 130.
pub const CALL_ID_BYTES_MAX: usize = 512;
/// A tag or a branch, in bytes: copied into each message. RFC 4475 `longreq` has a branch of 250.
pub const TOKEN_BYTES_MAX: usize = 512;
/// Via entries: a request starts with Max-Forwards 70 (RFC 3261 8.1.1.6), so no honest one crossed more.
pub const VIA_MAX: usize = 71;
/// Route entries kept for a dialog; each is repeated in every request of ours.
pub const ROUTE_SET_MAX: usize = 32;
/// The largest CSeq number (RFC 3261 8.1.1.5: below 2^31).
pub const CSEQ_MAX: u32 = 0x7fff_ffff;
/// An UDP datagram cannot be longer.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;
/// A request longer than this goes over TCP where the peer takes it (RFC 3261 18.1.1: 1,300 where the path
/// MTU is not known).
pub const REQUEST_DATAGRAM_BYTES_MAX: usize = 1_300;

/// A message on a stream that is not complete so long after its first byte closes the connection (contract).
pub const STREAM_MESSAGE_TIME_MAX: Duration = Duration::from_secs(30);
/// An accepted connection that has not yet brought one whole message is closed after so long, as above.
pub const STREAM_SILENT_TIME_MAX: Duration = Duration::from_secs(30);
/// A connection that carries no dialog and brought nothing for so long is closed. Trunks that keep one open
/// for their next call send OPTIONS or CRLF far more often.
pub const STREAM_IDLE_TIME_MAX: Duration = Duration::from_secs(3_600);

/// A stream that we opened, that carries a dialog and has brought nothing for so long gets a ping: the lower end of what
/// RFC 5626 4.4.1 names for streams, below the idle limits of firewalls and load balancers.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(95);

/// Dialogs that one of our INVITEs can fork into and be acknowledged and ended one by one. A forking proxy
/// with more branches that all answer is broken or hostile.
pub const FORKS_MAX: usize = 16;
/// INVITEs of one dialog that we answered and that are not acknowledged yet. They come one after the other;
/// more than one is a lost ACK.
pub const UNACKNOWLEDGED_MAX: usize = 4;
/// Requests of one dialog that wait for our response. A peer sends a handful (keys as INFO) at most.
pub const DIALOG_REQUESTS_MAX: usize = 16;

/// One request a tenth of a second within a dialog, BYE apart: nobody types keys faster, and re-INVITEs are rarer. Each
/// costs a transaction for 32 s, so that a flood in one dialog holds some 400 of them.
pub const DIALOG_REQUEST_INTERVAL: Duration = Duration::from_millis(100);
/// 64 requests of a dialog at once: what a proxy kept back while it stood still.
pub const DIALOG_REQUEST_BURST: Duration = Duration::from_millis(6_400);
/// Share of the server transactions that one source may use for what neither begins nor ends a call. A proxy may be the
/// source of all calls; with a quarter, or 470 requests a second, it leaves room for the pings of others.
pub const SIDE_REQUESTS_SHARE: usize = 4;

/// Sources whose refusals are counted for the rate limit. At 48 bytes each the table stays below 1 MiB.
pub const REFUSED_SOURCES_MAX: usize = 8 * 1024;
/// Refusals that a source gets at once before the rate applies: a scanner's first volley, a misconfigured
/// trunk's three calls.
pub const REFUSALS_BURST: u32 = 10;
/// Refusals a second and source after that.
pub const REFUSALS_PER_SECOND: u32 = 2;
/// Messages that are no SIP, or that nobody of their source's address may send, before the source is banned: a trunk that is
/// not set up yet pings each few seconds and sends each of its calls seven times (Timer A), so that some thirty calls of half a
/// minute are let go.
pub const OFFENCES_BURST: u32 = 200;
/// The same a second after that: one such call a second.
pub const OFFENCES_PER_SECOND: u32 = 10;
/// REGISTERs and INVITEs that a source which is not admitted may send at once, to show who it is: an office of 500 phones
/// behind one address whose power comes back, each with its first request and the one that answers the challenge.
pub const KNOCKS_BURST: u32 = 1_000;
/// The same a second after that: the office's phones, each once a minute, with room.
pub const KNOCKS_PER_SECOND: u32 = 50;
/// The same of all sources together: 1,000 a second, which cost the signalling thread some twentieth of its time. Ten thousand
/// phones whose power comes back are heard within ten seconds, by what they send again.
pub const KNOCKS_OF_ALL_INTERVAL: Duration = Duration::from_millis(1);
/// Two offices as above at once.
pub const KNOCKS_OF_ALL_BURST: Duration = Duration::from_secs(2);
/// STUN requests of a source at once: those of the office above, each phone with one.
pub const STUN_BURST: u32 = 500;
/// The same a second after that: the office's phones, each every 24 s at the most (RFC 5626 4.4.2), with room.
pub const STUN_PER_SECOND: u32 = 50;
/// The same of all sources together: 24,000 phones. An answer has twelve bytes more than its request, and a source may be forged.
pub const STUN_OF_ALL_INTERVAL: Duration = Duration::from_millis(1);
/// A second's worth at once.
pub const STUN_OF_ALL_BURST: Duration = Duration::from_secs(1);
/// Accounts whose peers' challenges are remembered, one for each trunk; above it all are asked anew.
pub const DIGEST_SESSIONS_MAX: usize = 4 * 1024;
/// Requests answered 503 a second while nobody is known yet, all sources together: as many calls as a server takes, and
/// the pings beside them. Who is a trunk is not known, so none can have a share.
pub const NOBODY_KNOWN_INTERVAL: Duration = Duration::from_millis(1);
/// A second's worth at once: all trunks send again what went unanswered while the server was away.
pub const NOBODY_KNOWN_BURST: Duration = Duration::from_secs(1);
/// One refusal a second is told of, so that an operator sees whom the server refuses and a flood fills no log.
pub const REFUSAL_TOLD_INTERVAL: Duration = Duration::from_secs(1);
/// Ten refusals at once are told of: those of a new trunk that is set up wrongly.
pub const REFUSAL_TOLD_BURST: Duration = Duration::from_secs(10);
/// Peers remembered as taking TCP. The oldest is forgotten first; forgetting costs one long UDP request.
pub const TCP_PEERS_MAX: usize = 4 * 1024;
