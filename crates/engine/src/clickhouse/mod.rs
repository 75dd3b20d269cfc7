//! A ClickHouse server, hosted in a separate process.

mod config;
mod http;
mod repair;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::cache::ClickHouseLibrary;
use crate::child::{Child, ChildExit, HOST, Launch};
use crate::folder::DataDir;
use crate::kept::Startable;
use crate::logs::LOGS;
use crate::ports::HealthAnswer;
use crate::{Engine, EngineError, logs, ports};
pub use config::RowReader;
pub use repair::RepairReport;
use repair::repair_deduplication_logs;

/// Time limit for a clean stop, which waits for running inserts and merges.
const GRACE: Duration = Duration::from_secs(20);
/// Time limit for a start. Loading tables with many parts takes most of it.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// Below this limit the engine refuses ordinary queries.
const MEMORY_MIN_MIB: u32 = 256;
/// Log message for an unknown time zone.
const ZONE_UNKNOWN: &str = "Cannot load time zone";

const SERVER_LOG: &str = "server.log";
const ERROR_LOG: &str = "error.log";
/// File that ClickHouse creates at its start and removes at a clean stop.
const STATUS: &str = "status";

/// Last statement of the engine's session: copies standard input, which stays empty, to a null
/// table. The statement, and with it the engine, ends with the input.
///
/// An `INSERT` works without any right on files for the passwordless session user. A `SELECT` from
/// standard input would need rights that let every local user read and write files as this user.
const LAST: &str =
    "INSERT INTO FUNCTION null('line String') FROM INFILE '/dev/stdin' FORMAT LineAsString";

/// Returns the statements of the engine's session: they open the interfaces, and the last one
/// blocks.
fn serve(settings: &ClickHouseSettings) -> Vec<&'static str> {
    let native = settings.tcp_port.map(|_| "SYSTEM START LISTEN TCP");
    let mut statements = vec!["SYSTEM START LISTEN HTTP"];
    statements.extend(native);
    statements.push(LAST);
    statements
}

/// Settings of a ClickHouse server.
#[derive(Debug, Clone)]
pub struct ClickHouseSettings {
    /// Folder for all files: `data`, `logs`, configuration and passwords.
    pub dir: PathBuf,
    /// HTTP port; any free port if `None`.
    pub http_port: Option<u16>,
    /// Port of the native protocol; closed if `None`. Fifty stray bytes on this port end the
    /// engine.
    pub tcp_port: Option<u16>,
    /// IANA name of the time zone for dates and hours.
    pub timezone: String,
    /// Memory limit in MiB, including caches.
    pub memory_mib: u32,
    /// True if inserts and merges are synced to disk before they are acknowledged.
    pub sync_writes: bool,
    /// Additional users that read some rows of some tables.
    pub readers: Vec<RowReader>,
    /// True if the deduplication logs are repaired before the start. False mimics a regular server,
    /// which keeps the tokens of lost parts.
    pub repairs_tokens: bool,
    /// Further sections of the server configuration, as XML, such as `remote_servers`.
    pub sections: String,
}

impl ClickHouseSettings {
    /// Defaults: a free HTTP port, no native port, UTC, 2 GiB, all writes synced.
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
            repairs_tokens: true,
            sections: String::new(),
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

/// A running ClickHouse. Dropping it kills it; [`ClickHouse::stop`] stops it cleanly.
#[derive(Debug)]
pub struct ClickHouse {
    child: Child,
    http_port: u16,
    tcp_port: Option<u16>,
    password: String,
    reader_password: String,
    repair: RepairReport,
    is_after_crash: bool,
    _folder: DataDir,
}

impl ClickHouse {
    /// Starts ClickHouse on the folder and waits until its user can log in. Repairs the
    /// deduplication logs first, unless the settings disable that.
    ///
    /// # Errors
    /// The folder is in use or not writable, a configured port is taken, or the time zone is
    /// unknown. Also if ClickHouse ended or did not answer.
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
        config::write(folder.path(), settings, &password, &reader_password)?;
        // The engine must not run during the repair; the folder lock guarantees that.
        let repair = if settings.repairs_tokens {
            repair_deduplication_logs(&data)?
        } else {
            RepairReport::default()
        };
        let is_after_crash = data.join(STATUS).exists() || !repair.lost_parts.is_empty();
        for name in [SERVER_LOG, ERROR_LOG] {
            logs::rotate(&logs.join(name))?;
        }
        let mut attempts = 0;
        loop {
            let http_port = choose_ports(settings)?;
            match run(settings, library, &folder, http_port, &password).await {
                Ok(child) => {
                    return Ok(Self {
                        child,
                        http_port,
                        tcp_port: settings.tcp_port,
                        password,
                        reader_password,
                        repair,
                        is_after_crash,
                        _folder: folder,
                    });
                }
                Err(EngineError::Exited(exit)) if exit.said(ZONE_UNKNOWN) => {
                    return Err(unknown_zone(settings));
                }
                Err(error) => ports::try_again(&mut attempts, error, &folder)?,
            }
        }
    }

    /// URL of the HTTP interface, without a path: `http://127.0.0.1:8123`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Port of the HTTP interface.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// Port of the native interface, if open.
    #[must_use]
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp_port
    }

    /// Name of the user with all rights.
    #[must_use]
    pub fn user(&self) -> &'static str {
        config::USER
    }

    /// Password of that user, generated when the folder was new.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Name of the read-only user.
    #[must_use]
    pub fn reader(&self) -> &'static str {
        config::READER
    }

    /// Password of that user, generated when the folder was new.
    #[must_use]
    pub fn reader_password(&self) -> &str {
        &self.reader_password
    }

    /// Process id of the engine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid
    }

    /// Result of the repair before this start.
    #[must_use]
    pub fn repair(&self) -> &RepairReport {
        &self.repair
    }

    /// True if the previous run did not end cleanly or lost parts.
    #[must_use]
    pub fn is_after_crash(&self) -> bool {
        self.is_after_crash
    }

    /// Stops the engine cleanly, and kills it after 20 s.
    ///
    /// # Errors
    /// The engine had ended before, or it had to be killed.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.stop_within(GRACE).await
    }

    /// Kills the engine like `kill -9` and waits for its death.
    pub async fn kill(self) {
        self.child.kill().await;
    }

    /// Resolves when the engine has ended, for any reason.
    pub fn exited(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.child.exited()
    }
}

impl Startable for ClickHouse {
    type Recipe = (ClickHouseSettings, ClickHouseLibrary);
    const ENGINE: Engine = Engine::ClickHouse;

    async fn start_from((settings, library): &Self::Recipe) -> Result<Self, EngineError> {
        Self::start(settings, library).await
    }

    fn keep_ports(&self, (mut settings, library): Self::Recipe) -> Self::Recipe {
        settings.http_port = Some(self.http_port());
        (settings, library)
    }

    fn any_port((mut settings, library): Self::Recipe) -> Self::Recipe {
        settings.http_port = None;
        (settings, library)
    }

    async fn look(&self) -> HealthAnswer {
        ports::look(self.http_port, http::is_up(self.http_port)).await
    }

    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.exited()
    }

    async fn stop_within(self, within: Duration) -> Result<(), EngineError> {
        self.child.stop(within, &[0]).await
    }

    async fn end_now(self) {
        self.kill().await;
    }
}

/// Chooses the HTTP port and checks that the native port, if configured, is free.
fn choose_ports(settings: &ClickHouseSettings) -> Result<u16, EngineError> {
    if let Some(port) = settings.tcp_port {
        ports::choose(Engine::ClickHouse, Some(port))?;
    }
    ports::choose(Engine::ClickHouse, settings.http_port)
}

/// Makes one attempt to start the engine.
async fn run(
    settings: &ClickHouseSettings,
    library: &ClickHouseLibrary,
    folder: &DataDir,
    http_port: u16,
    password: &str,
) -> Result<Child, EngineError> {
    let serve = serve(settings).join("; ");
    let words = [
        "--config-file",
        config::CONFIG,
        "--listen_host",
        "127.0.0.1",
        // Without this, a client's query at the wrong moment would refuse the session's statements
        // and so end the engine. The limit of the session's user is for strangers.
        "--max_concurrent_queries_for_all_users",
        "0",
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
        mode: HOST,
        target: library.path().as_os_str(),
        args,
        // The engine reads its time zone only from the environment.
        timezone: Some(&settings.timezone),
        folder,
        console: "console.log",
        other_log: ERROR_LOG,
        grace: GRACE,
    })
    .await?;
    let ready = async {
        while !http::is_up(http_port).await {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        loop {
            // Only this engine knows the password, so another server on the port is not mistaken
            // for it.
            let query = "SELECT timezone()";
            if let Some(zone) = http::query(http_port, config::USER, password, query).await {
                return zone;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    let log = folder.path().join(LOGS).join(SERVER_LOG);
    let (child, zone) = child.ready_within(READY_WITHIN, log, ready).await?;
    if zone.trim() != settings.timezone {
        child.kill().await;
        return Err(unknown_zone(settings));
    }
    Ok(child)
}

fn unknown_zone(settings: &ClickHouseSettings) -> EngineError {
    EngineError::Setting {
        what: "ClickHouse's time zone",
        value: settings.timezone.clone(),
        mend: "use a name like Europe/Rome or UTC",
    }
}
