//! A Kafka node, broker and controller in one process: alone, or one of a cluster.

mod layout;
mod probe;
mod properties;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cache::{ClassArchive, KafkaJars};
use crate::child::{Child, ChildExit, ExitStatus, Launch, SUPERVISE};
use crate::folder::DataDir;
use crate::ports::Answer;
use crate::{Engine, EngineError, logs, ports};
use layout::Layout;
use properties::Ports;

/// How long a clean stop may take. A broker with much to flush needs seconds, and
/// the very first run also writes the class archive.
const GRACE: Duration = Duration::from_secs(30);
/// How long a start may take. An unclean stop makes it read its logs again.
const READY_WITHIN: Duration = Duration::from_secs(120);
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Below this heap the broker does not start reliably.
const HEAP_MIN_MIB: u32 = 128;
/// Java's exit code after SIGTERM, that is, after a clean stop.
const TERMINATED: i32 = 143;
/// What Java and Kafka write when a port is taken.
const PORT_TAKEN: &str = "Address already in use";

/// Where and how a Kafka runs.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// The folder for everything it writes: `data`, `logs` and its configuration.
    pub dir: PathBuf,
    /// The port for clients; any free one if `None`.
    pub port: Option<u16>,
    /// The most memory its heap may take, in MiB. The process takes some 150 MiB more.
    pub heap_mib: u32,
    /// Whether records and offsets are on the disk when they are acknowledged.
    pub sync_writes: bool,
    /// Broker properties beside, or instead of, those that this crate sets.
    pub properties: BTreeMap<String, String>,
    /// Encrypted listeners beside the plain one.
    pub secured: Vec<SecuredListener>,
    /// Logins that its first start makes, as `kafka-storage format --add-scram` takes them. They are
    /// seen in the list of processes meanwhile.
    pub scram: Vec<String>,
    /// Its place among the nodes of a cluster; alone if `None`. See [`KafkaSettings::cluster`].
    pub member: Option<ClusterMember>,
    /// The program that calls [`run_if_child`](crate::run_if_child), if not the running one.
    pub executable: Option<PathBuf>,
}

/// A listener for clients with TLS, with SASL or without, to try both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecuredListener {
    /// Its port.
    pub port: u16,
    /// Whether clients log in, by SASL.
    pub has_logins: bool,
    /// Kafka's properties of it: names without the prefix of the listener, such as `ssl.keystore.key`.
    pub properties: BTreeMap<String, String>,
}

/// A node's place in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMember {
    /// Identity of the cluster.
    cluster: String,
    /// Number of the node, from 1.
    number: usize,
    /// Ports of the controllers of all nodes, in the order of their numbers.
    controllers: Vec<u16>,
}

impl ClusterMember {
    /// The port of its own controller.
    fn controller(&self) -> Option<u16> {
        self.controllers.get(self.number - 1).copied()
    }
}

impl KafkaSettings {
    /// A cluster with a node for each pair of ports, the first for clients and the second for the
    /// nodes' own talk, in folders of their own under `dir`. With three nodes or more, each topic has
    /// three copies, and one of the nodes may be lost.
    ///
    /// Start the nodes at the same time: none is ready before most of them run. One that ended
    /// comes back when it is started with the same settings.
    #[must_use]
    pub fn cluster(dir: &Path, ports: &[(u16, u16)]) -> Vec<Self> {
        let cluster = layout::new_cluster_id();
        let controllers: Vec<u16> = ports.iter().map(|(_, controller)| *controller).collect();
        let node = |(number, (broker, _)): (usize, &(u16, u16))| Self {
            port: Some(*broker),
            heap_mib: 256,
            member: Some(ClusterMember {
                cluster: cluster.clone(),
                number,
                controllers: controllers.clone(),
            }),
            ..Self::new(dir.join(format!("kafka-{number}")))
        };
        (1..).zip(ports).map(node).collect()
    }

    /// A free port, 512 MiB, all writes synced.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            heap_mib: 512,
            sync_writes: true,
            properties: BTreeMap::new(),
            secured: Vec::new(),
            scram: Vec::new(),
            member: None,
            executable: None,
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

/// A running Kafka. Dropping it kills it; [`Kafka::stop`] is the polite way.
#[derive(Debug)]
pub struct Kafka {
    child: Child,
    pid: u32,
    ports: Ports,
    cluster: String,
    archive: ClassArchive,
    _folder: DataDir,
}

impl Kafka {
    /// Starts a Kafka on the folder, formatting it first if it is new, and waits until
    /// topics can be created.
    ///
    /// # Errors
    /// The folder is in use or cannot be written, a configured port is taken, or Kafka
    /// ended or did not answer.
    pub async fn start(settings: &KafkaSettings, jars: &KafkaJars) -> Result<Self, EngineError> {
        settings.check()?;
        let folder = DataDir::lock_or_wait(&settings.dir).await?;
        // Before anything takes long.
        ports::choose(Engine::Kafka, settings.port)?;
        let layout = Layout::prepare(&folder)?;
        let archive = jars.class_archive();
        if !layout.is_formatted() {
            format(settings, jars, &folder, &layout, &archive).await?;
        }
        let cluster = layout.cluster_id()?;
        let mut attempt = 1;
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
                Ok((child, pid)) => {
                    return Ok(Self {
                        child,
                        pid,
                        ports,
                        cluster,
                        archive,
                        _folder: folder,
                    });
                }
                Err(EngineError::Exited(exit)) if exit.said(PORT_TAKEN) => {
                    // Somebody took a port between our choice and Kafka's binding it.
                    if attempt == ports::ATTEMPTS {
                        let engine = Engine::Kafka;
                        return Err(EngineError::NoFreePort {
                            engine,
                            attempts: attempt,
                        });
                    }
                    attempt += 1;
                }
                Err(EngineError::Exited(exit)) => return Err(exit.explain(folder.path())),
                Err(other) => return Err(other),
            }
        }
    }

    /// What a client's `bootstrap.servers` must be.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.broker)
    }

    /// Its port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.broker
    }

    /// The process number of the Java process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops it cleanly and waits for its end, at most 30 s, then by force.
    ///
    /// # Errors
    /// It had ended before, or it had to be killed.
    pub async fn stop(self) -> Result<(), EngineError> {
        self.stop_within(GRACE).await
    }

    /// As [`Kafka::stop`], by force after `within`.
    ///
    /// # Errors
    /// It had ended before, or it had to be killed.
    pub async fn stop_within(self, within: Duration) -> Result<(), EngineError> {
        let exit = self.child.stop(within).await?;
        match exit.status {
            ExitStatus::Code(0 | TERMINATED) => {
                self.archive.finish();
                Ok(())
            }
            _ => Err(EngineError::Exited(exit)),
        }
    }

    /// Looks once if it answers clients.
    pub async fn look(&self) -> Answer {
        let question = async {
            let is_ready = probe::is_ready(self.ports.broker, &self.cluster).await;
            is_ready.then_some(())
        };
        ports::look(self.ports.broker, question).await
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

/// One attempt to start the server.
struct Starting<'a> {
    settings: &'a KafkaSettings,
    jars: &'a KafkaJars,
    folder: &'a DataDir,
    archive: &'a ClassArchive,
}

impl Starting<'_> {
    async fn run(&self, ports: &Ports, cluster: &str) -> Result<(Child, u32), EngineError> {
        let logs = self.folder.path().join(layout::LOGS);
        logs::rotate(&logs.join(layout::SERVER_LOG))?;
        let mut args = java_options(self.settings.heap_mib, self.jars, layout::SERVER_LOG);
        if self.settings.member.is_some() {
            // Several nodes on one machine are for trying: they shall start soon, and share it.
            args.insert(0, "-XX:TieredStopAtLevel=1".into());
        }
        args.extend(self.archive.use_or_write_option());
        args.extend(["kafka.Kafka", layout::SERVER_PROPERTIES].map(OsString::from));
        let child = Child::launch(Launch {
            engine: Engine::Kafka,
            executable: self.settings.executable.clone(),
            mode: SUPERVISE,
            target: self.jars.java().as_os_str(),
            args,
            env: Vec::new(),
            folder: self.folder,
            logs: layout::LOGS,
            console: "console.log",
            other_logs: &[layout::SERVER_LOG],
            grace: GRACE,
        })?;
        let pid = child.server_pid().await?;
        let ready = async {
            while !probe::is_ready(ports.broker, cluster).await {
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        tokio::select! {
            exit = child.exited() => Err(EngineError::Exited(exit)),
            ready = tokio::time::timeout(READY_WITHIN, ready) => match ready {
                Ok(()) => Ok((child, pid)),
                Err(_) => {
                    child.kill().await;
                    let log = logs.join(layout::SERVER_LOG);
                    Err(EngineError::NotReady { engine: Engine::Kafka, waited: READY_WITHIN, log })
                }
            },
        }
    }
}

/// Runs Kafka's own formatting tool on a folder beside the final one.
async fn format(
    settings: &KafkaSettings,
    jars: &KafkaJars,
    folder: &DataDir,
    layout: &Layout,
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
        executable: settings.executable.clone(),
        mode: SUPERVISE,
        target: jars.java().as_os_str(),
        args,
        env: Vec::new(),
        folder,
        logs: layout::LOGS,
        console: "format-console.log",
        other_logs: &["format.log"],
        grace: GRACE,
    })?;
    let exit = child.exited().await;
    match exit.status {
        ExitStatus::Code(0) => layout.finish_format(),
        _ => Err(exit.explain(folder.path())),
    }
}

/// Java's options, up to and including the class path. All paths but those of the
/// cache are relative to the folder, which is the working directory.
fn java_options(heap_mib: u32, jars: &KafkaJars, log: &str) -> Vec<OsString> {
    let mut options: Vec<OsString> = [
        // The collector with the fewest threads: the machine has other work to do.
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        // Neither /tmp/hsperfdata_* nor unpacked libraries are left behind.
        "-XX:-UsePerfData",
        "-Djava.io.tmpdir=tmp",
        "-XX:ErrorFile=logs/java-crash.log",
        "-Djava.awt.headless=true",
        "-Dlog4j2.configurationFile=log4j2.xml",
        "-Xshare:auto",
        // What could not be archived, or used from an archive, is nobody's concern.
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    ]
    .map(OsString::from)
    .into();
    options.push(format!("-Xmx{heap_mib}m").into());
    options.push(format!("-Daffluenza.log={}/{log}", layout::LOGS).into());
    options.extend(["-cp".into(), jars.class_path().to_owned()]);
    options
}
