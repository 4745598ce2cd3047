//! What the kernel itself takes for the same packets: a process that only receives and sends them.

use crate::server::{LOAD, pin_self};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PACKET: Duration = Duration::from_millis(20);
const LENGTH: Duration = Duration::from_secs(5);

/// Share of a core for `calls` with `streams` packets each way per 20 ms.
pub fn measure(calls: usize, streams: usize) -> f64 {
    let count = calls * streams;
    let sockets: Vec<UdpSocket> = (0..count).map(|_| UdpSocket::bind((LOAD, 0)).expect("a socket")).collect();
    let ports: Vec<String> =
        sockets.iter().map(|s| s.local_addr().expect("an address").port().to_string()).collect();
    let mut child = Command::new(std::env::current_exe().expect("our own path"))
        .args(["floor", &ports.join(",")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("we start again");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let theirs: Vec<u16> =
        lines.next().expect("ports").expect("text").split(',').filter_map(|p| p.parse().ok()).collect();
    let (start, mut sent, mut buffer) = (Instant::now(), 0usize, [0; 2_048]);
    sockets.iter().for_each(|s| s.set_nonblocking(true).expect("a socket that does not wait"));
    while start.elapsed() < LENGTH + Duration::from_secs(1) {
        let due = start + PACKET.mul_f64(sent as f64 / count as f64);
        if Instant::now() >= due {
            let _ = sockets[sent % count]
                .send_to(&[0xD5; 172], (Ipv4Addr::new(127, 9, 0, 1), theirs[sent % count]));
            while sockets[sent % count].recv(&mut buffer).is_ok() {}
            sent += 1;
        } else {
            std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        }
    }
    let share = lines.next().and_then(Result::ok).and_then(|l| l.parse().ok()).unwrap_or(f64::NAN);
    let _ = child.wait();
    share
}

/// The process that is measured: `arguments` are the ports to send to.
pub fn run(arguments: &[String]) {
    pin_self(0);
    let ports: Vec<u16> =
        arguments.first().map(|a| a.split(',').filter_map(|p| p.parse().ok()).collect()).unwrap_or_default();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    let sockets: Vec<UdpSocket> = ports
        .iter()
        .enumerate()
        .map(|(n, port)| {
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 9, 0, 1), 0)).expect("a socket");
            socket.connect((LOAD, *port)).expect("loopback");
            socket.set_nonblocking(true).expect("a socket that does not wait");
            let data = epoll::EventData::new_u64(n as u64);
            epoll::add(&epoll, &socket, data, epoll::EventFlags::IN).expect("epoll takes it");
            socket
        })
        .collect();
    let own: Vec<String> =
        sockets.iter().map(|s| s.local_addr().expect("an address").port().to_string()).collect();
    println!("{}", own.join(","));
    let (start, mut sent, mut buffer, mut ready) =
        (Instant::now(), 0usize, [0; 2_048], Vec::with_capacity(512));
    let before = cpu();
    while start.elapsed() < LENGTH {
        // In ten groups a packet time, as the server sends.
        let group = sockets.len().div_ceil(10);
        let due = start + PACKET.mul_f64((sent + group) as f64 / sockets.len() as f64);
        ready.clear();
        let timeout = Timespec::try_from(due.saturating_duration_since(Instant::now()));
        let timeout = timeout.unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
        let _ = epoll::wait(&epoll, spare_capacity(&mut ready), Some(&timeout));
        for event in &ready {
            let _ = sockets[event.data.u64() as usize].recv(&mut buffer);
        }
        if Instant::now() >= due {
            for _ in 0..group {
                let _ = sockets[sent % sockets.len()].send(&[0xD5; 172]);
                sent += 1;
            }
        }
    }
    println!("{}", (cpu() - before).as_secs_f64() / start.elapsed().as_secs_f64());
}

fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_ascii_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}
