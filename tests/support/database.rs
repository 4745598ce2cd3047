//! Databases for tests: a fresh one for each, on SQLite and on PostgreSQL.
//!
//! PostgreSQL is Debian's package. Each process of tests starts one server of its own, on a free port of the loopback
//! and in a temporary folder; a shell beside it stops the server and removes the folder when the tests end, however
//! they end. The unit tests of `store` include this file by its path.

#![allow(clippy::disallowed_methods, reason = "tests own files, ports and processes")]
#![allow(dead_code, reason = "each test file uses its part")]

use cordboard::store::database::Database;
use sqlx::Connection;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longer than a start takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const USER: &str = "cordboard";
const PASSWORD: &str = "for-tests-only";

/// Runs one test body on SQLite and on PostgreSQL, each time with an empty database that is up to date.
pub fn for_each_engine(test: impl AsyncFn(Database)) {
    for_each_url(async |url| {
        let database = Database::open(&url).await.expect("a fresh database opens");
        test(database.clone()).await;
        database.close().await;
    });
}

/// The same with the address of a database that nobody has opened yet.
pub fn for_each_url(test: impl AsyncFn(String)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = Folder::new("sqlite");
    let sqlite = format!("sqlite://{}/cordboard.db", folder.0.display());
    let postgres = runtime.block_on(postgres().fresh_url());
    for url in [sqlite, postgres] {
        // Shown where the test fails: which of the two it was.
        println!("on {url}");
        runtime.block_on(test(url));
    }
}

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cordboard-{name}-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new().mode(0o700).create(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The server that all tests of this process share.
pub fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

/// A PostgreSQL server of our own.
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Whether what is written outlives the machine.
    is_durable: bool,
    /// The shell beside the server. While its input is open the server runs.
    keeper: Option<Child>,
}

/// Runs the server (the arguments) until its input says `keep` or ends; without `keep` the folder ($0) goes too.
const KEEPER: &str = r#"trap '' INT TERM
"$@" & server=$!
read -r word || word=
kill -INT $server
wait $server
[ "$word" = keep ] || rm -rf "$0""#;

impl Postgres {
    /// Starts an empty one that does not wait for the disk.
    pub fn start() -> Postgres {
        Self::start_new(false)
    }

    /// Starts an empty one that waits for the disk, as one in use does.
    pub fn start_durable() -> Postgres {
        Self::start_new(true)
    }

    fn start_new(is_durable: bool) -> Postgres {
        let programs = programs();
        let folder = Folder::new("postgres");
        let path = folder.0.clone();
        // The keeper removes it.
        std::mem::forget(folder);
        if let Some(user) = other_user() {
            done(Command::new("chown").arg(user).arg(&path));
        }
        let password = path.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        // The order of ICU is that of words, not of bytes: a statement that hangs on the latter fails here.
        done(
            unprivileged(&programs.join("initdb"))
                .args(["--no-sync", "--no-instructions", "--auth=scram-sha-256", "--encoding=UTF8"])
                .args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--username", USER])
                .arg("--pwfile")
                .arg(&password)
                .arg("--pgdata")
                .arg(path.join("data")),
        );
        let mut server = Postgres { programs, folder: path, port: 0, is_durable, keeper: None };
        // Another process may take a free port before the server does.
        for _ in 0..10 {
            server.port = free_port();
            if server.run() {
                return server;
            }
            server.stop();
        }
        panic!("PostgreSQL finds no port: {}", server.log());
    }

    /// The address of a new, empty database.
    pub async fn fresh_url(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        sqlx::any::install_default_drivers();
        let connection = sqlx::AnyConnection::connect(&self.url("postgres")).await;
        let mut connection = connection.expect("the server of the tests answers");
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(statement).execute(&mut connection).await.expect("a new database");
        let _ = connection.close().await;
        self.url(&name)
    }

    /// Ends all connections and the server; what is in it stays.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            let _ = keeper.stdin.take().map(|mut input| input.write_all(b"keep\n"));
            let _ = keeper.wait();
        }
    }

    /// Starts it again after [`Self::stop`], with the address it had.
    pub fn start_again(&mut self) {
        assert!(self.run(), "PostgreSQL does not start again: {}", self.log());
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Starts the server; whether it takes connections.
    fn run(&mut self) -> bool {
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        let server = unprivileged(&self.programs.join("postgres"));
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER])
            .arg(&self.folder)
            .arg(server.get_program())
            .args(server.get_args())
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"] {
            keeper.args(["-c", setting]);
        }
        if !self.is_durable {
            keeper.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        keeper.current_dir("/").stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        self.keeper = Some(keeper.spawn().expect("a shell"));
        let start = Instant::now();
        loop {
            let log = self.log();
            if log.contains("ready to accept connections") {
                return true;
            }
            // Clients that are not ours to hold back may ask too early.
            if log.lines().any(|line| line.contains("FATAL") && !line.contains("is starting up")) {
                return false;
            }
            assert!(start.elapsed() < PATIENCE, "PostgreSQL does not start: {log}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The folder of the newest PostgreSQL that is installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let version = |path: &PathBuf| -> u32 {
        let name = path.parent().and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().parse().unwrap_or(0)
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    let newest = debian.filter(|folder| folder.join("initdb").exists()).max_by_key(version).or(elsewhere);
    newest.expect("PostgreSQL is not installed: run `tools/install postgresql`, as `make test` does")
}

/// Who the server runs as where we are root, which it refuses to run as. The package makes that user.
fn other_user() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("postgres")
}

/// A command that does not run as root.
fn unprivileged(program: &Path) -> Command {
    let mut command = match other_user() {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups", "--"]);
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/");
    command
}

/// Runs a command to its end, which must be a good one.
fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}
