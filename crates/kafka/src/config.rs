use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize, Serializer};

/// Connection to Kafka, and the names of topics and groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `host:port`, comma-separated. Empty: the local engine of `up` is used.
    pub bootstrap_servers: String,
    /// Topic of the events.
    pub topic: String,
    /// Topic for records that were rejected.
    pub dead_letter_topic: String,
    /// Topic for the log of erasures, which must outlive the database.
    pub erasure_topic: String,
    /// Consumer group.
    pub group: String,
    /// Static member name of this consumer (`group.instance.id`). Empty: dynamic membership.
    pub instance: String,
    /// Partitions of the events topic if this program creates it.
    pub partitions: i32,
    /// Replicas of the topics if this program creates them.
    pub replication: i32,
    /// `min.insync.replicas` of topics that this program creates: replicas that must hold a record
    /// before it is acknowledged. 0: the brokers' default.
    pub min_insync_replicas: i32,
    /// Further librdkafka properties, such as TLS and SASL settings. `_` stands for `.`, so that
    /// names can come from environment variables.
    #[serde(serialize_with = "without_secrets")]
    pub properties: BTreeMap<String, String>,
}

/// Properties that the delivery guarantees depend on, each with its only allowed value.
const GUARDED: [(&str, &str); 13] = [
    ("acks", "all"),
    ("request.required.acks", "all"),
    ("allow.auto.create.topics", "false"),
    ("auto.commit.enable", "false"),
    ("auto.offset.reset", "error"),
    ("check.crcs", "true"),
    ("delivery.report.only.error", "false"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("group.protocol", "classic"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("partitioner", "murmur2_random"),
];
/// Properties that have their own setting or must not be set, each with the advice to print.
const ELSEWHERE: [(&str, &str); 10] = [
    ("bootstrap.servers", "set kafka.bootstrap_servers"),
    ("metadata.broker.list", "set kafka.bootstrap_servers"),
    ("group.id", "set kafka.group"),
    ("group.instance.id", "set kafka.instance"),
    (
        "enable.idempotence",
        "leave it out: each writer sets its own",
    ),
    (
        "transactional.id",
        "leave it out: there are no transactions",
    ),
    (
        "group.remote.assignor",
        "leave it out: members share by cooperative-sticky",
    ),
    (
        "offset.store.method",
        "leave it out: offsets are the group's",
    ),
    (
        "enable.partition.eof",
        "leave it out: each reader sets its own",
    ),
    ("offset.store.path", "leave it out: offsets are the group's"),
];

/// Returns the librdkafka name of a property.
fn dotted(name: &str) -> String {
    name.trim().replace('_', ".").to_ascii_lowercase()
}

/// Serializes the properties with secret values masked.
fn without_secrets<S: Serializer>(
    properties: &BTreeMap<String, String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let secrets = ["password", "secret", "key.pem", "oauthbearer.config"];
    to.collect_map(properties.iter().map(|(name, value)| {
        let dotted = dotted(name);
        let is_secret = secrets.iter().any(|secret| dotted.contains(secret));
        (name, if is_secret { "(not shown)" } else { value })
    }))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bootstrap_servers: String::new(),
            topic: "affluenza.events".into(),
            dead_letter_topic: "affluenza.dead-letters".into(),
            erasure_topic: "affluenza.erasures".into(),
            group: "affluenza".into(),
            instance: String::new(),
            partitions: 1,
            replication: 1,
            min_insync_replicas: 0,
            properties: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Returns the problems of this configuration, one line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, value) in [
            ("kafka.topic", &self.topic),
            ("kafka.dead_letter_topic", &self.dead_letter_topic),
            ("kafka.erasure_topic", &self.erasure_topic),
        ] {
            let mut bytes = value.bytes();
            let is_plain = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if value.is_empty() || value.len() > 249 || !is_plain {
                problems.push(format!(
                    "{name} = {value:?}: use 1 to 249 letters, digits, '.', '_' or '-'"
                ));
            }
        }
        if self.topic == self.dead_letter_topic {
            problems.push("kafka.dead_letter_topic must differ from kafka.topic".into());
        }
        if [&self.topic, &self.dead_letter_topic].contains(&&self.erasure_topic) {
            problems.push("kafka.erasure_topic must differ from the other topics".into());
        }
        if self.group.is_empty() {
            problems.push("kafka.group is empty: give the consumer group a name".into());
        }
        if !(1..=10_000).contains(&self.partitions) {
            problems.push(format!(
                "kafka.partitions = {}: use 1 to 10000",
                self.partitions
            ));
        }
        if !(1..=100).contains(&self.replication) {
            problems.push(format!(
                "kafka.replication = {}: use 1 to 100",
                self.replication
            ));
        }
        if !(0..=self.replication).contains(&self.min_insync_replicas) {
            problems.push(format!(
                "kafka.min_insync_replicas = {}: use 0 to {}, the number of replicas",
                self.min_insync_replicas, self.replication
            ));
        }
        let properties = self.properties.iter();
        problems.extend(properties.filter_map(|(name, value)| guard_problem(name, value)));
        let protocol = self.property("security.protocol").unwrap_or_default();
        let mechanism = self.property("sasl.mechanism");
        let mechanism = mechanism.or_else(|| self.property("sasl.mechanisms"));
        let needs_tls = protocol.to_ascii_lowercase().contains("ssl")
            || mechanism.is_some_and(|name| name.to_ascii_uppercase().starts_with("SCRAM"));
        if needs_tls && !cfg!(feature = "tls") {
            problems.push(
                "kafka.properties: this program was built without TLS and SCRAM: build it with --features tls".into(),
            );
        }
        problems
    }

    pub(crate) fn property(&self, wanted: &str) -> Option<&str> {
        let found = self.properties.iter();
        let mut found = found.filter(|(name, _)| dotted(name) == wanted);
        found.next().map(|(_, value)| &**value)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", "affluenza")
            // A restarted broker is back within a second or two. The default backoff of up to ten
            // seconds would leave the consumer idle for longer.
            .set("reconnect.backoff.max.ms", "1000");
        self.add_properties(&mut client);
        client
    }

    /// Sets the configured properties, which override earlier ones.
    pub(crate) fn add_properties(&self, client: &mut ClientConfig) {
        for (name, value) in &self.properties {
            client.set(name.replace('_', "."), value);
        }
    }
}

/// Returns the problem of a property that operators must not set.
fn guard_problem(name: &str, value: &str) -> Option<String> {
    let plain = dotted(name);
    if let Some((_, ours)) = GUARDED.iter().find(|(guarded, _)| *guarded == plain) {
        // librdkafka accepts -1 for `all`.
        let value = value.trim();
        let is_same = value.eq_ignore_ascii_case(ours) || (*ours == "all" && value == "-1");
        return (!is_same).then(|| {
            format!(
                "kafka.properties.{name} = {value:?}: {plain} has to be {ours}, or records are lost or counted twice: leave it out"
            )
        });
    }
    let (_, instead) = ELSEWHERE.iter().find(|(known, _)| *known == plain)?;
    Some(format!("kafka.properties.{name}: {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Config {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config {
            properties: pairs.iter().map(own).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn properties_that_the_build_lacks_are_refused() {
        let ssl = with(&[("security_protocol", "sasl_ssl")]);
        let scram = with(&[("sasl.mechanism", "SCRAM-SHA-512")]);
        for config in [ssl, scram] {
            assert_eq!(config.problems().is_empty(), cfg!(feature = "tls"));
        }
        assert!(with(&[("sasl.mechanism", "PLAIN")]).problems().is_empty());
    }

    #[test]
    fn guards_are_not_overridden_in_any_spelling() {
        for (name, ours) in GUARDED {
            for name in [name.to_owned(), name.replace('.', "_"), name.to_uppercase()] {
                assert_eq!(with(&[(&name, ours)]).problems(), [""; 0], "{name}");
                let problems = with(&[(&name, "other")]).problems();
                assert_eq!(problems.len(), 1, "{name}");
                assert!(problems[0].contains(&name) && problems[0].contains(ours));
            }
        }
        for name in [
            "group_id",
            "group.id",
            "Group_Instance.id",
            "bootstrap_servers",
        ] {
            assert_eq!(with(&[(name, "x")]).problems().len(), 1, "{name}");
        }
        assert!(
            with(&[("session_timeout_ms", "30000")])
                .problems()
                .is_empty()
        );
    }
}
