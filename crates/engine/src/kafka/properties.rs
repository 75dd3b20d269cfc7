//! Broker properties.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::ClusterMember;
use crate::{Engine, EngineError, ports};

/// Properties of a node on a small machine, except its addresses.
const FIXED: &str = include_str!("../../assets/server.properties");

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

/// Properties that tie the node to its folder and its quorum.
const OURS: [&str; 6] = [
    "controller.listener.names",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "log.dirs",
    "node.id",
    "process.roles",
];

/// Properties to which a setting adds listeners.
const LISTENERS: [&str; 3] = [
    "advertised.listeners",
    "listener.security.protocol.map",
    "listeners",
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

/// Rejects properties that would detach the node from its folder or its quorum.
pub(super) fn check_extra(extra: &BTreeMap<String, String>) -> Result<(), EngineError> {
    match extra.keys().find(|key| OURS.contains(&key.as_str())) {
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
    let fixed = FIXED.lines().filter(|line| !line.starts_with('#'));
    let mut all: BTreeMap<&str, String> = fixed
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.to_owned()))
        .collect();
    let nodes = member.map_or(1, |member| member.controllers.len());
    // A single node holds the only replica. A cluster of three may lose one node.
    let (copies, in_sync) = (nodes.min(3), nodes.min(3).div_ceil(2));
    all.extend(COPIES.map(|key| (key, copies.to_string())));
    all.extend(COPIES_IN_SYNC.map(|key| (key, in_sync.to_string())));
    let listener = format!("BROKER://127.0.0.1:{broker}");
    let voters = voters(member.map_or(&[*controller], |member| &member.controllers));
    all.extend([
        (
            "listeners",
            format!("{listener},CONTROLLER://127.0.0.1:{controller}"),
        ),
        ("advertised.listeners", listener),
        (
            "node.id",
            member.map_or(1, |member| member.number).to_string(),
        ),
        ("controller.quorum.voters", voters),
        ("log.dirs", log_dir.to_owned()),
    ]);
    for (key, value) in extra {
        match all.get_mut(key.as_str()) {
            Some(own) if LISTENERS.contains(&key.as_str()) => *own = format!("{own},{value}"),
            _ => drop(all.insert(key, value.clone())),
        }
    }
    let lines = all
        .iter()
        .map(|(key, value)| format!("{}={}\n", escape(key), escape(value)));
    "# Rewritten at each start.\n".to_owned() + &lines.collect::<String>()
}

/// Controller quorum voters, numbered from 1.
fn voters(controllers: &[u16]) -> String {
    let voters: Vec<String> = (1..)
        .zip(controllers)
        .map(|(number, port)| format!("{number}@127.0.0.1:{port}"))
        .collect();
    voters.join(",")
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

    fn text(extra: &[(&str, &str)], member: Option<&ClusterMember>) -> Result<String, EngineError> {
        let extra = extra.iter();
        let extra = extra.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let extra = extra.collect();
        check_extra(&extra)?;
        let ports = Ports {
            broker: 19_092,
            controller: 12_002,
        };
        Ok(server(&ports, "data", &extra, member))
    }

    #[test]
    fn a_cluster_of_three_keeps_three_copies_and_needs_two() {
        let member = ClusterMember {
            cluster: "c".into(),
            number: 2,
            controllers: vec![12_001, 12_002, 12_003],
        };
        let text = text(&[], Some(&member)).unwrap();
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
    fn the_operators_properties_win_but_not_over_folder_and_quorum() {
        let extra = [
            ("num.io.threads", "8"),
            ("broker.rack", "città\nx=1"),
            ("listeners", "TLS://127.0.0.1:7"),
            ("advertised.listeners", "TLS://localhost:7"),
            ("listener.security.protocol.map", "TLS:SSL"),
        ];
        let written = text(&extra, None).unwrap();
        for line in [
            "num.io.threads=8",
            "broker.rack=citt\\u00e0\\u000ax\\=1",
            "controller.quorum.voters=1@127.0.0.1:12002",
            "listeners=BROKER://127.0.0.1:19092,CONTROLLER://127.0.0.1:12002,TLS://127.0.0.1:7",
            "advertised.listeners=BROKER://127.0.0.1:19092,TLS://localhost:7",
            "listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL",
            "group.initial.rebalance.delay.ms=0",
        ] {
            let line = format!("\n{line}\n");
            assert!(written.contains(&line), "{line}: {written}");
        }
        for (taken, value) in [("log.dirs", "/tmp"), ("node.id", "2")] {
            let refused = text(&[(taken, value)], None);
            assert!(matches!(refused, Err(EngineError::Setting { .. })));
        }
    }
}
