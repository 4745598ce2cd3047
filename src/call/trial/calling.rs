//! The call of a trial: out over the trunk to its test number, with sound and keys, as the calls of flows go out.

use super::{End, News, Talking, TrialId, Why, Wish};
use crate::call::Action;
use crate::call::arrival::FULL;
use crate::call::b2bua::Settings;
use crate::call::identity::{Presented, present};
use crate::call::later_offer;
use crate::call::media_leg::MediaLeg;
use crate::call::message_parts::sdp_body;
use crate::call::ports::Ports;
use crate::call::snapshot::{Pattern, Snapshot, Trunk};
use crate::call::switchboard::Switchboard;
use crate::call::trunk::Direction;
use crate::call::ways::to_host;
use crate::clock::{Instant, Now};
use crate::ids::PlaybackId;
use crate::media::{self, Command, Item, Playlist, Recording, Statistics};
use crate::sip::cause::Reason;
use crate::sip::endpoint::{self as sip, Endpoint, Outgoing};
use crate::sip::locate::Target;
use crate::sip::message::{Request, Response};
use crate::sip::{DialogId, TransactionId};
use std::net::IpAddr;
use std::time::Duration;

/// An echo answers at once; who does not within this is a person's telephone, or nobody's.
const RING_MAX: Duration = Duration::from_secs(20);
/// What is shown as the caller where a server has no number at all.
const NOBODY: &str = "cordboard";

/// What a call may use while it handles something.
pub(super) struct Hands<'a> {
    pub now: Instant,
    pub sip: &'a mut Endpoint,
    pub sip_actions: &'a mut Vec<sip::Action>,
    pub ports: &'a mut Ports,
    pub settings: &'a Settings,
    pub actions: &'a mut Vec<Action>,
    pub news: &'a mut Vec<News>,
}

pub(super) struct Calling {
    /// While it is ours to end.
    pub dialog: Option<DialogId>,
    pub media: MediaLeg,
    peer: IpAddr,
    begun: Instant,
    stage: Stage,
    /// The last that was played or pressed, and when what is played began.
    playback: u64,
    pressed: Option<PlaybackId>,
    played: Instant,
    end: End,
    /// The trunk still counts it among its calls.
    is_counted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Rings {
        until: Instant,
        /// Something was heard of it.
        is_there: bool,
    },
    Talks,
    /// The engine is to close the leg, and its end is told then, or not.
    Closing {
        tells: bool,
    },
    Over,
}

/// The number that a trial's call shows: the trunk's own, else the first Smart Number.
pub fn shown_number(snapshot: &Snapshot, trunk: &Trunk) -> String {
    let first = || {
        let exact = snapshot.numbers.iter().find_map(|number| match &number.pattern {
            Pattern::Exact(text) if text.starts_with('+') => Some(text.clone()),
            _ => None,
        });
        exact.unwrap_or_else(|| NOBODY.to_owned())
    };
    trunk.identity.caller_id.clone().unwrap_or_else(first)
}

impl Switchboard {
    /// Begins a trial's call; why it cannot even begin is a sentence without its end.
    pub(super) fn try_call(
        &mut self,
        now: Now,
        id: TrialId,
        trunk: &str,
        target: &Target,
    ) -> Result<(), String> {
        if self.draining {
            return Err("the server is being stopped and makes no new calls".to_owned());
        }
        if self.calls.len() >= self.calls_max {
            return Err(FULL.to_owned());
        }
        let known = self.trials.0.get(&id).is_some_and(|trial| trial.call.is_none());
        let snapshot = self.snapshot.clone();
        let trunk = snapshot.trunk(trunk).filter(|_| known);
        let trunk = trunk.ok_or("there is no such trunk any more")?;
        self.trunks
            .begin_call(now.instant, &trunk.id, Direction::Out)
            .map_err(|full| format!("the trunk is full: {full}"))?;
        let call = self.begin_trial_call(now.instant, trunk, target);
        match (call, self.trials.0.get_mut(&id)) {
            (Ok(call), Some(trial)) => trial.call = Some(call),
            (result, _) => {
                self.trunks.end_call(&trunk.id, Direction::Out);
                result?;
            }
        }
        Ok(())
    }

    fn begin_trial_call(
        &mut self,
        now: Instant,
        trunk: &Trunk,
        target: &Target,
    ) -> Result<Calling, &'static str> {
        let number = trunk.test_number.as_deref().ok_or("the trunk has no test_number")?;
        let host = trunk.host.as_ref().ok_or("the trunk has no host")?;
        let way = to_host(&trunk.numbers.dial(number), trunk, host)
            .ok_or("its test_number makes no SIP address")?;
        let shown = shown_number(&self.snapshot, trunk);
        let presented =
            Presented { number: &shown, asserted: &shown, target: number, ..Presented::default() };
        let domain = &self.settings.domain;
        let (from, headers) = present(&presented, &trunk.identity, &trunk.numbers, domain)
            .ok_or("no SIP address can be made of the number that is shown")?;
        let leg = self.index.leg_of_no_call();
        let settings = &self.settings.media;
        let mut media = MediaLeg::new(now, leg, &mut self.ports, None, settings, &mut self.random)
            .ok_or("no media port is free")?;
        let listener = self.endpoint.listener_toward(target);
        media.set_terms(&trunk.media);
        media.set_address(settings.advertised(listener, target.address.ip()));
        let outgoing = Outgoing {
            listener,
            destination: target.address,
            transport: target.transport,
            tls: target.tls.clone(),
            connection: None,
            silent_max: None,
            to: crate::sip::NameAddr::new(way.request_uri.clone()),
            request_uri: way.request_uri,
            from,
            headers,
            body: Some(sdp_body(media.offer(None))),
            call_id: None,
            max_forwards: None,
            routes: way.routes,
            account: way.account,
        };
        let dialog = self.endpoint.invite(now, outgoing, &mut self.sip_actions);
        Ok(Calling {
            dialog: Some(dialog),
            media,
            peer: target.address.ip(),
            begun: now,
            stage: Stage::Rings { until: now + RING_MAX, is_there: false },
            playback: 0,
            pressed: None,
            played: now,
            end: End { by_peer: None, statistics: Statistics::default(), refused: None },
            is_counted: true,
        })
    }
}

impl Calling {
    pub fn next_timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Rings { until, .. } => Some(until),
            _ => None,
        }
    }

    /// It has rung for its time.
    pub fn handle_timeout(&mut self, hands: &mut Hands<'_>) {
        if let Stage::Rings { until, is_there } = self.stage
            && until <= hands.now
        {
            self.leave(Some("SIP;cause=408;text=\"Rang for its time\""), hands);
            self.fail(if is_there { Why::NoAnswer } else { Why::Silent }, hands);
        }
    }

    /// Whether its dialog has ended since this was asked last.
    pub fn has_left(&mut self) -> bool {
        self.dialog.is_none() && std::mem::take(&mut self.is_counted)
    }

    /// Whether nothing of it is left.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub fn order(&mut self, wish: Wish, hands: &mut Hands<'_>) {
        let leg = self.media.leg;
        match wish {
            Wish::Play { clip, listen } if self.stage == Stage::Talks => {
                self.played = hands.now;
                let recording = Box::new(Recording::new(hands.now, listen));
                self.media.command(Command::Record { leg, recording }, hands.actions);
                let playlist = Playlist { items: vec![Item::Clip(clip)], forever: false };
                let playback = self.next_playback();
                self.media.command(Command::Play { leg, playback, playlist }, hands.actions);
            }
            Wish::Press(keys) if self.stage == Stage::Talks => {
                let playback = self.next_playback();
                self.pressed = Some(playback);
                self.media.command(Command::Press { leg, playback, keys }, hands.actions);
            }
            Wish::HangUp => {
                let talks = self.stage == Stage::Talks;
                self.leave(None, hands);
                self.close(talks, hands);
            }
            _ => {}
        }
    }

    pub fn media_event(&mut self, event: media::Event, hands: &mut Hands<'_>) {
        match event {
            media::Event::Digit { digit, source, .. } => hands.news.push(News::Digit { digit, source }),
            media::Event::PlaybackEnded { playback, .. } if Some(playback) == self.pressed => {
                hands.news.push(News::Pressed);
            }
            media::Event::Recorded { recording, .. } if self.stage == Stage::Talks => {
                hands.news.push(News::Heard { played: self.played, recording });
            }
            media::Event::Condition { condition, .. } => self.end.refused = condition.refused,
            media::Event::Closed { statistics, .. } => {
                self.media.closed(hands.now, hands.ports);
                self.end.statistics = statistics;
                if self.stage == (Stage::Closing { tells: true }) {
                    hands.news.push(News::Ended(self.end.clone()));
                }
                self.stage = Stage::Over;
            }
            _ => {}
        }
    }

    pub fn sip_event(&mut self, event: sip::Event, hands: &mut Hands<'_>) {
        use sip::Event;
        match event {
            Event::Provisional { response, .. } if response.code() > 100 => {
                if let Stage::Rings { is_there, .. } = &mut self.stage {
                    *is_there = true;
                }
                hands.news.push(News::Rings(response.code()));
                if !response.body().is_empty() {
                    // What comes with ringing is a promise; the answer may bring a better one.
                    let _ = self.accept(response.body(), hands);
                }
            }
            Event::Answered { response, .. } => self.answered(&response, hands),
            Event::Failed { failure, .. } => {
                self.dialog = None;
                self.fail(Why::of(&failure), hands);
            }
            Event::Bye { request, .. } => {
                self.dialog = None;
                self.end.by_peer = Some(Reason::of(request.head()).remark());
                self.close(true, hands);
            }
            Event::NotAcknowledged { .. } | Event::SessionExpired { .. } => {
                self.end.by_peer = Some(Some("it does not acknowledge what it is sent".to_owned()));
                self.leave(None, hands);
                self.close(true, hands);
            }
            Event::AcknowledgedAgain { request, .. } => self.acknowledged_again(request.body(), hands),
            Event::Request { transaction, request, .. } => self.request(transaction, &request, hands),
            _ => {}
        }
    }

    fn answered(&mut self, response: &Response, hands: &mut Hands<'_>) {
        self.stage = Stage::Talks;
        self.media.established(&hands.settings.media, hands.actions);
        let stands = response.body().is_empty() && self.media.agreed().is_some();
        let accepted = if stands { Ok(()) } else { self.accept(response.body(), hands) };
        let agreed = match (accepted, self.media.agreed()) {
            (Ok(()), Some(agreed)) => agreed,
            (accepted, _) => {
                let why = accepted.err().unwrap_or_else(|| "it describes no audio".to_owned());
                let reason = format!("SIP;cause=488;text=\"{}\"", why.replace(['"', '\\'], "'"));
                self.leave(Some(&reason), hands);
                return self.fail(Why::Unusable(why), hands);
            }
        };
        hands.news.push(News::Talks(Talking {
            took: hands.now - self.begun,
            codec: self.media.codec(),
            takes_events: agreed.telephone_event.is_some(),
            is_protected: agreed.protected.is_some(),
            media: agreed.remote_rtp,
            own: self.media.own(),
        }));
        let leg = self.media.leg;
        self.media.command(Command::Listen { leg, in_band: true }, hands.actions);
    }

    /// The ACK of a re-INVITE, which answers an offer of ours where we made one.
    fn acknowledged_again(&mut self, body: &[u8], hands: &mut Hands<'_>) {
        if self.media.awaits_answer() && self.accept(body, hands).is_err() {
            self.media.offer_declined();
        }
    }

    fn accept(&mut self, body: &[u8], hands: &mut Hands<'_>) -> Result<(), String> {
        let settings = &hands.settings.media;
        self.media.accept(body, self.peer, settings, hands.actions).map_err(|refusal| refusal.to_string())
    }

    /// A request within the dialog: each gets one response.
    fn request(&mut self, transaction: TransactionId, request: &Request, hands: &mut Hands<'_>) {
        let (mut headers, mut body) = (Vec::new(), None);
        let code = match request.method().as_str() {
            "INVITE" | "UPDATE" => {
                let answered =
                    later_offer::answer(&mut self.media, request, self.peer, hands.settings, hands.actions);
                (headers, body) = (answered.headers, answered.body);
                answered.code
            }
            "INFO" => {
                let key = request.content_type().and_then(|t| crate::call::info::key(t, request.body()));
                if let Some((digit, duration)) = key {
                    let leg = self.media.leg;
                    self.media.command(Command::InfoDigit { leg, digit, duration }, hands.actions);
                }
                200
            }
            "OPTIONS" | "PRACK" => 200,
            _ => 405,
        };
        hands.sip.respond(hands.now, transaction, code, "", &headers, body, hands.sip_actions);
    }

    fn next_playback(&mut self) -> PlaybackId {
        self.playback += 1;
        PlaybackId(self.playback)
    }

    /// Ends the dialog, where that is ours to do; an INVITE that was not answered is cancelled by that.
    fn leave(&mut self, reason: Option<&str>, hands: &mut Hands<'_>) {
        if let Some(dialog) = self.dialog.take() {
            hands.sip.bye(hands.now, dialog, reason, hands.sip_actions);
        }
    }

    /// Tells why the call came to nothing, and gives its media up.
    fn fail(&mut self, why: Why, hands: &mut Hands<'_>) {
        hands.news.push(News::Failed(why));
        self.close(false, hands);
    }

    /// Gives its media up; `tells`: what they were like is told once they are closed.
    fn close(&mut self, tells: bool, hands: &mut Hands<'_>) {
        if let Stage::Closing { .. } | Stage::Over = self.stage {
            return;
        }
        let closes_later = self.media.close(hands.now, hands.ports, hands.actions);
        self.stage = if closes_later { Stage::Closing { tells } } else { Stage::Over };
    }
}
