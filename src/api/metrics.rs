//! Figures for Prometheus. Every name is there from the start, with 0; labels are few and bounded.

use super::health::Sources;
use crate::call::bans::BanFigures;
use crate::call::registering::AccountFigures;
use crate::call::trunk::TrunkStatus;
use crate::clock::SystemClock;
use crate::net::media_thread::Totals;
use crate::services::sender::SenderTotals;
use crate::sip::bans::Offence;
use crate::sip::endpoint::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// The page.
pub fn text(sources: &Sources) -> String {
    let mut registry = Registry::with_prefix("cordboard");
    registry.register_collector(Box::new(Page(sources.clone())));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => text,
        Err(fmt::Error) => String::new(),
    }
}

struct Page(Sources);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

/// Label names and values of one sample.
type Labels = Vec<(&'static str, &'static str)>;

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.figures();
        let (calls, sip, counts) = (&figures.counters, &figures.sip, &figures.counts);
        let e = &mut encoder;
        gauge(e, "calls_active", "Calls in progress", counts.calls as u64)?;
        gauge(e, "legs_active", "Legs that a media thread carries", self.media(|t| &t.legs))?;
        gauge(e, "bridges_active", "Pairs of legs that hear each other", self.media(|t| &t.bridges))?;
        gauge(e, "ports_free", "Pairs of media ports that may be lent", figures.ports_free as u64)?;
        gauge(e, "ports_lent", "Pairs of media ports in use", counts.ports_lent as u64)?;
        gauge(e, "draining", "1 while no new calls are taken", u64::from(figures.draining))?;
        gauge(e, "snapshot_revision", "Revision that new calls start on", figures.revision)?;
        gauge(e, "sip_dialogs", "SIP dialogs, with those that end", counts.sip.dialogs as u64)?;
        let transactions = counts.sip.server_transactions + counts.sip.client_transactions;
        gauge(e, "sip_transactions", "SIP transactions", transactions as u64)?;
        gauge(e, "sip_connections", "Connections of TCP, TLS and WebSocket", counts.sip.connections as u64)?;
        certificates(e, &self.0.tls.ends())?;
        let help = "Targets that are put back for a while, since they do not answer";
        gauge(e, "peers_blocked", help, figures.peers_blocked as u64)?;
        counter(e, "peers_put_back", "How often a target was put back", figures.peers_put_back)?;
        let handshakes = &self.0.handshakes;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        counters(
            e,
            "handshakes",
            "Handshakes of TLS and WebSocket by result",
            vec![
                (vec![("result", "done")], of(&handshakes.done)),
                (vec![("result", "failed")], of(&handshakes.failed)),
                (vec![("result", "turned_away")], of(&handshakes.turned_away)),
            ],
        )?;
        gauge(e, "sip_half_open", "Calls answered but not acknowledged", counts.sip.half_open as u64)?;
        let cpu = ConstCounter::new(SystemClock::cpu().as_secs_f64());
        let help = "CPU time that the process has taken, in seconds";
        cpu.encode(e.encode_descriptor("cpu_seconds", help, None, cpu.metric_type())?)?;
        counter(e, "ports_skipped", "Media ports held by other programs", self.0.binder.skipped())?;
        counters(
            e,
            "calls",
            "Calls by direction and result",
            vec![
                (vec![("direction", "in"), ("result", "answered")], calls.answered),
                (vec![("direction", "in"), ("result", "rejected")], calls.rejected),
                (vec![("direction", "in"), ("result", "ended")], calls.ended),
                (vec![("direction", "out"), ("result", "dialled")], calls.dialled),
            ],
        )?;
        counters(
            e,
            "numbers_refused",
            "Calls that a Smart Number turned away, by reason",
            vec![
                (vec![("reason", "blocked_caller")], calls.blocked),
                (vec![("reason", "all_busy")], calls.number_full),
                (vec![("reason", "not_in_service")], calls.not_in_service),
            ],
        )?;
        accounts(e, &figures.accounts)?;
        bans(e, &figures.bans)?;
        if let Some((hep, left_out)) = figures.hep {
            let results = [("sent", hep.sent), ("lost", hep.lost), ("left_out", left_out)];
            let samples = results.map(|(result, count)| (vec![("result", result)], count));
            counters(e, "hep_messages", "Copies of SIP messages for the collector", samples.to_vec())?;
        }
        trunks(e, &figures.trunks)?;
        counter(e, "invites", "INVITEs outside a dialog", calls.invites)?;
        let [rfc4733, in_band, info] = calls.digits;
        counters(
            e,
            "dtmf_digits",
            "Keys by what detected them",
            vec![
                (vec![("source", "rfc4733")], rfc4733),
                (vec![("source", "in_band")], in_band),
                (vec![("source", "info")], info),
            ],
        )?;
        let events_lost = self.0.events_lost.load(Ordering::Relaxed);
        counter(e, "live_events_lost", "Events of live calls that found no room", events_lost)?;
        let left_out = figures.ladder_left_out;
        counter(e, "sip_ladder_left_out", "SIP messages of calls that were too many to be kept", left_out)?;
        let refused = figures.captures_refused;
        counter(e, "captures_refused", "Packet captures asked for when as many ran as may", refused)?;
        let left_out = figures.capture_left_out;
        counter(e, "capture_packets_left_out", "Packets that found no room in a capture", left_out)?;
        let malformed = self.0.forwarded_malformed.load(Ordering::Relaxed);
        counter(e, "http_forwarded_malformed", "Words of trusted proxies that name no client", malformed)?;
        let refused = &self.0.sign_ins_refused;
        counters(
            e,
            "http_sign_ins_refused",
            "Sign-ins that were refused, by reason",
            vec![
                (vec![("reason", "wrong")], refused.wrong.load(Ordering::Relaxed)),
                (vec![("reason", "throttled")], refused.throttled.load(Ordering::Relaxed)),
            ],
        )?;
        counter(e, "flow_steps", "Steps entered", calls.flow_steps)?;
        counter(e, "flow_lookups", "Questions of flows to other systems", calls.lookups)?;
        counter(e, "flow_lookups_failed", "Questions of flows without a usable reply", calls.lookups_failed)?;
        let sent = self.0.sent.as_deref();
        let of = |total: fn(&SenderTotals) -> &AtomicU64| {
            sent.map_or(0, |sent| total(sent).load(Ordering::Relaxed))
        };
        counters(
            e,
            "outbox_rows",
            "Rows of the outbox by what became of an attempt",
            vec![
                (vec![("result", "sent")], of(|totals| &totals.sent)),
                (vec![("result", "failed")], of(|totals| &totals.failed)),
                (vec![("result", "parked")], of(|totals| &totals.parked)),
                (vec![("result", "dead")], of(|totals| &totals.dead)),
            ],
        )?;
        let crm = self.0.crm.as_ref().map(|crm| crm.health().shown()).unwrap_or_default();
        counters(
            e,
            "crm_requests",
            "Requests to the CRM by what came of them",
            vec![
                (vec![("result", "answered")], crm.requests - crm.failures),
                (vec![("result", "failed")], crm.failures),
            ],
        )?;
        let (used, all) = crm.allowance.unwrap_or_default();
        gauge(e, "crm_requests_today", "Requests of the day that the CRM has counted", used)?;
        gauge(e, "crm_requests_per_day", "Requests that the CRM allows a day; 0 where it has not said", all)?;
        counter(e, "flow_step_errors", "Steps that failed", calls.flow_step_errors)?;
        counters(
            e,
            "call_records",
            "Call records by what became of them in the file of [records]",
            vec![
                (vec![("result", "written")], self.0.records.written()),
                (vec![("result", "lost")], self.0.records.lost()),
            ],
        )?;
        let records = &self.0.records;
        gauge(
            e,
            "records_waiting",
            "Call records on disk that wait for the database",
            records.stored_waiting(),
        )?;
        counter(e, "records_written", "Call records written into the database", records.stored())?;
        counter(e, "records_lost", "Call records that the database will never have", records.stored_lost())?;
        let conflicting = records.stored_conflicting();
        counter(
            e,
            "records_conflicting",
            "Call records whose id another one has in the database",
            conflicting,
        )?;
        let dropped = records.refused_dropped();
        counter(e, "records_refused_dropped", "Call records put aside, and dropped for later ones", dropped)?;
        let (records, rows) = (&self.0.retention.records, &self.0.retention.rows);
        let (records, rows) = (records.load(Ordering::Relaxed), rows.load(Ordering::Relaxed));
        counter(e, "records_expired", "Call records deleted from the database for their age", records)?;
        counter(e, "outbox_rows_expired", "Rows of the outbox deleted for their age", rows)?;
        let away = u64::from(self.0.is_database_away());
        gauge(e, "database_away", "1 while the database does not answer", away)?;
        counters(
            e,
            "rtp_packets",
            "RTP and RTCP packets on the sockets",
            vec![
                (vec![("direction", "in")], self.media(|t| &t.packets_received)),
                (vec![("direction", "out")], self.media(|t| &t.packets_sent)),
            ],
        )?;
        counter(
            e,
            "rtp_packets_lost",
            "RTP packets lost on the way to us, of legs that ended",
            calls.rtp_lost,
        )?;
        counter(
            e,
            "rtp_packets_refused",
            "Media packets of strangers, of legs that ended",
            calls.rtp_refused,
        )?;
        counter(
            e,
            "rtp_packets_bad",
            "Media packets that could not be read, of legs that ended",
            calls.rtp_bad,
        )?;
        counter(
            e,
            "rtp_send_errors",
            "Media packets that the kernel did not take",
            self.media(|t| &t.send_errors),
        )?;
        counter(e, "media_late_ticks", "Ticks more than 5 ms late", self.media(|t| &t.late_ticks))?;
        sip_counters(e, sip)
    }
}

impl Page {
    fn media(&self, field: impl Fn(&Totals) -> &AtomicU64) -> u64 {
        self.0.media.iter().map(|totals| field(totals).load(Ordering::Relaxed)).sum()
    }
}

fn accounts(e: &mut DescriptorEncoder<'_>, figures: &AccountFigures) -> fmt::Result {
    gauge(e, "registered_bindings", "Places where accounts are reached", figures.bindings as u64)?;
    let help = "Subscriptions to waiting messages";
    gauge(e, "message_waiting_subscriptions", help, figures.subscriptions as u64)?;
    let (registrar, digest) = (&figures.registrar, &figures.digest);
    counters(
        e,
        "registrations",
        "Registrations of telephones and PBXs with this server, by what became of them",
        vec![
            (vec![("result", "registered")], registrar.registered),
            (vec![("result", "removed")], registrar.removed),
            (vec![("result", "expired")], registrar.expired),
            (vec![("result", "displaced")], registrar.displaced),
            (vec![("result", "refused")], registrar.refused),
        ],
    )?;
    counters(
        e,
        "digest_checks",
        "Requests that had to show who they are, by what they brought",
        vec![
            (vec![("result", "proven")], digest.proven),
            (vec![("result", "failed")], digest.failed),
            (vec![("result", "stale")], digest.stale),
            (vec![("result", "locked_out")], digest.locked),
        ],
    )
}

fn bans(e: &mut DescriptorEncoder<'_>, figures: &BanFigures) -> fmt::Result {
    gauge(e, "bans_active", "Hosts that are not answered for a while", figures.active as u64)?;
    let made = Offence::ALL.into_iter().zip(figures.made);
    let samples = made.map(|(offence, count)| (vec![("reason", offence.word())], count));
    counters(e, "bans", "Hosts that were banned, by what for", samples.collect())
}

/// One sample for each file: a server has as many as an operator has written into its configuration.
fn certificates(e: &mut DescriptorEncoder<'_>, ends: &[(PathBuf, u64)]) -> fmt::Result {
    let help = "When a certificate of this server ends, in Unix seconds";
    let name = "tls_certificate_expires_seconds";
    let mut family = e.encode_descriptor(name, help, None, ConstGauge::<i64>::new(0).metric_type())?;
    for (path, ends) in ends {
        let (file, ends) = (path.display().to_string(), i64::try_from(*ends).unwrap_or(i64::MAX));
        ConstGauge::new(ends).encode(family.encode_family(&[("file", file.as_str())])?)?;
    }
    Ok(())
}

/// One sample for each trunk: there are as many as an operator has set up.
fn trunks(e: &mut DescriptorEncoder<'_>, trunks: &[TrunkStatus]) -> fmt::Result {
    let help =
        "1 while the trunk answers pings and has us registered, where it is to; also of one that nobody asks";
    of_trunks(e, "trunk_up", help, trunks, |trunk| Some(u64::from(trunk.is_up)))?;
    let help = "Our registration with the trunk: 0 not registered, 1 registered, 2 credentials rejected";
    of_trunks(e, "registration_state", help, trunks, |trunk| Some(trunk.registration.as_ref()?.figure()))?;
    let [calls_in, calls_out] =
        [0, 1].map(|at| move |trunk: &TrunkStatus| trunk.calls.get(at).map(|n| u64::from(*n)));
    of_trunks(e, "trunk_calls_in", "Calls from the trunk in progress", trunks, calls_in)?;
    of_trunks(e, "trunk_calls_out", "Calls to the trunk in progress", trunks, calls_out)?;
    let sum = |at: usize| trunks.iter().filter_map(|trunk| trunk.refused.get(at)).sum();
    counters(
        e,
        "trunk_calls_refused",
        "Calls above the limits of their trunk",
        vec![(vec![("direction", "in")], sum(0)), (vec![("direction", "out")], sum(1))],
    )
}

fn of_trunks(
    e: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    trunks: &[TrunkStatus],
    value: impl Fn(&TrunkStatus) -> Option<u64>,
) -> fmt::Result {
    let mut family = e.encode_descriptor(name, help, None, ConstGauge::<i64>::new(0).metric_type())?;
    for trunk in trunks {
        let Some(value) = value(trunk) else { continue };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        ConstGauge::new(value).encode(family.encode_family(&[("trunk", trunk.id.as_str())])?)?;
    }
    Ok(())
}

fn sip_counters(e: &mut DescriptorEncoder<'_>, sip: &Counters) -> fmt::Result {
    const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];
    let requests = |direction, counts: &[u64]| -> Vec<(Labels, u64)> {
        let with = Counters::METHODS.iter().zip(counts);
        with.map(|(method, count)| (vec![("direction", direction), ("method", *method)], *count)).collect()
    };
    let responses = |direction, counts: &[u64]| -> Vec<(Labels, u64)> {
        CLASSES
            .iter()
            .zip(counts)
            .map(|(class, count)| (vec![("direction", direction), ("class", *class)], *count))
            .collect()
    };
    let both = [requests("in", &sip.requests_in), requests("out", &sip.requests_out)].concat();
    counters(e, "sip_requests", "SIP requests by method", both)?;
    let both = [responses("in", &sip.responses_in), responses("out", &sip.responses_out)].concat();
    counters(e, "sip_responses", "SIP responses by class", both)?;
    counters(
        e,
        "sip_rejected",
        "SIP messages turned away, by reason",
        vec![
            (vec![("reason", "malformed")], sip.malformed_answered),
            (vec![("reason", "malformed_dropped")], sip.malformed_dropped),
            (vec![("reason", "unknown_source")], sip.refused_answered),
            (vec![("reason", "unknown_source_dropped")], sip.refused_dropped),
            (vec![("reason", "overload")], sip.overload_rejected),
            (vec![("reason", "half_open")], sip.half_open_rejected),
            (vec![("reason", "stray")], sip.strays_dropped),
            (vec![("reason", "too_many_registers")], sip.knocks_dropped),
            (vec![("reason", "banned")], sip.banned_dropped),
            (vec![("reason", "scanner")], sip.scanners_dropped),
        ],
    )?;
    counters(
        e,
        "sip_challenges",
        "Challenges of peers to requests of ours",
        vec![
            (vec![("result", "answered")], sip.challenges_answered),
            (vec![("result", "refused")], sip.challenges_refused),
        ],
    )?;
    counters(
        e,
        "sip_stun",
        "STUN messages on the ports of SIP over UDP",
        vec![
            (vec![("result", "answered")], sip.stun_answered),
            (vec![("result", "dropped")], sip.stun_dropped),
        ],
    )?;
    counters(
        e,
        "sip_connections_closed",
        "TCP connections closed by us, by reason",
        vec![
            (vec![("reason", "too_many")], sip.connections_rejected),
            (vec![("reason", "slow_or_silent")], sip.connections_timed_out),
            (vec![("reason", "no_sip")], sip.connections_broken),
        ],
    )?;
    counters(
        e,
        "sip_retransmissions",
        "SIP messages sent or met again",
        vec![
            (vec![("direction", "out")], sip.retransmissions_sent),
            (vec![("direction", "in")], sip.retransmissions_absorbed),
        ],
    )?;
    counter(e, "sip_not_acknowledged", "Calls whose answer was never acknowledged", sip.not_acknowledged)?;
    counter(e, "sip_not_pracked", "Calls whose reliable ringing was never acknowledged", sip.not_pracked)?;
    let help = "INVITEs and UPDATEs answered 422: their session interval was too small";
    counter(e, "sip_intervals_rejected", help, sip.intervals_rejected)?;
    counter(
        e,
        "sip_sessions_expired",
        "Legs ended because nobody refreshed their session",
        sip.sessions_expired,
    )
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = ConstCounter::new(value);
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    samples: Vec<(Labels, u64)>,
) -> fmt::Result {
    let mut family =
        encoder.encode_descriptor(name, help, None, ConstCounter::<u64>::new(0).metric_type())?;
    for (labels, value) in samples {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
