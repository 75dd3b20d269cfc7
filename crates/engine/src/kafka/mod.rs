//! A Kafka node with broker and controller in one process, single or in a cluster.

mod layout;
mod probe;
mod properties;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::cache::{ClassArchive, KafkaJars};
use crate::child::{Child, ChildExit, ExitStatus, Launch, SUPERVISE};
use crate::folder::DataDir;
use crate::kept::Startable;
use crate::logs::LOGS;
use crate::ports::HealthAnswer;
use crate::{Engine, EngineError, logs, ports};
use layout::KafkaFolder;
use properties::Ports;

/// Time limit for a clean stop. A broker with much to flush needs seconds, and the first run also
/// writes the class archive.
const GRACE: Duration = Duration::from_secs(30);
/// Time limit for a start. After an unclean stop, Kafka recovers its logs.
const READY_WITHIN: Duration = Duration::from_secs(120);
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Minimum heap for a reliable start of the broker.
const HEAP_MIN_MIB: u32 = 128;
/// Exit codes of a clean stop; 143 is Java's after SIGTERM.
const CLEAN_CODES: &[i32] = &[0, 143];

/// Settings of a Kafka node.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// Folder for all files: `data`, `logs` and the configuration.
    pub dir: PathBuf,
    /// Port for clients; any free port if `None`.
    pub port: Option<u16>,
    /// Maximum heap size in MiB. The process needs about 150 MiB more.
    pub heap_mib: u32,
    /// True if records and offsets are synced to disk before they are acknowledged.
    pub sync_writes: bool,
    /// Additional broker properties, which override the defaults of this crate. The values of
    /// `listeners`, `advertised.listeners` and `listener.security.protocol.map` are added to those
    /// of the plain listener.
    pub properties: BTreeMap<String, String>,
    /// Logins that the first start creates, in the syntax of `kafka-storage format --add-scram`.
    /// They are visible in the process list during the format.
    pub scram: Vec<String>,
    /// Position in a cluster; `None` for a single node.
    pub member: Option<ClusterMember>,
}

/// Position of a node in a cluster. With three or more nodes, each topic has three replicas and
/// survives the loss of one node.
///
/// Start the nodes at the same time: no node is ready before most of them run. A node that ended
/// rejoins the cluster when it is started with the same settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMember {
    /// Cluster id: 22 digits of URL-safe base64, for sixteen bytes.
    pub cluster: String,
    /// Node number, counted from 1.
    pub number: usize,
    /// Controller ports of all nodes, in the order of their numbers.
    pub controllers: Vec<u16>,
}

impl ClusterMember {
    /// Controller port of this node.
    fn controller(&self) -> Option<u16> {
        self.controllers.get(self.number - 1).copied()
    }
}

impl KafkaSettings {
    /// Defaults: a free port, 512 MiB, all writes synced.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            heap_mib: 512,
            sync_writes: true,
            properties: BTreeMap::new(),
            scram: Vec::new(),
            member: None,
        }
    }

    fn check(&self) -> Result<(), EngineError> {
        if self.heap_mib < HEAP_MIN_MIB {
            return Err(EngineError::Setting {
                what: "Kafka's heap in MiB",
                value: self.heap_mib.to_string(),
                mend: "it needs 128 or more",
            });
        }
        properties::check_extra(&self.properties)
    }
}

/// A running Kafka. Dropping it kills it; [`Kafka::stop`] stops it cleanly.
#[derive(Debug)]
pub struct Kafka {
    child: Child,
    ports: Ports,
    cluster: String,
    archive: ClassArchive,
    _folder: DataDir,
}

impl Kafka {
    /// Starts Kafka on the folder, formats a new folder first, and waits until topics can be
    /// created.
    ///
    /// # Errors
    /// The folder is in use or not writable, a configured port is taken, or Kafka ended or did not
    /// answer.
    pub async fn start(settings: &KafkaSettings, jars: &KafkaJars) -> Result<Self, EngineError> {
        settings.check()?;
        let folder = DataDir::lock_or_wait(&settings.dir).await?;
        // Fails early if the port is taken, before the slow steps.
        ports::choose(Engine::Kafka, settings.port)?;
        let layout = KafkaFolder::prepare(&folder)?;
        let archive = jars.class_archive();
        if !layout.is_formatted() {
            format(settings, jars, &folder, &layout, &archive).await?;
        }
        let cluster = layout.cluster_id()?;
        let mut attempts = 0;
        loop {
            let ports = Ports::choose(settings.port, settings.member.as_ref())?;
            layout.write_server_properties(&ports, settings)?;
            let starting = Starting {
                settings,
                jars,
                folder: &folder,
                archive: &archive,
            };
            match starting.run(&ports, &cluster).await {
                Ok(child) => {
                    return Ok(Self {
                        child,
                        ports,
                        cluster,
                        archive,
                        _folder: folder,
                    });
                }
                Err(error) => ports::try_again(&mut attempts, error, &folder)?,
            }
        }
    }

    /// Value for a client's `bootstrap.servers`.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.broker)
    }

    /// Port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.broker
    }

    /// Process id of Java.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid
    }

    /// Stops Kafka cleanly, and kills it after 30 s.
    ///
    /// # Errors
    /// Kafka had ended before, or it had to be killed.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.stop_within(GRACE).await
    }

    /// Kills Kafka like `kill -9` and waits for its death.
    pub async fn kill(self) {
        self.child.kill().await;
    }

    /// Resolves when Kafka has ended, for any reason.
    pub fn exited(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.child.exited()
    }
}

impl Startable for Kafka {
    type Recipe = (KafkaSettings, KafkaJars);
    const ENGINE: Engine = Engine::Kafka;

    async fn start_from((settings, jars): &Self::Recipe) -> Result<Self, EngineError> {
        Self::start(settings, jars).await
    }

    fn keep_ports(&self, (mut settings, jars): Self::Recipe) -> Self::Recipe {
        settings.port = Some(self.port());
        (settings, jars)
    }

    fn any_port((mut settings, jars): Self::Recipe) -> Self::Recipe {
        settings.port = None;
        (settings, jars)
    }

    async fn look(&self) -> HealthAnswer {
        let port = self.ports.broker;
        ports::look(port, probe::is_ready(port, &self.cluster)).await
    }

    fn ended(&self) -> impl Future<Output = ChildExit> + Send + 'static {
        self.exited()
    }

    async fn stop_within(self, within: Duration) -> Result<(), EngineError> {
        self.child.stop(within, CLEAN_CODES).await?;
        self.archive.finish();
        Ok(())
    }

    async fn end_now(self) {
        self.kill().await;
    }
}

/// One attempt to start the server.
struct Starting<'a> {
    settings: &'a KafkaSettings,
    jars: &'a KafkaJars,
    folder: &'a DataDir,
    archive: &'a ClassArchive,
}

impl Starting<'_> {
    async fn run(&self, ports: &Ports, cluster: &str) -> Result<Child, EngineError> {
        let logs = self.folder.path().join(LOGS);
        logs::rotate(&logs.join(layout::SERVER_LOG))?;
        let mut args = java_options(self.settings.heap_mib, self.jars, layout::SERVER_LOG);
        if self.settings.member.is_some() {
            // Several nodes on one machine are for tests, so a fast start and low CPU use matter
            // more.
            args.insert(0, "-XX:TieredStopAtLevel=1".into());
        }
        args.extend(self.archive.use_or_write_option());
        args.extend(["kafka.Kafka", layout::SERVER_PROPERTIES].map(OsString::from));
        let child = Child::launch(Launch {
            engine: Engine::Kafka,
            mode: SUPERVISE,
            target: self.jars.java().as_os_str(),
            args,
            timezone: None,
            folder: self.folder,
            console: "console.log",
            other_log: layout::SERVER_LOG,
            grace: GRACE,
        })
        .await?;
        let ready = async {
            while !probe::is_ready(ports.broker, cluster).await {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let log = logs.join(layout::SERVER_LOG);
        let (child, ()) = child.ready_within(READY_WITHIN, log, ready).await?;
        Ok(child)
    }
}

/// Formats a temporary folder with Kafka's own tool.
async fn format(
    settings: &KafkaSettings,
    jars: &KafkaJars,
    folder: &DataDir,
    layout: &KafkaFolder,
    archive: &ClassArchive,
) -> Result<(), EngineError> {
    let cluster = layout.start_format(settings.member.as_ref())?;
    let mut args = java_options(HEAP_MIN_MIB, jars, "format.log");
    args.extend(archive.use_option());
    let words = [
        "kafka.tools.StorageTool",
        "format",
        "-c",
        layout::FORMAT_PROPERTIES,
        "-t",
    ];
    args.extend(words.map(OsString::from));
    args.push(cluster.into());
    for login in &settings.scram {
        args.extend(["--add-scram".into(), OsString::from(login)]);
    }
    let child = Child::launch(Launch {
        engine: Engine::Kafka,
        mode: SUPERVISE,
        target: jars.java().as_os_str(),
        args,
        timezone: None,
        folder,
        console: "format-console.log",
        other_log: "format.log",
        grace: GRACE,
    })
    .await?;
    let exit = child.exited().await;
    match exit.status {
        ExitStatus::Code(0) => layout.finish_format(),
        _ => Err(exit.explain(folder.path())),
    }
}

/// Builds the Java options, including the class path. All paths except those of the cache are
/// relative to the folder, which is the working directory.
fn java_options(heap_mib: u32, jars: &KafkaJars, log: &str) -> Vec<OsString> {
    let mut options: Vec<OsString> = [
        // The serial collector has the fewest threads; the machine has other work to do.
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        // Avoids leftovers: /tmp/hsperfdata_* and unpacked libraries.
        "-XX:-UsePerfData",
        "-Djava.io.tmpdir=tmp",
        "-XX:ErrorFile=logs/java-crash.log",
        "-Djava.awt.headless=true",
        "-Dlog4j2.configurationFile=log4j2.xml",
        "-Xshare:auto",
        // Silences the warnings about classes that cannot be archived.
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    ]
    .map(OsString::from)
    .into();
    options.push(format!("-Xmx{heap_mib}m").into());
    options.push(format!("-Daffluenza.log={}/{log}", LOGS).into());
    options.extend(["-cp".into(), jars.class_path().to_owned()]);
    options
}
