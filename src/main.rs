//! cordboard: arguments and signals.

use clap::{Parser, Subcommand};
use cordboard::cli::{self, check::BAD_CONFIGURATION};
use cordboard::clock::SystemClock;
use cordboard::hidden::{self, Hidden};
use cordboard::{config, server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// A SIP/RTP telephony media server: answers calls on Smart Numbers, runs call flows, bridges callers to agents.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server in the foreground. SIGTERM drains, a second one stops; SIGHUP reloads.
    Serve(ConfigFile),
    /// Says all that is wrong with the configuration and the provisioned files.
    Check {
        #[command(flatten)]
        config: ConfigFile,
        #[arg(long)]
        json: bool,
    },
    /// Checks and tries call flows.
    #[command(subcommand)]
    Flow(FlowCommand),
    /// Explains which number, flow and version would answer a call.
    #[command(subcommand)]
    Route(RouteCommand),
    /// Brings a folder of files into the store, whole or not at all.
    Import(cli::store::ImportOptions),
    /// Writes the store into a folder, as files for Git.
    Export(cli::store::ExportOptions),
    /// Copies the store into a file while the server runs (SQLite).
    Backup(cli::store::BackupOptions),
    /// Puts a backup in the place of the store, while no server uses it (SQLite).
    Restore(cli::restore::RestoreOptions),
    /// Tries trunks.
    #[command(subcommand)]
    Trunk(cli::trunk::TrunkCommand),
    /// Call records: files of them, and erasure of a caller.
    #[command(subcommand)]
    Records(cli::records::RecordsCommand),
    /// Prints the OpenAPI document of the API.
    Openapi,
    /// Runs the in-band digit detector over a sound file: one JSON line a digit.
    Dtmf {
        file: PathBuf,
        /// As it is anyhow: taken so that scripts can ask every command for it.
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
struct ConfigFile {
    #[arg(long, default_value = "config/cordboard.toml")]
    config: PathBuf,
}

#[derive(Subcommand)]
enum FlowCommand {
    /// Validates flow documents: exit 0 with warnings or none, 1 on any error.
    Lint(cli::flow::LintOptions),
    /// Runs a flow without a telephone, on a virtual clock, and prints what happened.
    Simulate(cli::flow::SimulateOptions),
    /// Prints the JSON Schema of flow documents.
    Schema,
    /// Runs the simulations kept beside flows: exit 0 where each prints what it printed when it was kept.
    Test(cli::flow_test::TestOptions),
    /// Brings a flow of Twilio Studio over, and says what became of each widget.
    ImportStudio(cli::import_studio::Options),
}

#[derive(Subcommand)]
enum RouteCommand {
    /// As if that number were dialled.
    Test {
        number: String,
        #[command(flatten)]
        config: ConfigFile,
        /// The caller's signalling address; the first trunk where it is left out.
        #[arg(long)]
        source: Option<SocketAddr>,
        /// The id of the trunk that the call comes from, in place of an address.
        #[arg(long, value_name = "ID", conflicts_with = "source")]
        trunk: Option<String>,
        /// The caller's number; withheld where it is left out.
        #[arg(long, value_name = "NUMBER", default_value = "")]
        from: String,
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let out = &mut std::io::stdout();
    let command = Arguments::parse().command;
    keep_private(&command);
    let code = match command {
        Command::Serve(ConfigFile { config }) => serve(&config),
        Command::Check { config, json } => done(cli::check::run(&config.config, json, out)),
        Command::Flow(FlowCommand::Lint(options)) => done(cli::flow::lint(&options, out)),
        Command::Flow(FlowCommand::Simulate(options)) => {
            done(cli::flow::simulate(&options, SystemClock::start().now().wall, out))
        }
        Command::Flow(FlowCommand::Schema) => done(cli::flow::schema(out)),
        Command::Flow(FlowCommand::Test(options)) => done(cli::flow_test::test(&options, out)),
        Command::Route(RouteCommand::Test { number, config, source, trunk, from, json }) => {
            let origin = match (source, &trunk) {
                (Some(address), _) => cli::route::Origin::Address(address),
                (None, Some(id)) => cli::route::Origin::Trunk(id),
                (None, None) => cli::route::Origin::Anywhere,
            };
            done(cli::route::test(&number, &config.config, origin, &from, json, out))
        }
        Command::Flow(FlowCommand::ImportStudio(options)) => {
            done(cli::import_studio::run(&options, out, &mut std::io::stderr()))
        }
        Command::Import(options) => done(cli::store::import(&options, SystemClock::start().now().wall, out)),
        Command::Export(options) => done(cli::store::export(&options, out)),
        Command::Backup(options) => done(cli::store::backup(&options, out)),
        Command::Restore(options) => done(cli::restore::run(&options, out)),
        Command::Records(command) => done(cli::records::run(&command, SystemClock::start().now().wall, out)),
        Command::Trunk(command) => done(cli::trunk::run(&command, out)),
        Command::Openapi => done(cli::openapi::print(out)),
        Command::Dtmf { file, json: _ } => done(cli::dtmf::run(&file, out)),
    };
    ExitCode::from(code)
}

/// What holds calls, people and secrets is made for the owner alone, whatever the shell's umask. What `export` writes is
/// for a repository: it goes by the user's.
fn keep_private(command: &Command) {
    if let Command::Serve(_)
    | Command::Import(_)
    | Command::Backup(_)
    | Command::Restore(_)
    | Command::Records(_) = command
    {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    }
}

/// A reader that has gone away (a closed pipe) is no failure of ours.
fn done(result: std::io::Result<u8>) -> u8 {
    result.unwrap_or(0)
}

fn serve(file: &std::path::Path) -> u8 {
    let (config, findings) = config::load(file);
    let Some(config) = config else {
        findings.iter().for_each(|finding| eprintln!("{finding}"));
        return BAD_CONFIGURATION;
    };
    let (writer, _flush) =
        tracing_appender::non_blocking::NonBlockingBuilder::default().lossy(true).finish(std::io::stderr());
    start_log(&config.log, writer);
    findings.iter().for_each(|finding| tracing::warn!("{}", Hidden::sentence(&finding.to_string())));
    match server::run(config, file) {
        Ok(()) => 0,
        Err(
            error @ (server::ServerError::Findings(_)
            | server::ServerError::Records { .. }
            | server::ServerError::Spool(_)
            | server::ServerError::Apply(_)),
        ) => {
            tracing::error!("{}", Hidden::sentence(&error.to_string()));
            BAD_CONFIGURATION
        }
        Err(error) => {
            tracing::error!("{}", Hidden::sentence(&error.to_string()));
            1
        }
    }
}

fn start_log(log: &config::Log, writer: tracing_appender::non_blocking::NonBlocking) {
    hidden::show(log.numbers);
    let mut filter = tracing_subscriber::EnvFilter::new(&log.filter);
    // PostgreSQL notes each table that is there already; a filter that names the driver has them.
    if !log.filter.contains("sqlx")
        && let Ok(quiet) = "sqlx::postgres::notice=warn".parse()
    {
        filter = filter.add_directive(quiet);
    }
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    if log.json {
        builder.json().init();
    } else {
        builder.init();
    }
}
