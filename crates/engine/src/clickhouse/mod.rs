//! One ClickHouse, hosted in a process of its own.

mod config;
mod http;
mod repair;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::cache::ClickHouseLibrary;
use crate::child::{Child, ChildExit, ExitStatus, HOST, Launch};
use crate::folder::DataDir;
use crate::ports::Answer;
use crate::{Engine, EngineError, logs, ports};
pub use config::{RowReader, Shards};
pub use repair::{RepairReport, repair_deduplication_logs};

/// How long a clean stop may take: running inserts and merges are waited for.
const GRACE: Duration = Duration::from_secs(20);
/// How long a start may take. Loading tables with many parts takes most of it.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// Below this the engine refuses ordinary queries.
const MEMORY_MIN_MIB: u32 = 256;
/// What ClickHouse writes when a port is taken.
const PORT_TAKEN: &str = "Address already in use";

/// What it writes when it does not know the time zone.
const ZONE_UNKNOWN: &str = "Cannot load time zone";

const LOGS: &str = "logs";
const SERVER_LOG: &str = "server.log";
const ERROR_LOG: &str = "error.log";
/// ClickHouse makes this file at its start and removes it at a clean end.
const STATUS: &str = "status";

/// Copies standard input, which never brings anything, to nowhere: the query, and with it the
/// engine, lasts until the input ends.
///
/// The insert is what lets the passwordless user, that the engine's own session must
/// be, do without any right on files: a `SELECT` from a table on standard input would
/// need rights that let any user of this machine read and write files in our name.
const LAST: &str =
    "INSERT INTO FUNCTION null('line String') FROM INFILE '/dev/stdin' FORMAT LineAsString";

/// The statements of the engine's own session: they open the interfaces, and the last one lasts.
fn serve(settings: &ClickHouseSettings) -> Vec<&'static str> {
    let native = settings.tcp_port.map(|_| "SYSTEM START LISTEN TCP");
    let mut statements = vec!["SYSTEM START LISTEN HTTP"];
    statements.extend(native);
    statements.push(LAST);
    statements
}

/// Where and how a ClickHouse runs.
#[derive(Debug, Clone)]
pub struct ClickHouseSettings {
    /// The folder for everything it writes: `data`, `logs`, its configuration and the password.
    pub dir: PathBuf,
    /// The port for HTTP; any free one if `None`.
    pub http_port: Option<u16>,
    /// The port for the native protocol; closed if `None`. Fifty stray bytes on it end the engine.
    pub tcp_port: Option<u16>,
    /// The time zone that dates and hours are told in, by its IANA name.
    pub timezone: String,
    /// The most memory that it may take, in MiB, caches included.
    pub memory_mib: u32,
    /// Whether inserts and merges are on the disk when they are acknowledged.
    pub sync_writes: bool,
    /// Users that read some rows of some tables, beside the one that reads everything.
    pub readers: Vec<RowReader>,
    /// The cluster that it belongs to, if it is not alone.
    pub shards: Option<Shards>,
    /// The program that calls [`run_if_child`](crate::run_if_child), if not the running one.
    pub executable: Option<PathBuf>,
}

impl ClickHouseSettings {
    /// A free port for HTTP, no native port, UTC, 2 GiB, all writes synced.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            http_port: None,
            tcp_port: None,
            timezone: "UTC".to_owned(),
            memory_mib: 2048,
            sync_writes: true,
            readers: Vec::new(),
            shards: None,
            executable: None,
        }
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.memory_mib < MEMORY_MIN_MIB {
            return Err(EngineError::Setting {
                what: "ClickHouse's memory in MiB",
                value: self.memory_mib.to_string(),
                mend: "it needs 256 or more",
            });
        }
        match (self.http_port, self.tcp_port) {
            (Some(http), Some(tcp)) if http == tcp => Err(EngineError::Setting {
                what: "ClickHouse's HTTP port and TCP port",
                value: http.to_string(),
                mend: "they must differ",
            }),
            _ => Ok(()),
        }
    }
}

/// A running ClickHouse. Dropping it kills it; [`ClickHouse::stop`] is the polite way.
#[derive(Debug)]
pub struct ClickHouse {
    child: Child,
    pid: u32,
    http_port: u16,
    tcp_port: Option<u16>,
    password: String,
    reader_password: String,
    repair: RepairReport,
    is_after_crash: bool,
    _folder: DataDir,
}

impl ClickHouse {
    /// Starts a ClickHouse on the folder, repairing its deduplication logs first, and
    /// waits until its user can log in.
    ///
    /// # Errors
    /// The folder is in use or cannot be written, a configured port is taken, the time
    /// zone is unknown, or ClickHouse ended or did not answer.
    pub async fn start(
        settings: &ClickHouseSettings,
        library: &ClickHouseLibrary,
    ) -> Result<Self, EngineError> {
        settings.check()?;
        let folder = DataDir::lock_or_wait(&settings.dir).await?;
        choose_ports(settings)?;
        let data = folder.sub("data")?;
        let logs = folder.sub(LOGS)?;
        let password = config::password(folder.path())?;
        let reader_password = config::reader_password(folder.path())?;
        config::write(folder.path(), settings, (&password, &reader_password))?;
        // The engine must not run meanwhile: the lock sees to that.
        let repair = repair_deduplication_logs(&data)?;
        let is_after_crash = data.join(STATUS).exists() || !repair.lost_parts.is_empty();
        for name in [SERVER_LOG, ERROR_LOG] {
            logs::rotate(&logs.join(name))?;
        }
        let mut attempt = 1;
        loop {
            let http_port = choose_ports(settings)?;
            match run(settings, library, &folder, http_port, &password).await {
                Ok((child, pid)) => {
                    return Ok(Self {
                        child,
                        pid,
                        http_port,
                        tcp_port: settings.tcp_port,
                        password,
                        reader_password,
                        repair,
                        is_after_crash,
                        _folder: folder,
                    });
                }
                Err(EngineError::Exited(exit)) if exit.said(PORT_TAKEN) => {
                    // Somebody took a port between our choice and the engine's binding it.
                    if attempt == ports::ATTEMPTS {
                        let engine = Engine::ClickHouse;
                        return Err(EngineError::NoFreePort {
                            engine,
                            attempts: attempt,
                        });
                    }
                    attempt += 1;
                }
                Err(EngineError::Exited(exit)) if exit.said(ZONE_UNKNOWN) => {
                    return Err(unknown_zone(settings));
                }
                Err(EngineError::Exited(exit)) => return Err(exit.explain(folder.path())),
                Err(other) => return Err(other),
            }
        }
    }

    /// The address of its HTTP interface, without a path: `http://127.0.0.1:8123`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// The port of its HTTP interface.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port of its native interface, if it is open.
    #[must_use]
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp_port
    }

    /// The user with all rights.
    #[must_use]
    pub fn user(&self) -> &'static str {
        config::USER
    }

    /// That user's password, which was made up when the folder was new.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The user that only reads.
    #[must_use]
    pub fn reader(&self) -> &'static str {
        config::READER
    }

    /// That user's password, which was made up when the folder was new.
    #[must_use]
    pub fn reader_password(&self) -> &str {
        &self.reader_password
    }

    /// The process number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What the deduplication logs were found to be before this start.
    #[must_use]
    pub fn repair(&self) -> &RepairReport {
        &self.repair
    }

    /// True if the engine before this one did not end cleanly, or lost parts.
    #[must_use]
    pub fn is_after_crash(&self) -> bool {
        self.is_after_crash
    }

    /// Looks once if its HTTP interface answers.
    pub async fn look(&self) -> Answer {
        ports::look(self.http_port, http::ping(self.http_port)).await
    }

    /// Stops it cleanly and waits for its end, at most 20 s, then by force.
    ///
    /// # Errors
    /// It had ended before, or it had to be killed.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.stop_within(GRACE).await
    }

    /// As [`ClickHouse::stop`], by force after `within`.
    ///
    /// # Errors
    /// It had ended before, or it had to be killed.
    pub async fn stop_within(self, within: Duration) -> Result<(), EngineError> {
        let exit = self.child.stop(within).await?;
        match exit.status {
            ExitStatus::Code(0) => Ok(()),
            _ => Err(EngineError::Exited(exit)),
        }
    }

    /// Kills it as `kill -9` would, and waits for its death.
    pub async fn kill(self) {
        self.child.kill().await;
    }

    /// Resolves when it has ended, for whatever reason.
    pub fn exited(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.child.exited()
    }
}

/// The wanted or any free port for HTTP. The native port, if one is wanted, must be free too.
fn choose_ports(settings: &ClickHouseSettings) -> Result<u16, EngineError> {
    if let Some(port) = settings.tcp_port {
        ports::choose(Engine::ClickHouse, Some(port))?;
    }
    ports::choose(Engine::ClickHouse, settings.http_port)
}

/// One attempt to start the engine.
async fn run(
    settings: &ClickHouseSettings,
    library: &ClickHouseLibrary,
    folder: &DataDir,
    http_port: u16,
    password: &str,
) -> Result<(Child, u32), EngineError> {
    let serve = serve(settings).join("; ");
    let words = [
        "--config-file",
        config::CONFIG,
        "--listen_host",
        "127.0.0.1",
        "--query",
        &serve,
    ];
    let mut args: Vec<OsString> = words.map(OsString::from).into();
    args.extend(["--path".into(), folder.path().join("data").into_os_string()]);
    args.extend(["--http_port".into(), http_port.to_string().into()]);
    if let Some(port) = settings.tcp_port {
        args.extend(["--tcp_port".into(), port.to_string().into()]);
    }
    let child = Child::launch(Launch {
        engine: Engine::ClickHouse,
        executable: settings.executable.clone(),
        mode: HOST,
        target: library.path().as_os_str(),
        args,
        // The engine takes its zone from here and nowhere else.
        env: vec![("TZ", settings.timezone.clone().into())],
        folder,
        logs: LOGS,
        console: "console.log",
        other_logs: &[ERROR_LOG],
        grace: GRACE,
    })?;
    let pid = child.server_pid().await?;
    let ready = async {
        while http::ping(http_port).await.is_none() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        loop {
            // Only our engine knows the password: another server on the port does not count.
            let query = "SELECT timezone()";
            if let Some(zone) = http::query(http_port, config::USER, password, query).await {
                return zone;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    let zone = tokio::select! {
        exit = child.exited() => return Err(EngineError::Exited(exit)),
        ready = tokio::time::timeout(READY_WITHIN, ready) => ready,
    };
    match zone {
        Ok(zone) if zone.trim() == settings.timezone => Ok((child, pid)),
        Ok(_) => {
            child.kill().await;
            Err(unknown_zone(settings))
        }
        Err(_) => {
            child.kill().await;
            let log = folder.path().join(LOGS).join(SERVER_LOG);
            Err(EngineError::NotReady {
                engine: Engine::ClickHouse,
                waited: READY_WITHIN,
                log,
            })
        }
    }
}

fn unknown_zone(settings: &ClickHouseSettings) -> EngineError {
    EngineError::Setting {
        what: "ClickHouse's time zone",
        value: settings.timezone.clone(),
        mend: "use a name like Europe/Rome or UTC",
    }
}
