//! The doctor's way to the signalling thread: orders go there, and what comes of them comes back.

use crate::call::trial::{Answered, News, Order, TrialId, Wish};
use crate::net::signalling::{Message, Post};
use crate::sip::locate::Target;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// News that wait to be read: a call has a dozen, its keys included.
const NEWS_MAX: usize = 64;

/// One trial. It ends when this is dropped.
pub struct Session {
    post: Post,
    trial: TrialId,
    trunk: String,
    sender: mpsc::Sender<Box<News>>,
    news: mpsc::Receiver<Box<News>>,
    requests: u32,
}

impl Session {
    pub fn new(post: &Post, number: u64, trunk: &str) -> Self {
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let (post, trunk) = (post.clone(), trunk.to_owned());
        Session { post, trial: TrialId(number), trunk, sender, news, requests: 0 }
    }

    pub async fn order(&self, wish: Wish) {
        // A server that is stopping answers nothing, which each step notices by itself.
        let _ = self.post.send(self.message(wish)).await;
    }

    /// Sends an OPTIONS, and waits for its answer; none within that time.
    pub async fn options(&mut self, target: Target, within: Duration) -> Option<Answered> {
        let number = self.next_number();
        self.order(Wish::Options { number, target }).await;
        self.reply(number, within).await
    }

    /// Sends a REGISTER, and waits for its answer; none within that time.
    pub async fn register(
        &mut self,
        target: Target,
        expires: Option<Duration>,
        within: Duration,
    ) -> Option<Answered> {
        let number = self.next_number();
        self.order(Wish::Register { number, target, expires }).await;
        self.reply(number, within).await
    }

    /// The trunk takes our registration: one that was given up, or waits to be tried again, is tried now.
    pub async fn tell_registered(&self) {
        let (reply, _) = oneshot::channel();
        let _ = self.post.send(Message::Register { trunk: self.trunk.clone(), reply }).await;
    }

    /// What is told next, where that comes within the time.
    pub async fn next(&mut self, within: Duration) -> Option<News> {
        timeout(within, self.news.recv()).await.ok().flatten().map(|news| *news)
    }

    fn next_number(&mut self) -> u32 {
        self.requests += 1;
        self.requests
    }

    async fn reply(&mut self, number: u32, within: Duration) -> Option<Answered> {
        let until = Instant::now() + within;
        loop {
            match *timeout_at(until, self.news.recv()).await.ok().flatten()? {
                News::Reply(answered) if answered.number == number => return Some(answered),
                // Late, of a request that was given up.
                _ => {}
            }
        }
    }

    fn message(&self, wish: Wish) -> Message {
        let order = Box::new(Order { trunk: self.trunk.clone(), wish });
        Message::Trial { trial: self.trial, order, news: self.sender.clone() }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where there is no room now, somebody waits for it.
        if let Err(message) = self.post.try_send(self.message(Wish::End)) {
            let post = self.post.clone();
            tokio::spawn(async move {
                let _ = post.send(message).await;
            });
        }
    }
}
