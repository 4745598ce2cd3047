//! What the kernel itself takes for the same packets: a process that only receives and sends them.
//!
//! The bare process stands where the server would: on core 0, at its address, with epoll and a socket per call.

use crate::server::{HERE, LOAD, Server, pin_self};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io::{BufRead, BufReader, Lines};
use std::net::UdpSocket;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const PACKET: Duration = Duration::from_millis(20);
const LENGTH: Duration = Duration::from_secs(5);

/// A bare process, started for `work`, and what it prints.
fn bare(work: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().expect("our own path"))
        .args(["floor-process", work])
        .stdout(Stdio::piped())
        .spawn()
        .expect("we start again");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    (child, lines)
}

/// CPU seconds for the datagrams of 1,000 short calls.
pub fn short_calls() -> f64 {
    let (mut child, mut lines) = bare("sip");
    let _ = lines.next();
    let server = Server::of(child.id());
    let seconds = crate::cpu_of_short_calls(&server);
    let _ = child.kill();
    let _ = child.wait();
    seconds
}

/// Share of a core for `count` sockets with a packet each way per 20 ms.
pub fn packets(count: usize) -> f64 {
    let sockets: Vec<UdpSocket> = (0..count).map(|_| UdpSocket::bind((LOAD, 0)).expect("a socket")).collect();
    let ports: Vec<String> =
        sockets.iter().map(|s| s.local_addr().expect("an address").port().to_string()).collect();
    let (mut child, mut lines) = bare(&ports.join(","));
    let theirs: Vec<u16> =
        lines.next().expect("ports").expect("text").split(',').filter_map(|p| p.parse().ok()).collect();
    let (start, mut sent, mut buffer) = (Instant::now(), 0usize, [0; 2_048]);
    sockets.iter().for_each(|s| s.set_nonblocking(true).expect("a socket that does not wait"));
    while start.elapsed() < LENGTH + Duration::from_secs(1) {
        let due = start + PACKET.mul_f64(sent as f64 / count as f64);
        if Instant::now() >= due {
            let _ = sockets[sent % count].send_to(&[0xD5; 172], (HERE, theirs[sent % count]));
            while sockets[sent % count].recv(&mut buffer).is_ok() {}
            sent += 1;
        } else {
            std::hint::spin_loop();
        }
    }
    let share = lines.next().and_then(Result::ok).and_then(|l| l.parse().ok()).unwrap_or(f64::NAN);
    let _ = child.wait();
    share
}

/// How late, in milliseconds at 99.9 %, a bare thread on the server's core wakes from waits of 2 ms.
pub fn lateness() -> f64 {
    let (mut child, mut lines) = bare("timer");
    let late = lines.next().and_then(Result::ok).and_then(|l| l.parse().ok()).unwrap_or(f64::NAN);
    let _ = child.wait();
    late
}

fn measure_timer() {
    let (start, step) = (Instant::now(), Duration::from_millis(2));
    let mut late: Vec<f64> = (1..5_000)
        .map(|n| {
            let due = start + step * n;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            due.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    late.sort_by(f64::total_cmp);
    println!("{}", late[late.len() * 999 / 1_000]);
}

/// The process that is measured: the argument is `sip`, `timer`, or the media ports to send to.
pub fn run(arguments: &[String]) {
    pin_self(0);
    match arguments.first().map(String::as_str) {
        Some("sip") => return answer_signalling(),
        Some("timer") => return measure_timer(),
        _ => {}
    }
    let ports: Vec<u16> =
        arguments.first().map(|a| a.split(',').filter_map(|p| p.parse().ok()).collect()).unwrap_or_default();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    let sockets: Vec<UdpSocket> = ports
        .iter()
        .enumerate()
        .map(|(n, port)| {
            let socket = UdpSocket::bind((HERE, 0)).expect("a socket");
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

/// Answers as much and as long as a server would, without a look at what it says.
fn answer_signalling() {
    let socket = UdpSocket::bind((HERE, 5060)).expect("the SIP port");
    println!("ready");
    let mut buffer = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..length]);
        let answers: &[&str] = match text.get(..3) {
            Some("INV") => &["SIP/2.0 100 Trying\r\n", "SIP/2.0 200 OK\r\n"],
            Some("BYE") => &["SIP/2.0 200 OK\r\n"],
            _ => &[],
        };
        for line in answers {
            let _ = socket.send_to(format!("{line}{text}").as_bytes(), from);
        }
    }
}

fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_ascii_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0))
}
