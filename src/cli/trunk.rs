//! `cordboard trunk test`: the running server tries a trunk, and its steps are shown as they come.

use super::check::BAD_CONFIGURATION;
use super::flow::{DONE, FAILED};
use crate::config::{self, Config};
use crate::flow::simulate::plain;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where a token is looked for before the configuration: an argument would be seen by everybody on the machine.
const TOKEN: &str = "CORDBOARD_TOKEN";
/// A server on this machine takes a connection at once.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longer than any step takes.
const STEP_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest line of a step, in bytes: some sentences.
const LINE_BYTES_MAX: usize = 64 * 1024;

#[derive(clap::Subcommand, Debug)]
pub enum TrunkCommand {
    /// Has the running server try a trunk, step by step: DNS, connection, OPTIONS, REGISTER, and with a test_number a call
    /// with sound and keys. Exit 0 where no step failed, else 1.
    Test(TestOptions),
}

#[derive(clap::Args, Debug)]
pub struct TestOptions {
    /// The trunk's id
    pub id: String,
    #[arg(long, default_value = "config/cordboard.toml")]
    pub config: PathBuf,
    /// Where the server's API is, where that is not the address of [http] bind
    #[arg(long)]
    pub url: Option<String>,
    /// A line of JSON for each step
    #[arg(long)]
    pub json: bool,
}

pub fn run(command: &TrunkCommand, out: &mut dyn Write) -> io::Result<u8> {
    let TrunkCommand::Test(options) = command;
    test(options, out)
}

/// What went wrong before there was a step, or between two.
#[derive(Debug, thiserror::Error)]
enum TestError {
    #[error(
        "no token: set [http] admin_token in the configuration, or {TOKEN} to a token with the scope system.edit"
    )]
    NoToken,
    #[error("\"{0}\" is no address of a server, as http://127.0.0.1:8080")]
    NoAddress(String),
    #[error("the server at {url} cannot be asked: {error}; is it running?")]
    Unreachable { url: String, error: reqwest::Error },
    #[error("the server says {status}: {text}")]
    Refused { status: u16, text: String },
    #[error("the test broke off: {0}")]
    BrokenOff(String),
    #[error(transparent)]
    Output(#[from] io::Error),
}

fn test(options: &TestOptions, out: &mut dyn Write) -> io::Result<u8> {
    let (config, findings) = config::load_for_store(&options.config);
    let Some(config) = config else {
        findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?;
        return Ok(BAD_CONFIGURATION);
    };
    let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(watch(options, &config, token, out)) {
        Ok(is_fine) => Ok(if is_fine { DONE } else { FAILED }),
        Err(TestError::Output(error)) => Err(error),
        Err(error) => {
            writeln!(out, "{}", plain(&error.to_string()))?;
            Ok(FAILED)
        }
    }
}

/// True where no step failed.
async fn watch(
    options: &TestOptions,
    config: &Config,
    token: Option<String>,
    out: &mut dyn Write,
) -> Result<bool, TestError> {
    let token = token.or_else(|| config.http.admin_token.clone()).ok_or(TestError::NoToken)?;
    let base = options.url.clone().unwrap_or_else(|| format!("http://{}", reachable(config.http.bind)));
    let mut url: reqwest::Url = base.parse().map_err(|_| TestError::NoAddress(base.clone()))?;
    url.path_segments_mut().map_err(|()| TestError::NoAddress(base.clone()))?.pop_if_empty().extend([
        "api",
        "v1",
        "trunks",
        &options.id,
        "test",
    ]);
    let unreachable = |error| TestError::Unreachable { url: base.clone(), error };
    // The process may have one already: whichever was there first does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_backend_rustls()
        .no_proxy()
        .connect_timeout(CONNECT_TIME_MAX)
        .read_timeout(STEP_TIME_MAX)
        .build()
        .map_err(unreachable)?;
    let mut answer = client.post(url).bearer_auth(token).send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap_or_default();
        let text = problem.get("detail").and_then(Value::as_str).unwrap_or("nothing more").to_owned();
        return Err(TestError::Refused { status, text });
    }
    let mut lines = Lines::default();
    let mut is_fine = true;
    while let Some(piece) = answer.chunk().await.map_err(|error| TestError::BrokenOff(error.to_string()))? {
        for line in lines.push(&piece)? {
            is_fine &= tell(&line, options.json, out)?;
        }
    }
    Ok(is_fine)
}

/// An address of this machine where the server listens on all of them.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

/// Whole lines of pieces that are cut anywhere.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, piece: &[u8]) -> Result<Vec<String>, TestError> {
        self.0.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            // An empty one only says that the test goes on.
            lines.extend(Some(line).filter(|line| !line.is_empty()));
        }
        if self.0.len() > LINE_BYTES_MAX {
            return Err(TestError::BrokenOff("a line has no end".to_owned()));
        }
        Ok(lines)
    }
}

/// Shows a step; false where it failed.
fn tell(line: &str, json: bool, out: &mut dyn Write) -> Result<bool, TestError> {
    let step: Value =
        serde_json::from_str(line).map_err(|_| TestError::BrokenOff("what came is no step".to_owned()))?;
    let field = |name: &str| step.get(name).and_then(Value::as_str);
    let outcome = field("outcome").unwrap_or_default();
    if json {
        writeln!(out, "{line}")?;
    } else if outcome != "running" || io::stdout().is_terminal() {
        let target = field("target").map(|target| format!(" {target}")).unwrap_or_default();
        let (name, text) = (field("name").unwrap_or_default(), field("text").unwrap_or_default());
        writeln!(out, "{outcome:<8} {}", plain(&format!("{name}{target}: {text}")))?;
        if let Some(remedy) = field("remedy") {
            writeln!(out, "         -> {}", plain(remedy))?;
        }
    }
    out.flush()?;
    Ok(outcome != "failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_were_cut() {
        let mut lines = Lines::default();
        assert!(lines.push(b"{\"a\":").unwrap().is_empty());
        assert_eq!(lines.push(b"1}\r\n\n{\"b\":2}\n{").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert!(lines.push(&vec![b'x'; LINE_BYTES_MAX]).is_err());
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_this_machine() {
        for (bind, expected) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(bind.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn a_step_is_shown_with_its_remedy_and_a_failed_one_counts() {
        let mut out = Vec::new();
        let ok = r#"{"step":"dns","name":"DNS","outcome":"ok","text":"Found."}"#;
        let failed = r#"{"step":"options","name":"OPTIONS","target":"udp 192.0.2.1:5060","outcome":"failed","text":"No.","remedy":"Do\u0007this."}"#;
        assert!(tell(ok, false, &mut out).unwrap());
        assert!(!tell(failed, false, &mut out).unwrap());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ok       DNS: Found.\nfailed   OPTIONS udp 192.0.2.1:5060: No.\n         -> Do this.\n"
        );
        assert!(tell("nothing", false, &mut Vec::new()).is_err());
    }
}
