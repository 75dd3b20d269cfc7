//! Broker properties.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{ClusterMember, SecuredListener};
use crate::{Engine, EngineError, ports};

/// Properties of a node on a small machine, except its addresses.
const FIXED: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    (
        "listener.security.protocol.map",
        "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    ),
    ("inter.broker.listener.name", "BROKER"),
    ("controller.listener.names", "CONTROLLER"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.num.partitions", "4"),
    ("share.coordinator.state.topic.num.partitions", "4"),
    // A misspelt topic name is an error and must not create a topic.
    ("auto.create.topics.enable", "false"),
    // A consumer starts at once and does not wait for others to join its group.
    ("group.initial.rebalance.delay.ms", "0"),
    // No broker-wide retention: each topic sets its own. Retention uses record timestamps, which
    // are event times here, so replayed years would expire on arrival.
    ("log.retention.ms", "-1"),
    // Offset metadata holds the intents, so committed offsets must outlive a quiet period (Kafka's
    // default is one week). Ten years, in minutes.
    ("offsets.retention.minutes", "5256000"),
    ("log.segment.bytes", "268435456"),
    // Kafka's default, set explicitly because the batch size depends on it.
    ("message.max.bytes", "1048588"),
    // Thread counts for two cores.
    ("num.network.threads", "2"),
    ("num.io.threads", "4"),
    ("background.threads", "4"),
    ("num.recovery.threads.per.data.dir", "2"),
    // The default takes 128 MiB of heap for compaction, which only small topics need here.
    ("log.cleaner.dedupe.buffer.size", "16777216"),
    // Fewer empty records in the metadata log of an idle node (default: two a second).
    ("metadata.max.idle.interval.ms", "5000"),
];

/// Syncs each batch to disk before it is acknowledged or readable, so that an offset never stands
/// for a record lost in a power cut. This includes Kafka's own topics: one of them holds the
/// offsets and their metadata. The metadata log is always synced.
pub(super) const SYNCED: [(&str, &str); 1] = [("log.flush.interval.messages", "1")];

/// Replication factors of all topics, including Kafka's own.
const COPIES: [&str; 4] = [
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
];
/// Minimum numbers of in-sync replicas for an acknowledgement.
const COPIES_IN_SYNC: [&str; 3] = [
    "min.insync.replicas",
    "transaction.state.log.min.isr",
    "share.coordinator.state.topic.min.isr",
];

/// Properties that tie the node to its folder and ports.
const OURS: [&str; 5] = [
    "node.id",
    "listeners",
    "advertised.listeners",
    "controller.quorum.voters",
    "log.dirs",
];

/// Ports of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    /// Port for clients.
    pub broker: u16,
    /// Port for the node's own controller.
    pub controller: u16,
}

impl Ports {
    /// Placeholders for the formatting tool, which reads ports but binds none.
    pub(super) const UNUSED: Self = Self {
        broker: 9092,
        controller: 9093,
    };

    /// Chooses the configured or a free broker port, and the member's or a free controller port.
    pub(super) fn choose(
        broker: Option<u16>,
        member: Option<&ClusterMember>,
    ) -> Result<Self, EngineError> {
        let broker = ports::choose(Engine::Kafka, broker)?;
        if let Some(controller) = member.and_then(ClusterMember::controller) {
            let controller = ports::choose(Engine::Kafka, Some(controller))?;
            return Ok(Self { broker, controller });
        }
        loop {
            let controller = ports::choose(Engine::Kafka, None)?;
            if controller != broker {
                return Ok(Self { broker, controller });
            }
        }
    }
}

/// Rejects properties that would detach the node from its folder or ports.
pub(super) fn check_extra(extra: &BTreeMap<String, String>) -> Result<(), EngineError> {
    let fixed = &FIXED[..4];
    let found = extra.keys().find(|key| {
        let key = key.as_str();
        OURS.contains(&key) || fixed.iter().any(|(name, _)| *name == key)
    });
    match found {
        None => Ok(()),
        Some(key) => Err(EngineError::Setting {
            what: "a property of the local Kafka",
            value: key.clone(),
            mend: "the local Kafka sets that one, leave it out",
        }),
    }
}

/// Builds the text of the properties file. `member` is `None` for a single node.
pub(super) fn server(
    ports: &Ports,
    log_dir: &str,
    extra: &BTreeMap<String, String>,
    member: Option<&ClusterMember>,
) -> String {
    let Ports { broker, controller } = ports;
    let mut all: BTreeMap<&str, String> = FIXED
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    let nodes = member.map_or(1, |member| member.controllers.len());
    // A single node holds the only replica. A cluster of three may lose one node.
    let (copies, in_sync) = (nodes.min(3), nodes.min(3).div_ceil(2));
    all.extend(COPIES.map(|key| (key, copies.to_string())));
    all.extend(COPIES_IN_SYNC.map(|key| (key, in_sync.to_string())));
    all.extend(
        extra
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone())),
    );
    all.extend([
        (
            "listeners",
            format!("BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}"),
        ),
        (
            "advertised.listeners",
            format!("BROKER://127.0.0.1:{broker}"),
        ),
        (
            "node.id",
            member.map_or(1, |member| member.number).to_string(),
        ),
        (
            "controller.quorum.voters",
            voters(member.map_or(&[*controller], |member| &member.controllers)),
        ),
        ("log.dirs", log_dir.to_owned()),
    ]);
    let mut text = "# Rewritten at each start.\n".to_owned();
    for (key, value) in all {
        text.push_str(&escape(key));
        text.push('=');
        text.push_str(&escape(&value));
        text.push('\n');
    }
    text
}

/// Controller quorum voters, numbered from 1.
fn voters(controllers: &[u16]) -> String {
    let voters: Vec<String> = (1..)
        .zip(controllers)
        .map(|(number, port)| format!("{number}@127.0.0.1:{port}"))
        .collect();
    voters.join(",")
}

/// Properties of the encrypted listeners, except their addresses.
pub(super) fn of_secured(listeners: &[SecuredListener]) -> impl Iterator<Item = (String, String)> {
    let numbered = (1..).zip(listeners);
    numbered.flat_map(|(number, listener): (usize, _)| {
        let own = listener.properties.iter();
        own.map(move |(name, value)| {
            (
                format!("listener.name.secured{number}.{name}"),
                value.clone(),
            )
        })
    })
}

/// Adds the encrypted listeners to the addresses.
pub(super) fn with_secured(text: &str, listeners: &[SecuredListener]) -> String {
    let lines = text.lines().map(|line| {
        let key = line.split_once('=').map(|(key, _)| key);
        let mut line = line.to_owned();
        for (number, listener) in (1..).zip(listeners) {
            let SecuredListener {
                port, has_logins, ..
            } = listener;
            let _ = match key {
                Some("listeners") => write!(line, ",SECURED{number}://127.0.0.1:{port}"),
                // Certificates contain host names, not addresses.
                Some("advertised.listeners") => {
                    write!(line, ",SECURED{number}://localhost:{port}")
                }
                Some("listener.security.protocol.map") => {
                    let protocol = if *has_logins { "SASL_SSL" } else { "SSL" };
                    write!(line, ",SECURED{number}:{protocol}")
                }
                _ => Ok(()),
            };
        }
        line + "\n"
    });
    lines.collect()
}

/// Escapes a value for a Java properties file, which is read as Latin-1.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, unit) in text.encode_utf16().enumerate() {
        match u8::try_from(unit).map(char::from) {
            Ok(char @ ('\\' | '=' | '#' | '!')) => escaped.extend(['\\', char]),
            Ok(' ') if at == 0 => escaped.push_str("\\ "),
            Ok(char @ ' '..='~') => escaped.push(char),
            _ => write!(escaped, "\\u{unit:04x}").expect("writing to a string cannot fail"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_of_three_keeps_three_copies_and_needs_two() {
        let member = ClusterMember {
            cluster: "c".into(),
            number: 2,
            controllers: vec![12_001, 12_002, 12_003],
        };
        let ports = Ports {
            broker: 19_092,
            controller: 12_002,
        };
        let text = server(&ports, "data", &BTreeMap::new(), Some(&member));
        for line in [
            "node.id=2",
            "controller.quorum.voters=1@127.0.0.1:12001,2@127.0.0.1:12002,3@127.0.0.1:12003",
            "offsets.topic.replication.factor=3",
            "min.insync.replicas=2",
        ] {
            assert!(text.contains(&format!("\n{line}\n")), "{line}: {text}");
        }
    }

    #[test]
    fn the_operators_properties_win_but_not_over_folder_and_ports() {
        let extra = BTreeMap::from([
            ("num.io.threads".to_owned(), "8".to_owned()),
            ("broker.rack".to_owned(), "città\nx=1".to_owned()),
        ]);
        check_extra(&extra).unwrap();
        let ports = Ports {
            broker: 19092,
            controller: 19093,
        };
        let text = server(&ports, "data", &extra, None);
        assert!(text.contains("\nnum.io.threads=8\n"));
        assert!(text.contains("\nbroker.rack=citt\\u00e0\\u000ax\\=1\n"));
        assert!(text.contains("\ncontroller.quorum.voters=1@127.0.0.1:19093\n"));

        let taken = BTreeMap::from([("log.dirs".to_owned(), "/tmp".to_owned())]);
        assert!(matches!(
            check_extra(&taken),
            Err(EngineError::Setting { .. })
        ));
        let taken = BTreeMap::from([("node.id".to_owned(), "2".to_owned())]);
        assert!(matches!(
            check_extra(&taken),
            Err(EngineError::Setting { .. })
        ));
    }
}
